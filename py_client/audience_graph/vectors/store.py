"""The one seam to Postgres: transactions, rows and COPY.

This module alone imports `psycopg`. Driver errors become StoreUnavailable or StoreError here and nowhere else, and a
text that Postgres cannot hold a ConfigError.
Names inside SQL come from `identifier`, values travel as parameters.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg
from pgvector.psycopg import register_vector
from psycopg import sql
from psycopg.rows import dict_row

from audience_graph.config import Connections
from audience_graph.database_url import check_database_url
from audience_graph.errors import UNSTORABLE, ConfigError, QueryError, StoreError, StoreUnavailable

Row = dict[str, Any]
_AGAIN = "run the same command again"
_CONNECTION = "08"  # class of SQLSTATE
_SHUTDOWN = ("57P01", "57P02", "57P03")
# SQLSTATE -> what happened, what to do
_REFUSALS: dict[str, tuple[str, str | None]] = {
    "53100": ("Postgres has no space left on its disk", "free some on the machine of Postgres, then " + _AGAIN),
    "53200": ("Postgres has no memory left", "give it more, or load less at once, then " + _AGAIN),
    "53300": ("Postgres has no connection left", "raise its max_connections, or close other programs"),
    "40001": ("Postgres undid a transaction that met another one", _AGAIN),
    "40P01": ("Postgres undid a transaction that waited for another one in a circle", _AGAIN),
    "55P03": ("Postgres did not give a lock in time", "another session holds it: wait for it, then " + _AGAIN),
    "57014": ("Postgres cancelled a statement", "somebody did, or its statement_timeout is too short"),
}
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

    def copy_blocks(
        self,
        table: str,
        columns: Sequence[str],
        blocks: Iterable[bytes | memoryview],
        *,
        csv: bool = False,
        frozen: bool = False,
    ) -> None:
        """COPY ready-made blocks into a table: binary (header, tuples and trailer included), or CSV.

        `frozen` only for a table created in this transaction: its pages are all-visible at once, so that the first
        scan has nothing to write.
        """
        listed = ", ".join(identifier(c) for c in columns)
        options = f"FORMAT {'CSV' if csv else 'BINARY'}{', FREEZE' if frozen else ''}"
        with _mapped(), self._connection.cursor() as cursor:
            with cursor.copy(sql.SQL(f"COPY {identifier(table)} ({listed}) FROM STDIN ({options})")) as copy:
                for block in blocks:
                    copy.write(block)

    def copy_out(self, query: str, parameters: Sequence[Any] | dict[str, Any] | None = None) -> Iterator[bytes]:
        """COPY the rows of a query out as CSV with a header, in blocks."""
        with _mapped(), self._connection.cursor() as cursor:
            with cursor.copy(sql.SQL(f"COPY ({query}) TO STDOUT (FORMAT CSV, HEADER)"), parameters) as copy:
                for block in copy:
                    yield bytes(block)

    def columns(
        self, query: str, types: Mapping[str, str], parameters: Sequence[Any] | dict[str, Any] | None = None
    ) -> list[npt.NDArray[Any]]:
        """Run a query and return its columns as arrays (n,), in one row of bytes: a million rows cost no object each.

        `types` names the columns and their numpy types of 2, 4 or 8 bytes, such as `{"key": "i8", "score": "f8"}`;
        none of them may be NULL. Up to 80 million rows. The query may run in parallel.
        """
        listed = ", ".join(f"array_send(array_agg({identifier(name)})) AS {identifier(name)}" for name in types)
        return self.packed(f"SELECT {listed} FROM ({query}) told", types, parameters)

    def packed(
        self, query: str, types: Mapping[str, str], parameters: Sequence[Any] | dict[str, Any] | None = None
    ) -> list[npt.NDArray[Any]]:
        """Run a query whose one row holds `array_send` of arrays, named as in `types`; NULL is an empty array."""
        with _mapped(), self._connection.cursor(row_factory=dict_row, binary=True) as cursor:
            cursor.execute(sql.SQL(query), parameters)
            row = cursor.fetchone() or {}
        return [array_of(row.get(name), kind) for name, kind in types.items()]


_ARRAY_HEADER = 12  # number of dimensions, flags, type; then length and lower bound of each dimension


def array_of(data: bytes | None, kind: str) -> npt.NDArray[Any]:
    """Return the elements (n,) of an array as `array_send` gives it, row by row; none of NULL. They may not be NULL
    themselves."""
    wanted = np.dtype(kind)
    if data is None:  # array_agg of no rows
        return np.empty(0, wanted)
    element = np.dtype([("size", ">i4"), ("value", wanted.newbyteorder(">"))])
    start = _ARRAY_HEADER + 8 * int.from_bytes(data[:4], "big")
    return np.frombuffer(data, element, offset=start)["value"].astype(wanted)


class Store:
    """Postgres by URL; one connection per transaction, opened when it is needed.

    With `keep` a finished connection waits for the next transaction (one per thread that works at once): a request
    then costs no connecting. Close such a store.
    """

    def __init__(self, database_url: str, *, keep: bool = False) -> None:
        self._url = database_url
        self._keep = keep
        self._idle: deque[psycopg.Connection[Row]] = deque()

    @property
    def url(self) -> str:
        """The connection URL with its password: for libraries that connect on their own (alembic)."""
        return self._url

    def __repr__(self) -> str:
        return "Store(postgres)"

    def raw_connection(self) -> psycopg.Connection[Any]:
        """Open a connection for a library that handles transactions itself (alembic); the caller closes it."""
        with _mapped():
            return self._connect()

    @contextmanager
    def transaction(
        self, *, read_only: bool = False, snapshot: bool = False, vectors: bool = True
    ) -> Iterator[Transaction]:
        """Open a transaction: READ COMMITTED, or REPEATABLE READ with `snapshot` (one release for all of it).

        Raises StoreUnavailable when Postgres does not answer. `vectors=False` before the extension exists.
        """
        with _mapped():
            connection = self._waiting() if vectors else None
            if connection is None:
                connection = self._connect(row_factory=dict_row, autocommit=True)
                # one plan per set of values: a cached one would not know that a filter is empty
                connection.prepare_threshold = None
        try:
            with _mapped():
                if vectors and connection.adapters.types.get("halfvec") is None:
                    register_vector(connection)
                connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ if snapshot else None
                connection.read_only = read_only
                with connection.transaction():
                    yield Transaction(connection)
        finally:
            if self._keep and vectors and connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
                self._idle.append(connection)
            else:
                connection.close()

    def maintain(self, statements: Sequence[str], *, lock_seconds: int = 60) -> None:
        """Run statements that no transaction may hold (VACUUM, CHECKPOINT), one after the other.

        Raises StoreError when another session holds a table for longer than `lock_seconds`.
        """
        with _mapped():
            connection = self._connect(autocommit=True)
            try:
                connection.execute(sql.SQL(f"SET lock_timeout = '{int(lock_seconds)}s'"))
                for statement in statements:
                    connection.execute(sql.SQL(statement))
            finally:
                connection.close()

    def close(self) -> None:
        """Close the connections that wait."""
        while (connection := self._taken()) is not None:
            connection.close()

    def _taken(self) -> psycopg.Connection[Row] | None:
        try:
            return self._idle.pop()
        except IndexError:  # another thread took the last one
            return None

    def _connect(self, **options: Any) -> psycopg.Connection[Any]:
        check_database_url(self._url, name="the address of Postgres")
        try:
            return psycopg.connect(self._url, connect_timeout=10, **options)
        except psycopg.ProgrammingError:  # its text quotes the address, with the password
            raise ConfigError("the address of Postgres has an option that libpq does not know") from None

    def _waiting(self) -> psycopg.Connection[Row] | None:
        while (connection := self._taken()) is not None:
            try:
                connection.execute("SELECT 1")
            except psycopg.OperationalError:  # the server was restarted meanwhile
                connection.close()
            else:
                return connection
        return None


@contextmanager
def _mapped() -> Iterator[None]:
    try:
        yield
    except psycopg.OperationalError as exc:
        raise _operational(exc) from exc
    except psycopg.ProgrammingError as exc:
        raise QueryError(f"Postgres refuses a statement: {exc}".strip(), hint="run `audience-graph migrate`") from exc
    except psycopg.DataError as exc:
        if exc.sqlstate is None and "NUL" in str(exc):  # the driver's own word, before anything is sent
            raise ConfigError(UNSTORABLE) from exc
        raise StoreError(f"Postgres failed: {exc}".strip()) from exc
    except UnicodeEncodeError as exc:
        raise ConfigError(UNSTORABLE) from exc
    except psycopg.Error as exc:
        raise StoreError(f"Postgres failed: {exc}".strip()) from exc


def _operational(exc: psycopg.OperationalError) -> StoreError:
    state = exc.sqlstate or _CONNECTION  # the driver's own: refused, timed out, lost on the way
    if state.startswith(_CONNECTION) or state in _SHUTDOWN:
        return StoreUnavailable(
            f"Postgres does not answer: {exc}".strip(),
            hint="`audience-graph status` shows the servers, `audience-graph up` starts them",
        )
    said, hint = _REFUSALS.get(state, ("Postgres failed", None))
    return StoreError(f"{said}: {exc}".strip(), hint=hint)


def open_store(connections: Connections, *, keep: bool = False) -> Store:
    """Return the store of these servers; connects at the first transaction."""
    return Store(connections.database_url, keep=keep)
