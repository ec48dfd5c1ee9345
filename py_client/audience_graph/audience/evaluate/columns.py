"""Filters over columns of users: all of a definition's in one parallel scan of the users' newest rows.

A value of another type than the one compared with is not in the set: `age >= 30` takes no text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from audience_graph.audience.define.definition import Column
from audience_graph.audience.disclosure import MINIMUM_SIZE
from audience_graph.audience.evaluate.keysets import Mask, Universe
from audience_graph.errors import ConfigError
from audience_graph.vectors.store import Transaction
from audience_graph.vectors.topk import PLAN

_AT_ONCE = 100
_MOST_VALUES = 30


def column_masks(tx: Transaction, universe: Universe, columns: Sequence[Column]) -> dict[Column, Mask]:
    """Return the users of each filter. Raises ConfigError for a column that no user has."""
    found: dict[Column, Mask] = {}
    listed = list(dict.fromkeys(columns))
    for start in range(0, len(listed), _AT_ONCE):
        found |= _masks(tx, universe, listed[start : start + _AT_ONCE])
    missing = [c.name for c, mask in found.items() if not mask.any() and not _exists(tx, c.name)]
    if missing:
        raise ConfigError(f"no user has a column {missing[0]!r}", hint=f"columns: {', '.join(known_columns(tx)[:30])}")
    return found


def known_columns(tx: Transaction) -> list[str]:
    """Return the names of columns that users have, from up to 10,000 of them."""
    rows = tx.rows(
        "SELECT DISTINCT jsonb_object_keys(columns) AS name FROM "
        "(SELECT columns FROM user_profile WHERE latest LIMIT 10000) told ORDER BY name"
    )
    return [row["name"] for row in rows]


def known_values(tx: Transaction) -> dict[str, list[str]]:
    """Return for each column its values in up to 20,000 users, most frequent first, as texts; 30 at most.

    Values of fewer than 100 of these users are left out: a list of them may name a person.
    """
    rows = tx.rows(
        "SELECT name, value #>> '{}' AS value FROM (SELECT columns FROM user_profile WHERE latest LIMIT 20000) told, "
        "jsonb_each(columns) AS pair(name, value) WHERE jsonb_typeof(value) <> 'null' GROUP BY name, value "
        "HAVING count(*) >= %s ORDER BY name, count(*) DESC, value::text",
        (MINIMUM_SIZE,),
    )
    found: dict[str, list[str]] = {name: [] for name in known_columns(tx)}
    for row in rows:
        if len(values := found.setdefault(row["name"], [])) < _MOST_VALUES:
            values.append(row["value"])
    return found


def known_channels(tx: Transaction) -> list[str]:
    """Return the channels of 20,000 events."""
    told = "SELECT channel FROM user_event LIMIT 20000"
    return [row["channel"] for row in tx.rows(f"SELECT DISTINCT channel FROM ({told}) told ORDER BY channel")]


def _masks(tx: Transaction, universe: Universe, columns: Sequence[Column]) -> dict[Column, Mask]:
    tx.rows(PLAN, {"workers": "4"})
    names = [f"keys_{n}" for n in range(len(columns))]
    listed: list[str] = []
    given: dict[str, Any] = {}
    for name, column in zip(names, columns, strict=True):
        test, parameters = _tested(name, column)
        listed.append(f"array_send(array_agg(key) FILTER (WHERE {test})) AS {name}")
        given |= parameters
    query = f"SELECT {', '.join(listed)} FROM user_profile WHERE latest"
    found = tx.packed(query, dict.fromkeys(names, "i8"), given)
    return {column: universe.of_keys(keys) for column, keys in zip(columns, found, strict=True)}


def _tested(name: str, column: Column) -> tuple[str, dict[str, Any]]:
    """Return the SQL of a filter, and its parameters: those of a path, or of a set of values, which is one look-up
    where a path compares with each in turn."""
    path = {f"{name}_path": json_path(column)}
    by_path = f"columns @@ %({name}_path)s::jsonpath"
    if not isinstance(column.value, tuple):
        return by_path, path
    told = f"columns -> %({name}_column)s::text"
    test = (
        f"CASE WHEN jsonb_typeof({told}) = 'array' THEN {by_path} "  # a path looks into a list
        f"ELSE {told} = ANY (%({name}_values)s::jsonb[]) END"
    )
    return test, {**path, f"{name}_column": column.name, f"{name}_values": [_quoted(v) for v in column.value]}


def json_path(column: Column) -> str:
    """Return the SQL/JSON path predicate of a filter; texts compare by code point. Names and values are quoted."""
    told = f"$.{_quoted(column.name)}"
    if column.operator == "known":
        return f"{told} != null"
    if isinstance(column.value, tuple):
        return " || ".join(f"{told} == {_quoted(v)}" for v in column.value) or "false == true"
    return f"{told} {'==' if column.operator == '=' else column.operator} {_quoted(column.value)}"


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _exists(tx: Transaction, name: str) -> bool:
    rows = tx.rows("SELECT EXISTS (SELECT FROM user_profile WHERE latest AND columns ? %s) AS found", (name,))
    return bool(rows[0]["found"])
