"""ACC, CorS, AUC and the variance of ACC over weeks, from scores 0 / 0.5 / 1 of sampled pairs (EGL IV-A1, eq. 8).

A pair annotated by several people: its correlation score C_uv is their mean, and it counts as accurate ("correlation
score > 0") by what the majority says; an even split counts half. Every pair stands for `weight` pairs of what it was
sampled from, so that a sample with more of the rare strata still estimates the whole without bias.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Z95 = 1.959963984540054
RESAMPLES = 2_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval; NaN where it is not defined."""

    value: float
    low: float
    high: float


UNKNOWN = Estimate(math.nan, math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class Judged:
    """Annotated pairs, one row a pair (p,): accurate 0..1, correlation 0..1, sampling weight, stratum's number."""

    accurate: Values
    correlation: Values
    weight: Values
    stratum: Places

    def __len__(self) -> int:
        return len(self.accurate)

    def only(self, keep: npt.NDArray[np.bool_] | Places) -> Judged:
        """Return the rows to keep: a mask, or their places."""
        return Judged(self.accurate[keep], self.correlation[keep], self.weight[keep], self.stratum[keep])


def accurate_by_majority(scores: Sequence[float]) -> float:
    """Return 1.0 when most annotators gave a score above 0, 0.0 when most gave 0, 0.5 when they are even."""
    above = sum(score > 0 for score in scores)
    return 1.0 if 2 * above > len(scores) else 0.0 if 2 * above < len(scores) else 0.5


def accuracy(judged: Judged) -> Estimate:
    """Return ACC: the weighted share of accurate pairs, with Wilson's interval.

    Its number of pairs is Kish's (sum w)^2 / sum w^2, the size of an unweighted sample that says as much.
    """
    if len(judged) == 0:
        return UNKNOWN
    share = float(np.average(judged.accurate, weights=judged.weight))
    return Estimate(share, *wilson(share, effective_size(judged.weight)))


def correlation_score(judged: Judged, *, seed: int = 0) -> Estimate:
    """Return CorS = sum C_uv / sum T_uv (eq. 8): the weighted mean score, with a bootstrap interval."""
    if len(judged) == 0:
        return UNKNOWN

    def mean(rows: Places) -> float:
        return float(np.average(judged.correlation[rows], weights=judged.weight[rows]))

    return bootstrap(mean, judged.stratum, seed=seed)


def ranking_quality(judged: Judged, score: Values, *, seed: int = 0) -> Estimate:
    """Return the AUC of a model's scores (p,) against accurate (majority above 0) or not, with a bootstrap interval.

    Pairs without a score (NaN) and even splits are left out.
    """
    use = np.flatnonzero(~np.isnan(score) & (judged.accurate != 0.5))

    def area(rows: Places) -> float:
        chosen = use[rows]
        return weighted_auc(score[chosen], judged.accurate[chosen], judged.weight[chosen])

    return bootstrap(area, judged.stratum[use], seed=seed)


def weighted_auc(score: Values, label: Values, weight: Values) -> float:
    """Return the chance that a positive drawn by weight scores above a negative drawn by weight, ties half.

    NaN without both kinds. Equal weights give the usual AUC.
    """
    _, place = np.unique(score, return_inverse=True)
    kinds = int(place.max()) + 1 if len(place) else 0
    positive = np.bincount(place, weights=weight * (label > 0), minlength=kinds)
    negative = np.bincount(place, weights=weight * (label == 0), minlength=kinds)
    if positive.sum() == 0 or negative.sum() == 0:
        return math.nan
    below = np.cumsum(negative) - negative
    return float((positive * (below + negative / 2.0)).sum() / (positive.sum() * negative.sum()))


def bootstrap(
    figure: Callable[[Places], float], stratum: Places, *, seed: int = 0, resamples: int = RESAMPLES
) -> Estimate:
    """Return a figure of all rows and its 95 % percentile interval over resamples within strata. Same seed, same."""
    rows = np.arange(len(stratum))
    if len(rows) == 0:
        return UNKNOWN
    rng = np.random.default_rng(seed)
    members = [rows[stratum == kind] for kind in np.unique(stratum)]
    drawn = [
        figure(np.concatenate([own[rng.integers(0, len(own), len(own))] for own in members])) for _ in range(resamples)
    ]
    known = np.array(drawn)[~np.isnan(drawn)]
    low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (math.nan, math.nan)
    return Estimate(figure(rows), float(low), float(high))


def wilson(share: float, size: float, z: float = Z95) -> tuple[float, float]:
    """Return Wilson's score interval of a share seen in `size` pairs; defined at 0 and 1 too."""
    if size <= 0:
        return math.nan, math.nan
    centre = (share + z * z / (2 * size)) / (1 + z * z / size)
    half = z / (1 + z * z / size) * math.sqrt(share * (1 - share) / size + z * z / (4 * size * size))
    return max(0.0, centre - half), min(1.0, centre + half)


def effective_size(weight: Values) -> float:
    """Return Kish's effective sample size, (sum w)^2 / sum w^2."""
    return float(weight.sum() ** 2 / (weight**2).sum()) if len(weight) else 0.0


def expansion_count(relations: float, entities: int) -> float:
    """Return AECC = sum T_uv / N (eq. 8): relations per entity of the whole dictionary."""
    return relations / entities if entities else math.nan


def variance_over_weeks(weekly: Sequence[float]) -> float:
    """Return the variance of weekly ACC (0..1) in squared percentage points, as in Table I; NaN under two weeks.

    The divisor is weeks - 1. Sampled annotations add their own sampling variance to it: see `sampling_variance`.
    """
    return float(np.var(100.0 * np.asarray(weekly), ddof=1)) if len(weekly) >= 2 else math.nan


def sampling_variance(weeks: Sequence[Judged]) -> float:
    """Return the mean variance of weekly ACC that comes from annotating samples, in squared percentage points."""
    if not weeks:
        return math.nan
    shares = [float(np.average(week.accurate, weights=week.weight)) for week in weeks]
    sizes = [effective_size(week.weight) for week in weeks]
    return float(np.mean([1e4 * p * (1 - p) / n for p, n in zip(shares, sizes, strict=True)]))
