"""Open a folder of the input contract with DuckDB: events, profiles, outcomes, entities as views of plain columns.

events     user_id, t (seconds since 1970 UTC), row (place in the file), the contract's columns; absent ones are NULL
profiles   user_id, as_of (seconds; NULL = always in force), the columns of users.parquet
outcomes   the same form, of outcomes.parquet: what became known at `as_of`. Only labels read it, never a scorer;
           treatment arms and labels that no event shows are kept there, apart from what may be learnt from.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import duckdb

from audience_graph.errors import InputError

LISTS = ("items", "entity_ids")
WORDS = ("channel", "text", "merchant", "category", "status", "payment_channel")
_EVENT_COLUMNS = ("user_id", "time", *WORDS, *LISTS, "amount", "event_id")


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """An open folder. `columns` holds the column names of profiles and of outcomes; `has_events` may be false."""

    folder: Path
    con: duckdb.DuckDBPyConnection
    columns: dict[str, tuple[str, ...]]
    has_events: bool

    def known(self, cut: int) -> set[str]:
        """Return the users known at a cut: an event before it, or a profile row not after it.

        A profile row without a date says nothing about when its user came: it counts only where there are no events.
        """
        undated = "" if self.has_events else " OR as_of IS NULL"
        sql = f"SELECT user_id FROM events WHERE t < $1 UNION SELECT user_id FROM profiles WHERE as_of <= $1{undated}"
        return set(self.column(sql, [cut]))

    def rows(self, sql: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """Run a query and return its rows."""
        return self.con.execute(sql, parameters or []).fetchall()

    def table(self, sql: str, parameters: list[Any] | None = None) -> Any:
        """Run a query and return its columns as an Arrow table."""
        return cast("Any", self.con.sql(sql, params=parameters or [])).to_arrow_table()

    def column(self, sql: str, parameters: list[Any] | None = None) -> list[Any]:
        """Run a query and return its first column."""
        return [row[0] for row in self.rows(sql, parameters)]


def open_source(folder: Path, *, threads: int = 1) -> Source:
    """Open a folder of the input contract. Raises InputError when it has neither events nor users, or no user_id."""
    con = duckdb.connect()
    con.execute(f"SET TimeZone = 'UTC'; SET threads = {threads}; SET memory_limit = '3GB'")
    here = {name: folder / f"{name}.parquet" for name in ("events", "users", "outcomes", "entities")}
    if not here["events"].is_file() and not here["users"].is_file():
        raise InputError(f"{folder} holds neither events.parquet nor users.parquet")
    try:
        _view_events(con, here["events"])
        columns = {
            view: _view_profiles(con, view, here[name]) for view, name in (("profiles", "users"), ("outcomes",) * 2)
        }
        _view_entities(con, here["entities"])
    except duckdb.Error as exc:
        raise InputError(f"{folder}: {exc}") from exc
    return Source(folder, con, columns, here["events"].is_file())


def quoted(name: str) -> str:
    """Return a column name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def _types(con: duckdb.DuckDBPyConnection, file: Path) -> dict[str, str]:
    return {
        row[0]: str(row[1]) for row in con.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(file)]).fetchall()
    }


def _view_events(con: duckdb.DuckDBPyConnection, file: Path) -> None:
    types = _types(con, file) if file.is_file() else {}
    if types:
        _needs(types, ("user_id", "time", "channel"), file)
    told = {name: quoted(name) if name in types else "NULL" for name in _EVENT_COLUMNS}
    cells = [f"{told['user_id']}::VARCHAR AS user_id", f"{_seconds(told['time'])} AS t"]
    cells += [f"{told[name]}::VARCHAR AS {name}" for name in (*WORDS, "event_id")]
    cells += [f"{_list(told[name], types.get(name, ''))} AS {name}" for name in LISTS]
    cells += [f"{told['amount']}::DOUBLE AS amount", f"{'file_row_number' if types else '0'} AS row"]
    origin = f"read_parquet({_literal(file)}, file_row_number = true)" if types else "(SELECT 1 WHERE false)"
    con.execute(f"CREATE VIEW events AS SELECT {', '.join(cells)} FROM {origin}")


def _view_profiles(con: duckdb.DuckDBPyConnection, view: str, file: Path) -> tuple[str, ...]:
    if not file.is_file():
        con.execute(f"CREATE VIEW {view} AS SELECT NULL::VARCHAR AS user_id, NULL::BIGINT AS as_of WHERE false")
        return ()
    types = _types(con, file)
    _needs(types, ("user_id",), file)
    others = tuple(name for name in types if name not in ("user_id", "as_of"))
    as_of = _seconds("as_of") if "as_of" in types else "NULL::BIGINT"
    cells = ["user_id::VARCHAR AS user_id", f"{as_of} AS as_of", *map(quoted, others)]
    con.execute(f"CREATE VIEW {view} AS SELECT {', '.join(cells)} FROM read_parquet({_literal(file)})")
    return others


def _view_entities(con: duckdb.DuckDBPyConnection, file: Path) -> None:
    cells = (
        "id::VARCHAR AS id, name::VARCHAR AS name" if file.is_file() else "NULL::VARCHAR AS id, NULL::VARCHAR AS name"
    )
    origin = f"FROM read_parquet({_literal(file)})" if file.is_file() else "WHERE false"
    con.execute(f"CREATE VIEW entities AS SELECT {cells} {origin}")


def _seconds(cell: str) -> str:
    return f"CAST(floor(epoch({cell}::TIMESTAMPTZ)) AS BIGINT)"


def _list(cell: str, kind: str) -> str:
    """Return a list of texts: a real list, a JSON array, or `a|b|c`."""
    if kind.endswith("[]"):
        return f"{cell}::VARCHAR[]"
    text = f"{cell}::VARCHAR"
    return f"CASE WHEN {text} LIKE '[%' THEN from_json({text}, '[\"VARCHAR\"]') ELSE string_split({text}, '|') END"


def _literal(file: Path) -> str:
    return "'" + str(file).replace("'", "''") + "'"


def _needs(types: dict[str, str], names: tuple[str, ...], file: Path) -> None:
    missing = [name for name in names if name not in types]
    if missing:
        raise InputError(f"{file}: expected the column {missing[0]!r}, found {', '.join(types)}")
