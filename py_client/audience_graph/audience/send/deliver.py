"""Take an export from its first row to its end, or give it up."""

from __future__ import annotations

from audience_graph.audience.disclosure import MINIMUM_SIZE
from audience_graph.audience.keep.snapshots import read_snapshot
from audience_graph.audience.send.approval import check_approved
from audience_graph.audience.send.records import ExportRecord, add_counts, read_export
from audience_graph.audience.send.rows import count_rows
from audience_graph.audience.send.to_files import is_complete, send_to_files
from audience_graph.audience.send.to_webhook import send_to_webhook
from audience_graph.audience.send.webhook import Retry
from audience_graph.audit import record
from audience_graph.errors import ExportError
from audience_graph.release.progress import Progress
from audience_graph.vectors.store import Store, Transaction


def check_again(tx: Transaction, export: ExportRecord) -> None:
    """Raise ExportError where an export that was begun may no longer go on: ended, not approved, or grown too small."""
    if export.status != "started":
        ended = "was given up" if export.status == "failed" else "is done"
        raise ExportError(f"export {export.id} {ended}", hint="`audience-graph export send` makes a new one")
    check_approved(tx, read_snapshot(tx, export.snapshot_id))
    if export.mode == "replace" and count_rows(tx, export) < MINIMUM_SIZE:
        raise ExportError(
            f"under {MINIMUM_SIZE} users of export {export.id} may still be sent: it does not go on",
            hint=f"`audience-graph export abandon {export.id}` gives it up",
        )


def deliver(store: Store, export: ExportRecord, who: str, retry: Retry, progress: Progress) -> int:
    """Send what was not sent yet and mark the export done; return how many CSV cells got an apostrophe. Audited.

    The caller holds the lock of the export (`records.sending`).
    """
    escaped = 0
    if export.is_webhook:
        send_to_webhook(store, export, retry, progress)
    elif not is_complete(export):  # else it was killed after its last file
        escaped = send_to_files(store, export, progress)
    with store.transaction() as tx:
        _end(tx, export, who, "done", "finish export")
    return escaped


def give_up(store: Store, export: ExportRecord, who: str) -> None:
    """End an export where it stands; another one may go there then. What was sent, or tried, counts as sent. Audited.

    Raises ExportError for one that has ended, or whose files are complete: resuming it only marks it done.
    """
    if export.status != "started":
        raise ExportError(f"export {export.id} has ended: it is {export.status}")
    if not export.is_webhook and is_complete(export):
        hint = f"`audience-graph export resume {export.id}` marks it done"
        raise ExportError(f"the files of export {export.id} are complete", hint=hint)
    with store.transaction() as tx:
        tried = "SELECT number FROM export_chunk WHERE export_id = %s"
        chunks = {row["number"] for row in tx.rows(tried, (export.id,))} if export.is_webhook else set()
        for number, (first, last) in enumerate(export.ranges, 1):
            if number not in chunks:
                tx.execute(
                    "DELETE FROM export_member WHERE export_id = %s AND position BETWEEN %s AND %s",
                    (export.id, first, last),
                )
        _end(tx, export, who, "failed", "abandon export")


def _end(tx: Transaction, export: ExportRecord, who: str, status: str, action: str) -> None:
    query = (
        "SELECT count(*) FILTER (WHERE sent) AS sent, count(*) FILTER (WHERE change = 'removed') AS removed "
        "FROM export_member WHERE export_id = %s"
    )
    found = tx.rows(query, (export.id,))[0]
    left = {"sent": int(found["sent"]), "removed": int(found["removed"])}
    left["withdrawn"] = export.counts["planned"] - sum(left.values())
    add_counts(tx, export.id, status, **left)
    what = {"export": export.id, "mode": export.mode, "purpose": export.purpose, "to": export.destination, **left}
    record(tx, who, action, f"audience {export.audience}", what, release_id=export.release)


def reread(store: Store, number: int) -> ExportRecord:
    """Return an export as it is now."""
    with store.transaction(read_only=True) as tx:
        return read_export(tx, number)
