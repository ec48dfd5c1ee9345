"""Where entities lie: seeds in the middle, each hop on a ring around them, everything under what led to it.

The tree of winning paths is drawn, each subtree in a sector as wide as its leaves. A picture of fewer entities keeps
their order, and the same expansion always gives the same picture.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from audience_graph.graph.expansion import Expanded

RING = 132.0  # between two hops, in units of the picture
GAP = 74.0  # between two neighbours of a ring
FLAT = 0.72  # height of a ring as a share of its width: names are wide
_UPRIGHT = 0.22  # nearer to the top or the bottom than this, a name stands below
_STAGGER = 34.0  # every other entity of a crowded ring lies this much further out


class Place(NamedTuple):
    """Coordinates of an entity, (0, 0) in the middle, y downwards. `side` is where its name stands, out of the way of
    the relation that leads to it: "right", "left", or "below"."""

    x: float
    y: float
    side: str = "below"


def radial(seeds: Sequence[str], entities: Sequence[Expanded]) -> dict[str, Place]:
    """Return a place for every seed and every entity whose path lies among them."""
    children: dict[str | None, list[str]] = {None: list(dict.fromkeys(seeds))}
    known = set(children[None])
    for entity in sorted(entities, key=lambda e: (e.hop, -e.relevance, e.id)):
        above = entity.path[-2] if len(entity.path) > 1 else None
        if entity.id not in known and above in known:
            known.add(entity.id)
            children.setdefault(above, []).append(entity.id)
    angles = _angles(children)
    rings = _rings(children)
    radii = _radii([len(ring) for ring in rings])
    places: dict[str, Place] = {}
    for ring, radius in zip(rings, radii, strict=True):
        crowded = radius > 0 and 2 * math.pi * radius / len(ring) < GAP * 1.3
        for n, entity_id in enumerate(sorted(ring, key=lambda i: angles[i])):
            out = radius + (_STAGGER if crowded and n % 2 else 0.0)
            along, up = math.cos(angles[entity_id]), math.sin(angles[entity_id])
            side = "below" if radius == 0 or abs(along) < _UPRIGHT else "right" if along > 0 else "left"
            places[entity_id] = Place(round(out * along, 1), round(FLAT * out * up, 1), side)
    return places


def _rings(children: Mapping[str | None, Sequence[str]]) -> list[list[str]]:
    rings, ring = [], list(children[None])
    while ring:
        rings.append(ring)
        ring = [below for entity in ring for below in children.get(entity, ())]
    return rings


def _angles(children: Mapping[str | None, Sequence[str]]) -> dict[str, float]:
    """Give each entity the middle of its sector; sectors are shared out by leaves."""
    leaves: dict[str | None, int] = {}

    def count(entity: str | None) -> int:
        below = children.get(entity, ())
        leaves[entity] = sum(map(count, below)) or 1
        return leaves[entity]

    count(None)
    angles: dict[str, float] = {}
    waiting: list[tuple[str | None, float, float]] = [(None, -math.pi / 2, 1.5 * math.pi)]
    while waiting:
        entity, start, end = waiting.pop()
        if entity is not None:
            angles[entity] = (start + end) / 2
        at = start
        for below in children.get(entity, ()):
            width = (end - start) * leaves[below] / leaves[entity]
            waiting.append((below, at, at + width))
            at += width
    return angles


def _radii(counts: Sequence[int]) -> list[float]:
    """Return the radius of each ring: wide enough for its entities, and a ring further out than the one before."""
    radii: list[float] = []
    for n, count in enumerate(counts):
        wide = count * GAP / (2 * math.pi) if count > 1 else 0.0
        radii.append(wide if n == 0 else max(wide, radii[-1] + RING))
    return radii
