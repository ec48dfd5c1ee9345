"""In which form users leave: the columns of a row, and which of them say who it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from audience_graph.audience.send.normal_form import FORMS, hashed
from audience_graph.errors import ConfigError, NotFoundError
from audience_graph.vectors.store import Transaction

# column -> SQL over the tables that `rows.py` joins, and its type in a file
COLUMNS: dict[str, tuple[str, pa.DataType]] = {
    "user_id": ("k.user_id", pa.string()),
    "hashed_id": (hashed("k.user_id"), pa.string()),
    "score": ("m.score", pa.float64()),
    "place": ("m.place", pa.int64()),
    "arm": ("x.arm", pa.string()),
    "change": ("x.change", pa.string()),
}
_IDS = ("user_id", "hashed_id")


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns of a row: `columns` of the above, then (column of users, normal form) hashed.

    A hashed column is called `<column>_<form>`, such as `mail_google_email`.
    """

    columns: tuple[str, ...]
    hashed: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.columns, *(f"{column}_{form.replace('-', '_')}" for column, form in self.hashed))

    @property
    def types(self) -> tuple[pa.DataType, ...]:
        return (*(COLUMNS[name][1] for name in self.columns), *(pa.string() for _ in self.hashed))

    @property
    def cells(self) -> list[str]:
        """The SQL of each cell; its parameters are `parameters`."""
        return [*(COLUMNS[name][0] for name in self.columns), *self._hashes]

    @property
    def reachable(self) -> str:
        """The SQL that says whether a row names its user at all: by an id, or by one of the hashes."""
        if any(name in _IDS for name in self.columns):
            return "true"
        return f"coalesce({', '.join(self._hashes)}) IS NOT NULL"

    @property
    def parameters(self) -> dict[str, Any]:
        return {f"hashed_{n}": column for n, (column, _) in enumerate(self.hashed)}

    @property
    def _hashes(self) -> list[str]:
        return [FORMS[form](f"(p.columns ->> %(hashed_{n})s)") for n, (_, form) in enumerate(self.hashed)]


def find_shape(columns: Sequence[str], hashes: Mapping[str, str] | Sequence[tuple[str, str]] | None) -> Shape:
    """Return the columns that were asked for. Raises ConfigError for unknown ones, or rows that name nobody."""
    if isinstance(columns, str):
        raise ConfigError("columns are a list", hint=f"columns=[{columns!r}]")
    asked = [name for name in COLUMNS if name != "change"]
    for name in columns:
        if name not in asked:
            raise ConfigError(f"no column {name!r} to send", hint=f"columns are {', '.join(asked)}")
    pairs = tuple(hashes.items()) if isinstance(hashes, Mapping) else tuple(hashes or ())
    for column, form in pairs:
        if form not in FORMS:
            raise ConfigError(f"column {column!r}: no normal form {form!r}", hint=f"forms are {', '.join(FORMS)}")
    shape = Shape(tuple(columns), pairs)
    if len(set(shape.names)) != len(shape.names):
        raise ConfigError(f"columns are sent once each, not {', '.join(shape.names)}")
    if shape.reachable == "true" or pairs:
        return shape
    raise ConfigError("rows without a user id or a hash name nobody", hint="add user_id, hashed_id, or hashed=")


def check_columns(tx: Transaction, shape: Shape) -> None:
    """Raise NotFoundError, naming those there are, for a hashed column that no user has."""
    for column, _ in shape.hashed:
        found = "SELECT EXISTS (SELECT FROM user_profile WHERE latest AND columns ? %s) AS known"
        if "\0" not in column and tx.rows(found, (column,))[0]["known"]:
            continue
        first = "SELECT columns FROM user_profile WHERE latest LIMIT 1000"
        names = tx.rows(f"SELECT DISTINCT jsonb_object_keys(columns) AS name FROM ({first}) seen ORDER BY name")
        listed = ", ".join(row["name"] for row in names[:50]) or "none: load users first"
        raise NotFoundError(f"no user has a column {column!r}", hint=f"columns of users: {listed}")
