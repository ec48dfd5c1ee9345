"""Graph auto-encoders, plain and variational (Kipf & Welling, 2016): two graph convolutions, an inner product.

The paper trains on the adjacency that it reconstructs; here the edges to reconstruct are hidden from the encoder (see
gnn_encoder.py), which gives the better validation AUC.
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn

from audience_trainers.relations.baselines.gnn_encoder import LinkEncoder, fit_encoder
from audience_trainers.relations.baselines.gnn_graph import MessageGraph, NodeInput
from audience_trainers.relations.baselines.gnn_training import Plan, Schedule, seeded
from audience_trainers.relations.linkpred.models import Setting
from audience_trainers.relations.linkpred.task import FitOptions, Scorer, Training

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)  # torch.jit.script, at import
    from torch_geometric.nn import GAE, VGAE, GCNConv


class GraphEncoder(nn.Module):
    """A(drop(relu(A x W0))) W1: codes (n, d), or (mean, log of the deviation) of each when variational."""

    def __init__(self, inputs: NodeInput, width: int, dims: int, *, variational: bool, dropout: float) -> None:
        super().__init__()
        self.inputs = inputs
        self.first = GCNConv(width, width, normalize=False)
        self.mean = GCNConv(width, dims, normalize=False)
        self.deviation = GCNConv(width, dims, normalize=False) if variational else None
        self.dropout = nn.Dropout(dropout)

    def forward(self, adjacency: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Return z (n, d) or (mean, log deviation) over the normalised sparse adjacency (n, n)."""
        h = self.dropout(torch.relu(self.first(self.dropout(self.inputs()), adjacency)))
        mean: Tensor = self.mean(h, adjacency)
        return mean if self.deviation is None else (mean, self.deviation(h, adjacency))


class AutoEncoder(LinkEncoder):
    """torch_geometric's GAE or VGAE with the logit z_u . z_v + b."""

    def __init__(self, encoder: GraphEncoder, *, variational: bool, n: int) -> None:
        super().__init__()
        self.model = VGAE(encoder) if variational else GAE(encoder)
        self.variational = variational
        self.bias = nn.Parameter(torch.zeros(()))
        self.n = n

    def encode(self, graph: MessageGraph) -> Tensor:
        """Return z (n, d): a draw while VGAE trains, its mean otherwise."""
        z: Tensor = self.model.encode(graph.gcn_adjacency())
        return z

    def score(self, z: Tensor, pairs: Tensor) -> Tensor:
        """Return z_u . z_v + b (p,)."""
        product: Tensor = self.model.decoder(z, pairs, sigmoid=False)
        return product + self.bias

    def penalty(self) -> Tensor | float:
        """Return KL(q(z) || N(0, I)) / n of VGAE, 0 of GAE."""
        return self.model.kl_loss() / self.n if self.variational else 0.0


def fit_gae(training: Training, setting: Setting, options: FitOptions) -> Scorer:
    """Fit a graph auto-encoder. Settings: width, dims, rate, dropout, epochs, learned (vectors per node join)."""
    return _fit(training, setting, options, variational=False)


def fit_vgae(training: Training, setting: Setting, options: FitOptions) -> Scorer:
    """Fit a variational graph auto-encoder. Settings as of fit_gae."""
    return _fit(training, setting, options, variational=True)


def _fit(training: Training, setting: Setting, options: FitOptions, *, variational: bool) -> Scorer:
    width = setting.get("width", 128)
    with seeded(options):
        encoder = GraphEncoder(
            NodeInput(training, width, learned=setting.get("learned", False)),
            width,
            setting.get("dims", 64),
            variational=variational,
            dropout=setting.get("dropout", 0.0),
        )
        model = AutoEncoder(encoder, variational=variational, n=training.n)
        schedule = Schedule(epochs=setting.get("epochs", 100), patience=15, learning_rate=setting.get("rate", 0.005))
        plan = Plan("vgae" if variational else "gae", schedule, options)
        return fit_encoder(training, model, plan=plan, negatives=setting.get("negatives", 1))
