"""The entity dictionary: what can be asked for, and what events are linked to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import Runner

Decider = Literal["file", "person", "list"]


@dataclass(frozen=True, slots=True)
class Entity:
    """One row of the dictionary.

    `category` says why it is `sensitive`. `decided_by` says who did: "file" and "person" say so for good, "list" may
    change with the list (`sensitive.toml`); None = nobody looked at it, or the list does not have it.
    """

    id: str
    name: str
    type: str
    aliases: tuple[str, ...] = ()
    description: str | None = None
    sensitive: bool = False
    category: str | None = None
    decided_by: Decider | None = None


@dataclass(frozen=True, slots=True)
class Dictionary:
    """All entities, in the order of their ids (code points). Build it with `Dictionary.of`."""

    entities: tuple[Entity, ...]

    @classmethod
    def of(cls, entities: Iterable[Entity]) -> Dictionary:
        return cls(tuple(sorted(entities, key=lambda entity: entity.id)))

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(entity.id for entity in self.entities)

    def __len__(self) -> int:
        return len(self.entities)


def read_dictionary(runner: Runner) -> Dictionary:
    """Read all entities from Neo4j."""
    return Dictionary.of(entity_of(row) for row in runner.read(load_query("entities/read_all")))


def read_some(runner: Runner, ids: list[str]) -> dict[str, Entity]:
    """Read the entities with these ids from Neo4j; ids that it lacks are absent from the answer."""
    rows = runner.read(load_query("entities/read_some"), {"ids": ids})
    return {row["id"]: entity_of(row) for row in rows}


def write_entities(runner: Runner, entities: Iterable[Entity]) -> int:
    """Write entities to Neo4j in one transaction: new ones are made, known ones take these values. Return how many.

    Relations, vectors and reach of a known entity are not touched.
    """
    listed = list(entities)
    if not listed:
        return 0
    rows = runner.write(
        load_query("entities/merge"),
        {
            "ids": [e.id for e in listed],
            "names": [e.name for e in listed],
            "types": [e.type for e in listed],
            "aliases": [list(e.aliases) for e in listed],
            "descriptions": [e.description for e in listed],
            "sensitive": [e.sensitive for e in listed],
            "categories": [e.category for e in listed],
            "deciders": [e.decided_by for e in listed],
        },
    )
    return int(rows[0]["written"])


def entity_of(row: dict[str, Any]) -> Entity:
    """Return the entity of a row with id, name, type, aliases, description and sensitive.

    Rows of the graph have category and decided_by too, rows of files have not.
    """
    return Entity(
        id=row["id"],
        name=row["name"],
        type=row["type"],
        aliases=tuple(row["aliases"] or ()),
        description=row["description"],
        sensitive=bool(row["sensitive"]),
        category=row.get("category"),
        decided_by=row.get("decided_by"),
    )
