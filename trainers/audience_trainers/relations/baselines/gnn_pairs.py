"""Fit a model that reads the enclosing subgraph of each pair: SEAL, PaGNN."""

from __future__ import annotations

import abc
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from audience_trainers.relations.baselines.enclosing import Reach, Subgraphs, enclosing_subgraphs, neighbourhoods
from audience_trainers.relations.baselines.gnn_training import (
    Plan,
    RandomNegatives,
    link_loss,
    train_until_best,
    validation_pairs,
)
from audience_trainers.relations.linkpred.task import Pairs, Scorer, Training, Values


@dataclass(frozen=True, slots=True)
class Sampling:
    """What of the graph an epoch sees: `positives` training edges and as many non-edges, `batch` pairs at a time.

    Validation stops on at most `validated` pairs, evenly spaced through the split.
    """

    reach: Reach
    positives: int
    batch: int = 256
    validated: int = 4_000


class PairModel(nn.Module, abc.ABC):
    """s = forward(subgraphs) (p,): one logit per pair."""

    @abc.abstractmethod
    def forward(self, batch: Subgraphs) -> Tensor:
        """Return logits (p,)."""


def fit_pairs(training: Training, model: PairModel, *, plan: Plan, sampling: Sampling) -> Scorer:
    """Train on subgraphs of sampled edges and non-edges; no subgraph holds the link that it predicts."""
    graph = neighbourhoods(training.adjacency())
    model = model.to(plan.options.device)
    strangers = RandomNegatives(training, plan.options.seed)

    def epoch() -> Iterator[Tensor]:
        count = training.edges.shape[1]
        chosen = strangers.rng.permutation(count)[: sampling.positives]
        positive, negative = training.edges[:, chosen], strangers.draw(len(chosen))
        half = max(1, sampling.batch // 2)
        for begin in range(0, len(chosen), half):
            true, false = positive[:, begin : begin + half], negative[:, begin : begin + half]
            logits = model(enclosing_subgraphs(graph, np.concatenate([true, false], axis=1), sampling.reach))
            yield link_loss(logits[: true.shape[1]], logits[true.shape[1] :])

    def score(pairs: Pairs) -> Values:
        model.eval()
        parts = []
        with torch.no_grad():
            for begin in range(0, pairs.shape[1], sampling.batch):
                part = enclosing_subgraphs(graph, pairs[:, begin : begin + sampling.batch], sampling.reach)
                parts.append(model(part).double().cpu().numpy())
        return np.concatenate(parts) if parts else np.zeros(0)

    judged = validation_pairs(training, sampling.validated)
    train_until_best(model, epoch, validate=score, judged=judged, plan=plan)
    return score
