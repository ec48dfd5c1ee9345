"""What a snapshot was picked by, and the copy of that in the graph: PICKED of an audience is its newest snapshot's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from audience_graph.audience.keep.snapshots import Snapshot
from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import Runner
from audience_graph.vectors.store import Transaction, identifier


@dataclass(frozen=True, slots=True)
class PickedIn:
    """One picked entity as a snapshot keeps it."""

    id: str
    name: str
    hop: int
    relevance: float
    weight: float
    path: tuple[str, ...]
    phrase: str


def picked_of(snapshot: Snapshot) -> tuple[PickedIn, ...]:
    """Return the entities that a snapshot was picked by, each once with its largest relevance, best first."""
    found: dict[str, PickedIn] = {}
    for question in _graph_questions(snapshot.questions):
        for p in question.get("picked", ()):
            own = PickedIn(p["id"], p["name"], p["hop"], p["relevance"], p["weight"], tuple(p["path"]), p["phrase"])
            if own.id not in found or own.relevance > found[own.id].relevance:
                found[own.id] = own
    return tuple(sorted(found.values(), key=lambda p: (-p.relevance, p.hop, p.id)))


def write_picked(runner: Runner, snapshot: Snapshot) -> int:
    """Write PICKED of a snapshot in place of what was there, in one transaction; return how many. Entities that are no
    longer in the graph are left out. The same again changes nothing."""
    picked = [{"id": p.id, "hop": p.hop, "relevance": p.relevance} for p in picked_of(snapshot)]
    at = snapshot.made_at.astimezone(UTC)
    who = {"audience": snapshot.audience_id, "name": snapshot.name, "by": snapshot.made_by, "at": at}
    return int(runner.write(load_query("audiences/write_picked"), {**who, "picked": picked})[0]["written"])


def space_of(tx: Transaction, snapshot: Snapshot) -> str | None:
    """Return the preference space that a snapshot's graph ranking was made in; None without one, or when it is gone."""
    space = next((q["space"] for q in _graph_questions(snapshot.questions) if q.get("space")), None)
    if space is None:
        return None
    found = tx.rows("SELECT to_regclass(%s) IS NOT NULL AS there", (f"user_vector_{identifier(space)}",))
    return space if found[0]["there"] else None


def _graph_questions(questions: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for question in questions:
        if question.get("kind") == "graph":
            yield question
        elif question.get("kind") == "both" and question.get("graph"):
            yield from _graph_questions([{"kind": "graph", **question["graph"]}])
