"""Send an export to a webhook in chunks: each acknowledged one is marked, the rest can be resumed with the same keys.

The key of a chunk is made once, of the export, its number and its first content, and stays although somebody in it is
suppressed before it is tried again: a receiver that had it already lets the second one fall, one that had not gets it
without them. Each try reads its rows anew.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from audience_graph.audience.send.records import ExportRecord
from audience_graph.audience.send.rows import read_rows
from audience_graph.audience.send.table_files import json_rows
from audience_graph.audience.send.webhook import Reply, Retry, post, signed
from audience_graph.errors import ExportError
from audience_graph.release.progress import Progress
from audience_graph.vectors.store import Store, Transaction

CHUNK_ROWS = 5_000


def send_to_webhook(store: Store, export: ExportRecord, retry: Retry, progress: Progress) -> None:
    """POST every chunk that was not acknowledged yet, in order. Raises ExportError when one is refused or given up."""
    with store.transaction(read_only=True) as tx:
        query = "SELECT number FROM export_chunk WHERE export_id = %s AND status = 'sent'"
        sent = {row["number"] for row in tx.rows(query, (export.id,))}
    total = len(export.ranges)
    for number in range(1, total + 1):
        progress("chunks", number - 1, total)
        if number not in sent:
            _deliver(store, export, number, retry)
    progress("chunks", total, total)


def _deliver(store: Store, export: ExportRecord, number: int, retry: Retry) -> None:
    for tried in range(1, retry.attempts + 1):
        with store.transaction(snapshot=True) as tx:
            key, body = _prepare(tx, export, number)
        reply = post(export.to, body, {"Idempotency-Key": key, **signed(body)}, retry.timeout)
        if reply.accepted:
            with store.transaction() as tx:
                tx.execute(
                    "UPDATE export_chunk SET status = 'sent', sent_at = now() WHERE export_id = %s AND number = %s",
                    (export.id, number),
                )
            return
        wait = retry.wait(tried, reply.after)
        if not reply.again or tried == retry.attempts or wait > retry.patience:
            raise _stopped(export, number, reply, wait if reply.again and wait > retry.patience else None)
        retry.sleep(wait)


def _prepare(tx: Transaction, export: ExportRecord, number: int) -> tuple[str, bytes]:
    """Return the key and the body of a chunk, and note that it is tried: committed before anything leaves."""
    query = "SELECT idempotency_key AS key FROM export_chunk WHERE export_id = %s AND number = %s"
    known = tx.rows(query, (export.id, number))
    first, last = export.ranges[number - 1]
    rows = read_rows(tx, export, first, last, tried=bool(known))
    body = json.dumps(_head(export, number), ensure_ascii=False).encode()[:-1]
    body += b', "rows": [' + json_rows(rows, b",") + b"]}"
    digest = hashlib.sha256(body).hexdigest()
    key = known[0]["key"] if known else f"{export.id}-{number}-{digest[:32]}"
    tx.execute(
        "INSERT INTO export_chunk (export_id, number, idempotency_key, rows, content_hash, attempts) "
        "VALUES (%s, %s, %s, %s, %s, 1) ON CONFLICT (export_id, number) DO UPDATE SET "
        "rows = excluded.rows, content_hash = excluded.content_hash, attempts = export_chunk.attempts + 1",
        (export.id, number, key, len(rows), digest),
    )
    return key, body


def _head(export: ExportRecord, number: int) -> dict[str, Any]:
    return {
        "export": export.id,
        "made_at": export.made_at.isoformat(),
        "audience": export.audience,
        "snapshot": export.snapshot_id,
        "release": export.release,
        "purpose": export.purpose,
        "mode": export.mode,
        "chunk": number,
        "chunks": len(export.ranges),
    }


def _stopped(export: ExportRecord, number: int, reply: Reply, wait: float | None) -> ExportError:
    asked = "" if wait is None else f" and asks to wait {wait:,.0f} s"
    return ExportError(
        f"export {export.id} stopped at chunk {number} of {len(export.ranges)}: the receiver says {reply.said}{asked}",
        hint=f"`audience-graph export resume {export.id}` goes on there; `export abandon {export.id}` gives it up",
    )
