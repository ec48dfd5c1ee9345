"""Where a deployment asks for it, only the snapshot of an approved revision leaves: draft, approved, exported."""

from __future__ import annotations

import json

from audience_graph.audience.keep.snapshots import Snapshot
from audience_graph.audit import record
from audience_graph.errors import ExportError
from audience_graph.vectors.store import Transaction


def require_approval(tx: Transaction, who: str, required: bool) -> None:
    """Switch approval on or off for all audiences, from the next export on. Audited."""
    tx.execute(
        "INSERT INTO setting (name, value) VALUES ('approval', %s::jsonb) "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (json.dumps(required),),
    )
    record(tx, who, "require approval", "setting approval", {"required": required})


def approval_required(tx: Transaction) -> bool:
    """Say whether it is switched on. Anything stored but `false` is on."""
    found = tx.rows("SELECT value FROM setting WHERE name = 'approval'")
    return bool(found) and found[0]["value"] is not False


def check_approved(tx: Transaction, snapshot: Snapshot) -> None:
    """Raise ExportError for a snapshot of a draft where approval is switched on."""
    if not approval_required(tx):
        return
    status = tx.rows("SELECT status FROM audience_revision WHERE id = %s", (snapshot.revision_id,))[0]["status"]
    if status != "approved":
        raise ExportError(
            f"revision {snapshot.number} of audience {snapshot.name!r} is a draft: nothing was sent",
            hint="`audience-graph audience approve`, by somebody else than its author",
        )
