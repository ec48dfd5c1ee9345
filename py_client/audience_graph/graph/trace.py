"""A runner that tells what it runs: the text and the parameters, for `--show-query`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from audience_graph.graph.queries import Query
from audience_graph.graph.runner import Fetched, Plan, Row, Runner

Tell = Callable[[str, str, Any], None]


class TracedRunner:
    """Runner that hands (name, text, parameters) to `tell` before each query."""

    def __init__(self, runner: Runner, tell: Tell) -> None:
        self._runner = runner
        self._tell = tell

    def read(self, query: Query, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        self._tell(f"cypher {query.name}", query.text, dict(parameters or {}))
        return self._runner.read(query, parameters)

    def write(self, query: Query, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        self._tell(f"cypher {query.name}", query.text, dict(parameters or {}))
        return self._runner.write(query, parameters)

    def auto_commit(self, query: Query, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        self._tell(f"cypher {query.name}", query.text, dict(parameters or {}))
        return self._runner.auto_commit(query, parameters)

    def plan(self, query: Query, parameters: Mapping[str, Any], *, timeout: float = 30.0) -> Plan:
        self._tell(f"cypher {query.name}", f"EXPLAIN {query.text}", dict(parameters))
        return self._runner.plan(query, parameters, timeout=timeout)

    def read_once(self, query: Query, parameters: Mapping[str, Any], *, timeout: float, most: int) -> Fetched:
        self._tell(f"cypher {query.name}", query.text, dict(parameters))
        return self._runner.read_once(query, parameters, timeout=timeout, most=most)
