"""Relation versions in GDS's memory: make ahead of the first question, estimate, list, drop when retired.

A projection is found whoever made it, so these go through the procedures of this library, which look across database
users. On a server without them nothing is projected by anyone: `project` and `drop` do nothing there.
"""

from __future__ import annotations

from dataclasses import dataclass

from audience_graph.graph.expansion import VersionRef
from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import Runner


@dataclass(frozen=True, slots=True)
class Projection:
    """One version in GDS's memory. `name` is its relationship type, `username` who projected it."""

    name: str
    username: str
    entities: int
    relations: int


@dataclass(frozen=True, slots=True)
class MemoryEstimate:
    """What a projection and the arrays made from it need at most."""

    bytes: int
    entities: int
    relations: int


def installed_procedures(runner: Runner) -> frozenset[str]:
    """Return the names of this library's procedures that the server offers."""
    return frozenset(row["name"] for row in runner.read(load_query("entities/list_procedures")))


def project(runner: Runner, version: VersionRef) -> Projection | None:
    """Load a version into memory unless it is there; None without our procedures, or when it has no relations.

    Raises QueryError when the server lacks the memory; the message says how much is needed.
    """
    if "audience.project" not in installed_procedures(runner):
        return None
    rows = runner.read(load_query("relations/project"), {"version": version.version})
    return Projection(**rows[0]) if rows else None


def estimate(runner: Runner, version: VersionRef) -> MemoryEstimate:
    """Return the memory that projecting a version takes. Raises QueryError without our procedures."""
    return MemoryEstimate(**runner.read(load_query("relations/project_estimate"), {"version": version.version})[0])


def list_projections(runner: Runner) -> tuple[Projection, ...]:
    """Return the versions in memory, by name; none without our procedures."""
    if "audience.projections" not in installed_procedures(runner):
        return ()
    rows = (Projection(**row) for row in runner.read(load_query("relations/projections")))
    return tuple(sorted(rows, key=lambda projection: (projection.name, projection.username)))


def drop(runner: Runner, version: VersionRef) -> int:
    """Free the memory of a version and return how many projections of it there were; its relations stay."""
    if "audience.dropProjection" not in installed_procedures(runner):
        return 0
    dropped: int = runner.read(load_query("relations/drop_projection"), {"version": version.relation_type})[0][
        "dropped"
    ]
    return dropped
