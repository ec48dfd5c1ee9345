"""The structured tag query: keys, values, operators, AND and OR, as text that people can read and edit.

    (thing = "coffee" OR thing = "fried chicken") AND behaviour = "purchase" AND has_car = "yes"

As in SELL, the language of ARALLM: conditions of one key are joined by OR, keys by AND. `thing` is what an event is
about, `behaviour` a family of channels, every other key a column of the profile.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from audience_graph.entities.text import normalise
from audience_graph.sentences.demand import FAMILIES

THING, BEHAVIOUR = "thing", "behaviour"
_CONDITION = re.compile(r'\s*(\w+)\s*=\s*"([^"]*)"\s*')


@dataclass(frozen=True, slots=True)
class TagQuery:
    """Which users are meant: `things` in normal form and `families` of behaviour, and (column, value) of a profile."""

    things: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    profile: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        columns = dict.fromkeys(column for column, _ in self.profile)
        groups = [(THING, self.things), (BEHAVIOUR, self.families)]
        groups += [(column, tuple(value for name, value in self.profile if name == column)) for column in columns]
        return " AND ".join(_group(key, values) for key, values in groups if values)


def parse_query(text: str, columns: Sequence[str] = ()) -> TagQuery | None:
    """Return the query that a text holds, None where it is none: another form, key, or family; nothing asked for."""
    found: dict[str, list[str]] = {}
    for part in re.split(r"\bAND\b(?=[^\"]*(?:\"[^\"]*\"[^\"]*)*$)", text.strip()):
        inner = part.strip()
        if inner.startswith("(") and inner.endswith(")"):
            inner = inner[1:-1]
        for condition in re.split(r"\bOR\b(?=[^\"]*(?:\"[^\"]*\"[^\"]*)*$)", inner):
            match = _CONDITION.fullmatch(condition)
            if match is None or match[1] not in {THING, BEHAVIOUR, *columns}:
                return None
            found.setdefault(match[1], []).append(match[2])
    things = tuple(dict.fromkeys(form for value in found.pop(THING, []) if (form := normalise(value))))
    families = tuple(dict.fromkeys(found.pop(BEHAVIOUR, [])))
    if not set(families) <= set(FAMILIES) or not (things or families or found):
        return None
    return TagQuery(things, families, tuple((column, value) for column, values in found.items() for value in values))


def _group(key: str, values: Sequence[str]) -> str:
    said = " OR ".join(f'{key} = "{value}"' for value in values)
    return f"({said})" if len(values) > 1 else said
