package audience;

import java.util.stream.Stream;
import org.neo4j.gds.api.GraphStore;
import org.neo4j.gds.core.loading.GraphStoreCatalog.GraphStoreCatalogEntryWithUsername;
import org.neo4j.graphdb.Transaction;
import org.neo4j.kernel.internal.GraphDatabaseAPI;
import org.neo4j.procedure.Context;
import org.neo4j.procedure.Description;
import org.neo4j.procedure.Mode;
import org.neo4j.procedure.Name;
import org.neo4j.procedure.Procedure;
import org.neo4j.procedure.TerminationGuard;

/** Projections of relation versions in GDS's memory: make before the first question, list, drop when retired. */
public final class ProjectionProcedures {
    private static final String VERSION = "Relation version by its name, such as 2026-W30-1a2b3c4d";

    @Context
    public Transaction tx;

    @Context
    public GraphDatabaseAPI database;

    @Context
    public TerminationGuard guard;

    /** What is in memory for one version. */
    public record Projected(
            @Description("Name of the graph in GDS: the version's relationship type") String name,
            @Description("Database user who projected it") String username,
            @Description("Number of entities") Long entities,
            @Description("Number of relations") Long relations) {

        static Projected of(GraphStoreCatalogEntryWithUsername entry) {
            GraphStore store = entry.catalogEntry().graphStore();
            return new Projected(entry.catalogEntry().config().graphName(), entry.username(), store.nodeCount(),
                    store.relationshipCount());
        }
    }

    /** What a projection would take. */
    public record Estimated(
            @Description("Bytes that the projection and its arrays need at most") Long bytes,
            @Description("Number of entities") Long entities,
            @Description("Number of relations") Long relations) {
    }

    /** How many projections were dropped. */
    public record Dropped(@Description("Number of projections dropped") Long dropped) {
    }

    @Procedure(name = "audience.project", mode = Mode.READ)
    @Description("Load a relation version into GDS's memory ahead of the first question, unless it is there.")
    public Stream<Projected> project(@Name(value = "version", description = VERSION) String version) {
        Version found = find(version);
        projections().load(found);
        return projections().all()
                .filter(entry -> entry.catalogEntry().config().graphName().equals(found.relationType()))
                .map(Projected::of);
    }

    @Procedure(name = "audience.projectEstimate", mode = Mode.READ)
    @Description("Memory that loading a relation version takes.")
    public Stream<Estimated> estimate(@Name(value = "version", description = VERSION) String version) {
        Projections.Estimate estimate = projections().estimate(find(version));
        return Stream.of(new Estimated(estimate.bytes(), estimate.entities(), estimate.relations()));
    }

    @Procedure(name = "audience.projections", mode = Mode.READ)
    @Description("Relation versions in GDS's memory, whoever projected them.")
    public Stream<Projected> list() {
        return projections().all().map(Projected::of);
    }

    @Procedure(name = "audience.dropProjection", mode = Mode.READ)
    @Description("Free the memory of a relation version, whoever projected it. A later question loads it again.")
    public Stream<Dropped> drop(@Name(value = "version", description = VERSION) String version) {
        if (version == null) {
            throw new IllegalArgumentException("version must name a relation version, such as 2026-W30-1a2b3c4d");
        }
        return Stream.of(new Dropped(projections().drop(version)));
    }

    private Projections projections() {
        return new Projections(tx, database.databaseName(), guard);
    }

    private Version find(String version) {
        return Version.byName(tx, "version", version);
    }
}
