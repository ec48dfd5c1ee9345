"""What the graph knows of an audience: which entities it was picked by, and how they did. Rounded, and the same again
changes nothing; the truth stays in Postgres."""

from __future__ import annotations

from dataclasses import dataclass

from audience_graph.audience.keep.snapshots import Snapshot
from audience_graph.audience.learn.entities import EntityLifts
from audience_graph.audience.learn.exported import Export, picked_of
from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import Runner


@dataclass(frozen=True, slots=True)
class WrittenBack:
    """How many PICKED and PERFORMED relationships the graph holds of an audience now."""

    picked: int
    performed: int


def write_picked(runner: Runner, snapshot: Snapshot) -> int:
    """Write PICKED of a snapshot in place of what was there, in one transaction; return how many. Entities that are no
    longer in the graph are left out."""
    picked = [{"id": p.id, "hop": p.hop, "relevance": p.relevance} for p in picked_of(snapshot)]
    who = {"audience": snapshot.audience_id, "name": snapshot.name, "by": snapshot.made_by, "at": snapshot.made_at}
    return int(runner.write(load_query("audiences/write_picked"), {**who, "picked": picked})[0]["written"])


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
    snapshot = export.snapshot
    who = {"audience": snapshot.audience_id, "name": snapshot.name, "as_of": export.last_result}
    return int(runner.write(load_query("audiences/write_performed"), {**who, "performed": performed})[0]["written"])
