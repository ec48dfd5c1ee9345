"""How active a user is at a moment, as numbers: what texts cannot say, and a softmax over users has to know."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from audience_trainers.users.histories import Histories, Moments

Floats = npt.NDArray[np.float32]
DAY = 86_400
WINDOWS = (1, 7, 30, 90, 365)  # days before the moment
FEATURES = len(WINDOWS) + 3
_SPAN = np.log1p(1_000.0)  # numbers lie mostly in 0 .. 1


def read_activity(histories: Histories, moments: Moments) -> Floats:
    """Return (p, FEATURES): logarithms of event counts in WINDOWS and of all, of days since the last and first event.

    Only events before each moment count, all of them and not the last few. A user without any has zeros.
    """
    end, start = histories.before(moments), histories.start[moments.user]
    counts = [end - histories.before(Moments(moments.user, moments.time - days * DAY)) for days in WINDOWS]
    there = end > start
    last, first = np.maximum(end - 1, 0), np.minimum(start, max(len(histories.time) - 1, 0))
    ages = [np.where(there, (moments.time - histories.time[at]) / DAY, 0.0) for at in (last, first)]
    return np.asarray(np.log1p(np.stack([*counts, end - start, *ages], axis=1)) / _SPAN, np.float32)
