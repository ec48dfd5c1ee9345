"""The answer to an expansion: entities within k hops, best first, and the paths that gave them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audience_graph.answer import Answer
from audience_graph.graph.expansion import Expanded, ExpandOptions
from audience_graph.graph.picture.svg import Picture, draw


@dataclass(frozen=True, slots=True)
class Seed:
    """One entity that an expansion started from, and the phrase that meant it."""

    phrase: str
    id: str
    name: str
    type: str


@dataclass(frozen=True, slots=True, repr=False)
class Expansion(Answer):
    """Entities near the seeds, best first. Rows hold ids in `path`; the printed form shows names."""

    seeds: tuple[Seed, ...]
    entities: tuple[Expanded, ...]
    options: ExpandOptions
    release: int | None = None
    version: str | None = None
    week: str | None = None

    def picture(self, *, most: int = 40) -> Picture:
        """Return the drawing of the seeds, the `most` nearest entities and those on their paths, 500 at most.

        Colour by entity type, size by relevance, width by score. In a notebook it shows itself; `.save("spa.svg")`.
        """
        seeds = [(s.id, s.name, s.type) for s in self.seeds]
        return draw(seeds, self.entities, f"{self._title()} ({self.week})", most=most)

    def _title(self) -> str:
        seeds = ", ".join(s.name for s in self.seeds)
        hops = f"{self.options.hops} hop{'s' if self.options.hops != 1 else ''}"
        return f"{len(self.entities):,} entities within {hops} of {seeds}"

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        names = Expanded._fields
        return (
            dict(zip(names, zip(*self.entities, strict=True), strict=True))
            if self.entities
            else dict.fromkeys(names, ())
        )

    def _shown(self) -> Mapping[str, Sequence[Any]]:
        names = {s.id: s.name for s in self.seeds} | {e.id: e.name for e in self.entities}
        columns = self._columns()
        return {
            "name": columns["name"],
            "type": columns["type"],
            "hop": columns["hop"],
            "relevance": columns["relevance"],
            "path": [tuple(names.get(i, i) for i in path) for path in columns["path"]],
            "id": columns["id"],
        }
