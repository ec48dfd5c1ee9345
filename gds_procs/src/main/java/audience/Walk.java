package audience;

import java.util.Arrays;
import org.neo4j.procedure.TerminationGuard;

/**
 * The walk, layer by layer: best[h][v] = max over u of best[h-1][u] * w(u, v), smallest u among equals.
 *
 * Holds its arrays for the next walk over as many entities; stamps tell which entries are of this walk, so nothing is
 * cleared. One walk at a time.
 */
final class Walk {
    /** One layer: entities in the order they were reached, their values, and the place of their predecessor. */
    static final class Layer {
        int size;
        int[] node = new int[64];
        double[] value = new double[64];
        int[] from = new int[64];

        void add(int v, double reached, int predecessor) {
            if (size == node.length) {
                node = Arrays.copyOf(node, size * 2);
                value = Arrays.copyOf(value, size * 2);
                from = Arrays.copyOf(from, size * 2);
            }
            node[size] = v;
            value[size] = reached;
            from[size++] = predecessor;
        }
    }

    final Layer[] layers = new Layer[5];
    private int[] stamp;
    private int[] place;
    private int epoch;

    Walk() {
        for (int h = 0; h < layers.length; h++) {
            layers[h] = new Layer();
        }
        stamp = new int[0];
        place = new int[0];
    }

    /** Fill layers 0 to options.hops() from the seeds, which are numbers of entities. */
    void run(Relations relations, Overlay overlay, int[] seeds, Options options, double[] factors,
            TerminationGuard guard) {
        reserve(overlay.count());
        layers[0].size = 0;
        for (int seed : seeds) {
            layers[0].add(seed, 1.0, -1);
        }
        Step step = options.reverse()
                ? new Backward(relations, overlay, options, factors)
                : new Forward(relations, overlay, options, factors);
        for (int h = 1; h <= options.hops(); h++) {
            epoch++;
            Layer before = layers[h - 1];
            step.before = before;
            step.after = layers[h];
            step.after.size = 0;
            for (int i = 0; i < before.size; i++) {
                if ((i & 255) == 255) {
                    guard.check();
                }
                step.leave(i, before.node[i], before.value[i]);
            }
        }
    }

    private void reserve(int count) {
        if (stamp.length < count) {
            stamp = new int[count];
            place = new int[count];
            epoch = 0;
        }
        if (epoch > Integer.MAX_VALUE - 16) {
            Arrays.fill(stamp, 0);
            epoch = 0;
        }
    }

    /** Start a new marking of entities; see {@link #mark}. */
    void startMarks() {
        epoch++;
    }

    /** Return the mark of v since {@link #startMarks}, -1 when it has none. */
    int marked(int v) {
        return stamp[v] == epoch ? place[v] : -1;
    }

    void mark(int v, int with) {
        stamp[v] = epoch;
        place[v] = with;
    }

    /** Follows the live edges of one entity into the next layer. */
    private abstract class Step {
        final Relations relations;
        final Overlay overlay;
        final Options options;
        final double minimum;
        final double[] factors;
        /** Entities that are not reached, by number; null for none. */
        final boolean[] hidden;
        Layer before;
        Layer after;

        Step(Relations relations, Overlay overlay, Options options, double[] factors) {
            this.relations = relations;
            this.overlay = overlay;
            this.options = options;
            this.minimum = options.minRelevance();
            this.factors = factors;
            this.hidden = options.sensitive() ? null : overlay.sensitive;
        }

        abstract void leave(int place, int u, double value);

        final double factor(int head) {
            return factors == null || head >= factors.length ? 1.0 : factors[head];
        }

        final void reach(int fromPlace, int v, double reached) {
            if (hidden != null && hidden[v]) {
                return;
            }
            if (stamp[v] != epoch) {
                stamp[v] = epoch;
                place[v] = after.size;
                after.add(v, reached, fromPlace);
                return;
            }
            int at = place[v];
            double best = after.value[at];
            if (reached > best || reached == best
                    && overlay.compare(before.node[fromPlace], before.node[after.from[at]]) < 0) {
                after.value[at] = reached;
                after.from[at] = fromPlace;
            }
        }

        final void confirmed(Overlay.Side confirmed, Overlay.Side rejected, int fromPlace, int u, double value,
                boolean backward) {
            for (int i = confirmed.start(u), end = confirmed.end(u); i < end; i++) {
                int v = confirmed.others[i];
                double reached = value * (confirmed.scores[i] * factor(backward ? u : v));
                if (reached >= minimum && !rejected.holds(u, v)) {
                    reach(fromPlace, v, reached);
                }
            }
        }
    }

    private final class Forward extends Step {
        Forward(Relations relations, Overlay overlay, Options options, double[] factors) {
            super(relations, overlay, options, factors);
        }

        @Override
        void leave(int fromPlace, int u, double value) {
            if (u < relations.entities.count()) {
                relations(fromPlace, u, value);
            }
            confirmed(overlay.confirmedBySource, overlay.rejectedBySource, fromPlace, u, value, false);
        }

        private void relations(int fromPlace, int u, double value) {
            int[] targets = relations.targets;
            double[] scores = relations.scores;
            boolean hides = overlay.rejectedBySource.end(u) > overlay.rejectedBySource.start(u);
            boolean stops = relations.descending && factors == null;
            for (int i = relations.offsets[u], end = relations.end(u, options.fanOut()); i < end; i++) {
                int v = targets[i];
                double reached = value * (factors == null ? scores[i] : scores[i] * factors[v]);
                if (reached >= minimum) {
                    if (!hides || !overlay.rejectedBySource.holds(u, v)) {
                        reach(fromPlace, v, reached);
                    }
                } else if (stops) {
                    break;
                }
            }
        }
    }

    private final class Backward extends Step {
        private final Relations.Incoming incoming;

        Backward(Relations relations, Overlay overlay, Options options, double[] factors) {
            super(relations, overlay, options, factors);
            incoming = relations.incoming();
        }

        @Override
        void leave(int fromPlace, int v, double value) {
            if (v < relations.entities.count()) {
                relations(fromPlace, v, value);
            }
            confirmed(overlay.confirmedByTarget, overlay.rejectedByTarget, fromPlace, v, value, true);
        }

        private void relations(int fromPlace, int v, double value) {
            boolean hides = overlay.rejectedByTarget.end(v) > overlay.rejectedByTarget.start(v);
            double factor = factor(v);
            for (int i = incoming.offsets()[v], end = incoming.offsets()[v + 1]; i < end; i++) {
                int u = incoming.sources()[i];
                int position = incoming.positions()[i];
                double reached = value * (relations.scores[position] * factor);
                if (reached >= minimum && relations.rank(u, position) <= options.fanOut()
                        && (!hides || !overlay.rejectedByTarget.holds(v, u))) {
                    reach(fromPlace, u, reached);
                }
            }
        }
    }
}
