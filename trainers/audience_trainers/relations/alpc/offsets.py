"""What labels add to thresholds that the network learned: an offset per source, or one for a kind of pairs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from audience_trainers.relations.calibrate import sigmoid
from audience_trainers.relations.linkpred.task import Values
from audience_trainers.relations.topn import Indices

STEPS = 100
LONGEST = 1.0  # a step of Newton's, in logits
CLOSE = 1e-6


def source_offsets(source: Indices, margin: Values, label: Values, n: int, *, ridge: float) -> Values:
    """Return b_u (n,), logits to add to eps_u, from the margins s_uv - eps_u (p,) and labels (p,) of candidates.

    eps_u = MLP(z_u) is smooth in z and learned from negatives that are drawn. The offset minimises the same loss
    (EGL eq. 3) over all candidates of each source, at the rate at which their labels occur, with s and z fixed:

        sum over u, v of CE(sigma(s_uv - eps_u - b - b_u), y_uv) + ridge / 2 * sum over u of b_u^2

    So a source has as many candidates above its threshold as behaviour bears out, as far as it has enough of them to
    tell: `ridge` is the weight of having no offset of its own. b, common to all, is fitted and left out: it would move
    how many relations there are, not whose. A source without a candidate has offset 0.
    """
    own, common = np.zeros(n), 0.0
    known = np.bincount(source, minlength=n) > 0
    for _ in range(STEPS):
        chance = sigmoid(margin - common - own[source])
        slope, bend = chance - label, chance * (1.0 - chance)
        each = _step(
            np.bincount(source, weights=slope, minlength=n) - ridge * own,
            np.bincount(source, weights=bend, minlength=n) + ridge,
        )
        shared = float(_step(slope.sum(), bend.sum()))
        common, own = common + 0.5 * shared, own + 0.5 * each  # half: both follow the same slope
        mean = own[known].mean() if known.any() else 0.0  # 0 at the minimum, but reached slowly where ridge is small
        common, own = common + mean, np.where(known, own - mean, 0.0)
        if max(abs(shared), float(np.abs(each).max(initial=0.0))) < CLOSE:
            break
    return own


def common_offset(margin: Values, label: Values, *, ridge: float) -> float:
    """Return b, a logit: sigma(margin - b) is as often true as the labels (p,) are, b shrunk towards 0 by `ridge`."""
    found = 0.0
    for _ in range(STEPS):
        chance = sigmoid(margin - found)
        move = float(_step((chance - label).sum() - ridge * found, (chance * (1.0 - chance)).sum() + ridge))
        found += move
        if abs(move) < CLOSE:
            break
    return found


def _step(slope: npt.ArrayLike, bend: npt.ArrayLike) -> Values:
    """Return Newton's step, no longer than LONGEST."""
    return np.asarray(np.clip(np.divide(slope, np.maximum(bend, 1e-12)), -LONGEST, LONGEST))
