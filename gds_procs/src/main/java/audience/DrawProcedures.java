package audience;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.neo4j.graphdb.Direction;
import org.neo4j.graphdb.Node;
import org.neo4j.graphdb.Relationship;
import org.neo4j.graphdb.RelationshipType;
import org.neo4j.graphdb.Transaction;
import org.neo4j.kernel.internal.GraphDatabaseAPI;
import org.neo4j.logging.Log;
import org.neo4j.procedure.Context;
import org.neo4j.procedure.Description;
import org.neo4j.procedure.Mode;
import org.neo4j.procedure.Name;
import org.neo4j.procedure.Procedure;
import org.neo4j.procedure.TerminationGuard;

/** `audience.picture`: an expansion as something that Browser draws. */
public final class DrawProcedures {
    private static final int LIMIT = 40;

    @Context
    public Transaction tx;

    @Context
    public GraphDatabaseAPI database;

    @Context
    public TerminationGuard guard;

    @Context
    public Log log;

    /** What to draw, in one row. */
    public record Picture(
            @Description("The seeds, what was reached and what lies on the way, as they are stored") List<Node> nodes,
            @Description("The relations of the best paths, to be drawn and in no store, so that Cypher reads no "
                    + "properties of them: their type is the band of their score, SCORE_0_20 to SCORE_80_100 or "
                    + "CONFIRMED_0_20 to CONFIRMED_80_100; shown is the score in two digits")
                    List<Relationship> relationships,
            @Description("The same relations for Cypher: a map of source, target, score, shown, confirmed and version "
                    + "each") List<Map<String, Object>> relations,
            @Description("Relation version that was read") String version) {
    }

    @Procedure(name = "audience.picture", mode = Mode.READ)
    @Description("What audience.expand finds, to be drawn: the entities and the relations of the best path to each, of "
            + "a type that tells the score, so that a style sheet can make them as wide. What is in relationships is for "
            + "drawing; Cypher reads the same in relations. "
            + "Example: CALL audience.picture(['spa'], {hops: 2, limit: 30})")
    public Stream<Picture> picture(
            @Name(value = "seeds", description = "Ids, names or aliases of entities") List<String> seeds,
            @Name(value = "options", defaultValue = "{}", description = "limit (entities reached, default 40), and all "
                    + "others of audience.expand: hops, min_relevance, fan_out, damping, types, reverse, sensitive, "
                    + "because, week, version") Map<String, Object> given) {
        Options options = Options.of(given, Options.KNOWN, LIMIT);
        ServerLog.told(tx, log, "audience.picture", seeds, options);
        Version version = Version.find(tx, options);
        Map<Node, Set<Node>> outward = new LinkedHashMap<>();
        Map<Node, Set<Node>> steps = new LinkedHashMap<>();
        new Expansion(tx, database, guard).rows(seeds, options).forEach(row -> {
            List<Node> path = row.path().stream().map(id -> tx.findNode(Overlay.ENTITY, "id", id)).toList();
            for (int i = 1; i < path.size(); i++) {
                outward.computeIfAbsent(path.get(i - 1), inner -> new LinkedHashSet<>()).add(path.get(i));
                Node source = path.get(options.reverse() ? i : i - 1);
                Node target = path.get(options.reverse() ? i - 1 : i);
                steps.computeIfAbsent(source, first -> new LinkedHashSet<>()).add(target);
            }
        });
        Set<Node> nodes = new LinkedHashSet<>();
        Seeds.byIdOrName(tx, "seeds", seeds, options).found.forEach(seed -> arrange(seed, outward, nodes));
        List<DrawnRelation> drawn = new ArrayList<>();
        steps.forEach((source, targets) -> draw(source, targets, version, drawn));
        return Stream.of(new Picture(new ArrayList<>(nodes), new ArrayList<>(drawn),
                drawn.stream().map(DrawnRelation::told).toList(), version.name()));
    }

    /** Add a node, then branch by branch what lies beyond it: Browser lays nodes out on a circle in this order. */
    private static void arrange(Node seed, Map<Node, Set<Node>> outward, Set<Node> into) {
        Deque<Node> waiting = new ArrayDeque<>(List.of(seed));
        while (!waiting.isEmpty()) {
            Node node = waiting.pop();
            if (into.add(node)) {
                List<Node> beyond = new ArrayList<>(outward.getOrDefault(node, Set.of()));
                Collections.reverse(beyond);
                beyond.forEach(waiting::push);
            }
        }
    }

    /** Add the relations from a source to some targets; a confirmed one has the larger of both scores. */
    private static void draw(Node source, Set<Node> targets, Version version, List<DrawnRelation> into) {
        Map<Node, Double> scores = new HashMap<>();
        Set<Node> confirmed = new LinkedHashSet<>();
        RelationshipType mined = RelationshipType.withName(version.relationType());
        for (Relationship one : source.getRelationships(Direction.OUTGOING, mined, Overlay.CONFIRMED)) {
            Node target = one.getEndNode();
            if (targets.contains(target)) {
                Double score = Overlay.score(one);
                if (score != null) {
                    scores.merge(target, score, Math::max);
                }
                if (one.isType(Overlay.CONFIRMED)) {
                    confirmed.add(target);
                }
            }
        }
        for (Node target : targets) {
            Double score = scores.get(target);
            if (score != null) {
                into.add(new DrawnRelation(into.size(), source, target, score, confirmed.contains(target),
                        version.name()));
            }
        }
    }
}
