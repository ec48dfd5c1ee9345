"""Which numbers about groups of users are shown: none about a small group, and no exact count about any."""

from __future__ import annotations

from audience_graph.release.publish import REACH_STEP

MINIMUM_SIZE = 100


def shown(count: int) -> int | None:
    """Return a count rounded to a step, None for a group under the minimum size: an empty one too."""
    return None if count < MINIMUM_SIZE else _to_step(count, REACH_STEP)


def rounded(count: int) -> int:
    """Return a count inside a group that may be shown, such as its conversions, rounded to the step."""
    return _to_step(count, REACH_STEP)


def coarse(count: int) -> int:
    """Return a count to compute a share with: rounded to a step, under the minimum size to 0 or to that minimum."""
    return _to_step(count, REACH_STEP if count >= MINIMUM_SIZE else MINIMUM_SIZE)


def _to_step(count: int, step: int) -> int:
    return (count + step // 2) // step * step
