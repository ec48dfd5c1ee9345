"""Choose who leaves: suppression, consent and arms are applied to each member, last, and written with the export.

A member is the first of these that is true: gone (erased), suppressed, without consent, without contact (none of the
hashed columns), held out; else passed. By mode then leave:

    replace   all who passed
    append    those whom the destination does not hold yet
    delta     those, as `added`; and as `removed` whom it holds and who did not pass now, suppressed ones included

A destination holds who was sent since the last done replace, less who was removed. Users without a row in user_key, the
erased, leave in no mode: there is no id to tell a platform.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from audience_graph.audience.disclosure import MINIMUM_SIZE
from audience_graph.audience.keep.snapshots import Snapshot
from audience_graph.audience.send.arms import HOLDOUT, arm_parameters, arm_sql
from audience_graph.audience.send.consent import consented
from audience_graph.audience.send.destination import Destination
from audience_graph.audience.send.holdout import Holdout
from audience_graph.audience.send.records import chain
from audience_graph.audience.send.shape import Shape
from audience_graph.audit import record
from audience_graph.errors import ExportError
from audience_graph.vectors.store import Transaction

MODES = ("replace", "append", "delta")
VERDICTS = ("gone", "suppressed", "no_consent", "no_contact", "held_out", "passed")


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for: a snapshot, for a purpose, to a place, in a mode and a form; by whom."""

    snapshot: Snapshot
    purpose: str
    destination: Destination
    mode: str
    shape: Shape
    chunk_rows: int | None
    who: str

    @property
    def options(self) -> dict[str, Any]:
        return {
            "to": self.destination.to,
            "columns": list(self.shape.columns),
            "hashed": [list(pair) for pair in self.shape.hashed],
            "chunk_rows": self.chunk_rows,
        }


def choose(tx: Transaction, request: Request, holdout: Holdout | None) -> int:
    """Write an export and everybody who passed, in this transaction, and return its number.

    `tx` reads one snapshot of the database, so what is counted is what is written. Raises ExportError where fewer
    than 100 users would be sent.
    """
    counts = _judge(tx, request, holdout)
    if counts["passed"] < MINIMUM_SIZE:
        raise ExportError(
            f"under {MINIMUM_SIZE} users of audience {request.snapshot.name!r} may be sent: nothing was",
            hint="suppression, consent and the holdout are applied last; `audience-graph export list` shows past ones",
        )
    earlier = [] if request.mode == "replace" else chain(tx, request.snapshot.audience_id, request.destination.name)
    number = _insert(tx, request, holdout, earlier)
    removed = 0
    if request.mode == "replace":
        planned = _write(tx, number, _ALL, {})
    else:
        tx.execute(_PRIOR, {"chain": earlier})
        tx.execute("ANALYZE prior")
        planned = _write(tx, number, _NEW, {"change": "added" if request.mode == "delta" else None})
    if request.mode == "delta":
        tx.execute(_REMOVED.format(reachable=request.shape.reachable),
                   {"export": number, "planned": planned, **request.shape.parameters})  # fmt: skip
        removed = _rows(tx, number) - planned
    told = {**counts, "planned": planned + removed, "added": planned, "removed": removed, "withdrawn": 0}
    tx.execute("UPDATE export SET counts = %s::jsonb WHERE id = %s", (json.dumps(told), number))
    tx.execute("ANALYZE export_member")
    _tell(tx, request, number, told)
    return number


def _judge(tx: Transaction, request: Request, holdout: Holdout | None) -> dict[str, int]:
    """Put a verdict on each member into the table `leaving`; return how many there are of each."""
    arms = None if holdout is None else holdout.arms
    statement = _LEAVING.format(
        arm="NULL::text" if arms is None else arm_sql("k.user_id"),
        reachable=request.shape.reachable,
        consented=consented("SELECT key FROM chosen"),
    )
    # A table with figures of its own: of a new snapshot's rows among all members the planner knows none, expects one,
    # and would join them in nested loops.
    tx.execute(_CHOSEN, {"snapshot": request.snapshot.id})
    tx.execute("ANALYZE chosen")
    given = {"purpose": request.purpose, "holdout": HOLDOUT}
    tx.execute(statement, {**given, **request.shape.parameters, **({} if arms is None else arm_parameters(arms))})
    tx.execute("ANALYZE leaving")
    found = {row["verdict"]: int(row["n"]) for row in tx.rows("SELECT verdict, count(*) AS n FROM leaving GROUP BY 1")}
    return {"in_snapshot": sum(found.values()), **{verdict: found.get(verdict, 0) for verdict in VERDICTS}}


def _insert(tx: Transaction, request: Request, holdout: Holdout | None, earlier: list[int]) -> int:
    options = {**request.options, "compared_with": earlier[-1] if earlier else None}
    arms = None if holdout is None else json.dumps([list(one) for one in holdout.arms.shares])
    row = tx.rows(
        "INSERT INTO export (snapshot_id, purpose, destination, format, mode, options, salt, arms, made_by) "
        "VALUES (%s, %s, %s, %s, %s, %s::jsonb, %s, %s::jsonb, %s) RETURNING id",
        (
            request.snapshot.id,
            request.purpose,
            request.destination.name,
            request.destination.format,
            request.mode,
            json.dumps(options),
            None if holdout is None else holdout.arms.salt,
            arms,
            request.who,
        ),
    )[0]
    return int(row["id"])


def _write(tx: Transaction, number: int, rows: str, given: dict[str, Any]) -> int:
    """Write members; return how many of them leave."""
    tx.execute(_MEMBERS.format(rows=rows), {"export": number, "change": None, **given})
    return _rows(tx, number)


def _rows(tx: Transaction, number: int) -> int:
    query = "SELECT coalesce(max(position), 0) AS n FROM export_member WHERE export_id = %s"
    return int(tx.rows(query, (number,))[0]["n"])


def _tell(tx: Transaction, request: Request, number: int, counts: dict[str, int]) -> None:
    what = {
        "export": number,
        "mode": request.mode,
        "purpose": request.purpose,
        "to": request.destination.name,
        **counts,
    }
    about = f"audience {request.snapshot.name}"
    record(tx, request.who, "start export", about, what, release_id=request.snapshot.release_id)


_CHOSEN = """
CREATE TEMP TABLE chosen ON COMMIT DROP AS
SELECT key, place FROM audience_member WHERE snapshot_id = %(snapshot)s
"""
_LEAVING = """
CREATE TEMP TABLE leaving ON COMMIT DROP AS
SELECT key, place, arm,
       CASE WHEN gone THEN 'gone' WHEN suppressed THEN 'suppressed' WHEN NOT consented THEN 'no_consent'
            WHEN NOT reachable THEN 'no_contact' WHEN arm = %(holdout)s THEN 'held_out' ELSE 'passed' END AS verdict
FROM (
    SELECT m.key, m.place, k.key IS NULL AS gone, s.key IS NOT NULL AS suppressed, c.key IS NOT NULL AS consented,
           {reachable} AS reachable, {arm} AS arm
    FROM chosen m
    LEFT JOIN user_key k ON k.key = m.key
    LEFT JOIN suppression s ON s.key = m.key
    LEFT JOIN ({consented}) c ON c.key = m.key
    LEFT JOIN user_profile p ON p.key = m.key AND p.latest
) member
"""
# What the destination holds, or would but for the holdout: the newest word on each user.
_PRIOR = """
CREATE TEMP TABLE prior ON COMMIT DROP AS
SELECT key, sent FROM (
    SELECT DISTINCT ON (key) key, sent, change FROM export_member WHERE export_id = ANY (%(chain)s::bigint[])
    ORDER BY key, export_id DESC
) newest WHERE change IS DISTINCT FROM 'removed'
"""
_MEMBERS = """
INSERT INTO export_member (export_id, key, arm, sent, change, position)
SELECT %(export)s, key, arm, sent, CASE WHEN sent THEN %(change)s::text END,
       CASE WHEN sent THEN row_number() OVER (PARTITION BY sent ORDER BY place) END
FROM ({rows}) member
"""
_ALL = "SELECT key, place, arm, verdict = 'passed' AS sent FROM leaving WHERE verdict IN ('passed', 'held_out')"
_NEW = """
SELECT l.key, l.place, l.arm, l.verdict = 'passed' AS sent FROM leaving l LEFT JOIN prior USING (key)
WHERE (l.verdict = 'passed' AND prior.sent IS NOT TRUE) OR (l.verdict = 'held_out' AND prior.key IS NULL)
"""
_REMOVED = """
INSERT INTO export_member (export_id, key, sent, change, position)
SELECT %(export)s, o.key, false, 'removed', %(planned)s + row_number() OVER (ORDER BY o.key)
FROM prior o
JOIN user_key k ON k.key = o.key
LEFT JOIN user_profile p ON p.key = o.key AND p.latest
WHERE o.sent AND {reachable} AND NOT EXISTS (SELECT FROM leaving l WHERE l.key = o.key AND l.verdict = 'passed')
"""
