"""The message graph, and its neighbours drawn without a Python loop over nodes: a few for each node, or all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audience_trainers.relations.linkpred.task import Pairs

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class MessageGraph:
    """Neighbours of each node: those of i are `neighbour[start[i]:start[i + 1]]`, `edge` (2m,) their edge numbers.

    An undirected edge number e stands in the lists of both its ends, so hiding it hides both directions.
    """

    n: int
    start: Ints
    neighbour: Ints
    edge: Ints

    def all_edges(self, hidden: npt.NDArray[np.bool_] | None = None) -> Pairs:
        """Return directed edges (2, E), row 0 the neighbour, row 1 the node, without the `hidden` (m,) ones."""
        node = np.repeat(np.arange(self.n), np.diff(self.start))
        if hidden is None:
            return np.stack([self.neighbour, node])
        shown = ~hidden[self.edge]
        return np.stack([self.neighbour[shown], node[shown]])

    def sample(
        self, nodes: Ints, fanout: int, rng: np.random.Generator, hidden: npt.NDArray[np.bool_] | None = None
    ) -> Pairs:
        """Return at most `fanout` drawn neighbours of each node as directed edges (2, E), E <= len(nodes) * fanout.

        Row 0 the neighbours, row 1 the nodes, both as ids of the graph. Nodes with at most `fanout` neighbours get
        all of them, others draw with replacement and keep each neighbour once; a hidden edge is left out afterwards.
        """
        degree = self.start[nodes + 1] - self.start[nodes]
        few = degree <= fanout
        ends = np.cumsum(degree[few])
        offset = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - degree[few], degree[few])
        whole = np.repeat(self.start[nodes[few]], degree[few]) + offset
        many = nodes[~few]
        draws = (rng.random((len(many), fanout)) * degree[~few][:, None]).astype(np.int64)
        draws.sort(axis=1)
        once = np.ones(draws.shape, np.bool_)
        once[:, 1:] = draws[:, 1:] != draws[:, :-1]
        drawn = (self.start[many][:, None] + draws)[once]
        place = np.concatenate([whole, drawn])
        node = np.concatenate([np.repeat(nodes[few], degree[few]), np.repeat(many, once.sum(axis=1))])
        if hidden is not None:
            shown = ~hidden[self.edge[place]]
            place, node = place[shown], node[shown]
        return np.stack([self.neighbour[place], node])


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """What a batch needs: the nodes (k,) to read, seeds first, and the edges of each hop as places in them."""

    nodes: Ints
    hops: tuple[Pairs, ...]


def message_graph(n: int, edges: Pairs) -> MessageGraph:
    """Return the graph of undirected edges (2, m), each listed once."""
    m = edges.shape[1]
    node = np.concatenate([edges[1], edges[0]])
    order = np.argsort(node, kind="stable")
    start = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(node, minlength=n), out=start[1:])
    neighbour = np.concatenate([edges[0], edges[1]])[order]
    return MessageGraph(n, start, neighbour, np.concatenate([np.arange(m), np.arange(m)])[order])


def sample_blocks(
    graph: MessageGraph,
    seeds: Ints,
    fanouts: tuple[int, ...],
    rng: np.random.Generator,
    hidden: npt.NDArray[np.bool_] | None = None,
) -> Blocks:
    """Draw the hops that the seeds (k,) need, outermost last drawn and first used.

    `fanouts[t]` neighbours per node at hop t of the encoder; the last hop serves the seeds, each earlier one serves
    them and their neighbours. Returned hops are in the encoder's order, edges as places in `nodes`.
    """
    nodes = np.unique(seeds)
    place = np.full(graph.n, -1, np.int64)
    place[nodes] = np.arange(len(nodes))
    hops: list[Pairs] = []
    for fanout in reversed(fanouts):
        drawn = graph.sample(nodes, fanout, rng, hidden)
        fresh = np.unique(drawn[0][place[drawn[0]] < 0])
        place[fresh] = len(nodes) + np.arange(len(fresh))
        nodes = np.concatenate([nodes, fresh])
        hops.append(drawn)
    return Blocks(nodes, tuple(place[drawn] for drawn in reversed(hops)))
