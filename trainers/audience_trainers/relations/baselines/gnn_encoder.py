"""Fit a model that encodes every node once and scores pairs of codes: GAE, VGAE, CompGCN, GeniePath."""

from __future__ import annotations

import abc
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from audience_trainers.relations.baselines.gnn_graph import MessageGraph, TrainingEdges
from audience_trainers.relations.baselines.gnn_training import (
    Plan,
    RandomNegatives,
    link_loss,
    train_until_best,
    validation_pairs,
)
from audience_trainers.relations.linkpred.task import Pairs, Scorer, Training, Values

HIDDEN_PARTS = 10  # an epoch hides and predicts a tenth of the edges at a time
SCORED_AT_ONCE = 1 << 18


class LinkEncoder(nn.Module, abc.ABC):
    """z = encode(graph) (n, d); s_uv = score(z, pairs)."""

    @abc.abstractmethod
    def encode(self, graph: MessageGraph) -> Tensor:
        """Return z (n, d)."""

    @abc.abstractmethod
    def score(self, z: Tensor, pairs: Tensor) -> Tensor:
        """Return logits (p,) of pairs (2, p)."""

    def penalty(self) -> Tensor | float:
        """Return what the last encoding adds to the loss."""
        return 0.0


def fit_encoder(training: Training, model: LinkEncoder, *, plan: Plan, negatives: int = 1) -> Scorer:
    """Train by hidden edges: each step passes messages along nine tenths of the edges and predicts the other tenth.

    `negatives` random non-edges stand against each hidden edge. Afterwards all training edges carry messages.
    """
    device = plan.options.device
    model = model.to(device)
    edges = TrainingEdges(training, device)
    whole = edges.without([])
    strangers = RandomNegatives(training, plan.options.seed)

    def epoch() -> Iterator[Tensor]:
        order = strangers.rng.permutation(training.edges.shape[1])
        for hidden in np.array_split(order, min(HIDDEN_PARTS, len(order))):
            z = model.encode(edges.without(hidden))
            positive = model.score(z, _on(training.edges[:, hidden], device))
            negative = model.score(z, _on(strangers.draw(negatives * len(hidden)), device))
            yield link_loss(positive, negative) + model.penalty()

    train_until_best(model, epoch, validate=_scorer(model, whole, device), judged=validation_pairs(training), plan=plan)
    return _scorer(model, whole, device, remember=True)


def _scorer(model: LinkEncoder, whole: MessageGraph, device: str, *, remember: bool = False) -> Scorer:
    with torch.no_grad():
        code = model.encode(whole) if remember else None

    def score(pairs: Pairs) -> Values:
        with torch.no_grad():
            z = model.encode(whole) if code is None else code
            parts = [
                model.score(z, _on(pairs[:, begin : begin + SCORED_AT_ONCE], device)).double().cpu().numpy()
                for begin in range(0, pairs.shape[1], SCORED_AT_ONCE)
            ]
        return np.concatenate(parts) if parts else np.zeros(0)

    return score


def _on(pairs: Pairs, device: str) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(pairs)).to(device)
