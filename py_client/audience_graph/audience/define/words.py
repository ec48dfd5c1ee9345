"""Definitions in words: one line for a leaf, an indented tree for a whole, and a readable diff of two."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from audience_graph.audience.define.definition import (
    Alike,
    Column,
    Definition,
    Difference,
    Event,
    Everyone,
    Frozen,
    Intersection,
    Listed,
    Phrases,
    Ranked,
    Stored,
    Union,
)
from audience_graph.audience.pick import PickRule

_LISTED = 5


def title(definition: Definition) -> str:
    """Return one line that names a definition."""
    match definition:
        case Everyone():
            return "everyone"
        case Listed(ids):
            return f"{len(ids):,} named users"
        case Column(name, "known"):
            return f"{name} is known"
        case Column(name, "in", tuple(values)):
            return f"{name} is one of {_several([_value(v) for v in values])}"
        case Column(name, operator, value):
            return f"{name} {operator} {_value(value)}"
        case Event():
            return _event(definition)
        case Ranked():
            return f"{_cut(definition)} {_by(definition)}"
        case Stored(name, revision):
            return f"audience {name!r}" + ("" if revision is None else f", revision {revision}")
        case Frozen(snapshot):
            return f"snapshot {snapshot}"
        case Union(parts):
            return " or ".join(_short(p) for p in parts)
        case Intersection(parts):
            return " and ".join(_short(p) for p in parts)
        case Difference(Everyone(), without):
            return f"without {_short(without)}"
        case Difference(base, without):
            return f"{_short(base)} without {_short(without)}"


def lines(definition: Definition) -> list[str]:
    """Return a definition as an indented tree, one part a line."""
    return list(_tree(definition, 0, ""))


def difference(before: Definition, after: Definition) -> list[str]:
    """Return what changed from one definition to another: lines that begin with `-`, `+`, or a space; none if equal."""
    if before == after:
        return []
    old, new = lines(before), lines(after)
    return [line for line in difflib.ndiff(old, new) if not line.startswith("?")]


def _tree(definition: Definition, depth: int, lead: str) -> Iterator[str]:
    indent = "  " * depth
    match definition:
        case Union(parts) | Intersection(parts):
            yield f"{indent}{lead}{'any of' if isinstance(definition, Union) else 'all of'}"
            for part in parts:
                yield from _tree(part, depth + 1, "")
        case Difference(Everyone(), without) if depth:
            yield from _tree(without, depth, f"{lead}without ")
        case Difference(base, without):
            yield from _tree(base, depth, lead)
            yield from _tree(without, depth + 1, "without ")
        case Ranked(by=by, among=among):
            yield f"{indent}{lead}{title(definition)}"
            yield from (f"{indent}  {line}" for line in _details(by))
            if isinstance(by, Alike):
                yield from _tree(by.seeds, depth + 1, "seeds: ")
            if among is not None:
                yield from _tree(among, depth + 1, "among ")
        case _:
            yield f"{indent}{lead}{title(definition)}"


def _details(by: Phrases | Alike) -> Iterator[str]:
    if by.method is not None:
        yield f"method: {by.method}"
    if isinstance(by, Alike):
        if by.keep_seeds:
            yield "seeds may be chosen too"
        return
    for name, value, default in (
        ("expansion", by.options, type(by.options)()),
        ("pick", by.rule or PickRule(), PickRule()),
        ("sentence", by.sentence, type(by.sentence)()),
    ):
        changed = [f"{f} {getattr(value, f)!r}" for f in value.__dataclass_fields__
                   if getattr(value, f) != getattr(default, f)]  # fmt: skip
        if changed:
            yield f"{name}: {', '.join(changed)}"


def _event(event: Event) -> str:
    what = _several([repr(p) for p in event.phrases])
    how = "" if not event.channels else f"{_several(list(event.channels))} "
    often = "" if event.at_least == 1 else f", at least {event.at_least} times"
    when = "in the release's window" if event.days is None else f"in the last {event.days} days"
    return f"{how}events for {what} {when}{often}"


def _cut(ranked: Ranked) -> str:
    least = "" if ranked.min_score is None else f" of score {ranked.min_score:g} and more"
    if ranked.width is not None:
        return f"{ranked.width} width{least}"
    return f"users{least}" if ranked.size is None else f"best {ranked.size:,}{least}"


def _by(ranked: Ranked) -> str:
    if isinstance(ranked.by, Alike):
        return f"most alike to {_short(ranked.by.seeds)}"
    phrases = ranked.by.phrases
    return f"for {_several([repr(p) for p in ((phrases,) if isinstance(phrases, str) else phrases)])}"


def _short(definition: Definition) -> str:
    text = title(definition)
    return f"({text})" if isinstance(definition, Union | Intersection | Difference) else text


def _several(texts: list[str]) -> str:
    more = len(texts) - _LISTED
    return ", ".join(texts[:_LISTED]) + (f" and {more} more" if more > 0 else "")


def _value(value: object) -> str:
    return repr(value) if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else f"{value:,}"
