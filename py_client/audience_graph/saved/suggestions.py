"""Ask the queries of `cypher/suggest/` for values of a parameter."""

from __future__ import annotations

from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import Runner
from audience_graph.saved.definition import SUGGESTIONS


def suggestions(runner: Runner, name: str, typed: str, limit: int) -> tuple[tuple[str, str], ...]:
    """Return (value, label) of the values that begin with what was typed, as the suggestion query orders them."""
    rows = runner.read(load_query(SUGGESTIONS + name), {"typed": typed, "limit": limit})
    return tuple((str(row["value"]), str(row["label"])) for row in rows)
