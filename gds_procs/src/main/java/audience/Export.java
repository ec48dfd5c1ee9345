package audience;

import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.neo4j.graphdb.Transaction;
import org.neo4j.kernel.internal.GraphDatabaseAPI;
import org.neo4j.procedure.TerminationGuard;

/** Hands out a version's arrays in slices. */
final class Export {
    private static final int SLICE = 1 << 18;
    private static final byte[] NOTHING = new byte[0];

    private final Transaction tx;
    private final GraphDatabaseAPI database;
    private final TerminationGuard guard;

    Export(Transaction tx, GraphDatabaseAPI database, TerminationGuard guard) {
        this.tx = tx;
        this.database = database;
        this.guard = guard;
    }

    Stream<ExpandProcedures.RelationSlice> slices(String version) {
        Version found = Version.byName(tx, "version", version);
        Relations relations = new Projections(tx, database.databaseName(), guard).load(found).relations;
        int slices = Math.max(1, (int) ((relations.count() + SLICE - 1) / SLICE));
        return IntStream.range(0, slices).mapToObj(slice -> slice(relations, slice));
    }

    private static ExpandProcedures.RelationSlice slice(Relations relations, int slice) {
        int start = slice * SLICE;
        int end = (int) Math.min(relations.count(), (long) start + SLICE);
        Packed.Texts ids = new Packed.Texts(NOTHING, NOTHING);
        byte[] degrees = NOTHING;
        if (slice == 0) {
            ids = Packed.texts(Arrays.asList(relations.entities.ids));
            int[] degree = new int[relations.entities.count()];
            Arrays.setAll(degree, u -> relations.offsets[u + 1] - relations.offsets[u]);
            degrees = Packed.ints(degree, 0, degree.length);
        }
        return new ExpandProcedures.RelationSlice(ids.bytes(), ids.lengths(), degrees,
                Packed.ints(relations.targets, start, end),
                Packed.doubles(relations.scores, start, end),
                Packed.ints(ranks(relations, start, end), 0, end - start));
    }

    private static int[] ranks(Relations relations, int start, int end) {
        if (relations.ranks != null) {
            return Arrays.copyOfRange(relations.ranks, start, end);
        }
        int[] ranks = new int[end - start];
        int u = Arrays.binarySearch(relations.offsets, start);
        u = u < 0 ? -u - 2 : u;
        for (int i = start; i < end; i++) {
            while (relations.offsets[u + 1] <= i) {
                u++;
            }
            ranks[i - start] = i - relations.offsets[u] + 1;
        }
        return ranks;
    }
}
