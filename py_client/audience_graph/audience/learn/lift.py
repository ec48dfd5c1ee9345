"""How much more often one group converts than another, with an interval. Pure maths: no store, no rounding.

Ratio of two rates: Koopman's score interval (P. A. R. Koopman, Biometrics 40, 1984), with the constrained maximum
likelihood estimate in closed form (Miettinen and Nurminen, Statistics in Medicine 4, 1985). Unlike the delta method on
the log ratio it needs no invented half counts, and holds its level where a group has few conversions or none.
A count beside what is expected: Byar's approximation of the exact Poisson limits (Breslow and Day, 1987, 2.2).
Difference: Newcombe's hybrid of two Wilson intervals (Statistics in Medicine 17, 1998, method 10).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Z95 = 1.959963984540054
_FAR = 1e-12, 1e12  # between these ratios the interval is looked for
_STEPS = 90


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its 95 % interval. `value` is None where nothing can be said; `high` may be infinite."""

    value: float | None
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Counted:
    """A group: how many users it has, and how many of them converted."""

    users: int
    converted: int

    @property
    def rate(self) -> float:
        """Share of the users who converted; 0 of nobody."""
        return self.converted / self.users if self.users else 0.0


def rate_ratio(a: Counted, b: Counted, z: float = Z95) -> Interval:
    """Return rate of `a` / rate of `b` with Koopman's score interval.

    Without conversions on either side nothing is known: 0 to infinity.
    """
    if not a.users or not b.users or not a.converted + b.converted:
        return Interval(None, 0.0, math.inf)
    value = a.rate / b.rate if b.converted else None
    low = 0.0 if not a.converted else _where(a, b, z)
    high = math.inf if not b.converted else _where(a, b, -z)
    return Interval(value, low, high)


def rate_difference(a: Counted, b: Counted, z: float = Z95) -> Interval:
    """Return rate of `a` - rate of `b` with Newcombe's interval."""
    if not a.users or not b.users:
        return Interval(None, -1.0, 1.0)
    (low_a, high_a), (low_b, high_b) = _wilson(a, z), _wilson(b, z)
    value = a.rate - b.rate
    low = value - math.hypot(a.rate - low_a, high_b - b.rate)
    high = value + math.hypot(high_a - a.rate, b.rate - low_b)
    return Interval(value, low, high)


def score(a: Counted, b: Counted, ratio: float = 1.0) -> float:
    """Return the score statistic of the hypothesis rate(a) = ratio x rate(b): standard normal where it is true.

    Positive where `a` converts more often than that. 0 where the groups say nothing.
    """
    total = a.users + b.users
    half = 0.5 * (ratio * (a.users + b.converted) + a.converted + b.users)
    root = math.sqrt(max(half * half - ratio * total * (a.converted + b.converted), 0.0))
    # the smaller root of ratio N p^2 - 2 half p + conversions = 0, without cancellation
    p_b = min((a.converted + b.converted) / (half + root), 1.0) if half + root else 0.0
    p_a = min(ratio * p_b, 1.0)
    variance = p_a * (1.0 - p_a) / a.users + ratio * ratio * p_b * (1.0 - p_b) / b.users
    gap = a.rate - ratio * b.rate
    if variance <= 0.0:
        return 0.0 if abs(gap) < 1e-15 else math.copysign(math.inf, gap)
    return gap / math.sqrt(variance)


def p_value(z: float) -> float:
    """Return the two-sided p value of a standard normal statistic."""
    return math.erfc(abs(z) / math.sqrt(2.0))


def standardised(least: int, most: int, value: int, expected: float, z: float = Z95) -> Interval:
    """Return observed / expected conversions with Byar's limits, for an observed count between `least` and `most`.

    Raises ValueError unless `expected` is above 0.
    """
    if not expected > 0.0:
        raise ValueError(f"expected must be above 0, not {expected!r}")
    low = 0.0 if least <= 0 else least * (1 - 1 / (9 * least) - z / (3 * math.sqrt(least))) ** 3
    above = most + 1
    high = above * (1 - 1 / (9 * above) + z / (3 * math.sqrt(above))) ** 3
    return Interval(value / expected, max(low, 0.0) / expected, high / expected)


def at_least(count: int, expected: float) -> float:
    """Return the p value of `count` events or more where `expected` were: twice the upper Poisson tail, at most 1."""
    if count <= expected:
        return 1.0
    term = math.exp(count * math.log(expected) - expected - math.lgamma(count + 1))
    tail, n = 0.0, count
    while term > tail * 1e-17:
        tail += term
        n += 1
        term *= expected / n
    return min(2.0 * tail, 1.0)


def against_whole(part: Interval, share: float) -> Interval:
    """Turn rate(part) / rate(rest) into rate(part) / rate(whole), where the part is `share` of the whole's users.

    rate(whole) = share rate(part) + (1 - share) rate(rest), so rho / (share rho + 1 - share): rising in rho, so that
    the ends of the interval are turned one by one, and 1 stays 1.
    """

    def turn(rho: float) -> float:
        return 1.0 / share if math.isinf(rho) else rho / (share * rho + 1.0 - share)

    # no conversion outside the part: the ratio to the rest has no value, that to the whole has
    value = turn(part.value) if part.value is not None else (1.0 / share if part.low > 0.0 else None)
    return Interval(value, turn(part.low), turn(part.high))


def false_discovery(p_values: Sequence[float]) -> list[float]:
    """Return Benjamini and Hochberg's adjusted p values (1995): of those at most q, about a share q are chance."""
    count = len(p_values)
    order = sorted(range(count), key=lambda i: p_values[i])
    adjusted, least = [1.0] * count, 1.0
    for place in range(count, 0, -1):
        at = order[place - 1]
        least = min(least, p_values[at] * count / place)
        adjusted[at] = least
    return adjusted


def _where(a: Counted, b: Counted, z: float) -> float:
    """Return the ratio at which the score statistic, which falls with the ratio, is z: bisection of its logarithm."""
    low, high = math.log(_FAR[0]), math.log(_FAR[1])
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        if score(a, b, math.exp(middle)) > z:
            low = middle
        else:
            high = middle
    return math.exp(0.5 * (low + high))


def _wilson(group: Counted, z: float) -> tuple[float, float]:
    n, p = group.users, group.rate
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(centre - half, 0.0), min(centre + half, 1.0)
