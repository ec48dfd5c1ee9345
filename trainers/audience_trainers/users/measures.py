"""Measures of scores against labels 0 / 1, each for many weightings of the users at once.

A weighting (b, n) counts every user so many times: ones give the plain measure, draws with replacement a bootstrap
replicate. Equal scores are one step everywhere, so the order of users never matters. What a sample cannot say (AUC
with one class only, precision when nobody is above the cut) is NaN.

    auc                           chance that a positive scores above a negative, ties half (FIND 5.1.3, [3])
    ks                            largest gap between the score distributions of positives and negatives ([2])
    lift                          share of positives in the best 5 % of users, over their share among all
    accuracy, precision, recall   at a cut that was fitted on other users: who scores at least the cut is targeted
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]

RANKING = ("auc", "ks", "lift")
AT_CUT = ("accuracy", "precision", "recall")
MEASURES = (*RANKING, *AT_CUT)
SHARE = 0.05


def measure(score: Values, y: Labels, *, cut: float | None = None, weights: Values | None = None) -> dict[str, Values]:
    """Return every measure (b,) of scores (n,) for weightings (b, n); without `weights` b is 1.

    Without a cut only the measures of the ranking. Raises ValueError when a score is not finite.
    """
    if not np.isfinite(score).all():
        raise ValueError("a score is not finite")
    weights = np.ones((1, len(score))) if weights is None else weights
    steps = _steps(score, y, weights)
    found = {"auc": _auc(steps), "ks": _ks(steps), "lift": _lift(steps, SHARE)}
    return found if cut is None else found | _at_cut(score >= cut, y, weights)


def auc(score: Values, y: Labels) -> float:
    """Return the area under the ROC curve; NaN with one class only."""
    return float(measure(score, y)["auc"][0])


def ks(score: Values, y: Labels) -> float:
    """Return the Kolmogorov-Smirnov distance between positives and negatives; NaN with one class only."""
    return float(measure(score, y)["ks"][0])


def lift(score: Values, y: Labels, *, share: float = SHARE) -> float:
    """Return the lift at a share of the users; of users that score equally at its edge a part counts."""
    return float(_lift(_steps(score, y, np.ones((1, len(score)))), share)[0])


def fit_cut(score: Values, y: Labels) -> float:
    """Return the cut, one of the scores, that gives the best F1 when `score >= cut` is targeted; the highest of equals.

    FIND does not say how its cut is chosen; F1 is what the field takes where positives are rare: the most accurate cut
    would target nobody. Without a positive: infinity, so nobody.
    """
    if y.sum() == 0:
        return float("inf")
    steps = _steps(score, y, np.ones((1, len(score))))
    above, targeted = np.cumsum(steps.positive[0]), np.cumsum(steps.positive[0] + steps.negative[0])
    f1 = 2.0 * above / (targeted + steps.positive[0].sum())
    return float(steps.score[int(np.argmax(f1))])


@dataclass(frozen=True, slots=True, eq=False)
class _Steps:
    """The distinct scores (g,), best first, with the weight of positives and of negatives at each, (b, g)."""

    score: Values
    positive: Values
    negative: Values


def _steps(score: Values, y: Labels, weights: Values) -> _Steps:
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    first = np.flatnonzero(np.append(True, np.diff(ranked) != 0.0))
    ordered = weights[:, order]
    of_positives = ordered * y[order]
    positive = np.add.reduceat(of_positives, first, axis=1)
    negative = np.add.reduceat(ordered - of_positives, first, axis=1)
    return _Steps(ranked[first], positive, negative)


def _auc(steps: _Steps) -> Values:
    below = steps.negative.sum(1, keepdims=True) - np.cumsum(steps.negative, 1)
    won = (steps.positive * (below + 0.5 * steps.negative)).sum(1)
    return _ratio(won, steps.positive.sum(1) * steps.negative.sum(1))


def _ks(steps: _Steps) -> Values:
    shares = [_ratio(np.cumsum(part, 1), part.sum(1, keepdims=True)) for part in (steps.positive, steps.negative)]
    return np.asarray(np.abs(shares[0] - shares[1]).max(1))


def _lift(steps: _Steps, share: float) -> Values:
    everyone = steps.positive + steps.negative
    total, reached = everyone.sum(1), np.cumsum(everyone, 1)
    wanted = share * total
    at = np.argmax(reached >= wanted[:, None] * (1 - 1e-12), 1)
    row = np.arange(len(at))
    before = reached[row, at] - everyone[row, at]
    part = _ratio(wanted - before, everyone[row, at])
    right = np.cumsum(steps.positive, 1)[row, at] - (1.0 - part) * steps.positive[row, at]
    return _ratio(right * total, wanted * steps.positive.sum(1))


def _at_cut(targeted: npt.NDArray[np.bool_], y: Labels, weights: Values) -> dict[str, Values]:
    chosen, positive = targeted.astype(np.float64), y.astype(np.float64)
    hit, taken = weights @ (chosen * positive), weights @ chosen
    positives, total = weights @ positive, weights.sum(1)
    right = hit + (total - taken - positives + hit)
    return {
        "accuracy": _ratio(right, total),
        "precision": _ratio(hit, taken),
        "recall": _ratio(hit, positives),
    }


def _ratio(a: Values, b: Values) -> Values:
    out = np.full(np.broadcast(a, b).shape, np.nan)
    return np.asarray(np.divide(a, b, out=out, where=b > 0))
