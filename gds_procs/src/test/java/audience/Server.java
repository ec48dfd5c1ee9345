package audience;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.neo4j.configuration.GraphDatabaseSettings;
import org.neo4j.dbms.api.DatabaseManagementService;
import org.neo4j.dbms.api.DatabaseManagementServiceBuilder;
import org.neo4j.gds.catalog.GraphListProc;
import org.neo4j.gds.catalog.GraphProjectProc;
import org.neo4j.gds.compat.GraphDatabaseApiProxy;
import org.neo4j.graphdb.GraphDatabaseService;
import org.neo4j.graphdb.Transaction;

/** Neo4j with GDS in this process, in a folder of its own. */
final class Server implements AutoCloseable {
    private final Path folder;
    private final DatabaseManagementService service;
    final GraphDatabaseService database;

    Server() throws Exception {
        folder = Files.createTempDirectory("audience-procs");
        service = new DatabaseManagementServiceBuilder(folder)
                .setConfig(GraphDatabaseSettings.procedure_unrestricted, List.of("gds.*", "audience.*"))
                .setConfig(GraphDatabaseSettings.pagecache_memory, 64L << 20)
                .build();
        database = service.database("neo4j");
        GraphDatabaseApiProxy.registerProcedures(database, AskProcedures.class, DecideProcedures.class,
                DiffProcedures.class, DrawProcedures.class, ExpandProcedures.class, ProjectionProcedures.class,
                GraphProjectProc.class, GraphListProc.class);
    }

    /** Run a query in a transaction of its own and return its rows. */
    List<Map<String, Object>> run(String query, Map<String, Object> parameters) {
        try (Transaction tx = database.beginTx()) {
            List<Map<String, Object>> rows = tx.execute(query, parameters).stream().toList();
            tx.commit();
            return rows;
        }
    }

    List<Map<String, Object>> run(String query) {
        return run(query, Map.of());
    }

    /** Remove all nodes and all projections. */
    void clear() {
        run("CALL audience.projections() YIELD name CALL audience.dropProjection(name) YIELD dropped RETURN dropped");
        run("MATCH (n) DETACH DELETE n");
    }

    @Override
    public void close() {
        service.shutdown();
        try (Stream<Path> files = Files.walk(folder)) {
            files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }
}
