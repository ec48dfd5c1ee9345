"""SEAL (Zhang & Chen, NeurIPS 2018): a link as the class of its enclosing subgraph, double-radius labels, DGCNN."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from audience_trainers.relations.baselines.enclosing import (
    Reach,
    Subgraphs,
    drnl_labels,
    enclosing_subgraphs,
    neighbourhoods,
)
from audience_trainers.relations.baselines.gnn_graph import NodeInput
from audience_trainers.relations.baselines.gnn_pairs import PairModel, Sampling, fit_pairs
from audience_trainers.relations.baselines.gnn_training import Plan, Schedule, seeded
from audience_trainers.relations.linkpred.models import Setting
from audience_trainers.relations.linkpred.task import FitOptions, Scorer, Training

LABELS = 64  # DRNL labels from here on share a vector: a node so far from both says the same
SMALLEST_SORT = 10


class SortPooling(nn.Module):
    """Keep the `k` nodes of each subgraph with the largest last channel, in that order; fewer are filled with zeros."""

    def __init__(self, k: int) -> None:
        super().__init__()
        self.k = k

    def forward(self, h: Tensor, pair: Tensor, pairs: int) -> Tensor:
        """Return (p, k, c) of node states h (n, c) and the subgraph of each (n,)."""
        order = torch.argsort(h[:, -1], descending=True, stable=True)
        order = order[torch.argsort(pair[order], stable=True)]
        sizes = torch.bincount(pair, minlength=pairs)
        place = torch.arange(len(order), device=h.device) - torch.repeat_interleave(
            torch.cumsum(sizes, 0) - sizes, sizes
        )
        kept = place < self.k
        rows = order[kept]
        out = h.new_zeros(pairs * self.k, h.shape[1])
        return out.index_copy(0, pair[rows] * self.k + place[kept], h[rows]).view(pairs, self.k, -1)


class DGCNN(PairModel):
    """Graph convolutions tanh(D^-1 (A + I) H W) of widths w, w, w, 1; SortPooling; two 1-d convolutions; an MLP.

    Nodes enter as [vector of the DRNL label || vector of the node].
    """

    def __init__(self, inputs: NodeInput, *, width: int, k: int, dropout: float, device: str) -> None:
        super().__init__()
        self.inputs = inputs
        self.label = nn.Embedding(LABELS, width)
        widths = [2 * width, width, width, width, 1]
        self.layers = nn.ModuleList(nn.Linear(a, b, bias=False) for a, b in pairwise(widths))
        channels = sum(widths[1:])
        self.pool = SortPooling(k)
        self.over_nodes = nn.Sequential(nn.Conv1d(1, 16, channels, channels), nn.ReLU(), nn.MaxPool1d(2, 2))
        self.over_order = nn.Sequential(nn.Conv1d(16, 32, min(5, k // 2)), nn.ReLU())
        flat = 32 * (k // 2 - min(5, k // 2) + 1)
        self.out = nn.Sequential(nn.Linear(flat, 128), nn.ReLU(), nn.Dropout(dropout), nn.Linear(128, 1))
        self.device = device

    def forward(self, batch: Subgraphs) -> Tensor:
        """Return logits (p,)."""
        node, pair = (torch.from_numpy(part).to(self.device) for part in (batch.node, batch.pair))
        labels = torch.from_numpy(np.minimum(drnl_labels(batch), LABELS - 1)).to(self.device)
        h = torch.cat([self.label(labels), self.inputs(node)], dim=1)
        around, inverse = _neighbour_sum(batch, self.device)
        states = []
        for layer in self.layers:
            h = layer(h)
            h = torch.tanh((torch.sparse.mm(around, h) + h) * inverse)
            states.append(h)
        pooled = self.pool(torch.cat(states, dim=1), pair, batch.pairs)  # (p, k, c)
        over = self.over_order(self.over_nodes(pooled.flatten(1).unsqueeze(1)))  # (p, 32, ...)
        logits: Tensor = self.out(over.flatten(1))
        return logits.squeeze(1)


def _neighbour_sum(batch: Subgraphs, device: str) -> tuple[Tensor, Tensor]:
    """Return the sparse adjacency (k, k) and 1 / (degree + 1) (k, 1)."""
    k = len(batch.node)
    index = torch.from_numpy(batch.edges[::-1].copy()).to(device)
    ones = torch.ones(index.shape[1], device=device)
    around = torch.sparse_coo_tensor(index, ones, (k, k), is_coalesced=True, check_invariants=False)
    return around, 1.0 / (torch.bincount(index[0], minlength=k) + 1.0).unsqueeze(1)


def fit_seal(training: Training, setting: Setting, options: FitOptions) -> Scorer:
    """Fit SEAL. Settings: hops (1, 2), per_hop, width, rate, dropout, epochs, learned (vectors per node join)."""
    reach = Reach(hops=setting.get("hops", 1), per_hop=setting.get("per_hop", 50))
    width = setting.get("width", 32)
    with seeded(options):
        model = DGCNN(
            NodeInput(training, width, learned=setting.get("learned", False)),
            width=width,
            k=_sort_size(training, reach),
            dropout=setting.get("dropout", 0.5),
            device=options.device,
        )
        schedule = Schedule(epochs=setting.get("epochs", 12), patience=3, learning_rate=setting.get("rate", 0.002))
        sampling = Sampling(reach, positives=20_000)
        return fit_pairs(training, model, plan=Plan("seal", schedule, options), sampling=sampling)


def _sort_size(training: Training, reach: Reach, *, share: float = 0.6, looked_at: int = 500) -> int:
    """Return k such that `share` of the subgraphs have at most k nodes, even and at least SMALLEST_SORT."""
    some = np.linspace(0, training.edges.shape[1] - 1, min(looked_at, training.edges.shape[1])).astype(np.int64)
    batch = enclosing_subgraphs(neighbourhoods(training.adjacency()), training.edges[:, some], reach)
    size = int(np.quantile(np.bincount(batch.pair, minlength=batch.pairs), share))
    return max(SMALLEST_SORT, size + size % 2)
