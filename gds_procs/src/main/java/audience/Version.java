package audience;

import java.util.Comparator;
import java.util.Objects;
import java.util.Set;
import org.neo4j.graphdb.Direction;
import org.neo4j.graphdb.Label;
import org.neo4j.graphdb.Node;
import org.neo4j.graphdb.Relationship;
import org.neo4j.graphdb.RelationshipType;
import org.neo4j.graphdb.ResourceIterator;
import org.neo4j.graphdb.Transaction;

/**
 * One relation version.
 *
 * @param meanInDegree NaN where staging left none
 * @param stamp tells one made anew under the same name
 */
record Version(String name, String week, String relationType, double meanInDegree, String stamp) {

    private static final Label RELATION_VERSION = Label.label("RelationVersion");
    private static final Label CURRENT = Label.label("Current");
    private static final RelationshipType IS = RelationshipType.withName("IS");
    /** What is not whole; one that is staged is, and clients that are ahead of the mirror read it by its name. */
    private static final Set<String> PARTIAL = Set.of("staging", "retiring", "retired", "failed");

    /** Return the version that the options name: by itself, by week, else the current one. */
    static Version find(Transaction tx, Options options) {
        if (options.version() != null) {
            return byName(tx, "options.version", options.version());
        }
        if (options.week() != null) {
            return ofWeek(tx, "options.week", options.week());
        }
        Node current = current(tx);
        if (current == null) {
            throw new IllegalStateException(
                    "nothing is published yet: no (:Current)-[:IS]->(:RelationVersion); publish a release, "
                            + "or name one by options.week or options.version");
        }
        return of(current);
    }

    /** Return the version of that name, published or staged; `argument` names it in what is raised. */
    static Version byName(Transaction tx, String argument, String name) {
        if (name == null) {
            throw new IllegalArgumentException(argument + " must name a relation version, such as 2026-W30-1a2b3c4d");
        }
        Node node = tx.findNode(RELATION_VERSION, "version", name);
        if (node == null) {
            throw new IllegalArgumentException(argument + ": there is no relation version " + name);
        }
        String status = status(node);
        if (PARTIAL.contains(status)) {
            throw new IllegalArgumentException(argument + ": relation version " + name + " is " + status
                    + " and not whole; audience.week names those of a week that may be read");
        }
        return of(node);
    }

    /** Return the version of a week, or the one of that name; `argument` names it in what is raised. */
    static Version named(Transaction tx, String argument, String name) {
        if (name == null || name.isBlank()) {
            throw new IllegalArgumentException(argument + " must be a week such as 2026-W30, or a relation version");
        }
        return name.matches("\\d{4}-W\\d{2}") ? ofWeek(tx, argument, name) : byName(tx, argument, name);
    }

    private static Version ofWeek(Transaction tx, String argument, String week) {
        Node current = current(tx);
        if (current != null && week.equals(current.getProperty("week", null))) {
            return of(current);
        }
        return newest(tx, argument, week);
    }

    private static Node current(Transaction tx) {
        try (ResourceIterator<Node> nodes = tx.findNodes(CURRENT)) {
            while (nodes.hasNext()) {
                Relationship is = nodes.next().getSingleRelationship(IS, Direction.OUTGOING);
                if (is != null) {
                    return is.getEndNode();
                }
            }
        }
        return null;
    }

    private static Version newest(Transaction tx, String argument, String week) {
        try (ResourceIterator<Node> nodes = tx.findNodes(RELATION_VERSION, "week", week)) {
            return nodes.stream()
                    .filter(node -> !PARTIAL.contains(status(node)) && !status(node).equals("staged"))
                    .max(Comparator.comparing((Node node) -> Objects.toString(node.getProperty("created_at", "")))
                            .thenComparing(node -> (String) node.getProperty("version")))
                    .map(Version::of)
                    .orElseThrow(() -> new IllegalArgumentException(
                            argument + ": no relation version of " + week + " is kept"));
        }
    }

    private static String status(Node node) {
        return Objects.toString(node.getProperty("status", ""));
    }

    private static Version of(Node node) {
        Object mean = node.getProperty("mean_in_degree", null);
        return new Version(
                (String) node.getProperty("version"),
                (String) node.getProperty("week", ""),
                (String) node.getProperty("relation_type"),
                mean instanceof Number number ? number.doubleValue() : Double.NaN,
                node.getElementId() + "/" + node.getProperty("created_at", ""));
    }
}
