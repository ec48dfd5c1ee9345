"""Which loaded entities are sensitive: what their file says, else what was decided before, else the list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from audience_graph.entities.dictionary import Entity
from audience_graph.entities.sensitive import sensitive_list

_SHOWN = 5
_CHECK = "`audience-graph entities sensitive check` lists them"


def decide(entity: Entity, stored: Entity | None) -> Entity:
    """Return a read entity with its flag decided. `decided_by` is "file" where its file says so, else None."""
    hit = sensitive_list().match(entity)
    category = None if hit is None else hit.category
    if entity.decided_by is not None:
        return replace(entity, category=category if entity.sensitive else None)
    if stored is not None and stored.decided_by in ("file", "person"):
        return replace(entity, sensitive=stored.sensitive, category=stored.category, decided_by=stored.decided_by)
    if hit is not None:
        return replace(entity, sensitive=True, category=category, decided_by="list")
    # a flag of which nobody says where it is from stays
    return replace(entity, sensitive=stored is not None and stored.sensitive and stored.decided_by is None)


def sensitive_notes(entities: Sequence[Entity], known: Mapping[str, Entity]) -> list[str]:
    """Return what a person should know: flags that the list gave, that a file contradicts, or that are gone."""
    given = [e for e in entities if e.sensitive and e.decided_by == "list" and not _was(known.get(e.id))]
    denied = [e for e in entities if e.decided_by == "file" and not e.sensitive and sensitive_list().match(e)]
    gone = [e for e in entities if not e.sensitive and _was(known.get(e.id))]
    told = (
        (given, "on the list of what is sensitive: from now on asked for with a reason only"),
        (denied, f"on the list of what is sensitive, and the file says that they are not; {_CHECK}"),
        (gone, "no longer sensitive: they are reached by expansion again"),
    )
    return [_note(found, words) for found, words in told if found]


def _was(stored: Entity | None) -> bool:
    return stored is not None and stored.sensitive


def _note(entities: Sequence[Entity], words: str) -> str:
    shown = ", ".join(e.name for e in entities[:_SHOWN]) + (", ..." if len(entities) > _SHOWN else "")
    return f"{len(entities):,} {'entity' if len(entities) == 1 else 'entities'} ({shown}) {words}"
