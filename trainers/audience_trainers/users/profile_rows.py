"""Rows of users as an Arrow table: user_id, as_of (seconds since 1970 UTC, int64), other columns as float64 or text.

A row without a date counts as known from the start. Consent is no feature: its columns are left out.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from audience_graph.ingest.contract import CONSENT
from audience_graph.vectors.store import Store

_KEYS = ("user_id", "as_of")
# As `load users` reads them: a leading zero or plus is part of a code, not of a number.
_NUMBER = r"^-?(0|[1-9]\d{0,14})(\.\d+)?([eE][+-]?\d{1,2})?$"
_STORED = """
SELECT user_key.user_id, floor(extract(epoch FROM user_profile.as_of))::bigint AS as_of, user_profile.columns::text
FROM user_profile JOIN user_key USING (key)
"""


def no_profiles() -> pa.Table:
    """Return no rows."""
    return pa.table({"user_id": pa.array([], pa.string()), "as_of": pa.array([], pa.int64())})


def typed_profiles(path: Path) -> pa.Table:
    """Return the rows of a Parquet file of users: float64 where all values are numbers or look so, else text."""
    table = pq.read_table(path)
    columns: dict[str, Any] = {"user_id": table["user_id"].cast(pa.string())}
    if "as_of" in table.column_names:
        # floored, never rounded up: a row is not known before its time, but its second is
        micros = table["as_of"].cast(pa.timestamp("us", table["as_of"].type.tz)).cast(pa.int64())
        seconds = pc.floor(pc.divide(micros.cast(pa.float64()), 1e6)).cast(pa.int64())
        columns["as_of"] = pc.fill_null(seconds, 0)
    else:
        columns["as_of"] = pa.array([0] * table.num_rows, pa.int64())
    for name in table.column_names:
        if name not in _KEYS and not name.casefold().startswith(CONSENT):
            columns[name] = _typed(table[name])
    return pa.table(columns)


def stored_profiles(store: Store) -> pa.Table:
    """Read the rows of `user_profile` in Postgres. Raises StoreUnavailable when it does not answer."""
    with store.transaction(vectors=False, read_only=True) as tx:
        return profiles_of(_lines(tx.copy_out(_STORED)))


def profiles_of(rows: Iterable[tuple[str, int, str]]) -> pa.Table:
    """Turn (user_id, as_of, JSON object of columns) into a table: float64 where all values are numbers, else text."""
    users: list[str] = []
    dates: list[int] = []
    columns: dict[str, list[Any]] = {}
    for user, as_of, text in rows:
        for name, value in json.loads(text).items():
            cells = columns.setdefault(name, [])
            cells.extend([None] * (len(users) - len(cells)))
            cells.append(sys.intern(value) if isinstance(value, str) else value)
        users.append(user)
        dates.append(as_of)
    table: dict[str, Any] = {"user_id": pa.array(users, pa.string()), "as_of": pa.array(dates, pa.int64())}
    for name in sorted(columns):
        cells = columns[name]
        cells.extend([None] * (len(users) - len(cells)))
        table[name] = _array(cells)
    return pa.table(table)


def _array(cells: list[Any]) -> pa.Array:
    given = [cell for cell in cells if cell is not None]
    if all(isinstance(cell, int | float) and not isinstance(cell, bool) for cell in given):
        return pa.array(cells, pa.float64())
    return pa.array([None if cell is None else _text(cell) for cell in cells], pa.string())


def _text(cell: Any) -> str:
    return cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False)


def _typed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    t, kind = pa.types, column.type
    if t.is_dictionary(kind):
        return _typed(column.cast(kind.value_type))
    if t.is_floating(kind) or t.is_integer(kind) or t.is_decimal(kind) or t.is_null(kind):
        return column.cast(pa.float64())
    words = column.cast(pa.string())
    # min_count: a column without any value stays text
    if pc.all(pc.match_substring_regex(words, _NUMBER), min_count=1).as_py():
        return words.cast(pa.float64())
    return words


def _lines(blocks: Iterable[bytes]) -> Iterator[tuple[str, int, str]]:
    """Yield the rows of CSV that comes in blocks, which end at line ends of Postgres' rows."""
    csv.field_size_limit(2**31 - 1)
    rows = csv.reader(block.decode("utf-8") for block in blocks)
    next(rows, None)
    for user, as_of, columns in rows:
        yield user, int(as_of), columns
