"""Uplift between treatment arms: did those whom a score puts first answer the treatment more?"""

from __future__ import annotations

import numpy as np

from audience_trainers.users.bootstrap import Estimate, draws
from audience_trainers.users.measures import Labels, Values

SHARE = 0.10


def uplift(score: Values, y: Labels, treated: Labels, *, share: float = SHARE) -> float:
    """Return outcome rate of the treated minus that of the control, within the best `share` of all users by score.

    Arms must have been given by lot. Of users that score equally at the edge of the share, all count by the part of
    them that still belongs. NaN when an arm is absent there.
    """
    return float(_uplift(score, y, treated, np.ones((1, len(y))), share)[0])


def uplift_replicates(score: Values, y: Labels, treated: Labels, *, count: int, seed: int) -> Values:
    """Return bootstrap replicates (count,) of the uplift in the top decile."""
    return np.concatenate([_uplift(score, y, treated, block, SHARE) for block in draws(len(y), count, seed=seed)])


def effect(y: Labels, treated: Labels, *, count: int, seed: int) -> Estimate:
    """Return the difference of outcome rates between the arms over everybody, with its interval."""
    everyone = np.zeros(len(y))
    drawn = np.concatenate([_uplift(everyone, y, treated, block, 1.0) for block in draws(len(y), count, seed=seed)])
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return Estimate(uplift(everyone, y, treated, share=1.0), float(low), float(high))


def _uplift(score: Values, y: Labels, treated: Labels, weights: Values, share: float) -> Values:
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    first = np.flatnonzero(np.append(True, np.diff(ranked) != 0.0))
    ordered = weights[:, order]
    everyone = np.add.reduceat(ordered, first, axis=1)
    reached = np.cumsum(everyone, 1)
    room = share * reached[:, -1:] - (reached - everyone)
    part = np.clip(np.divide(room, everyone, out=np.zeros_like(room), where=everyone > 0), 0.0, 1.0)  # (b, g)
    rates = []
    for arm in (1, 0):
        own = ordered * (treated[order] == arm)
        size = (part * np.add.reduceat(own, first, axis=1)).sum(1)
        right = (part * np.add.reduceat(own * y[order], first, axis=1)).sum(1)
        rates.append(np.divide(right, size, out=np.full(len(size), np.nan), where=size > 0))
    return np.asarray(rates[0] - rates[1])
