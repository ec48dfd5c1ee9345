package audience;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.neo4j.graphdb.Direction;
import org.neo4j.graphdb.Node;
import org.neo4j.graphdb.Relationship;
import org.neo4j.graphdb.RelationshipType;
import org.neo4j.graphdb.Transaction;
import org.neo4j.logging.Log;
import org.neo4j.procedure.Context;
import org.neo4j.procedure.Description;
import org.neo4j.procedure.Mode;
import org.neo4j.procedure.Name;
import org.neo4j.procedure.Procedure;

/** The two procedures that write: confirm or reject a relation, as `audience-graph relation` does. */
public final class DecideProcedures {
    private static final double DEFAULT_SCORE = 0.7;
    private static final int MOST_NOTE = 2000;
    /** The text of cypher/relations/confirm.cypher. */
    static final String CONFIRM = """
            UNWIND $pairs AS pair
            MATCH (u:Entity {id: pair.source})
            MATCH (v:Entity {id: pair.target})
            SET u.lock = true
            REMOVE u.lock
            WITH u, v, pair
            WHERE NOT EXISTS { (u)-[no:REJECTED]->(v) WHERE coalesce(no.source, 'marketer') IN $yields_to }
            CALL (u, v) {
              MATCH (u)-[no:REJECTED]->(v)
              DELETE no
            }
            MERGE (u)-[c:CONFIRMED]->(v)
            WITH u, v, pair, c,
              coalesce(c.sources, [s IN [c.source] WHERE s IS NOT NULL]) AS sources,
              (c.source IS NULL OR $source = 'marketer' OR c.source = 'result')
                AND NOT (coalesce(c.source, '') = $source AND coalesce(c.by, '') = $by AND coalesce(c.note, '') = $note) AS speaks
            SET c.score = coalesce(pair.score, c.score, $default_score),
                c.sources = CASE WHEN $source IN sources THEN sources ELSE sources + $source END,
                c.result_at = CASE WHEN $source = 'result' THEN coalesce(c.result_at, datetime()) ELSE c.result_at END
            FOREACH (_ IN CASE WHEN speaks THEN [1] ELSE [] END |
              SET c.source = $source, c.by = $by, c.note = $note, c.at = datetime())
            RETURN u.id AS source, v.id AS target
            """;
    /** The text of cypher/relations/reject.cypher. */
    static final String REJECT = """
            UNWIND $pairs AS pair
            MATCH (u:Entity {id: pair.source})
            MATCH (v:Entity {id: pair.target})
            SET u.lock = true
            REMOVE u.lock
            WITH u, v
            WHERE NOT EXISTS { (u)-[yes:CONFIRMED]->(v) WHERE coalesce(yes.source, 'marketer') IN $yields_to }
            CALL (u, v) {
              MATCH (u)-[yes:CONFIRMED]->(v)
              DELETE yes
            }
            MERGE (u)-[r:REJECTED]->(v)
            WITH u, v, r,
              coalesce(r.sources, [s IN [r.source] WHERE s IS NOT NULL]) AS sources,
              (r.source IS NULL OR $source = 'marketer' OR r.source = 'result')
                AND NOT (coalesce(r.source, '') = $source AND coalesce(r.by, '') = $by AND coalesce(r.note, '') = $note) AS speaks
            SET r.sources = CASE WHEN $source IN sources THEN sources ELSE sources + $source END,
                r.result_at = CASE WHEN $source = 'result' THEN coalesce(r.result_at, datetime()) ELSE r.result_at END
            FOREACH (_ IN CASE WHEN speaks THEN [1] ELSE [] END |
              SET r.source = $source, r.by = $by, r.note = $note, r.at = datetime())
            RETURN u.id AS source, v.id AS target
            """;

    @Context
    public Transaction tx;

    @Context
    public Log log;

    /** One decided relation. */
    public record Decided(
            @Description("Id of the source") String source,
            @Description("Id of the target") String target,
            @Description("confirmed or rejected") String decision,
            @Description("The database user who decided") String by) {
    }

    @Procedure(name = "audience.confirm", mode = Mode.WRITE)
    @Description("Confirm a relation: it is laid over every week from now on, and the next mining trains on it. A line "
            + "goes to the server's log; the audit log of the client does not hear of it. "
            + "Example: CALL audience.confirm('spa', 'massage', 'same guests')")
    public Stream<Decided> confirm(
            @Name(value = "from", description = "Id, name or alias of an entity") String from,
            @Name(value = "to", description = "Id, name or alias of an entity") String to,
            @Name(value = "note", defaultValue = "", description = "Why, up to 2,000 characters") String note) {
        return decide("confirmed", from, to, note);
    }

    @Procedure(name = "audience.reject", mode = Mode.WRITE)
    @Description("Reject a relation: it is hidden in every week, and no mining brings it again. A line goes to the "
            + "server's log; the audit log of the client does not hear of it. "
            + "Example: CALL audience.reject('spa', 'car wash', 'another kind of spa')")
    public Stream<Decided> reject(
            @Name(value = "from", description = "Id, name or alias of an entity") String from,
            @Name(value = "to", description = "Id, name or alias of an entity") String to,
            @Name(value = "note", defaultValue = "", description = "Why, up to 2,000 characters") String note) {
        return decide("rejected", from, to, note);
    }

    private Stream<Decided> decide(String decision, String from, String to, String note) {
        Options options = Options.none();
        Node source = Seeds.one(tx, "from", from, options);
        Node target = Seeds.one(tx, "to", to, options);
        if (source.equals(target)) {
            throw new IllegalArgumentException("to: '" + to + "' cannot be related to itself");
        }
        if (note == null || note.codePointCount(0, note.length()) > MOST_NOTE || note.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("note must be a text of up to 2,000 characters");
        }
        String user = ServerLog.user(tx);
        boolean confirmed = decision.equals("confirmed");
        Map<String, Object> pair = new HashMap<>();
        pair.put("source", AskProcedures.id(source));
        pair.put("target", AskProcedures.id(target));
        pair.put("score", confirmed ? score(source, target) : null);
        Map<String, Object> values = new HashMap<>(Map.of("pairs", List.of(pair), "source", "marketer", "by", user,
                "note", note, "yields_to", List.of()));
        if (confirmed) {
            values.put("default_score", DEFAULT_SCORE);
        }
        List<Decided> rows = new ArrayList<>();
        tx.execute(confirmed ? CONFIRM : REJECT, values).forEachRemaining(row -> rows.add(
                new Decided((String) row.get("source"), (String) row.get("target"), decision, user)));
        log.info("audience: '%s' %s the relation %s -> %s because '%s'", ServerLog.oneLine(user), decision,
                ServerLog.oneLine(AskProcedures.id(source)), ServerLog.oneLine(AskProcedures.id(target)),
                ServerLog.oneLine(note));
        return rows.stream();
    }

    /** Return the score that the current version gives the relation, null without one. */
    private Double score(Node source, Node target) {
        Version version;
        try {
            version = Version.find(tx, Options.none());
        } catch (IllegalStateException nothingPublished) {
            return null;
        }
        for (Relationship relation : source.getRelationships(
                Direction.OUTGOING, RelationshipType.withName(version.relationType()))) {
            if (relation.getEndNode().equals(target) && relation.getProperty("score", null) instanceof Number score) {
                return score.doubleValue();
            }
        }
        return null;
    }
}
