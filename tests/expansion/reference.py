"""The definition of an expansion in twenty lines of plain Python; every door must equal it."""

from __future__ import annotations

from collections import Counter

from audience_graph.graph.expansion import ExpandOptions, damping_factor
from expansion.worlds import World

Row = tuple[str, int, float, tuple[str, ...]]  # id, hop, relevance, path


def reference(world: World, seeds: list[str], options: ExpandOptions) -> list[Row]:
    """Return the rows in order."""
    edges = [(u, v, s) for u, v, s, rank in world.relations if rank <= options.fan_out] + world.confirmed
    into = Counter(v for _, v, _, _ in world.relations)
    mean = world.mean_in_degree
    best: dict[str, tuple[float, tuple[str, ...]]] = {s: (1.0, (s,)) for s in seeds}
    reached: dict[str, tuple[float, int, tuple[str, ...]]] = {}
    for hop in range(1, options.hops + 1):
        layer: dict[str, tuple[float, tuple[str, ...]]] = {}
        for u, v, score in edges:
            if (u, v) in world.rejected:
                continue
            start, end = (v, u) if options.reverse else (u, v)
            if end in world.sensitive and not options.sensitive:
                continue
            if start in best:
                value = best[start][0] * (score * damping_factor(mean, into[v], options.damping))
                # a larger value wins, then the smaller predecessor (Python orders text by code point)
                if value >= options.min_relevance and (
                    end not in layer or (-value, start) < (-layer[end][0], layer[end][1][-2])
                ):
                    layer[end] = (value, (*best[start][1], end))
        best = layer
        for v, (value, path) in layer.items():
            if v not in seeds and (v not in reached or value > reached[v][0]):
                reached[v] = (value, hop, path)
    rows = [(v, hop, value, path) for v, (value, hop, path) in reached.items()]
    rows = [row for row in rows if not options.types or world.types[row[0]] in options.types]
    return sorted(rows, key=lambda row: (-row[2], row[1], row[0]))[: options.limit]
