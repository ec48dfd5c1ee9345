"""What the phrases mean that are given to a saved query."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from audience_graph.entities.matches import Resolution
from audience_graph.errors import SensitiveError
from audience_graph.saved.definition import SavedQuery


def with_ids(
    saved: SavedQuery, values: Mapping[str, Any], resolve: Callable[[Any], Resolution]
) -> tuple[dict[str, Any], list[str]]:
    """Return checked values with the ids of entities in the place of phrases, and a note for each that says nothing.

    No saved query answers about a sensitive entity: alone it raises SensitiveError, in a list it is noted. Raises
    NotFoundError or AmbiguousError for a phrase.
    """
    found, notes = dict(values), list[str]()
    for parameter in saved.parameters:
        if not parameter.of_entities or values[parameter.name] == []:
            continue
        meant = resolve(values[parameter.name]).require()
        told = [f"{match.phrase!r} means {match}: sensitive, and saved queries leave that out"
                for match in meant if match.sensitive]  # fmt: skip
        if told and parameter.kind == "entity":
            raise SensitiveError(told[0], ids=[meant[0].id], hint="`expand` asks about it with a reason")
        notes += told
        found[parameter.name] = meant[0].id if parameter.kind == "entity" else [match.id for match in meant]
    return found, notes
