"""Measures of a ranking of pairs: AUC, average precision, Hits@K, accuracy at a cut."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
HITS_AT = (20, 50, 100)


def area_under_curve(score: Values, label: Values) -> float:
    """Return the AUC: the chance that a positive scores above a negative, ties half. NaN without both kinds."""
    positive, negative = int(label.sum()), int(len(label) - label.sum())
    if positive == 0 or negative == 0:
        return float("nan")
    _, inverse, count = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2.0)[inverse]
    return float((rank[label > 0].sum() - positive * (positive + 1) / 2.0) / (positive * negative))


def average_precision(score: Values, label: Values) -> float:
    """Return the area under the precision-recall steps; equal scores are one step. NaN without a positive."""
    positive = float(label.sum())
    if positive == 0:
        return float("nan")
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(label[order])
    last = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)  # the end of each run of equal scores
    precision, recall = hits[last] / (last + 1.0), hits[last] / positive
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def hits_at(score: Values, label: Values, k: int) -> float:
    """Return the share of positives that score above the k-th best negative (the OGB measure); 1 with fewer than k."""
    negative = score[label == 0]
    if len(negative) < k:
        return 1.0
    cut = np.partition(negative, len(negative) - k)[len(negative) - k]
    return float((score[label > 0] > cut).mean())


def accuracy_at(score: Values, truth: Values, count: int) -> float:
    """Return ACC (EGL IV-A1): the share of the `count` best scored pairs whose truth (p,) is above 0.

    Equal scores at the cut count by their mean truth, so the order of the pairs does not matter.
    """
    if count == 0:
        return float("nan")
    right = (truth > 0).astype(np.float64)
    cut = np.partition(score, len(score) - count)[len(score) - count]
    above, tied = score > cut, score == cut
    return float((right[above].sum() + (count - above.sum()) * right[tied].mean()) / count)


def ranking_measures(score: Values, label: Values) -> dict[str, float]:
    """Return auc, ap and hits@K of scores (p,) against labels 0 / 1 (p,)."""
    measures = {"auc": area_under_curve(score, label), "ap": average_precision(score, label)}
    return measures | {f"hits@{k}": hits_at(score, label, k) for k in HITS_AT}
