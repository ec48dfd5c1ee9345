"""Do the seeds say anything? What is measured on seeds left out, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Kind = Literal["seeds separate", "too few seeds", "seeds do not separate"]
GOOD = 0.75  # an AUC that seeds which do separate should not exclude
_Z = 1.96


@dataclass(frozen=True, slots=True)
class Verdict:
    """The kind, the reason in words, and the measured AUC of seeds left out with its 95 % interval (NaN: not measured).

    `plain` is the AUC of the untuned sentence on the same pairs of seeds.
    """

    kind: Kind
    reason: str
    auc: float
    low: float
    high: float
    plain: float


def judge_seeds(positives: int, negatives: int, *, auc: float, plain: float) -> Verdict:
    """Return the verdict for a leave-one-out AUC; NaN where nothing could be left out."""
    told = f"{positives} positive and {negatives} negative seed users"
    if math.isnan(auc):
        return Verdict(
            "too few seeds", f"{told}: none can be left out to measure; give two of each at least", auc, auc, auc, plain
        )
    low, high = wilson_interval(auc, min(positives, negatives))
    measured = f"seeds left out are told apart with AUC {auc:.2f} (95 % interval {low:.2f} to {high:.2f})"
    beside = f"{measured}; the sentence alone {plain:.2f}; {told}"
    if low > 0.5:
        return Verdict("seeds separate", beside, auc, low, high, plain)
    if high < GOOD:
        reason = f"{beside}: no better than chance, so the sentence stays as it is"
        return Verdict("seeds do not separate", reason, auc, low, high, plain)
    return Verdict("too few seeds", f"{beside}: this may be chance; give more of each", auc, low, high, plain)


def wilson_interval(share: float, count: int) -> tuple[float, float]:
    """Return the 95 % Wilson interval of a share seen in `count` trials.

    For an AUC the trials are the seeds of the rarer label: pairs that share a seed are not independent.
    """
    middle = (share + _Z**2 / (2 * count)) / (1 + _Z**2 / count)
    half = _Z * math.sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2)) / (1 + _Z**2 / count)
    return max(0.0, middle - half), min(1.0, middle + half)
