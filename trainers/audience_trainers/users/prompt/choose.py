"""Which step and weight of a tuned prompt to keep: what tells apart seeds that its training did not see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F

from audience_trainers.users.prompt.crowd import Crowd
from audience_trainers.users.prompt.folds import Folds, held_out_loss, held_out_wins
from audience_trainers.users.prompt.verdict import wilson_interval

Vectors = npt.NDArray[np.float32]
WEIGHTS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1.0)
DOUBTED = 0.6  # an AUC: where seeds say with 95 % certainty that the sentence is worse, it is left more easily
DARING = 1.0  # caution, at most, for such a sentence
MINED = 0.1  # the weight where all negatives were mined, so that no seed can judge


@dataclass(frozen=True, slots=True, eq=False)
class Walked:
    """Vectors (looks, k, out) of every training on its way, tokens (looks, m, e) of the one on all seeds."""

    vectors: Vectors
    tokens: Vectors
    steps: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Leaning:
    """The seeds, positives (p, out) and negatives (q, out), and how a crowd leans a vector toward them, if any does."""

    positives: Vectors
    negatives: Vectors
    crowd: Crowd | None
    strength: float

    def all(self, vector: Vectors) -> Vectors:
        """Return a vector (out,) leaned by all seeds."""
        if self.crowd is None:
            return vector
        return self.crowd.lean(vector, self.positives, self.negatives, self.strength)

    def without(self, vectors: Vectors, folds: Folds) -> Vectors:
        """Return the vectors (k, out) of every training, each leaned by the seeds that it saw."""
        if self.crowd is None:
            return vectors
        seen = zip(vectors, ~folds.positive, ~folds.negative, strict=True)
        return np.stack(
            [self.crowd.lean(one, self.positives[p], self.negatives[q], self.strength) for one, p, q in seen]
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """The look and weight to keep, and the AUC of seeds left out: of the prompt, and of the sentence alone."""

    look: int
    weight: float
    auc: float
    plain_auc: float


def choose(walked: Walked, plain: Vectors, seeds: Leaning, folds: Folds, caution: float) -> Choice:
    """Choose look and weight by seeds left out; the AUC of a fold is that of the choice made without it.

    A sentence that the seeds contradict is left with caution 1 at most.
    """
    last = len(walked.steps) - 1
    judging = np.flatnonzero(folds.compared().any(axis=(1, 2)))
    if len(judging) == 0:
        return Choice(last, 0.0 if len(seeds.negatives) else MINED, float("nan"), float("nan"))
    candidates = [(0, 0.0)] + [(look, weight) for look in range(last + 1) for weight in WEIGHTS[1:]]
    mixed = np.stack([mix(plain, walked.vectors[look], weight) for look, weight in candidates])  # (c, k, out)
    positive, negative = (np.asarray(mixed @ part.T, np.float64) for part in (seeds.positives, seeds.negatives))
    loss = held_out_loss(positive, negative, folds)[:, judging]
    if _doubted(plain, seeds):
        caution = min(caution, DARING)
    dear = caution * np.array([weight**2 for _, weight in candidates]) / min(positive.shape[2], negative.shape[2])
    best = int((loss.mean(axis=1) + dear).argmin())
    others = (loss.sum(axis=1, keepdims=True) - loss) / max(len(judging) - 1, 1)
    picked = np.zeros(mixed.shape[1], np.int64)
    picked[judging] = (others + dear[:, None]).argmin(axis=0)
    own = mixed[picked, np.arange(len(picked))]  # (k, out)
    look, weight = candidates[best]
    return Choice(look, weight, _auc(seeds.without(own, folds), seeds, folds), _auc(mixed[0], seeds, folds))


def mix(plain: Vectors, tuned: Vectors, weight: float) -> Vectors:
    """Return the unit vectors of (1 - w) plain (out,) + w tuned (..., out)."""
    mixed = torch.from_numpy((1.0 - weight) * plain + weight * tuned)
    return np.asarray(F.normalize(mixed, dim=-1).numpy(), np.float32)


def _doubted(plain: Vectors, seeds: Leaning) -> bool:
    """Return whether the sentence ranks the seeds so badly that a good AUC is ruled out; none of them tuned it."""
    gap = np.subtract.outer(seeds.positives @ plain, seeds.negatives @ plain)
    share = float(((gap > 0) + 0.5 * (gap == 0)).mean())
    return wilson_interval(share, min(gap.shape))[1] < DOUBTED


def _auc(vectors: Vectors, seeds: Leaning, folds: Folds) -> float:
    """Return the share of held-out pairs that the vectors (k, out) of their trainings tell apart."""
    positive, negative = (np.asarray(vectors @ part.T, np.float64) for part in (seeds.positives, seeds.negatives))
    won, of = held_out_wins(positive, negative, folds)
    return float(won.sum() / of.sum())
