"""GeniePath alone (Liu et al., AAAI 2019): ALPC's encoder with L_pred and random negatives, nothing else."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from audience_trainers.relations.alpc.geniepath import GeniePath
from audience_trainers.relations.baselines.gnn_encoder import LinkEncoder, fit_encoder
from audience_trainers.relations.baselines.gnn_graph import MessageGraph, NodeInput
from audience_trainers.relations.baselines.gnn_training import Plan, Schedule, seeded
from audience_trainers.relations.linkpred.models import Setting
from audience_trainers.relations.linkpred.task import FitOptions, Scorer, Training


class GeniePathLink(LinkEncoder):
    """z = W f_GeniePath(x); s_uv = z_u . z_v + b."""

    def __init__(self, inputs: NodeInput, *, width: int, layers: int, lazy: bool, dropout: float) -> None:
        super().__init__()
        self.inputs = inputs
        self.encoder = GeniePath(width, width, layers=layers, lazy=lazy, dropout=dropout)
        self.out = nn.Linear(width, width, bias=False)  # an LSTM ends in (-1, 1): inner products need more room
        self.bias = nn.Parameter(torch.zeros(()))

    def encode(self, graph: MessageGraph) -> Tensor:
        """Return z (n, width)."""
        z: Tensor = self.out(self.encoder(self.inputs(), graph.edge_index))
        return z

    def score(self, z: Tensor, pairs: Tensor) -> Tensor:
        """Return s_uv (p,)."""
        return (z[pairs[0]] * z[pairs[1]]).sum(dim=1) + self.bias


def fit_geniepath(training: Training, setting: Setting, options: FitOptions) -> Scorer:
    """Fit GeniePath. Settings: width, layers, lazy, rate, dropout, epochs, learned (vectors per node join)."""
    width = setting.get("width", 64)
    with seeded(options):
        model = GeniePathLink(
            NodeInput(training, width, learned=setting.get("learned", False)),
            width=width,
            layers=setting.get("layers", 2),
            lazy=setting.get("lazy", True),
            dropout=setting.get("dropout", 0.0),
        )
        schedule = Schedule(epochs=setting.get("epochs", 60), patience=12, learning_rate=setting.get("rate", 0.01))
        return fit_encoder(training, model, plan=Plan("geniepath", schedule, options))
