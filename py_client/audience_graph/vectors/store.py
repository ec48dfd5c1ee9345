"""The one seam to Postgres: transactions, rows and COPY.

This module alone imports `psycopg`. Driver errors become StoreUnavailable or StoreError here and nowhere else.
Names inside SQL come from `identifier`, values travel as parameters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from pgvector.psycopg import register_vector
from psycopg import sql
from psycopg.rows import dict_row

from audience_graph.config import Connections
from audience_graph.errors import QueryError, StoreError, StoreUnavailable

Row = dict[str, Any]
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}")


def identifier(name: str) -> str:
    """Return `name` when it is a plain lower-case SQL name. Raises StoreError otherwise."""
    if _IDENTIFIER.fullmatch(name) is None:
        raise StoreError(f"{name!r} is not a table or column name that this library builds")
    return name


class Transaction:
    """One open transaction of a Store. Commits when its `with` ends, rolls back on any exception."""

    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        self._connection = connection

    def rows(self, query: str, parameters: Sequence[Any] | dict[str, Any] | None = None) -> list[Row]:
        """Run a query and return its rows."""
        with _mapped(), self._connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(sql.SQL(query), parameters)
            return cursor.fetchall() if cursor.description is not None else []

    def execute(self, query: str, parameters: Sequence[Any] | dict[str, Any] | None = None) -> int:
        """Run a statement and return the number of rows that it touched."""
        with _mapped(), self._connection.cursor() as cursor:
            cursor.execute(sql.SQL(query), parameters)
            return cursor.rowcount

    def copy_in(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, types: Sequence[str] = ()
    ) -> int:
        """COPY rows into a table and return how many. With `types` the binary format is used."""
        listed = ", ".join(identifier(c) for c in columns)
        binary = " (FORMAT BINARY)" if types else ""
        count = 0
        with _mapped(), self._connection.cursor() as cursor:
            with cursor.copy(sql.SQL(f"COPY {identifier(table)} ({listed}) FROM STDIN{binary}")) as copy:
                if types:
                    copy.set_types(types)
                for row in rows:
                    copy.write_row(row)
                    count += 1
        return count

    def copy_blocks(self, table: str, columns: Sequence[str], blocks: Iterable[bytes | memoryview]) -> None:
        """COPY ready-made binary blocks (header, tuples and trailer included) into a table."""
        listed = ", ".join(identifier(c) for c in columns)
        with _mapped(), self._connection.cursor() as cursor:
            with cursor.copy(sql.SQL(f"COPY {identifier(table)} ({listed}) FROM STDIN (FORMAT BINARY)")) as copy:
                for block in blocks:
                    copy.write(block)


class Store:
    """Postgres by URL; one connection per transaction, opened when it is needed."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url

    @property
    def url(self) -> str:
        """The connection URL with its password: for libraries that connect on their own (alembic)."""
        return self._url

    def __repr__(self) -> str:
        return "Store(postgres)"

    @contextmanager
    def transaction(
        self, *, read_only: bool = False, snapshot: bool = False, vectors: bool = True
    ) -> Iterator[Transaction]:
        """Open a transaction: READ COMMITTED, or REPEATABLE READ with `snapshot` (one release for all of it).

        Raises StoreUnavailable when Postgres does not answer. `vectors=False` before the extension exists.
        """
        with _mapped():
            connection = psycopg.connect(self._url, row_factory=dict_row, connect_timeout=10)
        try:
            with _mapped():
                if vectors:
                    register_vector(connection)
                    connection.commit()
                if snapshot:
                    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                connection.read_only = read_only
                with connection.transaction():
                    yield Transaction(connection)
        finally:
            connection.close()


@contextmanager
def _mapped() -> Iterator[None]:
    try:
        yield
    except psycopg.OperationalError as exc:
        raise StoreUnavailable(
            f"Postgres does not answer: {exc}".strip(),
            hint="`audience-graph status` shows the servers, `audience-graph up` starts them",
        ) from exc
    except psycopg.ProgrammingError as exc:
        raise QueryError(f"Postgres refuses a statement: {exc}".strip(), hint="run `audience-graph migrate`") from exc
    except psycopg.Error as exc:
        raise StoreError(f"Postgres failed: {exc}".strip()) from exc


def open_store(connections: Connections) -> Store:
    """Return the store of these servers; connects at the first transaction."""
    return Store(connections.database_url)
