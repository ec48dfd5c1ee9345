package audience;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.neo4j.gds.RelationshipType;
import org.neo4j.gds.api.GraphStore;
import org.neo4j.gds.core.loading.CatalogRequest;
import org.neo4j.gds.core.loading.GraphStoreCatalog;
import org.neo4j.gds.core.loading.GraphStoreCatalog.GraphStoreCatalogEntryWithUsername;
import org.neo4j.graphdb.Result;
import org.neo4j.graphdb.Transaction;
import org.neo4j.kernel.api.KernelTransaction;
import org.neo4j.kernel.impl.coreapi.InternalTransaction;
import org.neo4j.procedure.TerminationGuard;

/**
 * GDS's in-memory graph of each version: found whoever projected it, projected when missing, once, behind a lock.
 *
 * The projection carries the name of the version's relationship type. What is derived from it lives as long as GDS
 * keeps the graph: dropping the graph frees both.
 */
final class Projections {
    /** Arrays of one projection, with what is kept between calls. */
    static final class Loaded {
        final Relations relations;
        private final String stamp;
        final ConcurrentLinkedQueue<Walk> walks = new ConcurrentLinkedQueue<>();
        volatile Live live;

        Loaded(Relations relations, Version version) {
            this.relations = relations;
            this.stamp = version.stamp();
        }
    }

    private static final String PREFIX = "RELATES_";
    private static final Map<GraphStore, Loaded> LOADED = new WeakHashMap<>();
    private static final Map<String, ReentrantLock> LOCKS = new ConcurrentHashMap<>();
    /** Bytes per relation and per entity of {@link Relations} and {@link Entities}, the reverse index included. */
    private static final long BYTES_PER_RELATION = 24;
    private static final long BYTES_PER_ENTITY = 160;

    private final Transaction tx;
    private final String database;
    private final TerminationGuard guard;

    Projections(Transaction tx, String database, TerminationGuard guard) {
        this.tx = tx;
        this.database = database;
        this.guard = guard;
    }

    /** Return the arrays of a version, projecting it first when nobody has. */
    Loaded load(Version version) {
        long count = stored(version);
        if (count == 0) {
            return new Loaded(Relations.none(), version);
        }
        Loaded ready = loaded(version, count);
        if (ready != null) {
            return ready;
        }
        ReentrantLock lock = LOCKS.computeIfAbsent(database + "/" + version.relationType(), key -> new ReentrantLock());
        acquire(lock);
        try {
            ready = loaded(version, count);
            return ready != null ? ready : projected(version, count);
        } finally {
            lock.unlock();
        }
    }

    /** Return the number of relations of a version in the store (from the count store, at once). */
    private long stored(Version version) {
        KernelTransaction kernel = ((InternalTransaction) tx).kernelTransaction();
        int token = kernel.tokenRead().relationshipType(version.relationType());
        return token < 0 ? 0 : kernel.dataRead().countsForRelationship(-1, token, -1);
    }

    private void acquire(ReentrantLock lock) {
        try {
            while (!lock.tryLock(100, TimeUnit.MILLISECONDS)) {
                guard.check();
            }
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("stopped while another call projects the same version", stopped);
        }
    }

    private Loaded loaded(Version version, long count) {
        Optional<GraphStoreCatalogEntryWithUsername> entry = find(version);
        if (entry.isEmpty()) {
            return null;
        }
        synchronized (LOADED) {
            Loaded loaded = LOADED.get(entry.get().catalogEntry().graphStore());
            return loaded != null && loaded.relations.count() == count && loaded.stamp.equals(version.stamp())
                    ? loaded
                    : null;
        }
    }

    private Loaded projected(Version version, long count) {
        Optional<GraphStoreCatalogEntryWithUsername> entry = find(version);
        if (entry.isPresent() && isStale(entry.get().catalogEntry().graphStore(), version, count)) {
            remove(entry.get());
            entry = Optional.empty();
        }
        if (entry.isEmpty()) {
            project(version);
            entry = find(version);
        }
        GraphStore store = entry.orElseThrow(() -> new IllegalStateException(
                "the projection of " + version.name() + " was dropped while it was made; call again"))
                .catalogEntry().graphStore();
        Loaded loaded = new Loaded(RelationsReader.read(tx, guard, store, version.relationType()), version);
        synchronized (LOADED) {
            LOADED.put(store, loaded);
        }
        return loaded;
    }

    /** Whether a projection tells of what is no more: relations were deleted since, or the version was made anew. */
    private static boolean isStale(GraphStore store, Version version, long count) {
        if (store.relationshipCount(RelationshipType.of(version.relationType())) != count) {
            return true;
        }
        synchronized (LOADED) {
            Loaded loaded = LOADED.get(store);
            return loaded != null && !loaded.stamp.equals(version.stamp());
        }
    }

    private Optional<GraphStoreCatalogEntryWithUsername> find(Version version) {
        RelationshipType type = RelationshipType.of(version.relationType());
        return all()
                .filter(entry -> entry.catalogEntry().config().graphName().equals(version.relationType()))
                .filter(entry -> entry.catalogEntry().graphStore().hasRelationshipProperty(type, "score"))
                .filter(entry -> entry.catalogEntry().graphStore().hasRelationshipProperty(type, "rank"))
                .findFirst();
    }

    private void project(Version version) {
        Estimate estimate = estimate(version);
        if (estimate.bytes() > free()) {
            System.gc();
        }
        if (estimate.bytes() > free()) {
            throw new IllegalStateException(String.format(
                    "projecting %s (%,d relations) needs up to %,d MB and %,d MB are free: drop a projection that is "
                            + "not needed (CALL audience.projections, audience.dropProjection, gds.graph.drop), or "
                            + "raise server.memory.heap.max_size",
                    version.name(), estimate.relations(), estimate.bytes() >> 20, free() >> 20));
        }
        run("CALL gds.graph.project($name, 'Entity', $relations) YIELD relationshipCount RETURN relationshipCount",
                parameters(version));
    }

    /** What a projection and the arrays made from it need at most. */
    record Estimate(long bytes, long entities, long relations) {
    }

    Estimate estimate(Version version) {
        if (stored(version) == 0) {
            return new Estimate(0, 0, 0);
        }
        Map<String, Object> found = run(
                "CALL gds.graph.project.estimate('Entity', $relations) YIELD bytesMax, nodeCount, relationshipCount "
                        + "RETURN bytesMax, nodeCount, relationshipCount",
                parameters(version));
        long entities = (Long) found.get("nodeCount");
        long relations = (Long) found.get("relationshipCount");
        long arrays = relations * BYTES_PER_RELATION + entities * BYTES_PER_ENTITY;
        return new Estimate((Long) found.get("bytesMax") + arrays, entities, relations);
    }

    private static Map<String, Object> parameters(Version version) {
        return Map.of(
                "name", version.relationType(),
                "relations", Map.of(version.relationType(), Map.of("properties", List.of("score", "rank"))));
    }

    /** Return the projections of relation versions in this database, whoever made them. */
    Stream<GraphStoreCatalogEntryWithUsername> all() {
        return GraphStoreCatalog.getAllGraphStores()
                .filter(entry -> entry.catalogEntry().config().graphName().startsWith(PREFIX))
                .filter(entry -> entry.catalogEntry().graphStore().databaseInfo().databaseId().databaseName()
                        .equals(database));
    }

    /** Drop the projections of one version, whoever made them, and return how many there were. */
    long drop(String version) {
        String name = version.startsWith(PREFIX) ? version : PREFIX + version.replace('-', '_');
        List<GraphStoreCatalogEntryWithUsername> found =
                all().filter(entry -> entry.catalogEntry().config().graphName().equals(name)).toList();
        found.forEach(this::remove);
        return found.size();
    }

    private void remove(GraphStoreCatalogEntryWithUsername entry) {
        GraphStoreCatalog.remove(
                CatalogRequest.of(entry.username(), database),
                entry.catalogEntry().config().graphName(), gone -> { }, false);
    }

    private static long free() {
        Runtime runtime = Runtime.getRuntime();
        return runtime.maxMemory() - runtime.totalMemory() + runtime.freeMemory();
    }

    private Map<String, Object> run(String query, Map<String, Object> parameters) {
        try (Result result = tx.execute(query, parameters)) {
            return result.next();
        }
    }
}
