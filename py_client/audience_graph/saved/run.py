"""Run a saved query with READ access: parameters checked, phrases resolved, the release filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audience_graph.answer import Answer
from audience_graph.errors import NotFoundError, QueryError
from audience_graph.graph.runner import Runner
from audience_graph.release.records import Release
from audience_graph.saved.definition import SavedQuery
from audience_graph.saved.guard import run_guarded
from audience_graph.saved.suggestions import suggestions
from audience_graph.vectors.store import Transaction

_MOST_ROWS = 100_000
_CLOSED = ("audiences", "entity_types")  # suggestions that are all that there is


@dataclass(frozen=True, slots=True, repr=False)
class QueryResult(Answer):
    """The rows of a saved query, under the columns that it declares. `more` says that not all rows came; `notes` why
    there may be none."""

    name: str
    title: str
    parameters: Mapping[str, Any]
    columns: Mapping[str, tuple[Any, ...]]
    more: bool = False
    notes: tuple[str, ...] = ()
    release: int | None = None
    version: str | None = None
    week: str | None = None

    def _title(self) -> str:
        return f"{self.title}: {'the first ' if self.more else ''}{len(self):,} row{'s' if len(self) != 1 else ''}"

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        return self.columns


def run_saved(
    runner: Runner,
    tx: Transaction,
    saved: SavedQuery,
    parameters: Mapping[str, Any],
    release: Release,
    versions: list[str],
) -> QueryResult:
    """Run it on one release; `parameters` come from `saved.check`, entities as ids. `versions` takes the relation type
    of the older version that is compared with.

    Raises NotFoundError when the query compares with an older week and none is kept.
    """
    values, query = dict(parameters), saved.query.at_version(release.relation_type)
    if saved.compares_weeks:
        previous = _previous(tx, release)
        versions.append(previous)
        query = query.beside_version(previous)
    found = run_guarded(runner, query, values, max_rows=_MOST_ROWS)
    place = {name: n for n, name in enumerate(found.columns)}
    if missing := [name for name in query.returns if found.rows and name not in place]:
        raise QueryError(f"{saved.name} returns no column {missing[0]!r}, which its header names")
    columns = {name: tuple(row[place[name]] for row in found.rows) for name in query.returns}
    notes = [f"there are more than these {len(found.rows):,} rows"] if found.more else []
    notes += [] if found.rows else _unknown(runner, saved, values)
    return QueryResult(saved.name, saved.title, values, columns, found.more, tuple(notes), **release.source)


def _unknown(runner: Runner, saved: SavedQuery, values: Mapping[str, Any]) -> list[str]:
    """Return a note for each value that no suggestion gives: nothing can be found of it."""
    notes = []
    for one in saved.parameters:
        value = values[one.name]
        closed = one.suggest if one.suggest in _CLOSED and one.kind == "text" else None
        if closed and value and value not in dict(suggestions(runner, closed, value, 100)):
            notes.append(f"{one.name}: the graph knows no {value!r}")
    return notes


_PREVIOUS = """
SELECT v.relation_type FROM relation_version v
WHERE v.week < %(week)s AND v.status = 'staged'
  AND EXISTS (SELECT FROM release r WHERE r.relation_version = v.version AND r.published_at IS NOT NULL)
ORDER BY v.week DESC, v.created_at DESC, v.version DESC LIMIT 1
"""


def _previous(tx: Transaction, release: Release) -> str:
    rows = tx.rows(_PREVIOUS, {"week": release.week})
    if not rows:
        raise NotFoundError(
            f"no version of a week before {release.week} is kept", hint="ask again after the next weekly run"
        )
    return str(rows[0]["relation_type"])
