package audience;

import java.util.Arrays;

/**
 * All relations of one version as arrays, each entity's relations by rank, so that a fan-out is a prefix.
 *
 * Built once per projection from GDS's in-memory graph. Immutable but for two lazy parts: the reverse index and the
 * damping factors last asked for.
 */
final class Relations {
    final Entities entities;
    /** Relations of u lie at offsets[u] until offsets[u + 1]. */
    final int[] offsets;
    final int[] targets;
    final double[] scores;
    /** Null when ranks count 1, 2, 3 ... without a gap for every entity. */
    final int[] ranks;
    /** Whether scores descend with rank, so that a walk may stop at the first that is too small. */
    final boolean descending;

    private volatile Incoming incoming;
    private volatile Damping damping;

    Relations(Entities entities, int[] offsets, int[] targets, double[] scores, int[] ranks) {
        this.entities = entities;
        this.offsets = offsets;
        this.targets = targets;
        this.scores = scores;
        this.ranks = gapless(offsets, ranks) ? null : ranks;
        this.descending = descending(offsets, scores);
    }

    static Relations none() {
        return new Relations(new Entities(new long[0], new String[0]), new int[1], new int[0], new double[0], new int[0]);
    }

    long count() {
        return targets.length;
    }

    /** Return where the relations of u of rank up to fanOut end. */
    int end(int u, int fanOut) {
        int start = offsets[u];
        int end = (int) Math.min(offsets[u + 1], (long) start + fanOut);
        if (ranks != null) {
            while (end > start && ranks[end - 1] > fanOut) {
                end--;
            }
        }
        return end;
    }

    /** Return the rank of the relation at a position that belongs to u. */
    int rank(int u, int position) {
        return ranks == null ? position - offsets[u] + 1 : ranks[position];
    }

    /** The same relations by target: sources and positions of v lie at offsets[v] until offsets[v + 1]. */
    record Incoming(int[] offsets, int[] sources, int[] positions) {
    }

    Incoming incoming() {
        Incoming ready = incoming;
        if (ready == null) {
            synchronized (this) {
                ready = incoming;
                if (ready == null) {
                    ready = invert();
                    incoming = ready;
                }
            }
        }
        return ready;
    }

    private Incoming invert() {
        int count = entities.count();
        int[] starts = new int[count + 1];
        for (int v : targets) {
            starts[v + 1]++;
        }
        for (int v = 0; v < count; v++) {
            starts[v + 1] += starts[v];
        }
        int[] next = Arrays.copyOf(starts, count);
        int[] sources = new int[targets.length];
        int[] positions = new int[targets.length];
        for (int u = 0; u < count; u++) {
            for (int i = offsets[u]; i < offsets[u + 1]; i++) {
                int at = next[targets[i]]++;
                sources[at] = u;
                positions[at] = i;
            }
        }
        return new Incoming(starts, sources, positions);
    }

    private record Damping(double exponent, double mean, double[] factors) {
    }

    /**
     * Return the factor of every entity, (m / max(m, indeg)) ^ damping rounded to 9 decimals; null without damping.
     *
     * @param storedMean the version's mean in-degree, NaN to compute it
     */
    double[] damping(double exponent, double storedMean) {
        if (exponent == 0) {
            return null;
        }
        Damping ready = damping;
        if (ready == null || ready.exponent != exponent || Double.compare(ready.mean, storedMean) != 0) {
            ready = new Damping(exponent, storedMean, factors(exponent, storedMean));
            damping = ready;
        }
        return ready.factors;
    }

    private double[] factors(double exponent, double storedMean) {
        int[] inDegree = new int[entities.count()];
        for (int v : targets) {
            inDegree[v]++;
        }
        long reached = Arrays.stream(inDegree).filter(degree -> degree > 0).count();
        double mean = Double.isNaN(storedMean) ? (reached == 0 ? 0 : (double) targets.length / reached) : storedMean;
        double[] factors = new double[inDegree.length];
        for (int v = 0; v < factors.length; v++) {
            factors[v] = inDegree[v] <= mean
                    ? 1.0
                    : Math.floor(Math.pow(mean / inDegree[v], exponent) * 1e9 + 0.5) / 1e9;
        }
        return factors;
    }

    private static boolean gapless(int[] offsets, int[] ranks) {
        for (int u = 0; u + 1 < offsets.length; u++) {
            for (int i = offsets[u]; i < offsets[u + 1]; i++) {
                if (ranks[i] != i - offsets[u] + 1) {
                    return false;
                }
            }
        }
        return true;
    }

    private static boolean descending(int[] offsets, double[] scores) {
        for (int u = 0; u + 1 < offsets.length; u++) {
            for (int i = offsets[u] + 1; i < offsets[u + 1]; i++) {
                if (!(scores[i] <= scores[i - 1])) {
                    return false;
                }
            }
        }
        return true;
    }
}
