"""Definitions as JSON and back: what revisions hold. A text that this version does not know is refused, never guessed.

Every node is an object with its `kind`; fields at their default are left out, so that equal definitions give equal
JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

from audience_graph.audience.ask import SentenceOptions
from audience_graph.audience.define.definition import (
    DEFINITIONS,
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
from audience_graph.errors import ConfigError
from audience_graph.graph.expansion import ExpandOptions

FORMAT = 1
_DEEPEST = 200
# kind -> class
_KINDS: dict[str, type[Any]] = {
    "everyone": Everyone,
    "users": Listed,
    "column": Column,
    "event": Event,
    "phrases": Phrases,
    "alike": Alike,
    "ranked": Ranked,
    "audience": Stored,
    "snapshot": Frozen,
    "union": Union,
    "intersection": Intersection,
    "difference": Difference,
    "expand": ExpandOptions,
    "pick": PickRule,
    "sentence": SentenceOptions,
}
_NAMES = {cls: kind for kind, cls in _KINDS.items()}


def to_json(definition: Definition) -> dict[str, Any]:
    """Return a definition as plain JSON values."""
    return {"format": FORMAT, **_told(definition)}


def from_json(value: Any) -> Definition:
    """Return the definition of plain JSON values. Raises ConfigError, naming the part, for one that is none."""
    if not isinstance(value, Mapping) or value.get("format") != FORMAT:
        raise ConfigError(
            "this is no audience definition of this version",
            hint=f'expected an object with "format": {FORMAT}; a newer audience-graph may have written it',
        )
    try:
        found = _read({k: v for k, v in value.items() if k != "format"}, 0)
    except TypeError as exc:  # a field with a value of another shape
        raise ConfigError(f"the audience definition is damaged: {exc}") from exc
    if not isinstance(found, DEFINITIONS):
        raise ConfigError(f"{value.get('kind')!r} is no audience, only a part of one")
    return found


def _told(node: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"kind": _NAMES[type(node)]}
    for field in fields(node):
        value = getattr(node, field.name)
        if not _is_default(field, value):
            told[field.name] = _plain(value)
    return told


def _is_default(field: Field[Any], value: Any) -> bool:
    if field.default is not MISSING:
        return bool(value == field.default)
    return field.default_factory is not MISSING and bool(value == field.default_factory())


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return _told(value) if is_dataclass(value) else value


def _read(value: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        raise ConfigError("the audience definition is nested too deeply")
    if isinstance(value, list):
        return tuple(_read(v, depth + 1) for v in value)
    if not isinstance(value, Mapping):
        return value
    kind = value.get("kind")
    cls = _KINDS.get(kind) if isinstance(kind, str) else None
    if cls is None:
        raise ConfigError(f"unknown part {kind!r} in an audience definition", hint=f"parts: {', '.join(_KINDS)}")
    known = {f.name for f in fields(cls)}
    given = {k: v for k, v in value.items() if k != "kind"}
    strange = sorted(set(given) - known)
    if strange:
        raise ConfigError(f"unknown field {strange[0]!r} of {kind!r} in an audience definition")
    return cls(**{name: _read(v, depth + 1) for name, v in given.items()})
