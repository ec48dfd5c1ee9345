"""Check every cell as set expressions in DuckDB, and keep the typed rows there until they are written."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from audience_graph.ingest.contract import EARLIEST, MAX_COUNT, MAX_TEXT_BYTES, OK, Column, Kind
from audience_graph.ingest.rows import Batch, cell_name

_ISO = (
    r"\d{4}-\d{2}-\d{2}"
    r"([T ]\d{2}:\d{2}(:\d{2}([.]\d{1,9})?)?( ?(Z|[+-](0\d|1[0-4])(:?[0-5]\d)?))?)?"
)
_SPACE = r" ' ' || chr(9) || chr(10) || chr(13) || chr(160) || chr(12288)"
_SQL_TYPES: dict[Kind, str] = {
    Kind.TIME: "TIMESTAMPTZ",
    Kind.AMOUNT: "DOUBLE",
    Kind.COUNT: "DOUBLE",
    Kind.FLAG: "BOOLEAN",
    Kind.LIST: "VARCHAR[]",
}


def sql_name(name: str) -> str:
    """Quote a column name for DuckDB."""
    return '"' + name.replace('"', '""') + '"'


def sql_type(column: Column) -> str:
    """Return the DuckDB type of a checked column."""
    return _SQL_TYPES.get(column.kind, "VARCHAR")


class Checked:
    """The rows of one file that passed, in a private DuckDB: table `good` (row, c0, c1 ..., codes).

    `cells` gives the column of `good` for each column of the plan: the names in a file are not names in SQL, where
    case is ignored and `row` and `codes` are taken. The database lives in memory and spills into a temporary folder,
    removed by `close` (use it in a `with`).
    """

    def __init__(self, columns: Sequence[Column], *, now: datetime | None = None, spill: Path | None = None) -> None:
        self.columns = tuple(columns)
        self.cells = {column.name: cell_name(place) for place, column in enumerate(self.columns)}
        self._latest = (now if now is not None else datetime.now(UTC)) + timedelta(days=1)
        self._folder = tempfile.TemporaryDirectory(prefix="load-", dir=spill)
        self.db = duckdb.connect(":memory:")
        self.db.execute(f"SET temp_directory = '{self._folder.name.replace(chr(39), chr(39) * 2)}'")
        self.db.execute("SET TimeZone = 'UTC'")
        listed = ", ".join(f"{self.cells[c.name]} {sql_type(c)}" for c in self.columns)
        self.db.execute(f"CREATE TABLE good (row BIGINT, {listed}, codes VARCHAR)")

    def __enter__(self) -> Checked:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget the rows and remove what was spilled to disk."""
        self.db.close()
        self._folder.cleanup()

    def add(self, batch: Batch) -> list[tuple[int, str]]:
        """Take the good rows of a batch; return (row, codes) of the bad ones, a code for each column."""
        if batch.table.num_rows == 0:
            return []
        self.db.register("batch", batch.table)
        try:
            self.db.execute(f"INSERT INTO good {self._select(batch.table.schema)}", self._parameters())
        finally:
            self.db.unregister("batch")
        span = [batch.first, batch.last, OK * len(self.columns)]
        bad = self.db.execute(
            "SELECT row, codes FROM good WHERE row BETWEEN ? AND ? AND codes <> ? ORDER BY row", span
        ).fetchall()
        if bad:
            self.db.execute("DELETE FROM good WHERE row BETWEEN ? AND ? AND codes <> ?", span)
        return bad

    def _parameters(self) -> dict[str, Any]:
        if not any(c.kind is Kind.TIME for c in self.columns):
            return {}
        return {"latest": self._latest}

    def _select(self, schema: pa.Schema) -> str:
        raw, parsed, codes = [], [], []
        for place, column in enumerate(self.columns):
            source, value = f"r{place}", f"v{place}"
            text = pa.types.is_string(schema.field(cell_name(place)).type)
            raw.append(f"{_raw(cell_name(place), text)} AS {source}")
            parsed.append(f"{_value(column, source, text)} AS {value}")
            codes.append(self._code(column, source, value, text))
        values = ", ".join(f"v{place}" for place in range(len(self.columns)))
        return (
            f"SELECT row, {values}, concat({', '.join(codes)}) FROM "
            f"(SELECT *, {', '.join(parsed)} FROM (SELECT row, {', '.join(raw)} FROM batch))"
        )

    def _code(self, column: Column, raw: str, value: str, text: bool) -> str:
        tests: list[tuple[str, str]] = []
        if column.filled:
            absent = f"{raw} IS NULL" if not text else f"coalesce(trim({raw}, {_SPACE}), '') = ''"
            given = [f"len(v{i}) > 0" for i, c in enumerate(self.columns) if c.name in column.unless]
            tests.append(("m", absent if not given else f"{absent} AND NOT coalesce({' OR '.join(given)}, false)"))
        if text and column.kind not in (Kind.TIME, Kind.AMOUNT, Kind.COUNT, Kind.FLAG):
            tests += [("l", f"strlen({raw}) > {column.max_bytes}"), ("n", f"contains({raw}, chr(0))")]
        if column.kind in _KIND_TESTS:
            tests += _KIND_TESTS[column.kind](raw, value)
        if not tests:
            return f"'{OK}'"
        return "CASE " + " ".join(f"WHEN {test} THEN '{code}'" for code, test in tests) + f" ELSE '{OK}' END"


def _raw(name: str, text: bool) -> str:
    return f"nullif({name}, '')" if text else name


def _value(column: Column, raw: str, text: bool) -> str:
    """Return the SQL of the typed value: NULL where there is none, or where it cannot be read."""
    if not text:
        return raw
    if column.kind is Kind.TIME:
        return f"CASE WHEN regexp_full_match({raw}, '{_ISO}') THEN TRY_CAST({raw} AS TIMESTAMPTZ) END"
    if column.kind in (Kind.AMOUNT, Kind.COUNT):
        return f"TRY_CAST(CASE WHEN NOT contains({raw}, '_') THEN {raw} END AS DOUBLE)"
    if column.kind is Kind.FLAG:
        word = f"lower(trim({raw}))"
        return f"CASE WHEN {word} IN ('true', 'yes', '1') THEN true WHEN {word} IN ('false', 'no', '0') THEN false END"
    if column.kind is Kind.LIST:
        array = f"CASE WHEN json_valid({raw}) THEN from_json({raw}, '[\"VARCHAR\"]') END"
        split = f"string_split(regexp_replace(trim({raw}), '\\s*\\|\\s*', '|', 'g'), '|')"
        return f"CASE WHEN {raw} IS NULL THEN NULL WHEN starts_with(trim({raw}), '[') THEN {array} ELSE {split} END"
    return raw


def _time_tests(raw: str, value: str) -> list[tuple[str, str]]:
    return [
        ("t", f"{raw} IS NOT NULL AND {value} IS NULL"),
        ("f", f"{value} > $latest"),
        ("a", f"{value} < TIMESTAMPTZ '{EARLIEST} 00:00:00+00'"),
    ]


def _amount_tests(raw: str, value: str) -> list[tuple[str, str]]:
    return [("x", f"{raw} IS NOT NULL AND {value} IS NULL"), ("i", f"NOT isfinite({value})")]


def _count_tests(raw: str, value: str) -> list[tuple[str, str]]:
    whole = f"isfinite({value}) AND {value} = floor({value}) AND {value} >= 0"
    return [("w", f"{raw} IS NOT NULL AND NOT coalesce({whole}, false)"), ("g", f"{value} > {MAX_COUNT}")]


def _flag_tests(raw: str, value: str) -> list[tuple[str, str]]:
    return [("b", f"{raw} IS NOT NULL AND {value} IS NULL")]


def _list_tests(raw: str, value: str) -> list[tuple[str, str]]:
    joined = f"array_to_string({value}, '')"
    return [
        ("j", f"{raw} IS NOT NULL AND {value} IS NULL"),
        ("e", f"list_count({value}) <> len({value}) OR list_contains({value}, '')"),
        ("l", f"strlen({joined}) > {MAX_TEXT_BYTES}"),
        ("n", f"contains({joined}, chr(0))"),
    ]


def _id_tests(raw: str, value: str) -> list[tuple[str, str]]:  # noqa: ARG001 - one signature for all kinds
    return [("s", f"trim({raw}, {_SPACE}) <> {raw}")]


_KIND_TESTS: dict[Kind, Callable[[str, str], list[tuple[str, str]]]] = {
    Kind.ID: _id_tests,
    Kind.TIME: _time_tests,
    Kind.AMOUNT: _amount_tests,
    Kind.COUNT: _count_tests,
    Kind.FLAG: _flag_tests,
    Kind.LIST: _list_tests,
}
