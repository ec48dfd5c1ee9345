package audience;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.neo4j.graphdb.Transaction;
import org.neo4j.kernel.internal.GraphDatabaseAPI;
import org.neo4j.logging.Log;
import org.neo4j.procedure.Context;
import org.neo4j.procedure.Description;
import org.neo4j.procedure.Mode;
import org.neo4j.procedure.Name;
import org.neo4j.procedure.Procedure;
import org.neo4j.procedure.TerminationGuard;

/** `audience.expand` for people, `audience.expandPacked` and `audience.exportRelations` for clients. */
public final class ExpandProcedures {
    private static final String OPTIONS = "hops (1 to 4, default 2), min_relevance (0 to 1, default 0.05), fan_out "
            + "(relations followed per entity, default 50), damping (of hubs, 0 to 1, default 0), limit (default 1000), "
            + "types (entity types to return, default all), reverse (walk relations backwards, default false), "
            + "sensitive (let sensitive entities in, default false), because (why; goes with sensitive, written to the "
            + "server's log), week (such as 2026-W30, default the current release), version (in place of week: one "
            + "relation version by its name, published or staged)";

    @Context
    public Transaction tx;

    @Context
    public GraphDatabaseAPI database;

    @Context
    public TerminationGuard guard;

    @Context
    public Log log;

    /** One entity that was reached. */
    public record Row(
            @Description("Id of the entity") String entity,
            @Description("Name of the entity") String name,
            @Description("Type of the entity") String type,
            @Description("Number of relations on the best path") Long hop,
            @Description("Product of the scores on the best path") Double relevance,
            @Description("Ids on the best path, from the seed to the entity") List<String> path,
            @Description("Relation version that was read") String version) {
    }

    /** All rows of an expansion in one, as little-endian columns. */
    public record PackedRows(
            @Description("Relation version that was read") String version,
            @Description("Number of rows") Long count,
            @Description("Ids in UTF-8: of the rows in order, then of other entities on their paths") byte[] ids,
            @Description("Length of each id in code points, int32") byte[] id_lengths,
            @Description("Names of the rows in UTF-8") byte[] names,
            @Description("Length of each name in code points, int32") byte[] name_lengths,
            @Description("Types of the rows in UTF-8") byte[] types,
            @Description("Length of each type in code points, int32") byte[] type_lengths,
            @Description("Hop of each row, int8") byte[] hops,
            @Description("Relevance of each row, float64") byte[] relevances,
            @Description("Paths as int32 positions in ids, hop + 1 for each row") byte[] paths,
            @Description("Seeds that are no entity's id") List<String> missing,
            @Description("Seeds that are sensitive, where sensitive entities are not allowed") List<String> refused) {
    }

    /** A slice of a version's relations; the first also carries the entities. */
    public record RelationSlice(
            @Description("Ids of all entities in order, UTF-8; empty after the first slice") byte[] ids,
            @Description("Length of each id in code points, int32") byte[] id_lengths,
            @Description("Number of relations of each entity, int32; empty after the first slice") byte[] degrees,
            @Description("Targets as int32 positions in ids, by source and rank") byte[] targets,
            @Description("Scores, float64") byte[] scores,
            @Description("Ranks, int32") byte[] ranks) {
    }

    @Procedure(name = "audience.expand", mode = Mode.READ)
    @Description("Entities within a few hops of the seeds through the current relations, best first, with the path "
            + "that gave each. Relevance is the largest product of scores over all paths; confirmed relations are "
            + "laid over, rejected ones and sensitive entities hidden. "
            + "Example: CALL audience.expand(['spa'], {hops: 2})")
    public Stream<Row> expand(
            @Name(value = "seeds", description = "Ids, names or aliases of entities") List<String> seeds,
            @Name(value = "options", defaultValue = "{}", description = OPTIONS) Map<String, Object> options) {
        return new Expansion(tx, database, guard).rows(seeds, checked("audience.expand", seeds, options));
    }

    @Procedure(name = "audience.expandPacked", mode = Mode.READ)
    @Description("The same as audience.expand in one row of packed columns, for clients; seeds are ids only.")
    public Stream<PackedRows> expandPacked(
            @Name(value = "seeds", description = "Ids of entities") List<String> seeds,
            @Name(value = "options", defaultValue = "{}", description = OPTIONS) Map<String, Object> options) {
        return new Expansion(tx, database, guard).packed(seeds, checked("audience.expandPacked", seeds, options));
    }

    @Procedure(name = "audience.exportRelations", mode = Mode.READ)
    @Description("All relations of one version as packed columns in slices, for clients that expand in memory.")
    public Stream<RelationSlice> exportRelations(
            @Name(value = "version", description = "Relation version by its name") String version) {
        return new Export(tx, database, guard).slices(version);
    }

    /** Return the options. A question that lets sensitive entities in is told in the server's log before it is asked. */
    private Options checked(String procedure, List<String> seeds, Map<String, Object> given) {
        Options options = Options.of(given);
        ServerLog.told(tx, log, procedure, seeds, options);
        return options;
    }
}
