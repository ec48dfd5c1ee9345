"""What a field suggests while one types: names of entities, or values of a parameter."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audience_graph.client import AudienceGraph


def suggested(ag: AudienceGraph, query: str, parameter: str, typed: str, limit: int) -> list[str]:
    """Return values of a saved query's parameter that begin with what was typed; entities by their names.

    Raises NotFoundError for an unknown query or parameter.
    """
    values = [value for value, _ in ag.queries.suggest(query, parameter, typed, limit=limit)]
    of = next(p.suggest for p in ag.queries.get(query).parameters if p.name == parameter)
    if of == "entities" and values:
        values = [row["name"] for row in ag.query("reach_of_these", phrases=values).rows()]
    return list(dict.fromkeys(values))
