"""Leave seeds out in turn: which are held out in each training, and what held-out seeds say of each candidate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
SOFTNESS = 0.2  # of cosines: how far apart two seeds must be to count as told apart


@dataclass(frozen=True, slots=True, eq=False)
class Folds:
    """Seeds held out by training: positive (k, p) and negative (k, q) bool. The first training holds out nobody."""

    positive: npt.NDArray[np.bool_]
    negative: npt.NDArray[np.bool_]

    def compared(self) -> npt.NDArray[np.bool_]:
        """Return which pairs (k, p, q) are held out together: only these judge."""
        return self.positive[:, :, None] & self.negative[:, None, :]

    def trained(self) -> npt.NDArray[np.bool_]:
        """Return the triplets (k, p, q) that each training sees."""
        return ~self.positive[:, :, None] & ~self.negative[:, None, :]


def draw_folds(positives: int, negatives: int, most: int, rng: np.random.Generator) -> Folds:
    """Return one training on all seeds, and at most `most` others that hold out some of each label.

    With few seeds one of each is left out, drawn anew each time; with many, each training leaves out its part of them.
    Nothing can be left out unless there are two of each.
    """
    count = min(most, positives * negatives) if min(positives, negatives) >= 2 else 0
    held = [np.zeros((count + 1, size), np.bool_) for size in (positives, negatives)]
    for part, size in zip(held, (positives, negatives), strict=True):
        if count:
            order = np.concatenate([rng.permutation(size) for _ in range(-(-count // size))])
            for fold, chosen in enumerate(np.array_split(order[: max(count, size)], count)):
                part[fold + 1, chosen[: max(1, size // 2)]] = True  # some are left to learn from
    return Folds(*held)


def held_out_loss(positive: Floats, negative: Floats, folds: Folds) -> Floats:
    """Return, for scores (c, k, p) and (c, k, q), the soft loss (c, k) of pairs held out together; 0 for none.

    log(1 + exp(-(s+ - s-) / softness)): what AUC counts, but smooth, for a handful of seeds give a handful of pairs.
    """
    compared = folds.compared()
    gap = (positive[:, :, :, None] - negative[:, :, None, :]) / SOFTNESS
    return np.asarray((np.logaddexp(0.0, -gap) * compared).sum(axis=(2, 3)) / np.maximum(compared.sum(axis=(1, 2)), 1))


def held_out_wins(positive: Floats, negative: Floats, folds: Folds) -> tuple[Floats, Floats]:
    """Return, for scores (k, p) and (k, q), how many held-out pairs are told apart (k,), ties half, and of how many."""
    compared = folds.compared()
    gap = positive[:, :, None] - negative[:, None, :]
    right = ((gap > 0) + 0.5 * (gap == 0)) * compared
    return right.sum(axis=(1, 2)), compared.sum(axis=(1, 2)).astype(np.float64)
