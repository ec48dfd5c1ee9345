"""How far annotators agree: percent, Cohen's kappa, Fleiss' kappa, Krippendorff's alpha.

Ratings are a matrix (pairs, annotators) of scores; NaN where an annotator did not see a pair.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Metric = Literal["nominal", "ordinal", "interval"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement on the pairs that two or more annotators scored; None where it is not defined.

    `percent` is the chance that two annotators of a pair gave the same score. `kappa` is Cohen's for two annotators
    and Fleiss' for more that all scored the same number of times; `kappa_of` names it. `alpha` is ordinal.
    """

    annotators: int
    pairs: int
    percent: float | None
    kappa: float | None
    kappa_of: str
    alpha: float | None


def agreement(ratings: Values) -> Agreement:
    """Return the agreement of a matrix (pairs, annotators); annotators without a shared pair are left out."""
    shared = ratings[(~np.isnan(ratings)).sum(axis=1) >= 2]
    shared = shared[:, ~np.isnan(shared).all(axis=0)] if len(shared) else shared[:, :0]
    annotators = shared.shape[1]
    if annotators == 2:
        kappa, name = cohen_kappa(shared[:, 0], shared[:, 1]), "cohen"
    else:
        kappa, name = fleiss_kappa(category_counts(shared)), "fleiss"
    return Agreement(
        annotators=annotators,
        pairs=len(shared),
        percent=_known(percent_agreement(shared)),
        kappa=_known(kappa),
        kappa_of=name,
        alpha=_known(krippendorff_alpha(shared)),
    )


def percent_agreement(ratings: Values) -> float:
    """Return the mean over pairs of the share of its pairs of annotators that gave equal scores; NaN without any."""
    counts = category_counts(ratings)
    total = counts.sum(axis=1)
    counts, total = counts[total >= 2], total[total >= 2]
    if len(counts) == 0:
        return float("nan")
    return float(np.mean((counts * (counts - 1)).sum(axis=1) / (total * (total - 1))))


def cohen_kappa(first: Values, second: Values) -> float:
    """Return (p_o - p_e) / (1 - p_e) of two annotators' scores of the same pairs; NaN when p_e = 1 or without pairs."""
    if len(first) == 0:
        return float("nan")
    kinds = np.union1d(first, second)
    left, right = (np.equal.outer(scores, kinds).mean(axis=0) for scores in (first, second))
    return _beyond_chance(float((first == second).mean()), float(left @ right))


def fleiss_kappa(counts: Values) -> float:
    """Return Fleiss' kappa of how often each category was given to each pair, (pairs, categories).

    NaN when the pairs were not all annotated equally often, or there is nothing to compare.
    """
    total = counts.sum(axis=1)
    if len(counts) == 0 or total[0] < 2 or not (total == total[0]).all():
        return float("nan")
    observed = float(np.mean((counts * (counts - 1)).sum(axis=1) / (total * (total - 1))))
    share = counts.sum(axis=0) / counts.sum()
    return _beyond_chance(observed, float(share @ share))


def krippendorff_alpha(ratings: Values, metric: Metric = "ordinal") -> float:
    """Return alpha = 1 - D_o / D_e (Krippendorff 2011); annotators may miss pairs. NaN when all scores are equal.

    The ordinal distance of c and k is (sum of n_g from c to k - (n_c + n_k) / 2)^2, with n_g how often g was given.
    """
    kinds = np.unique(ratings[~np.isnan(ratings)])
    counts = category_counts(ratings)
    counts = counts[counts.sum(axis=1) >= 2]
    if len(counts) == 0:
        return float("nan")
    total = counts.sum(axis=1)
    weighted = counts / (total - 1)[:, None]
    coincidence = weighted.T @ counts - np.diag(weighted.sum(axis=0))  # (categories, categories)
    margin = coincidence.sum(axis=0)
    distance = _distances(kinds, margin, metric)
    observed = float((coincidence * distance).sum())
    expected = float(((np.outer(margin, margin) - np.diag(margin)) * distance).sum()) / (margin.sum() - 1)
    return 1.0 - observed / expected if expected > 0 else float("nan")


def category_counts(ratings: Values) -> Values:
    """Return how often each distinct score was given to each pair, (pairs, categories in ascending order)."""
    kinds = np.unique(ratings[~np.isnan(ratings)])
    return np.asarray(np.equal(ratings[:, :, None], kinds).sum(axis=1), np.float64)


def _distances(kinds: Values, margin: Values, metric: Metric) -> Values:
    if metric == "nominal":
        return 1.0 - np.eye(len(kinds))
    if metric == "interval":
        return np.asarray(np.subtract.outer(kinds, kinds) ** 2)
    middle = np.cumsum(margin) - margin / 2.0  # place of each category's middle in the ranking of all scores
    return np.asarray(np.subtract.outer(middle, middle) ** 2)


def _beyond_chance(observed: float, expected: float) -> float:
    return (observed - expected) / (1.0 - expected) if expected < 1.0 else float("nan")


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value
