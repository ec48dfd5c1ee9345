"""Several sets of users beside each other: how many are in both, Jaccard, shares, which are nearly the same.

Numbers are computed from coarse parts (see `audience/disclosure.py`): a part of a pair under 100 users counts as none
or as 100, so that nothing in a row tells of a small group.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

from audience_graph.audience.disclosure import coarse, shown
from audience_graph.audience.evaluate.keysets import Mask, count

NEARLY_THE_SAME = 0.8  # Jaccard


def compare(masks: Mapping[str, Mask]) -> dict[str, list[Any]]:
    """Return a row for each pair: a, b, both, only_a, only_b, jaccard, share_of_a, share_of_b, near_duplicate."""
    heads = ("a", "b", "both", "only_a", "only_b", "jaccard", "share_of_a", "share_of_b", "near_duplicate")
    rows = [(a, b, *_pair(masks[a], masks[b])) for a, b in combinations(masks, 2)]
    return {head: [row[i] for row in rows] for i, head in enumerate(heads)}


def near_duplicates(masks: Mapping[str, Mask]) -> dict[str, list[Any]]:
    """Return the rows of `compare` for pairs that are nearly the same users, nearest first."""
    found = compare(masks)
    places = [i for i, near in enumerate(found["near_duplicate"]) if near]
    places.sort(key=lambda i: -found["jaccard"][i])
    return {head: [column[i] for i in places] for head, column in found.items()}


def _pair(a: Mask, b: Mask) -> tuple[Any, ...]:
    parts = count(a & b), count(a & ~b), count(b & ~a)
    if shown(parts[0] + parts[1]) is None or shown(parts[0] + parts[2]) is None:  # an audience too small to tell of
        return (None, None, None, None, None, None, None)
    both, only_a, only_b = (coarse(n) for n in parts)
    jaccard = both / max(1, both + only_a + only_b)
    shares = (round(both / max(1, both + only), 3) for only in (only_a, only_b))
    return (*(shown(n) for n in parts), round(jaccard, 3), *shares, jaccard >= NEARLY_THE_SAME)
