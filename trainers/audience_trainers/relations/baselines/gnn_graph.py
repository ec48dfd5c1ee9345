"""What graph networks read: a node's input vector, and the edges along which messages pass at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from audience_trainers.relations.alpc.hops import sparse_rows
from audience_trainers.relations.linkpred.task import Training


class NodeInput(nn.Module):
    """x_u = W [e_u^Se || e_u^Co] + b + t_u, (n, dims): known vectors projected, plus a learned vector per node.

    Each known block has unit rows, centred and scaled to a mean square of 1. `learned` says whether there is a t_u; a
    graph that brings no vector at all always has one.
    """

    known: Tensor

    def __init__(self, training: Training, dims: int, *, learned: bool) -> None:
        super().__init__()
        blocks = [_scaled(block) for block in (training.features, training.co) if block is not None and block.shape[1]]
        known = np.concatenate(blocks, axis=1) if blocks else np.zeros((training.n, 0), np.float32)
        self.register_buffer("known", torch.from_numpy(known), persistent=False)
        self.project = nn.Linear(known.shape[1], dims) if blocks else None
        self.table = nn.Parameter(torch.randn(training.n, dims) * 0.1) if learned or not blocks else None

    def forward(self, nodes: Tensor | None = None) -> Tensor:
        """Return x (n, dims), or x of the listed nodes (k, dims)."""
        if nodes is not None and len(nodes) >= len(self.known):
            every: Tensor = self()
            return every[nodes]  # more places than nodes: project each node once
        known, table = (part if part is None or nodes is None else part[nodes] for part in (self.known, self.table))
        if self.project is None:
            return cast(Tensor, table)
        x: Tensor = self.project(known)
        return x if table is None else x + table


def _scaled(block: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    length = np.linalg.norm(block, axis=1, keepdims=True)
    unit = block / np.where(length > 0, length, 1.0)
    centred = unit - unit.mean(axis=0)
    return np.asarray(centred / max(float(np.sqrt(np.square(centred).mean())), 1e-12), np.float32)


class MessageGraph:
    """Directed edges (2, E) sorted by (target, source), row 0 the source, and a relation per edge (E,)."""

    def __init__(self, n: int, edge_index: Tensor, relation: Tensor) -> None:
        self.n = n
        self.edge_index = edge_index
        self.relation = relation

    def gcn_adjacency(self) -> Tensor:
        """Return D^-1/2 (A + I) D^-1/2 (n, n), sparse CSR."""
        source, target = self.edge_index
        root = (torch.bincount(target, minlength=self.n) + 1.0).rsqrt()
        loop = torch.arange(self.n, device=source.device)
        row, column = torch.cat([target, loop]), torch.cat([source, loop])
        order = torch.argsort(row * self.n + column)
        row, column = row[order], column[order]
        begins = torch.cumsum(torch.bincount(row, minlength=self.n), 0)
        return sparse_rows(torch.cat([begins.new_zeros(1), begins]), column, root[row] * root[column], self.n)

    def weighted(self, chosen: Tensor, weight: Tensor) -> Tensor:
        """Return the sparse (n, n) matrix M[target, source] = weight over the edges `chosen` (E,) of the graph."""
        index = self.edge_index[:, chosen].flip(0)
        return torch.sparse_coo_tensor(
            index, weight[chosen], (self.n, self.n), is_coalesced=True, check_invariants=False
        )


class TrainingEdges:
    """The training edges in both directions, ready to be masked: relation r one way, r + relations the other."""

    def __init__(self, training: Training, device: str) -> None:
        u, v = training.edges
        kinds = np.zeros(len(u), np.int64) if training.provenance is None else training.provenance.astype(np.int64)
        self.n = training.n
        self.relations = int(kinds.max(initial=0)) + 1
        number = np.arange(len(u))
        source, target, edge = np.concatenate([u, v]), np.concatenate([v, u]), np.concatenate([number, number])
        relation = np.concatenate([kinds, kinds + self.relations])
        order = np.lexsort((source, target))
        self._edge = edge[order]
        self._index = torch.from_numpy(np.stack([source[order], target[order]])).to(device)
        self._relation = torch.from_numpy(relation[order]).to(device)
        self._device = device

    def without(self, hidden: Sequence[int] | npt.NDArray[np.int64]) -> MessageGraph:
        """Return the graph without the edges numbered `hidden`, in either direction."""
        shown = np.ones(len(self._edge) // 2, bool)
        shown[np.asarray(hidden, np.int64)] = False
        kept = torch.from_numpy(np.flatnonzero(shown[self._edge])).to(self._device)
        return MessageGraph(self.n, self._index[:, kept], self._relation[kept])
