"""Bisect many short sorted runs of one array at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]


def bisect(values: Indices, low: Indices, high: Indices, at: Indices, *, right: bool = False) -> Indices:
    """Return, for each query i, where `at[i]` belongs in the sorted run values[low[i] : high[i]].

    The answer (p,) is the number of the first value that is >= at[i] (with `right`: > at[i]), or high[i]. All queries
    take the same steps together: as many as the longest run has binary digits.
    """
    low, high = low.astype(np.int64), high.astype(np.int64)
    while bool((low < high).any()):
        middle = (low + high) // 2
        seen = values[np.minimum(middle, len(values) - 1)]
        before = ((seen <= at) if right else (seen < at)) & (low < high)
        low = np.where(before, middle + 1, low)
        high = np.where(before, high, np.minimum(high, middle))
    return low
