"""A definition: which users, as a value. Nothing is read until it is evaluated.

    Everyone                   all known users
    Listed                     users named one by one
    Column                     users whose newest row has such a value in a column
    Event                      users with events for an entity in the last days
    Ranked                     the best users by phrases, by a sentence, or by likeness to seed users
    Stored, Frozen             another audience by its name; the members of one of its snapshots
    Union, Intersection,
    Difference                 exact set algebra: of in = A & F and out = A - F, |in| + |out| = |A|

A ranking takes its best users among `among` (None: everyone): a filter there is applied before the cut, one that is
intersected with it afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, get_args

from audience_graph.audience.ask import METHODS, SentenceOptions
from audience_graph.audience.pick import PickRule
from audience_graph.audience.target import MOST, Method
from audience_graph.errors import ConfigError
from audience_graph.graph.expansion import ExpandOptions
from audience_graph.vectors.topk import storable

Operator = Literal["=", "<", "<=", ">", ">=", "in", "known"]
Width = Literal["narrow", "balanced", "broad"]
Value = str | float | int | bool
# width -> share of the eligible users that it takes
WIDTHS: dict[Width, float] = {"narrow": 0.01, "balanced": 0.05, "broad": 0.15}
MOST_DAYS = 3650


@dataclass(frozen=True, slots=True)
class Everyone:
    """All known users: those with a row, a consent, an event or a vector."""


@dataclass(frozen=True, slots=True)
class Listed:
    """Users named one by one; unknown ids are not in it."""

    user_ids: tuple[str, ...]

    def __post_init__(self) -> None:
        if isinstance(self.user_ids, str) or any(not isinstance(u, str) for u in self.user_ids):
            raise ConfigError("user ids are a list of texts", hint="users(ids=['u1', 'u2'])")


@dataclass(frozen=True, slots=True)
class Column:
    """Users whose newest row says so. `in` takes a tuple of values, `known` none. Who has no value is not in it."""

    name: str
    operator: Operator
    value: Value | tuple[Value, ...] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name or not storable(self.name):
            raise ConfigError(f"a column is named by text, not {self.name!r}")
        if self.operator not in get_args(Operator):
            raise ConfigError(f"operator is one of {', '.join(get_args(Operator))}, not {self.operator!r}")
        several = isinstance(self.value, tuple)
        if (self.operator == "in") != several or (self.operator == "known") != (self.value is None):
            raise ConfigError(f"column {self.name!r} {self.operator} {self.value!r} is no condition")
        for value in self.value if isinstance(self.value, tuple) else (self.value,):
            _check_value(self.name, value, self.operator)


@dataclass(frozen=True, slots=True)
class Event:
    """Users with at least `at_least` events for any of the entities that `phrases` mean.

    Events of the `days` days that end with the release's day (None: of its whole window), of `channels` alone where
    some are named. Entities stand for themselves here: nothing is expanded.
    """

    phrases: tuple[str, ...]
    days: int | None = None
    channels: tuple[str, ...] = ()
    at_least: int = 1

    def __post_init__(self) -> None:
        if isinstance(self.phrases, str) or not self.phrases:
            raise ConfigError("an event filter needs phrases or entity ids", hint="event('skin care', days=7)")
        if isinstance(self.channels, str):
            raise ConfigError("channels are a list", hint=f"channels=[{self.channels!r}]")
        for name, value, most in (("days", self.days, MOST_DAYS), ("at_least", self.at_least, MOST_DAYS)):
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most):
                raise ConfigError(f"{name} must be a whole number from 1 to {most:,}, not {value!r}")


@dataclass(frozen=True, slots=True)
class Phrases:
    """A ranking by what was typed; see `AudienceGraph.target`. One text may be a sentence, a tuple is phrases."""

    phrases: str | tuple[str, ...]
    method: Method | None = None
    options: ExpandOptions = field(default_factory=ExpandOptions)
    rule: PickRule | None = None
    sentence: SentenceOptions = field(default_factory=SentenceOptions)

    def __post_init__(self) -> None:
        if self.method is not None and self.method not in METHODS:
            raise ConfigError(f"method is one of {', '.join(METHODS)}, not {self.method!r}")
        if not self.phrases:
            raise ConfigError("an audience needs a phrase, or several")
        _check_kinds("phrases", (self.options, ExpandOptions), (self.sentence, SentenceOptions))
        _check_kinds("phrases", *([] if self.rule is None else [(self.rule, PickRule)]))


@dataclass(frozen=True, slots=True)
class Alike:
    """A ranking by likeness to seed users: the product with their mean vector less that of all users.

    `method` "graph" in the preference space, "sentence" in the user-text space (cosine), "both" by fused ranks; None:
    both where the release has a user-text space. Seeds themselves are left out unless `keep_seeds`.
    """

    seeds: Definition
    method: Method | None = None
    keep_seeds: bool = False

    def __post_init__(self) -> None:
        _check_kinds("alike", (self.seeds, DEFINITIONS))
        if self.method is not None and self.method not in METHODS:
            raise ConfigError(f"method is one of {', '.join(METHODS)}, not {self.method!r}")


@dataclass(frozen=True, slots=True)
class Ranked:
    """The best users of a ranking among some: at most `size`, of at least `min_score`, or a named width of them."""

    by: Phrases | Alike
    size: int | None = None
    min_score: float | None = None
    width: Width | None = None
    among: Definition | None = None

    def __post_init__(self) -> None:
        size = self.size
        _check_kinds("ranked", (self.by, (Phrases, Alike)), (self.among, (*DEFINITIONS, type(None))))
        if size is not None and (isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= MOST):
            raise ConfigError(f"size must be a whole number from 1 to {MOST:,}, not {size!r}")
        if self.min_score is not None and (isinstance(self.min_score, bool) or not math.isfinite(self.min_score)):
            raise ConfigError(f"min_score must be a finite number, not {self.min_score!r}")
        if self.width is not None and self.width not in WIDTHS:
            raise ConfigError(f"width is one of {', '.join(WIDTHS)}, not {self.width!r}")
        if self.width is not None and size is not None:
            raise ConfigError("pass a size or a width, not both")
        if self.width is None and size is None and self.min_score is None:
            raise ConfigError("a ranking needs a cut", hint="size=1000, min_score=0.2 or width='balanced'")


@dataclass(frozen=True, slots=True)
class Stored:
    """The audience of this name, at a revision, or at its newest one when it is evaluated."""

    name: str
    revision: int | None = None


@dataclass(frozen=True, slots=True)
class Frozen:
    """The members of a snapshot, by its number."""

    snapshot: int


@dataclass(frozen=True, slots=True)
class Union:
    """Users in any of the parts, one or more."""

    parts: tuple[Definition, ...]

    def __post_init__(self) -> None:
        if not self.parts:
            raise ConfigError("union of no audience")
        _check_kinds("union", *((part, DEFINITIONS) for part in self.parts))


@dataclass(frozen=True, slots=True)
class Intersection:
    """Users in all of the parts, one or more."""

    parts: tuple[Definition, ...]

    def __post_init__(self) -> None:
        if not self.parts:
            raise ConfigError("intersection of no audience")
        _check_kinds("intersection", *((part, DEFINITIONS) for part in self.parts))


@dataclass(frozen=True, slots=True)
class Difference:
    """Users of `base` who are not in `without`."""

    base: Definition
    without: Definition

    def __post_init__(self) -> None:
        _check_kinds("difference", (self.base, DEFINITIONS), (self.without, DEFINITIONS))


Leaf = Everyone | Listed | Column | Event | Stored | Frozen
Definition = Leaf | Ranked | Union | Intersection | Difference
DEFINITIONS = (Everyone, Listed, Column, Event, Stored, Frozen, Ranked, Union, Intersection, Difference)


def inside(definition: Definition) -> tuple[Definition, ...]:
    """Return the definitions that one is made of, in order; none of a leaf."""
    match definition:
        case Union(parts) | Intersection(parts):
            return parts
        case Difference(base, without):
            return (base, without)
        case Ranked(by=by, among=among):
            seeds = (by.seeds,) if isinstance(by, Alike) else ()
            return (*(() if among is None else (among,)), *seeds)
        case _:
            return ()


def walk(definition: Definition) -> Iterator[Definition]:
    """Yield a definition and all that it is made of, parts before the whole."""
    for part in inside(definition):
        yield from walk(part)
    yield definition


def union(*parts: Definition) -> Definition:
    """Return the union; unions in it are spliced in."""
    return Union(tuple(p for part in parts for p in (part.parts if isinstance(part, Union) else (part,))))


def intersection(*parts: Definition) -> Definition:
    """Return the intersection; intersections in it are spliced in."""
    return Intersection(tuple(p for part in parts for p in (part.parts if isinstance(part, Intersection) else (part,))))


def _check_kinds(what: str, *given: tuple[object, type | tuple[type, ...]]) -> None:
    for value, kind in given:
        if not isinstance(value, kind):
            raise ConfigError(f"{value!r} has no place in {what!r} of an audience definition")


def _check_value(column: str, value: object, operator: str) -> None:
    if value is None and operator == "known":
        return
    if not isinstance(value, str | bool | int | float) or (isinstance(value, float) and not math.isfinite(value)):
        raise ConfigError(f"column {column!r}: a value is text, a finite number, true or false, not {value!r}")
    if isinstance(value, str) and not storable(value):
        raise ConfigError(f"column {column!r}: the text {value!r} cannot be stored")
    if operator not in ("=", "in", "known") and isinstance(value, bool):
        raise ConfigError(f"column {column!r}: {operator} compares numbers or texts, not {value!r}")
