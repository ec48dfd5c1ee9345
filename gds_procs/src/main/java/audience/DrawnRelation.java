package audience;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.neo4j.graphdb.Node;
import org.neo4j.graphdb.NotFoundException;
import org.neo4j.graphdb.Relationship;
import org.neo4j.graphdb.RelationshipType;

/**
 * A relation as it is drawn: between two stored nodes, of a type that tells its score, and in no store.
 *
 * Browser's style sheets set the width of a whole type, so the type is a band of scores. Its id is negative, which no
 * stored relationship has.
 */
final class DrawnRelation implements Relationship {
    private static final int BANDS = 5;

    private final long id;
    private final Node start;
    private final Node end;
    private final RelationshipType type;
    private final Map<String, Object> properties;

    DrawnRelation(int number, Node start, Node end, double score, boolean confirmed, String version) {
        this.id = -1L - number;
        this.start = start;
        this.end = end;
        this.type = RelationshipType.withName((confirmed ? "CONFIRMED_" : "SCORE_") + band(score));
        this.properties = new LinkedHashMap<>();
        properties.put("score", score);
        properties.put("shown", Math.round(score * 100) / 100.0);
        properties.put("confirmed", confirmed);
        properties.put("version", version);
    }

    /** Return the same as a map: Cypher looks for the properties of a relationship in the store. */
    Map<String, Object> told() {
        Map<String, Object> told = new LinkedHashMap<>();
        told.put("source", AskProcedures.id(start));
        told.put("target", AskProcedures.id(end));
        told.putAll(properties);
        return told;
    }

    /** Return the fifth that a score from 0 to 1 lies in, in percent: 0_20, 20_40, 40_60, 60_80 or 80_100. */
    static String band(double score) {
        int fifth = Math.min(BANDS - 1, Math.max(0, (int) Math.floor(score * BANDS)));
        int width = 100 / BANDS;
        return fifth * width + "_" + (fifth + 1) * width;
    }

    @Override
    public long getId() {
        return id;
    }

    @Override
    public String getElementId() {
        return "drawn:" + id;
    }

    @Override
    public Node getStartNode() {
        return start;
    }

    @Override
    public Node getEndNode() {
        return end;
    }

    @Override
    public Node getOtherNode(Node node) {
        if (!node.equals(start) && !node.equals(end)) {
            throw new NotFoundException(node + " is no end of " + getElementId());
        }
        return node.equals(start) ? end : start;
    }

    @Override
    public Node[] getNodes() {
        return new Node[] {start, end};
    }

    @Override
    public RelationshipType getType() {
        return type;
    }

    @Override
    public boolean isType(RelationshipType other) {
        return type.name().equals(other.name());
    }

    @Override
    public boolean hasProperty(String key) {
        return properties.containsKey(key);
    }

    @Override
    public Object getProperty(String key) {
        if (!hasProperty(key)) {
            throw new NotFoundException(getElementId() + " has no property " + key);
        }
        return properties.get(key);
    }

    @Override
    public Object getProperty(String key, Object usual) {
        return properties.getOrDefault(key, usual);
    }

    @Override
    public Iterable<String> getPropertyKeys() {
        return properties.keySet();
    }

    @Override
    public Map<String, Object> getProperties(String... keys) {
        Map<String, Object> found = new HashMap<>(properties);
        found.keySet().retainAll(java.util.Arrays.asList(keys));
        return found;
    }

    @Override
    public Map<String, Object> getAllProperties() {
        return new HashMap<>(properties);
    }

    @Override
    public void setProperty(String key, Object value) {
        throw notStored();
    }

    @Override
    public Object removeProperty(String key) {
        throw notStored();
    }

    @Override
    public void delete() {
        throw notStored();
    }

    private static UnsupportedOperationException notStored() {
        return new UnsupportedOperationException("a drawn relation is in no store");
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof DrawnRelation drawn && drawn.id == id && drawn.start.equals(start)
                && drawn.end.equals(end);
    }

    @Override
    public int hashCode() {
        return Long.hashCode(id);
    }
}
