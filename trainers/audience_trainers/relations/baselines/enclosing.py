"""Enclosing subgraphs of pairs (SEAL, PaGNN): many pairs at once, in numpy, the pair's own link left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from audience_trainers.relations.linkpred.task import Pairs, pair_key

Indices = npt.NDArray[np.int64]
TABLE_CELLS = 1 << 22  # pairs at once x nodes of the graph
FAR = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a subgraph reaches: `hops` 1 or 2, and how many nodes of a hop stay (per endpoint in the first).

    First the common neighbours stay, then others by a fixed pseudo-random order that no edge changes. Of the second hop
    those stay that have most neighbours on the weaker side; with `between` only nodes that touch both sides, which are
    the middles of the paths u - a - x - b - v.
    """

    hops: int = 1
    per_hop: int = 50
    between: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Neighbourhoods:
    """A symmetric 0/1 adjacency (n, n), and of it the entries that lead to a node of higher degree (ties: higher id).

    Each edge is one entry of `upward`, and no row of it is long: the edges inside a subgraph with hubs are found fast.
    """

    adjacency: sp.csr_matrix
    upward: sp.csr_matrix


def neighbourhoods(adjacency: sp.csr_matrix) -> Neighbourhoods:
    """Prepare a symmetric 0/1 adjacency (n, n)."""
    place = np.empty(adjacency.shape[0], np.int64)
    place[np.argsort(np.diff(adjacency.indptr), kind="stable")] = np.arange(adjacency.shape[0])
    entries = adjacency.tocoo()
    up = place[entries.row] < place[entries.col]
    upward = sp.csr_matrix((entries.data[up], (entries.row[up], entries.col[up])), shape=adjacency.shape)
    return Neighbourhoods(adjacency, upward)


@dataclass(frozen=True, slots=True, eq=False)
class Subgraphs:
    """Subgraphs of p pairs as one graph of k nodes: `node` (k,) ids in the whole graph, `pair` (k,) whose subgraph.

    `edges` (2, E) are local ids in both directions, sorted by row 1. Local ids of the sources u are 0..p-1, of the
    targets v p..2p-1. The link u - v is never among the edges, whether the graph has it or not.
    """

    node: Indices
    pair: Indices
    edges: Indices
    pairs: int


def enclosing_subgraphs(graph: Neighbourhoods, pairs: Pairs, reach: Reach) -> Subgraphs:
    """Return the subgraphs of pairs (2, p)."""
    step = max(1, TABLE_CELLS // graph.adjacency.shape[0])
    parts = [_extract(graph, pairs[:, begin : begin + step], reach) for begin in range(0, pairs.shape[1], step)]
    return parts[0] if len(parts) == 1 else _join(parts, pairs.shape[1])


def _extract(graph: Neighbourhoods, pairs: Pairs, reach: Reach) -> Subgraphs:
    n, p = graph.adjacency.shape[0], pairs.shape[1]
    key = pair_key(pairs, n)
    member = np.full(p * n, -1, np.int64)  # local id of (pair, node)
    each = np.arange(p) * n
    member[each + pairs[0]], member[each + pairs[1]] = np.arange(p), np.arange(p, 2 * p)
    sides = [_first_hop(graph.adjacency, pairs[side], pairs[1 - side]) for side in (0, 1)]
    common = np.intersect1d(sides[0], sides[1], assume_unique=True)
    near = [_keep(cell, [np.isin(cell, common)], n=n, key=key, most=reach.per_hop) for cell in sides]
    cells = np.concatenate([each + pairs[0], each + pairs[1], np.union1d(near[0], near[1])])
    member[cells] = np.arange(len(cells))
    if reach.hops > 1:
        further = _second_hop(graph.adjacency, near, member, reach=reach, key=key)
        member[further] = np.arange(len(cells), len(cells) + len(further))
        cells = np.concatenate([cells, further])
    pair, node = cells // n, cells % n
    owner, neighbour = _neighbours(graph.upward, node)
    other = member[pair[owner] * n + neighbour]
    link = (owner < 2 * p) & (other < 2 * p)  # both ends are endpoints: the link itself
    inside = (other >= 0) & ~link
    return Subgraphs(node, pair, _both_ways(owner[inside], other[inside], len(node)), p)


def _both_ways(a: Indices, b: Indices, k: int) -> Indices:
    """Return edges (2, 2 e) of a - b in both directions, sorted by row 1, then row 0."""
    ends = np.concatenate([a, b]), np.concatenate([b, a])
    matrix = sp.csr_matrix((np.ones(len(ends[0]), np.int8), ends), shape=(k, k))
    matrix.sort_indices()
    return np.stack([matrix.indices, np.repeat(np.arange(k), np.diff(matrix.indptr))]).astype(np.int64)


def _first_hop(graph: sp.csr_matrix, of: Indices, other: Indices) -> Indices:
    """Return the cells pair * n + node of the neighbours of `of` (p,), without the pair's other endpoint."""
    owner, neighbour = _neighbours(graph, of)
    strangers = neighbour != other[owner]
    return np.asarray(owner[strangers] * graph.shape[0] + neighbour[strangers])


def _second_hop(graph: sp.csr_matrix, near: list[Indices], member: Indices, *, reach: Reach, key: Indices) -> Indices:
    n = graph.shape[0]
    touched = []
    for cells in near:
        owner, neighbour = _neighbours(graph, cells % n)
        touched.append(np.bincount((cells // n)[owner] * n + neighbour, minlength=len(member)))
    weaker, both = np.minimum(*touched), touched[0] + touched[1]
    found = np.flatnonzero(((weaker if reach.between else both) > 0) & (member < 0))
    return _keep(found, [weaker[found], both[found]], n=n, key=key, most=reach.per_hop)


def _keep(
    cells: Indices, rank: Sequence[npt.NDArray[np.integer] | npt.NDArray[np.bool_]], *, n: int, key: Indices, most: int
) -> Indices:
    """Return at most `most` cells of each pair, highest rank first, then in an order that only ids decide."""
    pair, node = cells // n, cells % n
    mixed = (key[pair].astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) ^ (
        (node + 1).astype(np.uint64) * np.uint64(0xBF58476D1CE4E5B9)
    )
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0x94D049BB133111EB)
    order = np.lexsort((mixed, *(-value.astype(np.int64) for value in reversed(rank)), pair))
    sizes = np.bincount(pair, minlength=len(key))
    place = np.arange(len(cells)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.sort(cells[order[place < most]])


def _neighbours(graph: sp.csr_matrix, nodes: Indices) -> tuple[Indices, Indices]:
    """Return (owner, neighbour): for each place in `nodes`, the neighbours of the node there."""
    begin = graph.indptr[nodes].astype(np.int64)
    length = graph.indptr[nodes + 1] - begin
    owner = np.repeat(np.arange(len(nodes)), length)
    place = np.arange(len(owner)) + np.repeat(begin - (np.cumsum(length) - length), length)
    return owner, graph.indices[place].astype(np.int64)


def _join(parts: list[Subgraphs], pairs: int) -> Subgraphs:
    """Return one batch of several: endpoints first, the rest after them."""
    first = np.concatenate([[0], np.cumsum([part.pairs for part in parts])])
    rest = 2 * pairs + np.concatenate([[0], np.cumsum([len(part.node) - 2 * part.pairs for part in parts])])
    local = []
    for part, begin, rest_begin in zip(parts, first, rest, strict=False):
        ends = np.arange(part.pairs) + begin
        local.append(
            np.concatenate([ends, ends + pairs, np.arange(len(part.node) - 2 * part.pairs) + rest_begin]).astype(
                np.int64
            )
        )
    node, pair = np.empty(rest[-1], np.int64), np.empty(rest[-1], np.int64)
    for part, begin, names in zip(parts, first, local, strict=False):
        node[names], pair[names] = part.node, part.pair + begin
    edges = np.concatenate([names[part.edges] for part, names in zip(parts, local, strict=True)], axis=1)
    return Subgraphs(node, pair, edges[:, np.argsort(edges[1], kind="stable")], pairs)


def drnl_labels(batch: Subgraphs) -> Indices:
    """Return double-radius node labels (k,) (Zhang & Chen, 2018): 1 for u and v, 0 where one of them is out of reach.

    1 + min(d_u, d_v) + (d // 2) (d // 2 + d % 2 - 1) with d = d_u + d_v; d_u is measured without v and d_v without u.
    """
    u, v = np.arange(batch.pairs), np.arange(batch.pairs, 2 * batch.pairs)
    near_u, near_v = _distances(batch, u, v), _distances(batch, v, u)
    reached = (near_u < FAR) & (near_v < FAR)
    du, dv = near_u[reached], near_v[reached]
    half, odd = (du + dv) // 2, (du + dv) % 2
    labels = np.zeros(len(batch.node), np.int64)
    labels[reached] = 1 + np.minimum(du, dv) + half * (half + odd - 1)
    labels[: 2 * batch.pairs] = 1
    return labels


def _distances(batch: Subgraphs, start: Indices, removed: Indices) -> Indices:
    """Return hops from the starts (k,), FAR where there is no way around the removed nodes."""
    gone = np.zeros(len(batch.node), bool)
    gone[removed] = True
    open_edges = batch.edges[:, ~gone[batch.edges[0]] & ~gone[batch.edges[1]]]
    distance = np.full(len(batch.node), FAR)
    distance[start] = 0
    hop, frontier = 0, distance == 0
    while frontier.any():
        hop += 1
        reached = np.zeros(len(batch.node), bool)
        reached[open_edges[1, frontier[open_edges[0]]]] = True
        frontier = reached & (distance == FAR)
        distance[frontier] = hop
    return distance
