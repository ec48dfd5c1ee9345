"""A query as SQL over the views of a source: which events match, which users hold a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from audience_graph.errors import InputError
from audience_trainers.users.tasks.source import Source, quoted
from audience_trainers.users.tasks.task import Query, Value

_EQUAL = ("channel", "category", "merchant", "payment_channel", "status", "text")


@dataclass(frozen=True, slots=True)
class Window:
    """Seconds `begin` <= time < `end`; None = no bound on that side."""

    begin: int | None
    end: int | None

    def condition(self, column: str) -> str:
        """Return SQL; the bounds are numbers of our own making."""
        parts = [] if self.begin is None else [f"{column} >= {int(self.begin)}"]
        parts += [] if self.end is None else [f"{column} < {int(self.end)}"]
        return " AND ".join(parts) or "true"


def event_condition(query: Query) -> tuple[str, list[Any]]:
    """Return the SQL condition on one event, and its parameters."""
    parts: list[str] = []
    values: list[Any] = []
    for key in _EQUAL:
        if getattr(query, key):
            parts.append(f"{key} IN (SELECT unnest(?::VARCHAR[]))")
            values.append(list(getattr(query, key)))
    for key in ("items", "entity_ids"):
        if getattr(query, key):
            parts.append(f"list_has_any({key}, ?::VARCHAR[])")
            values.append(list(getattr(query, key)))
    if query.text_contains:
        parts.append("(" + " OR ".join(["contains(lower(text), lower(?))"] * len(query.text_contains)) + ")")
        values += query.text_contains
    if query.amount_at_least is not None:
        parts.append("amount >= ?")
        values.append(query.amount_at_least)
    return " AND ".join(parts) or "true", values


def users_with_events(source: Source, query: Query, window: Window) -> set[str]:
    """Return the users with at least `count_at_least` matching events in the window."""
    condition, values = event_condition(query)
    inside = f"{window.condition('t')} AND {condition}"
    sql = f"SELECT user_id FROM events WHERE {inside} GROUP BY user_id HAVING count(*) >= ?"
    return set(source.column(sql, [*values, query.count_at_least]))


def matching_rows(source: Source, query: Query, window: Window) -> list[int]:
    """Return the file rows of the matching events in the window; none for a query of a column."""
    if query.column is not None:
        return []
    condition, values = event_condition(query)
    return source.column(f"SELECT row FROM events WHERE {window.condition('t')} AND {condition} ORDER BY row", values)


def column_values(source: Source, column: str, window: Window, *, undated: bool) -> dict[str, Value]:
    """Return each user's newest value of a column, among rows dated in the window; users without a value are absent.

    The column is one of outcomes.parquet, else of users.parquet. `undated` admits rows without a date.
    Raises InputError when neither file has it.
    """
    view = next((name for name in ("outcomes", "profiles") if column in source.columns[name]), None)
    if view is None:
        known = ", ".join([*source.columns["outcomes"], *source.columns["profiles"]]) or "none"
        raise InputError(
            f"{source.folder}: no column {column!r} in outcomes.parquet or users.parquet; columns: {known}"
        )
    dated = f"({window.condition('as_of')}{' OR as_of IS NULL' if undated else ''})"
    cell = quoted(column)
    sql = (
        f"SELECT user_id, arg_max({cell}, coalesce(as_of, -9e15)) FROM {view} "
        f"WHERE {dated} AND {cell} IS NOT NULL GROUP BY user_id"
    )
    return dict(source.rows(sql))
