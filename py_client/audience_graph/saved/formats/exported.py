"""Hold what each format makes of a query that somebody keeps against its plan.

A format drops the header, puts in defaults or names parameters anew: another text than the one that was kept, and the
other tool runs it with all rights of whoever logs in there.
"""

from __future__ import annotations

from collections.abc import Iterator

from audience_graph.graph.queries import Query
from audience_graph.graph.runner import Runner
from audience_graph.saved.definition import SavedQuery
from audience_graph.saved.formats.browser import script
from audience_graph.saved.formats.guide import clicked
from audience_graph.saved.formats.neodash import asked
from audience_graph.saved.guard import check_plan


def exported(saved: SavedQuery) -> Iterator[tuple[str, str]]:
    """Yield (format, text) of all Cypher that the formats hold of a query."""
    yield "browser", script(saved)
    yield "guide", clicked(saved)
    for text in asked(saved):
        yield "neodash", text


def check_exports(runner: Runner, saved: SavedQuery, kind: str | None = None) -> None:
    """Raise QueryError where a format, or the one of this kind, would hold Cypher that does more than read."""
    for of, text in exported(saved):
        if kind is None or of == kind:
            query = Query(f"{saved.query.label} as the {of} format has it", text, (), (), None)
            check_plan(runner.plan(query, {}))
