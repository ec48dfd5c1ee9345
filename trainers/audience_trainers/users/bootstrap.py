"""Bootstrap: users drawn with replacement, 95 % intervals, paired differences.

Replicates of one seed are drawn once and given to every model, so two models are compared on the same users. With
several seeds (other splits, other seeds of a model) their replicates are put together: the interval then holds both
the chance of the users and the chance of the split.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from audience_trainers.users.measures import Labels, Values, measure

REPLICATES = 1_000
_CELLS = 4_000_000  # weights at once: 32 MB


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over seeds with the 2.5th and 97.5th percentile of the replicates; NaN where nothing can be said."""

    mean: float
    low: float
    high: float

    def to_dict(self) -> dict[str, object]:
        """Return `{"mean": x, "ci": [low, high]}` with None for NaN."""
        mean, low, high = (None if np.isnan(v) else round(v, 6) for v in (self.mean, self.low, self.high))
        return {"mean": mean, "ci": [low, high]}


def draws(n: int, replicates: int, *, seed: int) -> Iterator[Values]:
    """Yield blocks (b, n) of counts: how often each of n users is drawn when n are drawn with replacement."""
    rng = np.random.default_rng([seed, n])
    block = max(1, min(replicates, _CELLS // max(n, 1)))
    for begin in range(0, replicates, block):
        b = min(block, replicates - begin)
        drawn = rng.integers(n, size=(b, n)) + n * np.arange(b)[:, None]
        yield np.bincount(drawn.ravel(), minlength=b * n).reshape(b, n).astype(np.float64)


def replicates(
    scores: Mapping[str, Values], y: Labels, cuts: Mapping[str, float], *, count: int, seed: int
) -> dict[str, dict[str, Values]]:
    """Return model -> measure -> (count,) replicates; the same users are drawn for every model."""
    parts: dict[str, list[dict[str, Values]]] = {name: [] for name in scores}
    for weights in draws(len(y), count, seed=seed):
        for name, score in scores.items():
            parts[name].append(measure(score, y, cut=cuts[name], weights=weights))
    return {
        name: {key: np.concatenate([part[key] for part in found]) for key in found[0]} for name, found in parts.items()
    }


def estimate(values: Sequence[float], drawn: Sequence[Values]) -> Estimate:
    """Return the mean of the seeds' values, and the percentiles of all seeds' replicates together.

    Each seed's replicates are moved so that their mean is the seed's value. That hardly changes an AUC; the KS of a
    resample is too large on average (the gap is a maximum), and its interval would miss the value without this. What
    is never below 0 stays so.
    """
    plain = np.asarray(values, np.float64)
    moved = [own[~np.isnan(own)] for own in drawn]
    moved = [own - own.mean() + value for own, value in zip(moved, plain, strict=True) if len(own) and value == value]
    mean = float("nan") if np.isnan(plain).all() else float(np.nanmean(plain))
    if not moved:
        return Estimate(mean, float("nan"), float("nan"))
    low, high = np.percentile(np.concatenate(moved), [2.5, 97.5])
    lowest = min(np.nanmin(plain), *(np.nanmin(own, initial=np.inf) for own in drawn))
    return Estimate(mean, max(float(low), 0.0) if lowest >= 0 else float(low), float(high))


def difference(
    first: tuple[Sequence[float], Sequence[Values]], second: tuple[Sequence[float], Sequence[Values]]
) -> Estimate:
    """Return first - second: of the seeds' values, and of the replicates one by one (the same users in both)."""
    values = [a - b for a, b in zip(first[0], second[0], strict=True)]
    return estimate(values, [a - b for a, b in zip(first[1], second[1], strict=True)])
