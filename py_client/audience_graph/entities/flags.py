"""Which entities are flagged sensitive, as they are now: the flag in the graph is what binds, not the list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import Runner


@dataclass(frozen=True, slots=True)
class Flagged:
    """A sensitive entity. `category` is None where nobody said why."""

    id: str
    name: str
    type: str
    category: str | None

    def __str__(self) -> str:
        return f"{self.name} ({self.type}, id {self.id})"


def flagged(runner: Runner, ids: Iterable[str]) -> dict[str, Flagged]:
    """Return those of some entities that are sensitive, by id."""
    wanted = sorted(set(ids))
    rows = runner.read(load_query("entities/sensitive_among"), {"ids": wanted}) if wanted else []
    return {row["id"]: Flagged(**row) for row in rows}
