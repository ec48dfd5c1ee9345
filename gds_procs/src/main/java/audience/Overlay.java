package audience;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.neo4j.graphdb.Label;
import org.neo4j.graphdb.Node;
import org.neo4j.graphdb.Relationship;
import org.neo4j.graphdb.RelationshipType;
import org.neo4j.graphdb.ResourceIterator;
import org.neo4j.graphdb.Transaction;
import org.neo4j.kernel.impl.coreapi.InternalTransaction;

/**
 * CONFIRMED and REJECTED relations and sensitive entities as they are now, in the numbers of one {@link Entities}.
 *
 * Entities that the projection does not hold (made after staging) get the numbers after its last.
 */
final class Overlay {
    static final RelationshipType CONFIRMED = RelationshipType.withName("CONFIRMED");
    static final RelationshipType REJECTED = RelationshipType.withName("REJECTED");
    static final Label ENTITY = Label.label("Entity");
    static final String SENSITIVE = "sensitive";

    /** Pairs in the order of one end: the other ends of u lie at offsets[u] until offsets[u + 1]. */
    static final class Side {
        private final int[] offsets;
        final int[] others;
        final double[] scores;

        Side(List<Pair> pairs, int count, boolean bySource) {
            offsets = pairs.isEmpty() ? null : new int[count + 1];
            others = new int[pairs.size()];
            scores = new double[pairs.size()];
            if (offsets == null) {
                return;
            }
            for (Pair pair : pairs) {
                offsets[(bySource ? pair.source : pair.target) + 1]++;
            }
            for (int u = 0; u < count; u++) {
                offsets[u + 1] += offsets[u];
            }
            int[] next = Arrays.copyOf(offsets, count);
            for (Pair pair : pairs) {
                int at = next[bySource ? pair.source : pair.target]++;
                others[at] = bySource ? pair.target : pair.source;
                scores[at] = pair.score;
            }
        }

        int start(int u) {
            return offsets == null ? 0 : offsets[u];
        }

        int end(int u) {
            return offsets == null ? 0 : offsets[u + 1];
        }

        boolean holds(int u, int other) {
            for (int i = start(u), end = end(u); i < end; i++) {
                if (others[i] == other) {
                    return true;
                }
            }
            return false;
        }
    }

    private record Pair(int source, int target, double score) {
    }

    final Entities entities;
    final Side confirmedBySource;
    final Side confirmedByTarget;
    final Side rejectedBySource;
    final Side rejectedByTarget;
    /** By number of the entity; null when none is sensitive. */
    final boolean[] sensitive;
    private final List<String> laterIds = new ArrayList<>();
    private final List<Long> laterNodes = new ArrayList<>();
    private final Map<Long, Integer> laterNumbers = new HashMap<>();

    private Overlay(Transaction tx, Entities entities) {
        this.entities = entities;
        try (EntityReader reader = new EntityReader(tx)) {
            List<Pair> confirmed = pairs(tx, CONFIRMED, reader);
            List<Pair> rejected = pairs(tx, REJECTED, reader);
            confirmedBySource = new Side(confirmed, count(), true);
            confirmedByTarget = new Side(confirmed, count(), false);
            rejectedBySource = new Side(rejected, count(), true);
            rejectedByTarget = new Side(rejected, count(), false);
        }
        sensitive = sensitive(tx);
    }

    static Overlay read(Transaction tx, Entities entities) {
        return new Overlay(tx, entities);
    }

    /** Return the score of a relation; null where it has none: that leads nowhere, as in Cypher. */
    static Double score(Relationship relation) {
        return relation.getProperty("score", null) instanceof Number score ? score.doubleValue() : null;
    }

    /** Entities of the projection and those that only the overlay knows. */
    int count() {
        return entities.count() + laterIds.size();
    }

    String id(int number) {
        int projected = entities.count();
        return number < projected ? entities.ids[number] : laterIds.get(number - projected);
    }

    long node(int number) {
        int projected = entities.count();
        return number < projected ? entities.nodes[number] : laterNodes.get(number - projected);
    }

    /** Return the number of a node, -1 when it has no relation of any kind here. */
    int numberOf(long node) {
        int number = entities.numberOf(node);
        return number >= 0 ? number : laterNumbers.getOrDefault(node, -1);
    }

    /** Compare two entities by id in code point order. */
    int compare(int a, int b) {
        int projected = entities.count();
        return a < projected && b < projected ? Integer.compare(a, b) : CodePoints.compare(id(a), id(b));
    }

    @SuppressWarnings("removal") // node ids as numbers: what GDS and the kernel speak
    private List<Pair> pairs(Transaction tx, RelationshipType type, EntityReader reader) {
        List<Pair> pairs = new ArrayList<>();
        var kernel = ((InternalTransaction) tx).kernelTransaction();
        int token = kernel.tokenRead().relationshipType(type.name());
        // the count store answers at once; most graphs have no or few of these
        if (token < 0 || kernel.dataRead().countsForRelationship(-1, token, -1) == 0) {
            return pairs;
        }
        try (ResourceIterator<Relationship> found = tx.findRelationships(type)) {
            while (found.hasNext()) {
                Relationship relationship = found.next();
                Double score = type == CONFIRMED ? score(relationship) : Double.valueOf(0);
                if (score != null) {
                    pairs.add(new Pair(
                            number(relationship.getStartNodeId(), reader),
                            number(relationship.getEndNodeId(), reader),
                            score));
                }
            }
        }
        return pairs;
    }

    /** An index makes this one seek; entities that no relation of any kind touches are never reached. */
    @SuppressWarnings("removal") // node ids as numbers: what GDS and the kernel speak
    private boolean[] sensitive(Transaction tx) {
        boolean[] flags = null;
        try (ResourceIterator<Node> found = tx.findNodes(ENTITY, SENSITIVE, true)) {
            while (found.hasNext()) {
                int number = numberOf(found.next().getId());
                if (number >= 0) {
                    flags = flags == null ? new boolean[count()] : flags;
                    flags[number] = true;
                }
            }
        }
        return flags;
    }

    private int number(long node, EntityReader reader) {
        int number = numberOf(node);
        if (number < 0) {
            number = count();
            String id = reader.id(node);
            laterIds.add(id == null ? "" : id);
            laterNodes.add(node);
            laterNumbers.put(node, number);
        }
        return number;
    }
}
