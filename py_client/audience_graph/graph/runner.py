"""The one seam to Neo4j: everything else hands a `Query` to a `Runner`.

This module alone imports `neo4j`. Driver errors become StoreUnavailable or QueryError here and nowhere else, and a text
that the driver cannot send a ConfigError.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

import neo4j
import neo4j.graph
from neo4j.exceptions import AuthError, ClientError, DriverError, Neo4jError, ServiceUnavailable, SessionExpired
from neo4j.spatial import Point
from neo4j.time import Duration

from audience_graph.config import Connections
from audience_graph.errors import UNSTORABLE, ConfigError, QueryError, StoreUnavailable
from audience_graph.graph.in_time import in_time
from audience_graph.graph.queries import Query

T = TypeVar("T")
Driver = neo4j.Driver
Row = dict[str, Any]
# A server puts the names of its own classes before what a procedure says.
_FROM_A_PROCEDURE = re.compile(
    r"Failed to invoke (?:procedure|function) `(?P<name>[^`]+)`: Caused by: [\w.$]+: (?P<said>.*)", re.DOTALL
)
_LATE = 5.0  # seconds after its timeout until a query is given up: a server stops neither planning nor long expressions
_FETCHED = 1_000  # rows at a time
MOST_VALUES = 5_000_000  # of the rows of one query: numbers, texts of up to 64 characters
_NO_PROCEDURE = re.compile(r"no (?:procedure|function) with the name `(?P<group>[a-z]+)\.")
# Hosted servers have neither: what needs them says so, the client's own calls do without.
_MISSING = {
    "audience": "this server lacks the procedures of audience-graph; `ag.expand`, `ag.resolve` and saved queries ask "
    "by plain Cypher there",
    "gds": "this needs Graph Data Science in the server, and nothing else does",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How a server would run a query. `kind` is "r" where it only reads; `operators` by name, with their details;
    `columns` are those of its rows."""

    kind: str | None
    operators: tuple[tuple[str, str], ...]
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fetched:
    """Rows of a query as plain values, at most as many as were asked for, and no more than `MOST_VALUES` values in all;
    `more` says that there are others."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    more: bool


class Runner(Protocol):
    """What the library needs of Neo4j. Tests hand in a recording fake of their own."""

    def read(self, query: Query, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """Run a query that only reads; retried when the server says that this helps."""
        ...

    def write(self, query: Query, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """Run a query in one write transaction; committed when this returns."""
        ...

    def auto_commit(self, query: Query, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """Run a query outside a managed transaction (schema, CALL ... IN TRANSACTIONS); never retried."""
        ...

    def plan(self, query: Query, parameters: Mapping[str, Any], *, timeout: float = 30.0) -> Plan:
        """Return how the server would run a query, without running it."""
        ...

    def read_once(self, query: Query, parameters: Mapping[str, Any], *, timeout: float, most: int) -> Fetched:
        """Run a query with READ access in a transaction of its own that is never retried and ends after `timeout`
        seconds, and return its first rows, at most `most`."""
        ...


class Neo4jRunner:
    """Runner over a real driver. Owns the driver only when `open_runner` made it."""

    def __init__(self, driver: neo4j.Driver, *, database: str = "neo4j", owned: bool = False) -> None:
        self._driver = driver
        self._database = database
        self._owned = owned

    def read(self, query: Query, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        return self._managed(query, parameters, neo4j.READ_ACCESS)

    def write(self, query: Query, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        return self._managed(query, parameters, neo4j.WRITE_ACCESS)

    def auto_commit(self, query: Query, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        def run() -> list[Row]:
            with self._driver.session(database=self._database) as session:
                return session.run(neo4j.Query(query.text), dict(parameters or {})).data()

        return _mapped(query, run)

    def explain(self, query: Query) -> list[str]:
        """Plan a query without running it, parameters unbound, and return the names of its columns."""

        def run() -> list[str]:
            with self._driver.session(database=self._database) as session:
                result = session.run(neo4j.Query("EXPLAIN " + query.text), dict.fromkeys(query.params))
                return list(result.keys())

        return _mapped(query, run)

    def plan(self, query: Query, parameters: Mapping[str, Any], *, timeout: float = 30.0) -> Plan:
        def run() -> Plan:
            with self._driver.session(database=self._database, default_access_mode=neo4j.READ_ACCESS) as session:
                result = session.run(neo4j.Query("EXPLAIN " + query.text, timeout=timeout), dict(parameters))
                columns, summary = tuple(result.keys()), result.consume()
                return Plan(summary.query_type, tuple(_operators(summary.plan or {})), columns)

        return _mapped(query, run, timeout)

    def read_once(self, query: Query, parameters: Mapping[str, Any], *, timeout: float, most: int) -> Fetched:
        def run() -> Fetched:
            with self._driver.session(
                database=self._database, default_access_mode=neo4j.READ_ACCESS, fetch_size=min(most + 1, _FETCHED)
            ) as session:
                result = session.run(neo4j.Query(query.text, timeout=timeout), dict(parameters))
                columns, rows, more = tuple(result.keys()), list[tuple[Any, ...]](), False
                values = 0
                for record in result:
                    row = tuple(_plain(value) for value in record.values())
                    values += _values(row)
                    if more := len(rows) == most or values > MOST_VALUES:
                        break
                    rows.append(row)
                return Fetched(columns, tuple(rows), more)

        return _mapped(query, run, timeout)

    def _managed(self, query: Query, parameters: Mapping[str, Any] | None, access: str) -> list[Row]:
        def work(tx: neo4j.ManagedTransaction) -> list[Row]:
            result = tx.run(query.text, dict(parameters or {}))
            keys = result.keys()
            return [dict(zip(keys, record.values(), strict=True)) for record in result]

        def run() -> list[Row]:
            with self._driver.session(database=self._database, default_access_mode=access) as session:
                return session.execute_read(work) if access == neo4j.READ_ACCESS else session.execute_write(work)

        return _mapped(query, run)

    def close(self) -> None:
        if self._owned:
            self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _operators(plan: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if plan:
        yield plan["operatorType"].split("@")[0], str(plan.get("args", {}).get("Details", ""))
    for child in plan.get("children", ()):
        yield from _operators(child)


def _plain(value: Any) -> Any:
    """Return nodes, relationships and paths as dicts and lists of their properties, points as dicts, times and
    durations as ISO text."""
    if isinstance(value, neo4j.graph.Node):
        return {"labels": sorted(value.labels), **{name: _plain(own) for name, own in value.items()}}
    if isinstance(value, neo4j.graph.Relationship):
        return {"type": value.type, **{name: _plain(own) for name, own in value.items()}}
    if isinstance(value, neo4j.graph.Path):
        return [_plain(value.start_node), *(_plain(x) for r in value.relationships for x in (r, r.end_node))]
    if isinstance(value, Point):
        return {"srid": value.srid, **dict(zip("xyz", map(float, value), strict=False))}
    if isinstance(value, Duration):
        return value.iso_format()
    if isinstance(value, dict):
        return {name: _plain(own) for name, own in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(own) for own in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _values(value: Any) -> int:
    """Return how many values a plain value holds; a long text counts as several."""
    if isinstance(value, (list, tuple)):
        return sum(map(_values, value))
    if isinstance(value, dict):
        return sum(map(_values, value.values()))
    return 1 + len(value) // 64 if isinstance(value, str) else 1


def _mapped(query: Query, run: Callable[[], T], timeout: float | None = None) -> T:
    """Run it, driver errors as the library's. With a `timeout` it is given up a little later than the server should."""
    try:
        return run() if timeout is None else in_time(run, timeout + _LATE)
    except TimeoutError as exc:
        raise QueryError(
            f"{query.label} was given up: no answer in {timeout:.0f} s and {_LATE:.0f} more",
            hint="ask for less at a time",
        ) from exc
    except (ServiceUnavailable, SessionExpired) as exc:
        raise StoreUnavailable(
            "Neo4j does not answer", hint="`audience-graph status` shows the servers, `audience-graph up` starts them"
        ) from exc
    except AuthError as exc:
        raise StoreUnavailable(
            "Neo4j refuses the name or the password", hint="check NEO4J_USERNAME and NEO4J_PASSWORD"
        ) from exc
    except UnicodeEncodeError as exc:
        raise ConfigError(UNSTORABLE) from exc
    except (ClientError, Neo4jError, DriverError) as exc:
        detail = getattr(exc, "message", None) or str(exc)
        raise QueryError(_told(query, detail), hint=_hint(detail)) from exc


def _told(query: Query, detail: str) -> str:
    """Return what is told of a refusal: what a procedure said comes first, then who said it, in which query."""
    found = _FROM_A_PROCEDURE.fullmatch(detail)
    if found is None:
        return f"{query.label} failed: {detail}"
    return f"{found['said']} ({found['name']}, in {query.label})"


def _hint(detail: str) -> str | None:
    """Return what to do about a procedure that the server does not have; None for everything else."""
    found = _NO_PROCEDURE.search(detail)
    if found is None or found["group"] not in _MISSING:
        return None
    return _MISSING[found["group"]]


def open_runner(connections: Connections) -> Neo4jRunner:
    """Open a runner for these servers; connects at the first query. Close it, or use it in a `with`."""
    driver = neo4j.GraphDatabase.driver(
        connections.neo4j_uri,
        auth=(connections.neo4j_username, connections.neo4j_password),
        connection_timeout=10,
        max_transaction_retry_time=20,
        notifications_min_severity="OFF",
    )
    return Neo4jRunner(driver, database=connections.neo4j_database, owned=True)
