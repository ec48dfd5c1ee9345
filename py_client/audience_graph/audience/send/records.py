"""Exports as they are kept, the lock of the one that is being sent, and what a destination holds of an audience."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audience_graph.audience.send.arms import Arms
from audience_graph.audience.send.destination import WEBHOOK
from audience_graph.audience.send.holdout import read_arms
from audience_graph.audience.send.shape import Shape
from audience_graph.errors import ExportError, NotFoundError
from audience_graph.vectors.idle import allow_idling
from audience_graph.vectors.store import Store, Transaction

_SELECT = """
SELECT e.id, e.snapshot_id, r.audience_id, a.name AS audience, e.purpose, e.destination, e.format, e.mode, e.options,
       e.salt, e.arms, e.status, e.counts, e.made_by, e.made_at, e.finished_at,
       s.release_id AS release, s.relation_version AS version, s.week
FROM export e JOIN audience_snapshot s ON s.id = e.snapshot_id
JOIN audience_revision r ON r.id = s.revision_id JOIN audience a ON a.id = r.audience_id
"""


@dataclass(frozen=True, slots=True)
class ExportRecord:
    """One sending of a snapshot. `options`: where to, the columns, rows of a chunk, and which export it adds to."""

    id: int
    snapshot_id: int
    audience_id: int
    audience: str
    purpose: str
    destination: str
    format: str
    mode: str
    options: dict[str, Any]
    salt: str | None
    arms: list[list[Any]] | None
    status: str
    counts: dict[str, int]
    made_by: str
    made_at: datetime
    finished_at: datetime | None
    release: int | None
    version: str | None
    week: str | None

    @property
    def to(self) -> str:
        return str(self.options["to"])

    @property
    def is_webhook(self) -> bool:
        return self.format == WEBHOOK

    @property
    def shape(self) -> Shape:
        return Shape(tuple(self.options["columns"]), tuple((c, f) for c, f in self.options["hashed"]))

    @property
    def split(self) -> Arms | None:
        return None if self.salt is None or self.arms is None else read_arms(self.salt, self.arms)

    @property
    def planned(self) -> int:
        """How many rows were to leave when it began: positions 1 to this."""
        return self.counts["planned"]

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """The first and last position of each chunk; one chunk where none were asked for, of a webhook's none too."""
        size = self.options["chunk_rows"] or max(self.planned, 1)
        found = [(first, min(first + size - 1, self.planned)) for first in range(1, self.planned + 1, size)]
        return found or ([] if self.is_webhook else [(1, 0)])


def read_export(tx: Transaction, number: int) -> ExportRecord:
    """Return an export by its number. Raises NotFoundError."""
    found = tx.rows(f"{_SELECT} WHERE e.id = %s", (number,)) if 0 < number < 2**63 else []
    if not found:
        raise NotFoundError(f"no export {number}", hint="`audience-graph export list AUDIENCE` names them")
    return ExportRecord(**found[0])


def exports_of(tx: Transaction, audience_id: int) -> list[ExportRecord]:
    """Return the exports of an audience, newest first."""
    rows = tx.rows(f"{_SELECT} WHERE r.audience_id = %s ORDER BY e.id DESC", (audience_id,))
    return [ExportRecord(**row) for row in rows]


def unfinished(tx: Transaction, audience_id: int, destination: str) -> ExportRecord | None:
    """Return the export of an audience to a place that was begun and neither ended nor given up."""
    where = "r.audience_id = %s AND e.destination = %s AND e.status = 'started' ORDER BY e.id DESC LIMIT 1"
    rows = tx.rows(f"{_SELECT} WHERE {where}", (audience_id, destination))
    return ExportRecord(**rows[0]) if rows else None


def chain(tx: Transaction, audience_id: int, destination: str) -> list[int]:
    """Return the exports that made what a place holds of an audience: from the last whole one on, oldest first.

    One that was given up counts too: what was sent of it may have arrived.
    """
    rows = tx.rows(f"{_SELECT} WHERE r.audience_id = %s AND e.destination = %s AND e.status <> 'started' ORDER BY e.id",
                   (audience_id, destination))  # fmt: skip
    whole = [row["id"] for row in rows if row["mode"] == "replace" and row["status"] == "done"]
    return [row["id"] for row in rows if not whole or row["id"] >= whole[-1]]


@contextmanager
def sending(store: Store, audience_id: int, destination: str, to: str) -> Iterator[None]:
    """Hold the locks of an audience at a place, and of the place itself. ExportError where another session does.

    They are freed when the process ends, however it ends.
    """
    names = [f"audience-graph export {audience_id} {destination}", f"audience-graph export {audience_id} {to}"]
    if "://" not in to:  # one file, two audiences
        names.append(f"audience-graph file {to}")
    with store.transaction() as tx:
        allow_idling(tx)
        for name in names:
            if not tx.rows("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0)) AS got", (name,))[0]["got"]:
                raise ExportError(f"another session is sending to {destination}", hint="try again when it has ended")
        yield


def add_counts(tx: Transaction, number: int, status: str, **counts: int) -> None:
    """Set the status of an export and some of its counts."""
    tx.execute(
        "UPDATE export SET status = %s, counts = counts || %s::jsonb, "
        "finished_at = CASE WHEN %s = 'started' THEN NULL ELSE now() END WHERE id = %s",
        (status, json.dumps(counts), status, number),
    )
