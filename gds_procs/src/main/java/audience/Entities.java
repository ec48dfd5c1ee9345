package audience;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The entities of one projection, numbered in code point order of their ids: a smaller number is a smaller id.
 *
 * Ids never change; names and types may, so they are read from the store (see {@link Live}).
 */
final class Entities {
    final String[] ids;
    /** Number to Neo4j's own node id. */
    final long[] nodes;

    private final long[] sortedNodes;
    private final int[] numberOfSorted;

    Entities(long[] nodes, String[] ids) {
        int count = nodes.length;
        int[] order = IntStream.range(0, count)
                .boxed()
                .sorted((a, b) -> CodePoints.compare(ids[a], ids[b]))
                .mapToInt(Integer::intValue)
                .toArray();
        this.ids = new String[count];
        this.nodes = new long[count];
        for (int i = 0; i < count; i++) {
            this.ids[i] = ids[order[i]];
            this.nodes[i] = nodes[order[i]];
        }
        numberOfSorted = IntStream.range(0, count)
                .boxed()
                .sorted((a, b) -> Long.compare(this.nodes[a], this.nodes[b]))
                .mapToInt(Integer::intValue)
                .toArray();
        sortedNodes = new long[count];
        for (int i = 0; i < count; i++) {
            sortedNodes[i] = this.nodes[numberOfSorted[i]];
        }
    }

    int count() {
        return ids.length;
    }

    /** Return the number of a node, -1 when the projection does not hold it. */
    int numberOf(long node) {
        int at = Arrays.binarySearch(sortedNodes, node);
        return at < 0 ? -1 : numberOfSorted[at];
    }
}
