"""What of a comparison is shown: nothing about a group under the minimum size, nothing that exact counts would tell.

Every figure is computed from counts rounded to the step, and every interval holds for all counts that a rounded one
may stand for: it is wider than that of the exact counts, and tells no more than they do.
"""

from __future__ import annotations

from dataclasses import dataclass

from audience_graph.audience.disclosure import MINIMUM_SIZE, rounded
from audience_graph.audience.learn.lift import (
    Counted,
    Interval,
    against_whole,
    at_least,
    p_value,
    rate_difference,
    rate_ratio,
    score,
    standardised,
)
from audience_graph.release.publish import REACH_STEP

SLACK = REACH_STEP // 2  # a rounded count may stand for one so much smaller or larger


@dataclass(frozen=True, slots=True)
class Figures:
    """A group as it is shown: counts rounded to the step, of at least the minimum size."""

    users: int
    exposures: int
    conversions: int

    @property
    def counted(self) -> Counted:
        """The group to compute with."""
        return Counted(self.users, min(self.conversions, self.users))

    @property
    def rate(self) -> float:
        """Conversions per user, of the rounded counts."""
        return self.counted.rate


@dataclass(frozen=True, slots=True)
class Versus:
    """One group beside another: ratio and difference of their rates, and the p value of equal ones."""

    ratio: Interval
    difference: Interval
    p: float


def figures(users: int, exposures: int, conversions: int) -> Figures | None:
    """Return exact counts as they are shown; None for a group under the minimum size."""
    return Figures(rounded(users), rounded(exposures), rounded(conversions)) if users >= MINIMUM_SIZE else None


def versus(a: Figures, b: Figures) -> Versus:
    """Compare two disjoint groups of users, for whatever counts their rounded ones stand for."""
    least, most = (_moved(a, -1), _moved(b, 1)), (_moved(a, 1), _moved(b, -1))
    ratio = Interval(rate_ratio(a.counted, b.counted).value, rate_ratio(*least).low, rate_ratio(*most).high)
    difference = Interval(
        rate_difference(a.counted, b.counted).value, rate_difference(*least).low, rate_difference(*most).high
    )
    nearest, farthest = score(*least), score(*most)
    p = 1.0 if nearest <= 0.0 <= farthest else p_value(min(abs(nearest), abs(farthest)))
    return Versus(ratio, difference, p)


def of_whole(part: Figures, rest: Figures) -> Versus:
    """Compare a part of a group with the whole group: `ratio` is rate(part) / rate(whole)."""
    found = versus(part, rest)
    return Versus(against_whole(found.ratio, part.users / (part.users + rest.users)), found.difference, found.p)


def beside_expected(own: Figures, expected: float) -> tuple[Interval, float]:
    """Return a group's conversions over those `expected`, and the p value of no more than these, for whatever counts
    its rounded ones stand for."""
    least, most = max(own.conversions - SLACK, 0), own.conversions + SLACK
    return standardised(least, most, own.conversions, expected), at_least(least, expected)


def _moved(group: Figures, way: int) -> Counted:
    """Return the group with the lowest (-1) or highest (1) rate that its rounded counts may stand for."""
    users = max(group.users - way * SLACK, 1)
    return Counted(users, min(max(group.conversions + way * SLACK, 0), users))
