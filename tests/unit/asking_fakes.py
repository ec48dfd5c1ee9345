"""Recording fakes at the two seams: canned rows by query name, everything that ran kept in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

from audience_graph.graph.queries import Query
from audience_graph.graph.runner import Fetched, Plan
from audience_graph.release.records import Release

Rows = list[dict[str, Any]]

RELEASE = Release(
    id=4,
    version="2026-W30-1a2b3c4d",
    week="2026-W30",
    relation_type="RELATES_2026_W30_1a2b3c4d",
    preference_space="pref_2026_w30_1a2b3c4d",
    preference_as_of=date(2026, 7, 26),
    preference_days=30,
    user_text_space=None,
    status="current",
    version_status="staged",
    content_hash="1a2b3c4d",
    counts={"relations": 7},
    metrics={},
    run_id="r",
    created_at=datetime(2026, 7, 26, tzinfo=UTC),
    published_at=datetime(2026, 7, 26, tzinfo=UTC),
)


class FakeRunner:
    """Answers a query by its name with rows, or with what a function makes of its parameters."""

    def __init__(self, answers: Mapping[str, Rows | Callable[[Mapping[str, Any]], Rows]] | None = None) -> None:
        self.answers = dict(answers or {})
        self.ran: list[tuple[str, str, dict[str, Any]]] = []
        self.written: list[str] = []

    def read(self, query: Query, parameters: Mapping[str, Any] | None = None) -> Rows:
        given = dict(parameters or {})
        assert set(given) == set(query.params), f"{query.name}: given {sorted(given)}"
        self.ran.append((query.name, query.text, given))
        answer = self.answers.get(query.name, [])
        return answer(given) if callable(answer) else answer

    def write(self, query: Query, parameters: Mapping[str, Any] | None = None) -> Rows:
        self.written.append(query.name)
        return self.read(query, parameters)

    def auto_commit(self, query: Query, parameters: Mapping[str, Any] | None = None) -> Rows:  # noqa: ARG002
        raise AssertionError(f"nothing that asks runs {query.name} outside a transaction")

    def plan(self, query: Query, parameters: Mapping[str, Any], *, timeout: float = 30.0) -> Plan:  # noqa: ARG002
        return Plan("r", (("ProduceResults", ""),))

    def read_once(self, query: Query, parameters: Mapping[str, Any], *, timeout: float, most: int) -> Fetched:  # noqa: ARG002
        rows = self.read(query, parameters)
        return Fetched(
            tuple(rows[0]) if rows else (), tuple(tuple(row.values()) for row in rows[:most]), len(rows) > most
        )

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.ran]


class FakeStore:
    """Answers a statement by the first of its keys that the text contains; remembers how transactions were opened."""

    url = "postgresql:///fake"

    def __init__(self, answers: Mapping[str, Rows]) -> None:
        self.answers = dict(answers)
        self.ran: list[tuple[str, Any]] = []
        self.opened: list[dict[str, bool]] = []
        self.closed = False

    @contextmanager
    def transaction(self, **how: bool) -> Iterator[FakeStore]:
        self.opened.append(how)
        yield self

    def rows(self, query: str, parameters: Any = None) -> Rows:
        self.ran.append((query, parameters))
        return next((rows for key, rows in self.answers.items() if key in query), [])

    def close(self) -> None:
        self.closed = True
