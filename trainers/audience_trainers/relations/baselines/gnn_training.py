"""How every graph network of Table II is trained: negatives, the loop that stops on validation, the best weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from audience_trainers.relations.linkpred.ranking import area_under_curve
from audience_trainers.relations.linkpred.task import FitOptions, Judged, Pairs, Scorer, Training, pair_key


@dataclass(frozen=True, slots=True)
class Schedule:
    """At most `epochs`; stop after `patience` of them without a better validation AUC."""

    epochs: int
    patience: int
    learning_rate: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What is fitted, for whom, and for how long."""

    name: str
    schedule: Schedule
    options: FitOptions


class RandomNegatives:
    """Uniform pairs that are no training edge. Validation and test edges may be among them: nobody knows them yet."""

    def __init__(self, training: Training, seed: int) -> None:
        self.n = training.n
        self.edges = np.unique(pair_key(training.edges, training.n))
        self.rng = np.random.default_rng(seed)

    def draw(self, count: int) -> Pairs:
        """Return non-edges (2, count); fewer where the graph is nearly complete."""
        found: list[Pairs] = []
        missing = count
        for _ in range(100):
            pairs = self.rng.integers(0, self.n, size=(2, max(missing, 1)))
            pairs = pairs[:, (pairs[0] != pairs[1]) & ~self._is_edge(pairs)]
            found.append(pairs)
            missing -= pairs.shape[1]
            if missing <= 0:
                break
        return np.concatenate(found, axis=1)[:, :count]

    def _is_edge(self, pairs: Pairs) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        if len(self.edges) == 0:
            return np.zeros(pairs.shape[1], bool)
        key = pair_key(pairs, self.n)
        place = np.minimum(np.searchsorted(self.edges, key), len(self.edges) - 1)
        return np.asarray(self.edges[place] == key)


@contextmanager
def seeded(options: FitOptions) -> Iterator[None]:
    """Seed torch for one fit and give the caller's random state back afterwards.

    With several threads, gradients of rows that are read more than once would be added in any order: ask for one.
    """
    devices = [torch.cuda.current_device()] if options.device.startswith("cuda") else []
    before = torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(options.seed)
        torch.use_deterministic_algorithms(not devices or before)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before)


def link_loss(positive: Tensor, negative: Tensor) -> Tensor:
    """Return L_pred, cross-entropy of logits (p,) and (q,), either side weighing the same; an empty side adds 0."""
    missed = softplus(-positive).sum() / max(len(positive), 1)
    return missed + softplus(negative).sum() / max(len(negative), 1)


def train_until_best(
    model: nn.Module, step: Callable[[], Iterator[Tensor]], *, validate: Scorer, judged: Judged, plan: Plan
) -> float:
    """Train in place, leave the weights of the best validation epoch in the model and return its AUC.

    `step()` yields the losses of one epoch; `validate` scores the validation pairs with the weights of the moment.
    """
    schedule, options = plan.schedule, plan.options
    optimiser = torch.optim.Adam(model.parameters(), lr=schedule.learning_rate)
    best, best_epoch, kept = -math.inf, -1, copy.deepcopy(model.state_dict())
    pairs, labels = judged.pairs(), judged.labels()
    for epoch in range(schedule.epochs):
        model.train()
        for loss in step():
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimiser.step()
        model.eval()
        reached = area_under_curve(validate(pairs), labels)
        options.progress(f"fit {plan.name}, validation AUC {reached:.4f}", epoch + 1, schedule.epochs)
        if reached > best:
            best, best_epoch, kept = reached, epoch, copy.deepcopy(model.state_dict())
        if epoch - best_epoch >= schedule.patience:
            break
    model.load_state_dict(kept)
    model.eval()
    return best


def validation_pairs(training: Training, most: int | None = None) -> Judged:
    """Return the validation pairs; with `most`, an evenly spaced part of either kind, always the same."""

    def part(pairs: Pairs) -> Pairs:
        if most is None or pairs.shape[1] <= most // 2:
            return pairs
        return pairs[:, np.linspace(0, pairs.shape[1] - 1, most // 2).astype(np.int64)]

    return Judged(part(training.valid_positive), part(training.valid_negative))
