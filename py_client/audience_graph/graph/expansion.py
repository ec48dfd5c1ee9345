"""What an expansion is asked and what it answers; the three doors of `expand` share these types.

Relevance of v from the seeds, layer by layer over the live edges E of a version:

    best[0][seed] = 1,   best[h][v] = max over u of best[h-1][u] * w(u, v)
    relevance(v) = max over h >= 1 of best[h][v]
    E       = relations u -> v of rank <= fan_out, plus CONFIRMED, minus REJECTED pairs, minus all that lead to an
              entity with `sensitive = true`, unless these are allowed
    w(u, v) = score(u, v) * (m / max(m, indeg(v))) ** damping

m is the version's mean in-degree over entities that have one; the damping factor is rounded to 9 decimals, so that
every door multiplies the same float64. Entries under `min_relevance` are dropped in each layer. `hop` is the smallest
h that attains the relevance; `path` holds the predecessors, among equal ones the smallest id in code point order.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from audience_graph.errors import ConfigError

MAX_HOPS = 4
_WEEK = re.compile(r"\d{4}-W\d{2}")


@dataclass(frozen=True, slots=True)
class VersionRef:
    """One relation version: `2026-W30-1a2b3c4d`, its ISO week, its relationship type."""

    version: str
    week: str
    relation_type: str


class Expanded(NamedTuple):
    """One entity that an expansion reached. `path` runs from the seed to the entity, both included.

    A tuple, not a dataclass: a thousand of them are made per answer, in a fifth of the time.
    """

    id: str
    name: str
    type: str
    hop: int
    relevance: float
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExpandOptions:
    """How far and how strictly to expand. Raises ConfigError, naming the argument, on a value out of range."""

    hops: int = field(default=2, metadata={"help": "how many relations away, 1 to 4"})
    min_relevance: float = field(default=0.05, metadata={"help": "entities under it are dropped in each layer, 0 to 1"})
    fan_out: int = field(default=50, metadata={"help": "relations followed per entity, best first"})
    damping: float = field(default=0.0, metadata={"help": "how much hubs are damped, 0 (not) to 1"})
    limit: int = field(default=1000, metadata={"help": "how many entities to return, best first"})
    types: tuple[str, ...] = field(default=(), metadata={"help": "entity types to return; the walk uses all"})
    reverse: bool = field(default=False, metadata={"help": "walk relations from target to source"})
    sensitive: bool = field(default=False, metadata={"help": "let sensitive entities in; needs a reason"})
    week: str | None = field(default=None, metadata={"help": "ISO week of a kept version; none = the current one"})

    def __post_init__(self) -> None:
        _whole("hops", self.hops, MAX_HOPS)
        _whole("fan_out", self.fan_out)
        _whole("limit", self.limit)
        _fraction("min_relevance", self.min_relevance)
        _fraction("damping", self.damping)
        for name in ("reverse", "sensitive"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(f"{name} must be true or false, not {getattr(self, name)!r}")
        if isinstance(self.types, str) or not all(isinstance(t, str) for t in self.types):
            raise ConfigError(f"types must be a list of entity types, not {self.types!r}", hint="types=['topic']")
        object.__setattr__(self, "types", tuple(self.types))
        if self.week is not None and (not isinstance(self.week, str) or _WEEK.fullmatch(self.week) is None):
            raise ConfigError(f"week must be an ISO week such as 2026-W30, not {self.week!r}")

    def as_parameters(self) -> dict[str, Any]:
        """Return the values that a walk needs, by name: all but `hops` and `week`."""
        return {
            "fan_out": self.fan_out,
            "min_relevance": float(self.min_relevance),
            "damping": float(self.damping),
            "limit": self.limit,
            "types": list(self.types),
            "reverse": self.reverse,
            "sensitive": self.sensitive,
        }


def _whole(name: str, value: object, top: int = 2**31 - 1) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= top:
        raise ConfigError(f"{name} must be a whole number from 1 to {top:,}, not {value!r}")


def _fraction(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1 or math.isnan(value):
        raise ConfigError(f"{name} must be a number from 0 to 1, not {value!r}")


def damping_factor(mean_in_degree: float, in_degree: float, damping: float) -> float:
    """Return (m / max(m, indeg)) ** damping, rounded to 9 decimals; 1.0 up to the mean."""
    if damping == 0 or in_degree <= mean_in_degree:
        return 1.0
    share: float = (mean_in_degree / in_degree) ** damping
    return math.floor(share * 1e9 + 0.5) / 1e9


def unpack(columns: Iterable[Iterable[Any]]) -> Iterator[Expanded]:
    """Turn packed columns (ids, names, types, hops, relevances, paths) into rows."""
    ids, names, types, hops, relevances, paths = columns
    return map(Expanded._make, zip(ids, names, types, hops, relevances, map(tuple, paths), strict=True))
