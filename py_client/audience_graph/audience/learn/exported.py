"""An export as results see it: its arms, the snapshot that it sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from audience_graph.audience.keep.snapshots import Snapshot, read_snapshot
from audience_graph.audience.send.arms import HOLDOUT
from audience_graph.errors import NotFoundError
from audience_graph.vectors.store import Transaction

SENT = "sent"  # what an arm without a name is called
# Members of an export; those that a delta took away are not.
IN_EXPORT = "m.export_id = %(export)s AND m.change IS DISTINCT FROM 'removed'"
ARM_OF = f"CASE WHEN m.sent THEN coalesce(m.arm, '{SENT}') ELSE '{HOLDOUT}' END"
_EXPORT = """
SELECT e.id, e.snapshot_id, e.status, e.made_at FROM export e WHERE e.id = %(export)s
"""
_SIZES = f"SELECT {ARM_OF} AS arm, count(*) AS users FROM export_member m WHERE {IN_EXPORT} GROUP BY 1"
_LAST = "SELECT count(*) > 0 AS told, max(coalesce(last_at, loaded_at)) AS at FROM {table} WHERE export_id = %(export)s"
_OF_AUDIENCE = """
SELECT e.id FROM export e JOIN audience_snapshot s ON s.id = e.snapshot_id
JOIN audience_revision r ON r.id = s.revision_id JOIN audience a ON a.id = r.audience_id
WHERE a.name = %(name)s AND (EXISTS (SELECT FROM result_user u WHERE u.export_id = e.id)
                             OR EXISTS (SELECT FROM result_arm u WHERE u.export_id = e.id))
ORDER BY e.id DESC
"""


@dataclass(frozen=True, slots=True)
class Export:
    """One sending: `arms` how many users it has in each (exact), `per` whether results tell users or arms, if any."""

    id: int
    status: str
    made_at: datetime
    snapshot: Snapshot
    arms: Mapping[str, int]
    per: str | None
    last_result: datetime | None

    @property
    def has_holdout(self) -> bool:
        """Whether some users were held out: without them no lift is claimed."""
        return HOLDOUT in self.arms


def read_export(tx: Transaction, number: int) -> Export:
    """Return an export. Raises NotFoundError."""
    rows = tx.rows(_EXPORT, {"export": number})
    if not rows:
        raise NotFoundError(f"no export {number}", hint="an export's number is shown when it is made")
    own = {"export": number}
    by_user, by_arm = (tx.rows(_LAST.format(table=table), own)[0] for table in ("result_user", "result_arm"))
    told = by_user if by_user["told"] else by_arm
    return Export(
        id=number,
        status=rows[0]["status"],
        made_at=rows[0]["made_at"],
        snapshot=read_snapshot(tx, rows[0]["snapshot_id"]),
        arms={row["arm"]: row["users"] for row in tx.rows(_SIZES, own)},
        per="user" if by_user["told"] else "arm" if by_arm["told"] else None,
        last_result=told["at"],
    )


def exports_with_results(tx: Transaction, audience: str) -> list[int]:
    """Return the exports of an audience that results were loaded for, newest first. Raises NotFoundError for none."""
    found = [int(row["id"]) for row in tx.rows(_OF_AUDIENCE, {"name": audience})]
    if not found:
        if not tx.rows("SELECT FROM audience WHERE name = %(name)s", {"name": audience}):
            raise NotFoundError(f"no audience {audience!r}", hint="`audience-graph audience list` names them")
        hint = "`audience-graph results load FILE --export N`"
        raise NotFoundError(f"no results of audience {audience!r} yet", hint=hint)
    return found
