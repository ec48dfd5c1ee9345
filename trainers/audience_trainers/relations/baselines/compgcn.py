"""CompGCN (Vashishth et al., ICLR 2020): messages composed with the relation along which they come."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from audience_trainers.relations.baselines.gnn_encoder import LinkEncoder, fit_encoder
from audience_trainers.relations.baselines.gnn_graph import MessageGraph, NodeInput
from audience_trainers.relations.baselines.gnn_training import Plan, Schedule, seeded
from audience_trainers.relations.linkpred.models import Setting
from audience_trainers.relations.linkpred.task import FitOptions, Scorer, Training

COMPOSITIONS = ("sub", "mult", "corr")


def compose(entity: Tensor, relation: Tensor, how: str) -> Tensor:
    """Return phi(h, r): h - r, h * r, or the circular correlation phi_k = sum_i h_i r_(i + k); rows (n, d), r (d,)."""
    if how == "sub":
        return entity - relation
    if how == "mult":
        return entity * relation
    along = torch.fft.rfft(entity, dim=-1).conj() * torch.fft.rfft(relation, dim=-1)
    correlated: Tensor = torch.fft.irfft(along, n=entity.shape[-1], dim=-1)
    return correlated


class CompGCNLayer(nn.Module):
    """h_v' = (W_O sum phi(h_u, r) + W_I sum phi(h_u, r^-1) + W_S phi(h_v, loop)) / 3 + b;  r' = W_rel r.

    Each sum runs over the edges of its direction and weighs them by 1 / sqrt(d_u d_v), degrees of that direction.
    Relations (2 r + 1, d): r as listed, r inverse, the self-loop last. Every composition is linear in h, so the
    messages of one relation are summed before they are composed.
    """

    def __init__(self, dims: int, out: int, how: str) -> None:
        super().__init__()
        self.listed, self.inverse, self.loop, self.relation = (nn.Linear(dims, out, bias=False) for _ in range(4))
        self.bias = nn.Parameter(torch.zeros(out))
        self.how = how

    def forward(self, h: Tensor, relations: Tensor, graph: MessageGraph) -> tuple[Tensor, Tensor]:
        """Return (h' (n, out), relations' (2 r + 1, out))."""
        kinds = len(relations) // 2
        summed = [compose(h, relations[-1], self.how) @ self.loop.weight.T]
        for direction, transform in ((0, self.listed), (1, self.inverse)):
            in_direction = graph.relation // kinds == direction
            weight = _symmetric_weight(graph, in_direction)
            message = torch.zeros_like(h)
            for kind in range(direction * kinds, (direction + 1) * kinds):
                chosen = torch.nonzero(graph.relation == kind).squeeze(1)
                matrix = graph.weighted(chosen, weight)
                heard = torch.sparse.mm(matrix, h)
                if self.how == "sub":  # sum_u w_u (h_u - r) = sum_u w_u h_u - r sum_u w_u
                    total = torch.sparse.mm(matrix, torch.ones_like(h[:, :1]))
                    message = message + heard - total * relations[kind]
                else:
                    message = message + compose(heard, relations[kind], self.how)
            summed.append(transform(message))
        return torch.stack(summed).sum(dim=0) / 3.0 + self.bias, self.relation(relations)


def _symmetric_weight(graph: MessageGraph, chosen: Tensor) -> Tensor:
    """Return 1 / sqrt(d_u d_v) (E,) with degrees counted over the edges `chosen` (E,) bool, 0 elsewhere."""
    source, target = graph.edge_index
    out = torch.bincount(source[chosen], minlength=graph.n).clamp(min=1)
    into = torch.bincount(target[chosen], minlength=graph.n).clamp(min=1)
    return chosen / torch.sqrt(out[source].float() * into[target].float())


class CompGCN(LinkEncoder):
    """Two layers of CompGCN and DistMult: s_uv = sum_k z_uk w_k z_vk + b, w the vector of "is related to"."""

    def __init__(self, inputs: NodeInput, *, width: int, kinds: int, how: str, dropout: float) -> None:
        super().__init__()
        self.inputs = inputs
        self.relations = nn.Parameter(torch.randn(2 * kinds + 1, width) * 0.1 + (1.0 if how == "mult" else 0.0))
        self.first, self.second = CompGCNLayer(width, width, how), CompGCNLayer(width, width, how)
        self.normal = nn.BatchNorm1d(width)
        self.dropout = nn.Dropout(dropout)
        self.related = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(()))

    def encode(self, graph: MessageGraph) -> Tensor:
        """Return z (n, width)."""
        h, relations = self.first(self.dropout(self.inputs()), self.relations, graph)
        z: Tensor = self.second(self.dropout(torch.tanh(self.normal(h))), relations, graph)[0]
        return z

    def score(self, z: Tensor, pairs: Tensor) -> Tensor:
        """Return s_uv (p,)."""
        return (z[pairs[0]] * self.related * z[pairs[1]]).sum(dim=1) + self.bias


def fit_compgcn(training: Training, setting: Setting, options: FitOptions) -> Scorer:
    """Fit CompGCN; a relation type per provenance (one when nobody knows it), its inverse, and the self-loop.

    Settings: composition (sub, mult, corr), width, rate, dropout, epochs, learned (vectors per node join).
    """
    width = setting.get("width", 128)
    kinds = 1 if training.provenance is None else int(training.provenance.max(initial=0)) + 1
    with seeded(options):
        model = CompGCN(
            NodeInput(training, width, learned=setting.get("learned", False)),
            width=width,
            kinds=kinds,
            how=setting.get("composition", "mult"),
            dropout=setting.get("dropout", 0.0),
        )
        schedule = Schedule(epochs=setting.get("epochs", 100), patience=15, learning_rate=setting.get("rate", 0.005))
        return fit_encoder(training, model, plan=Plan("compgcn", schedule, options))
