"""What the graph knows of an audience's results: how the entities did that it was picked by. Rounded, and the same
again changes nothing; the truth stays in Postgres."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC

from audience_graph.audience.learn.entities import EntityLifts
from audience_graph.audience.learn.exported import Export
from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import Runner


@dataclass(frozen=True, slots=True)
class WrittenBack:
    """How many PICKED and PERFORMED relationships the graph holds of an audience now."""

    picked: int
    performed: int


def write_performed(runner: Runner, export: Export, lifts: EntityLifts) -> int:
    """Write PERFORMED of an export's entities in place of what was there; return how many. Entities of under the
    minimum number of users are left out."""
    performed = [
        {
            "id": e.id,
            "exposures": e.exposures,
            "conversions": e.conversions,
            "lift": e.lift,
            "lift_low": e.low,
            "lift_high": e.high,
        }
        for e in lifts.entities
        if e.users is not None
    ]
    snapshot, last = export.snapshot, export.last_result
    who = {"audience": snapshot.audience_id, "name": snapshot.name, "as_of": last and last.astimezone(UTC)}
    return int(runner.write(load_query("audiences/write_performed"), {**who, "performed": performed})[0]["written"])
