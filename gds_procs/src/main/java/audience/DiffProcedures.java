package audience;

import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.neo4j.graphdb.Direction;
import org.neo4j.graphdb.Node;
import org.neo4j.graphdb.Relationship;
import org.neo4j.graphdb.RelationshipType;
import org.neo4j.graphdb.ResourceIterator;
import org.neo4j.graphdb.Transaction;
import org.neo4j.procedure.Context;
import org.neo4j.procedure.Description;
import org.neo4j.procedure.Mode;
import org.neo4j.procedure.Name;
import org.neo4j.procedure.Procedure;
import org.neo4j.procedure.TerminationGuard;

/** What changed from one week to another. */
public final class DiffProcedures {
    @Context
    public Transaction tx;

    @Context
    public TerminationGuard guard;

    /** One relation that two weeks do not have alike. */
    public record Change(
            @Description("new, gone or moved") String change,
            @Description("Id of the source") String source,
            @Description("Name of it") String source_name,
            @Description("Id of the target") String target,
            @Description("Name of it") String target_name,
            @Description("Score in the earlier week, null where it is new") Double before,
            @Description("Score in the later week, null where it is gone") Double after) {
        double size() {
            return before == null ? after : after == null ? before : Math.abs(after - before);
        }
    }

    @Procedure(name = "audience.diff", mode = Mode.READ)
    @Description("Relations that a later week has and an earlier one lacks (new), that it lacks (gone), or that moved, "
            + "largest first; without rejected relations and sensitive entities. "
            + "Example: CALL audience.diff('2026-W29', '2026-W30', {entity: 'spa'})")
    public Stream<Change> diff(
            @Name(value = "earlier", description = "A week, or a relation version by its name") String earlier,
            @Name(value = "later", description = "A week, or a relation version by its name") String later,
            @Name(value = "options", defaultValue = "{}", description = "entity (of this one alone; default all: reads "
                    + "every relation of both weeks), min_change (of a score that moved, 0 to 1, default 0.01), limit "
                    + "(default 1000)") Map<String, Object> given) {
        Options options = Options.of(given, Set.of("entity", "min_change", "limit"), 1000);
        double least = Options.fraction(given, "min_change", 0.01);
        Object entity = given == null ? null : given.get("entity");
        Version before = Version.named(tx, "earlier", earlier);
        Version after = Version.named(tx, "later", later);
        RelationshipType[] types = {
            RelationshipType.withName(before.relationType()), RelationshipType.withName(after.relationType())
        };
        Comparator<Change> smallest = Comparator.comparingDouble(Change::size)
                .thenComparing(Change::source, (a, b) -> CodePoints.compare(b, a))
                .thenComparing(Change::target, (a, b) -> CodePoints.compare(b, a));
        PriorityQueue<Change> best = new PriorityQueue<>(smallest);
        try (ResourceIterator<Node> all = tx.findNodes(Overlay.ENTITY)) {
            Iterable<Node> sources =
                    entity == null ? () -> all : List.of(Seeds.one(tx, "options.entity", entity, options));
            for (Node source : sources) {
                guard.check();
                if (AskProcedures.shown(source, options)) {
                    changes(source, types, least, options, change -> {
                        best.add(change);
                        if (best.size() > options.limit()) {
                            best.poll();
                        }
                    });
                }
            }
        }
        return best.stream().sorted(smallest.reversed());
    }

    private static void changes(Node source, RelationshipType[] types, double least, Options options,
            Consumer<Change> use) {
        Map<Node, Double> before = scores(source, types[0]);
        Map<Node, Double> after = scores(source, types[1]);
        for (Relationship relation : source.getRelationships(Direction.OUTGOING, Overlay.REJECTED)) {
            before.remove(relation.getEndNode());
            after.remove(relation.getEndNode());
        }
        after.forEach((target, score) -> {
            Double was = before.get(target);
            boolean differs = was == null || Math.abs(score - was) >= least && score.doubleValue() != was;
            if (differs && AskProcedures.shown(target, options)) {
                use.accept(change(was == null ? "new" : "moved", source, target, was, score));
            }
        });
        before.forEach((target, score) -> {
            if (!after.containsKey(target) && AskProcedures.shown(target, options)) {
                use.accept(change("gone", source, target, score, null));
            }
        });
    }

    private static Change change(String what, Node source, Node target, Double before, Double after) {
        return new Change(what, AskProcedures.id(source), AskProcedures.name(source), AskProcedures.id(target),
                AskProcedures.name(target), before, after);
    }

    private static Map<Node, Double> scores(Node source, RelationshipType type) {
        Map<Node, Double> found = new HashMap<>();
        for (Relationship relation : source.getRelationships(Direction.OUTGOING, type)) {
            found.put(relation.getEndNode(), ((Number) relation.getProperty("score", 0.0)).doubleValue());
        }
        return found;
    }
}
