"""On which side of its entity a name stands: where it covers as few other names and entities as can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from unicodedata import east_asian_width

from audience_graph.graph.picture.layout import Place

LETTER = 6.2  # mean width of a letter at 11 units
LINE = 13.0
AWAY = 6.0  # between an entity and its name
_SIDES = ("right", "left", "below", "above")


class Name(NamedTuple):
    """Where a name begins, ends or is centred (SVG's `anchor`), and its baseline."""

    x: float
    y: float
    anchor: str


class _Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def shared(self, other: _Box) -> float:
        """Return the area that two boxes share."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        return wide * high if wide > 0 and high > 0 else 0.0


def place_names(places: Sequence[Place], radii: Sequence[float], names: Sequence[str]) -> list[Name]:
    """Return where each name stands, the first ones choosing first: outwards where that is free, else where it is
    freest."""
    taken = [_Box(p.x - r, p.y - r, p.x + r, p.y + r) for p, r in zip(places, radii, strict=True)]
    found = []
    for place, radius, name in zip(places, radii, names, strict=True):
        wanted = (place.side, *(side for side in _SIDES if side != place.side))
        boxes = [_box(place, radius, _width(name), side) for side in wanted]
        covered = [sum(map(box.shared, taken)) for box in boxes]
        best = covered.index(min(covered))
        taken.append(boxes[best])
        found.append(_name(place, radius, wanted[best]))
    return found


def _width(name: str) -> float:
    return LETTER * sum(2 if east_asian_width(c) in "WF" else 1 for c in name)


def _name(place: Place, radius: float, side: str) -> Name:
    away = radius + AWAY
    if side == "below":
        return Name(place.x, round(place.y + away + 8, 1), "middle")
    if side == "above":
        return Name(place.x, round(place.y - away, 1), "middle")
    right = side == "right"
    return Name(round(place.x + (away if right else -away), 1), round(place.y + 4, 1), "start" if right else "end")


def _box(place: Place, radius: float, width: float, side: str) -> _Box:
    x, y, anchor = _name(place, radius, side)
    left = x - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
    return _Box(left, y - LINE + 3, left + width, y + 3)
