"""PaGNN (Yang et al., ECML 2021): one endpoint broadcasts through the subgraph, the other aggregates what arrived.

Weights are shared between the two directions and the decoder reads both orders of a pair, because relations here are
undirected: s(u, v) = s(v, u).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from audience_trainers.relations.alpc.geniepath import AdaptiveBreadth, AdaptiveDepth, GeniePath
from audience_trainers.relations.alpc.hops import Hop
from audience_trainers.relations.baselines.enclosing import Reach, Subgraphs
from audience_trainers.relations.baselines.gnn_graph import NodeInput
from audience_trainers.relations.baselines.gnn_pairs import PairModel, Sampling, fit_pairs
from audience_trainers.relations.baselines.gnn_training import Plan, Schedule, seeded
from audience_trainers.relations.linkpred.models import Setting
from audience_trainers.relations.linkpred.task import FitOptions, Scorer, Training

HOPS = 2


class Broadcast(nn.Module):
    """What each node hears of the sender: r = x at the sender, 0 elsewhere; then `hops` times from the nodes reached to
    their neighbours, r_i = x_i + LSTM(attention over the senders among its neighbours), so r carries the paths.
    """

    def __init__(self, dims: int, hops: int) -> None:
        super().__init__()
        self.breadth = nn.ModuleList(AdaptiveBreadth(dims, dims) for _ in range(hops))
        self.depth = nn.ModuleList(AdaptiveDepth(dims, dims) for _ in range(hops))

    def forward(self, x: Tensor, edges: Tensor, sender: Tensor) -> Tensor:
        """Return r (k, d) of node vectors x (k, d), edges (2, E) both ways and one sender per subgraph (p,)."""
        frontier = torch.zeros(len(x), dtype=torch.bool, device=x.device).index_fill(0, sender, True)
        received = x * frontier.unsqueeze(1)
        memory = torch.zeros_like(x)
        for breadth, depth in zip(self.breadth, self.depth, strict=True):
            along = edges[:, frontier[edges[0]]]
            state, memory = depth(breadth(received, along), memory)
            frontier = torch.zeros_like(frontier).index_fill(0, along[1], True)
            received = torch.where(frontier.unsqueeze(1), state + x, received)
        return received


class PaGNN(PairModel):
    """z_v = f_GeniePath([x || r from u]) at v, z_u likewise from v; s = MLP([z_u || z_v]) + MLP([z_v || z_u])."""

    def __init__(self, inputs: NodeInput, *, width: int, dropout: float, device: str) -> None:
        super().__init__()
        self.inputs = inputs
        self.broadcast = Broadcast(width, HOPS)
        self.aggregate = GeniePath(2 * width, width, layers=HOPS, attention_dims=width, lazy=True)
        self.out = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, 1))
        self.device = device

    def forward(self, batch: Subgraphs) -> Tensor:
        """Return logits (p,)."""
        x = self.inputs(torch.from_numpy(batch.node).to(self.device))
        edges = torch.from_numpy(batch.edges).to(self.device)
        u = torch.arange(batch.pairs, device=self.device)
        v = u + batch.pairs
        at_v, at_u = self._hear(x, edges, sender=u, receiver=v), self._hear(x, edges, sender=v, receiver=u)
        logits: Tensor = self.out(torch.cat([at_u, at_v], dim=1)) + self.out(torch.cat([at_v, at_u], dim=1))
        return logits.squeeze(1)

    def _hear(self, x: Tensor, edges: Tensor, *, sender: Tensor, receiver: Tensor) -> Tensor:
        """Return z (p, d) at the receivers; each hop passes only the edges that lead to them in the hops left."""
        wanted = torch.zeros(len(x), dtype=torch.bool, device=x.device).index_fill(0, receiver, True)
        blocks: list[Hop] = []
        for _ in range(HOPS):
            along = edges[:, wanted[edges[1]]]
            blocks.insert(0, Hop(along, len(x), len(x)))
            wanted = wanted.index_fill(0, along[0], True)
        z: Tensor = self.aggregate.over_blocks(torch.cat([x, self.broadcast(x, edges, sender)], dim=1), blocks)
        return z[receiver]


def fit_pagnn(training: Training, setting: Setting, options: FitOptions) -> Scorer:
    """Fit PaGNN on the nodes within two hops that lie on paths between the endpoints, and their neighbours.

    Settings: per_hop, width, rate, dropout, epochs, learned (vectors per node join).
    """
    width = setting.get("width", 32)
    with seeded(options):
        model = PaGNN(
            NodeInput(training, width, learned=setting.get("learned", False)),
            width=width,
            dropout=setting.get("dropout", 0.0),
            device=options.device,
        )
        schedule = Schedule(epochs=setting.get("epochs", 12), patience=3, learning_rate=setting.get("rate", 0.005))
        sampling = Sampling(Reach(hops=HOPS, per_hop=setting.get("per_hop", 20), between=True), positives=10_000)
        return fit_pairs(training, model, plan=Plan("pagnn", schedule, options), sampling=sampling)
