"""Means over seeds with 95% t intervals, and paired differences between two models."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """Mean of n values and its t interval; a point where the values do not vary (a model without chance, one seed)."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean difference of paired values, its t interval, and p of the two-sided paired t test.

    `p` is None where the test says nothing: one pair, or differences that do not vary.
    """

    mean: float
    low: float
    high: float
    p: float | None


def t_interval(values: Sequence[float], *, level: float = LEVEL) -> Interval:
    """Return mean ± t_{n-1} s / sqrt(n). One value, or equal values, give a point."""
    found = np.asarray(values, dtype=np.float64)
    mean = float(found.mean())
    half = _half(found, level)
    return Interval(mean, mean - half, mean + half)


def paired_difference(first: Sequence[float], second: Sequence[float], *, level: float = LEVEL) -> Difference:
    """Return first - second, value by value: both lists are in the order of the same seeds. Raises ValueError else."""
    if len(first) != len(second):
        raise ValueError(f"paired values: {len(first)} against {len(second)}")
    difference = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    mean = float(difference.mean())
    half = _half(difference, level)
    p: float | None = None
    if half > 0:
        t = mean / (float(difference.std(ddof=1)) / math.sqrt(len(difference)))
        p = float(2.0 * stats.t.sf(abs(t), len(difference) - 1))
    return Difference(mean, mean - half, mean + half, p)


def _half(values: np.ndarray[tuple[int], np.dtype[np.float64]], level: float) -> float:
    n = len(values)
    if n < 2 or float(np.ptp(values)) == 0.0:
        return 0.0
    return float(stats.t.ppf(0.5 + level / 2.0, n - 1) * values.std(ddof=1) / math.sqrt(n))
