package audience;

import java.util.Arrays;
import java.util.Set;

/** The best entities of a finished walk, best first: relevance descending, hop ascending, id ascending. */
final class Answer {
    final Walk walk;
    final Overlay overlay;
    int size;
    /** By row: number of the entity, hop, place in the layer of that hop, relevance. */
    int[] node = new int[256];
    int[] hop = new int[256];
    int[] place = new int[256];
    double[] relevance = new double[256];
    /** Rows in order. */
    int[] order;

    Answer(Walk walk, Live live, int[] seeds, Options options, EntityReader reader) {
        this.walk = walk;
        this.overlay = live.overlay;
        collect(seeds, options.hops());
        if (!options.types().isEmpty()) {
            keepTypes(options.types(), live, reader);
        }
        int[] rows = candidates(options.limit());
        sort(rows, new int[rows.length], 0, rows.length);
        order = rows.length > options.limit() ? Arrays.copyOf(rows, options.limit()) : rows;
    }

    private void collect(int[] seeds, int hops) {
        walk.startMarks();
        for (int seed : seeds) {
            walk.mark(seed, Integer.MAX_VALUE);
        }
        for (int h = 1; h <= hops; h++) {
            Walk.Layer layer = walk.layers[h];
            for (int i = 0; i < layer.size; i++) {
                int v = layer.node[i];
                int row = walk.marked(v);
                if (row < 0) {
                    row = newRow();
                    walk.mark(v, row);
                } else if (row == Integer.MAX_VALUE || layer.value[i] <= relevance[row]) {
                    continue;
                }
                node[row] = v;
                hop[row] = h;
                place[row] = i;
                relevance[row] = layer.value[i];
            }
        }
    }

    private int newRow() {
        if (size == node.length) {
            node = Arrays.copyOf(node, size * 2);
            hop = Arrays.copyOf(hop, size * 2);
            place = Arrays.copyOf(place, size * 2);
            relevance = Arrays.copyOf(relevance, size * 2);
        }
        return size++;
    }

    private void keepTypes(Set<String> types, Live live, EntityReader reader) {
        int kept = 0;
        for (int row = 0; row < size; row++) {
            if (types.contains(live.shown(node[row], reader).type())) {
                node[kept] = node[row];
                hop[kept] = hop[row];
                place[kept] = place[row];
                relevance[kept++] = relevance[row];
            }
        }
        size = kept;
    }

    /** Return the rows whose relevance is at least that of the last one wanted. */
    private int[] candidates(int limit) {
        int[] rows = new int[size];
        double least = size > limit ? largest(Arrays.copyOf(relevance, size), limit - 1) : 0;
        int count = 0;
        for (int row = 0; row < size; row++) {
            if (relevance[row] >= least) {
                rows[count++] = row;
            }
        }
        return Arrays.copyOf(rows, count);
    }

    /** Return the value at an index of the values in descending order (quickselect; reorders them). */
    private static double largest(double[] values, int index) {
        int low = 0;
        int high = values.length - 1;
        while (low < high) {
            double pivot = values[(low + high) >>> 1];
            int i = low;
            int j = high;
            while (i <= j) {
                while (values[i] > pivot) {
                    i++;
                }
                while (values[j] < pivot) {
                    j--;
                }
                if (i <= j) {
                    double swap = values[i];
                    values[i++] = values[j];
                    values[j--] = swap;
                }
            }
            if (index <= j) {
                high = j;
            } else if (index >= i) {
                low = i;
            } else {
                break;
            }
        }
        return values[index];
    }

    private void sort(int[] rows, int[] spare, int start, int end) {
        if (end - start < 2) {
            return;
        }
        int middle = (start + end) >>> 1;
        sort(rows, spare, start, middle);
        sort(rows, spare, middle, end);
        System.arraycopy(rows, start, spare, start, end - start);
        int left = start;
        int right = middle;
        for (int i = start; i < end; i++) {
            boolean takeLeft = right >= end || left < middle && compare(spare[left], spare[right]) <= 0;
            rows[i] = takeLeft ? spare[left++] : spare[right++];
        }
    }

    private int compare(int a, int b) {
        if (relevance[a] != relevance[b]) {
            return relevance[a] > relevance[b] ? -1 : 1;
        }
        return hop[a] != hop[b] ? hop[a] - hop[b] : overlay.compare(node[a], node[b]);
    }

    /** Write the numbers of the path of a row, seed first, and return how many there are. */
    int path(int row, int[] into) {
        int at = place[row];
        for (int h = hop[row]; h >= 0; h--) {
            Walk.Layer layer = walk.layers[h];
            into[h] = layer.node[at];
            at = layer.from[at];
        }
        return hop[row] + 1;
    }
}
