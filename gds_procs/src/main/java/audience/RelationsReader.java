package audience;

import java.util.Arrays;
import java.util.List;
import org.neo4j.gds.RelationshipType;
import org.neo4j.gds.api.CompositeRelationshipIterator;
import org.neo4j.gds.api.GraphStore;
import org.neo4j.gds.api.IdMap;
import org.neo4j.graphdb.Transaction;
import org.neo4j.procedure.TerminationGuard;

/** Reads GDS's in-memory graph of one version into {@link Relations}. */
final class RelationsReader {
    private RelationsReader() {
    }

    static Relations read(Transaction tx, TerminationGuard guard, GraphStore store, String relationType) {
        RelationshipType type = RelationshipType.of(relationType);
        long count = store.relationshipCount(type);
        if (count > Integer.MAX_VALUE - 8) {
            throw new IllegalStateException(relationType + " has " + count + " relations; 2^31 is the most");
        }
        IdMap map = store.nodes();
        Entities entities = entities(tx, map);
        int[] number = new int[entities.count()];
        for (int i = 0; i < number.length; i++) {
            number[(int) map.toMappedNodeId(entities.nodes[i])] = i;
        }
        CompositeRelationshipIterator edges =
                store.getCompositeRelationshipIterator(type, List.of("score", "rank"));
        int[] offsets = new int[entities.count() + 1];
        for (int u = 0; u < entities.count(); u++) {
            offsets[u + 1] = offsets[u] + edges.degree(map.toMappedNodeId(entities.nodes[u]));
        }
        Sorter all = new Sorter(offsets, number);
        for (int u = 0; u < entities.count(); u++) {
            if ((u & 1023) == 0) {
                guard.check();
            }
            all.fill(u, edges, map.toMappedNodeId(entities.nodes[u]));
        }
        return new Relations(entities, offsets, all.targets, all.scores, all.ranks);
    }

    private static Entities entities(Transaction tx, IdMap map) {
        int count = (int) map.nodeCount();
        long[] nodes = new long[count];
        String[] ids = new String[count];
        try (EntityReader reader = new EntityReader(tx)) {
            for (int i = 0; i < count; i++) {
                nodes[i] = map.toOriginalNodeId(i);
                String id = reader.id(nodes[i]);
                ids[i] = id == null ? "" : id;
            }
        }
        return new Entities(nodes, ids);
    }

    /** Puts the relations of one entity after another in order of rank. */
    private static final class Sorter {
        final int[] targets;
        final double[] scores;
        final int[] ranks;
        private final int[] offsets;
        private final int[] number;

        Sorter(int[] offsets, int[] number) {
            int count = offsets[offsets.length - 1];
            this.offsets = offsets;
            this.number = number;
            targets = new int[count];
            scores = new double[count];
            ranks = new int[count];
        }

        void fill(int u, CompositeRelationshipIterator edges, long mapped) {
            int start = offsets[u];
            int end = offsets[u + 1];
            int[] next = {start};
            boolean[] ordered = {true};
            edges.forEachRelationship(mapped, (source, target, properties) -> {
                int rank = (int) properties[1];
                int at = start + rank - 1;
                if (!ordered[0] || rank < 1 || at >= end || ranks[at] != 0) {
                    ordered[0] = false;
                    return false;
                }
                put(at, target, properties);
                next[0]++;
                return true;
            });
            if (!ordered[0]) {
                next[0] = start;
                edges.forEachRelationship(mapped, (source, target, properties) -> {
                    put(next[0]++, target, properties);
                    return true;
                });
                sortByRank(start, end);
            }
        }

        private void put(int at, long target, double[] properties) {
            targets[at] = number[(int) target];
            scores[at] = properties[0];
            ranks[at] = (int) properties[1];
        }

        private void sortByRank(int start, int end) {
            long[] order = new long[end - start];
            for (int i = start; i < end; i++) {
                order[i - start] = (long) ranks[i] << 32 | (i - start);
            }
            Arrays.sort(order);
            int[] target = Arrays.copyOfRange(targets, start, end);
            double[] score = Arrays.copyOfRange(scores, start, end);
            for (int i = start; i < end; i++) {
                int from = (int) order[i - start];
                targets[i] = target[from];
                scores[i] = score[from];
                ranks[i] = (int) (order[i - start] >> 32);
            }
        }
    }
}
