"""The memory door's walk equals the twenty-line reference on hundreds of small graphs."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from audience_graph.graph.csr import Csr, Edges, from_rows, paths, reached, walk
from audience_graph.graph.expansion import ExpandOptions
from expansion.reference import Row, reference
from expansion.worlds import World, random_question, random_world


def arrays(world: World) -> Csr:
    by_source: dict[str, list[tuple[int, str, float]]] = {}
    for u, v, score, rank in world.relations:
        by_source.setdefault(u, []).append((rank, v, score))
    rows = [
        {"source": u, "targets": [v for _, v, _ in r], "scores": [s for _, _, s in r], "ranks": [k for k, _, _ in r]}
        for u, r in ((u, sorted(found)) for u, found in by_source.items())
    ]
    return from_rows(rows, list(world.types))


def expanded(csr: Csr, world: World, seeds: list[str], options: ExpandOptions) -> list[Row]:
    def loose(pairs: list[tuple[str, str, float]]) -> Edges:
        return Edges(
            np.array([csr.find(u) for u, _, _ in pairs], np.int64),
            np.array([csr.find(v) for _, v, _ in pairs], np.int64),
            np.array([score for _, _, score in pairs], np.float64),
        )

    rejected = loose([(u, v, 0.0) for u, v in sorted(world.rejected)])
    hidden = None if options.sensitive else np.array([csr.find(i) for i in sorted(world.sensitive)], np.int64)
    laid = {"confirmed": loose(world.confirmed), "rejected": rejected, "hidden": hidden}
    layers = walk(csr, [csr.find(s) for s in seeds], options, **laid)
    nodes, hops, places, relevances = (column.tolist() for column in reached(layers, len(csr.ids)))
    found = paths(layers, hops, places)
    rows = [
        (csr.ids[node], hop, relevance, tuple(csr.ids[i] for i in path))
        for node, hop, relevance, path in zip(nodes, hops, relevances, found, strict=True)
    ]
    return [row for row in rows if not options.types or world.types[row[0]] in options.types][: options.limit]


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 2**31))
def test_a_walk_over_arrays_equals_the_reference(graph: int, asked: int) -> None:
    world = random_world(graph)
    seeds, options = random_question(world, asked)
    assert expanded(arrays(world), world, seeds, options) == reference(world, seeds, options)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 2**31))
def test_entities_made_later_change_nothing(graph: int, asked: int) -> None:
    world = random_world(graph)
    seeds, options = random_question(world, asked)
    later = arrays(world).with_entities(["", "e1-later", "～～", "😀😀"])
    assert expanded(later, world, seeds, options) == reference(world, seeds, options)


def test_ids_are_ordered_by_code_point() -> None:
    assert from_rows([], ["😀", "～", "a"]).ids == ["a", "～", "😀"]
