"""Expansion in this process: numpy over one version's relations as arrays (definition: `graph/expansion.py`).

Entities are numbered in code point order of their ids, so a smaller number is a smaller id. The relations of u lie at
`offsets[u]:offsets[u + 1]`, by rank: a fan-out is a prefix.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audience_graph.graph.expansion import ExpandOptions

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Incoming:
    """The same relations by target: those into v lie at `offsets[v]:offsets[v + 1]`."""

    offsets: Ints
    sources: NDArray[np.int32]
    scores: Floats
    ranks: NDArray[np.int32]


@dataclass(frozen=True)
class Csr:
    """All relations of one version. n entities, E relations: offsets (n + 1,), the others (E,)."""

    ids: list[str]
    offsets: Ints
    targets: NDArray[np.int32]
    scores: Floats
    ranks: NDArray[np.int32]

    @cached_property
    def incoming(self) -> Incoming:
        """The reverse index; built when a reverse expansion first asks for it."""
        order = np.argsort(self.targets, kind="stable")
        sources = np.repeat(np.arange(len(self.ids), dtype=np.int32), np.diff(self.offsets))
        offsets = np.concatenate(([0], np.cumsum(self.in_degrees)))
        return Incoming(offsets, sources[order], self.scores[order], self.ranks[order])

    @cached_property
    def in_degrees(self) -> Ints:
        """Number of relations into each entity, of all ranks, shape (n,)."""
        return np.bincount(self.targets, minlength=len(self.ids)).astype(np.int64)

    @cached_property
    def mean_in_degree(self) -> float:
        """Mean over the entities that have a relation into them."""
        reached = int((self.in_degrees > 0).sum())
        return len(self.targets) / reached if reached else 0.0

    def find(self, entity_id: str) -> int:
        """Return the number of an entity, -1 when it is none of these."""
        at = bisect_left(self.ids, entity_id)
        return at if at < len(self.ids) and self.ids[at] == entity_id else -1

    def factors(self, damping: float, mean: float) -> Floats:
        """Return the damping factor of every entity, rounded to 9 decimals, shape (n,)."""
        share = np.minimum(1.0, mean / np.maximum(self.in_degrees, 1))
        rounded: Floats = np.floor(share**damping * 1e9 + 0.5) / 1e9
        return np.where(self.in_degrees <= mean, 1.0, rounded)

    def with_entities(self, later: Sequence[str]) -> Csr:
        """Return the same relations numbered anew among these ids and more of them."""
        ids = sorted({*self.ids, *later})
        place = {entity_id: i for i, entity_id in enumerate(ids)}
        moved = np.fromiter((place[i] for i in self.ids), np.int32, len(self.ids))
        degrees = np.zeros(len(ids), np.int64)
        degrees[moved] = np.diff(self.offsets)
        offsets = np.concatenate(([0], np.cumsum(degrees)))
        targets = moved[self.targets] if len(self.targets) else self.targets
        return Csr(ids, offsets, targets, self.scores, self.ranks)


def from_rows(rows: Sequence[Mapping[str, Any]], ids: Sequence[str]) -> Csr:
    """Build the arrays from rows of source, targets, scores, ranks; `ids` names every entity, in any order."""
    ordered = sorted(ids)
    place = {entity_id: i for i, entity_id in enumerate(ordered)}
    by_source = sorted((place[row["source"]], row) for row in rows)
    degrees = np.zeros(len(ordered), np.int64)
    for source, row in by_source:
        degrees[source] = len(row["targets"])
    return Csr(
        ordered,
        np.concatenate(([0], np.cumsum(degrees))),
        np.fromiter((place[t] for _, row in by_source for t in row["targets"]), np.int32),
        np.fromiter((s for _, row in by_source for s in row["scores"]), np.float64),
        np.fromiter((r for _, row in by_source for r in row["ranks"]), np.int32),
    )


@dataclass(frozen=True)
class Edges:
    """Loose edges in the numbers of a Csr: CONFIRMED relations with scores, or REJECTED pairs."""

    sources: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    targets: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    scores: Floats = field(default_factory=lambda: np.empty(0, np.float64))

    def reversed(self) -> Edges:
        """Return the same edges seen from their targets."""
        return replace(self, sources=self.targets, targets=self.sources)


@dataclass(frozen=True)
class Layer:
    """Entities reached in exactly h hops, with the best value of each and the place of its predecessor below."""

    nodes: Ints
    values: Floats
    previous: Ints


def walk(
    csr: Csr,
    seeds: Sequence[int],
    options: ExpandOptions,
    *,
    confirmed: Edges | None = None,
    rejected: Edges | None = None,
    hidden: Ints | None = None,
    mean_in_degree: float | None = None,
) -> tuple[Layer, ...]:
    """Return layers 0 to `options.hops`. `hidden` entities are not reached.

    `mean_in_degree` is the version's stored one; computed when None.
    """
    confirmed = confirmed or Edges()
    rejected = rejected or Edges()
    if options.reverse:
        confirmed, rejected = confirmed.reversed(), rejected.reversed()
    mean = csr.mean_in_degree if mean_in_degree is None else mean_in_degree
    factors = csr.factors(options.damping, mean) if options.damping != 0 else None
    refused = rejected.sources * len(csr.ids) + rejected.targets
    visible = np.ones(len(csr.ids), bool)
    visible[hidden if hidden is not None else []] = False
    start = np.unique(np.asarray(seeds, np.int64))
    layers = [Layer(start, np.ones(len(start)), np.full(len(start), -1, np.int64))]
    for _ in range(options.hops):
        before = layers[-1]
        places, heads, scores = _leaving(csr, before.nodes, options)
        if len(confirmed.sources):
            more = _loose(before.nodes, confirmed)
            places, heads, scores = (np.concatenate(pair) for pair in zip((places, heads, scores), more, strict=True))
        if factors is not None:
            scores = scores * factors[before.nodes[places] if options.reverse else heads]
        values = before.values[places] * scores
        kept = (values >= options.min_relevance) & visible[heads]
        if len(refused):
            kept &= ~np.isin(before.nodes[places] * len(csr.ids) + heads, refused)
        layers.append(_best(len(csr.ids), before, places[kept], heads[kept], values[kept]))
    return tuple(layers)


def _leaving(csr: Csr, nodes: Ints, options: ExpandOptions) -> tuple[Ints, Ints, Floats]:
    """Return (place in nodes, entity reached, score) of all relations that leave the nodes in walking direction."""
    index: Incoming | Csr = csr.incoming if options.reverse else csr
    starts = index.offsets[nodes]
    counts = index.offsets[nodes + 1] - starts
    if not options.reverse:
        counts = np.minimum(counts, options.fan_out)
    ends = np.cumsum(counts)
    places = np.repeat(np.arange(len(nodes)), counts)
    at = np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - (ends - counts), counts)
    inside = index.ranks[at] <= options.fan_out
    if not inside.all():
        places, at = places[inside], at[inside]
    others = index.sources if isinstance(index, Incoming) else index.targets
    return places, others[at].astype(np.int64), index.scores[at]


def _loose(nodes: Ints, edges: Edges) -> tuple[Ints, Ints, Floats]:
    """Return (place in nodes, entity reached, score) of the loose edges that leave the nodes."""
    place = {int(node): i for i, node in enumerate(nodes)}
    found = np.array([place.get(int(source), -1) for source in edges.sources], np.int64)
    there = found >= 0
    return found[there], edges.targets[there], edges.scores[there]


def _best(count: int, before: Layer, places: Ints, heads: Ints, values: Floats) -> Layer:
    """Keep the largest value per entity reached, and of equal ones the smallest predecessor."""
    best = np.zeros(count)
    reached = np.zeros(count, bool)
    np.maximum.at(best, heads, values)
    reached[heads] = True
    winners = values == best[heads]
    predecessor = np.full(count, count, np.int64)
    np.minimum.at(predecessor, heads[winners], before.nodes[places[winners]])
    nodes = np.flatnonzero(reached)
    at = np.empty(count, np.int64)
    at[before.nodes] = np.arange(len(before.nodes))
    return Layer(nodes, best[nodes], at[predecessor[nodes]])


def reached(layers: Sequence[Layer], count: int) -> tuple[Ints, Ints, Ints, Floats]:
    """Return (number, hop, place in the layer of that hop, relevance) of all but the seeds, in order."""
    relevance = np.full(count, -1.0)
    hop = np.zeros(count, np.int64)
    place = np.zeros(count, np.int64)
    for h, layer in enumerate(layers[1:], 1):
        better = layer.values > relevance[layer.nodes]
        nodes = layer.nodes[better]
        relevance[nodes] = layer.values[better]
        hop[nodes] = h
        place[nodes] = np.flatnonzero(better)
    relevance[layers[0].nodes] = -1.0
    nodes = np.flatnonzero(relevance >= 0)
    # nodes ascend and the sort is stable, so equal relevance and hop stay in order of id
    order = nodes[np.lexsort((hop[nodes], -relevance[nodes]))]
    return order, hop[order], place[order], relevance[order]


def paths(layers: Sequence[Layer], hops: Sequence[int], places: Sequence[int]) -> list[list[int]]:
    """Return the numbers on the path of each row, seed first."""
    nodes = [layer.nodes.tolist() for layer in layers]
    previous = [layer.previous.tolist() for layer in layers]
    found = []
    for hop, place in zip(hops, places, strict=True):
        path = [0] * (hop + 1)
        for h in range(hop, -1, -1):
            path[h] = nodes[h][place]
            place = previous[h][place]
        found.append(path)
    return found
