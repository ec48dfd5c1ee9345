"""What keeps one user from being sent: suppression, consent for a purpose, the arms of the audience and of exports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from audience_graph.audience.send.arms import HOLDOUT, arms_of
from audience_graph.audience.send.holdout import read_holdout
from audience_graph.vectors.store import Transaction

_MOST = 5  # exports, newest first
_CONSENT = """
SELECT granted, as_of FROM consent WHERE key = %(key)s AND purpose = %(purpose)s AND as_of <= now()
ORDER BY as_of DESC LIMIT 1
"""
_EXPORTS = """
SELECT e.id, e.made_at, e.destination, e.status, e.mode, m.key IS NOT NULL AS told, m.arm, m.sent, m.change
FROM export e JOIN audience_snapshot s ON s.id = e.snapshot_id JOIN audience_revision r ON r.id = s.revision_id
LEFT JOIN export_member m ON m.export_id = e.id AND m.key = %(key)s
WHERE r.audience_id = %(audience)s AND (%(snapshot)s::bigint IS NULL OR s.id = %(snapshot)s::bigint)
  AND (%(purpose)s::text IS NULL OR e.purpose = %(purpose)s::text)
ORDER BY e.id DESC LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Sending:
    """What was asked: for which purpose, of which audience (by number) and snapshot; None where there is none."""

    purpose: str | None = None
    audience: int | None = None
    snapshot: int | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """Sentences about sending a user, and whether suppression, consent and holdout let them be sent; None unasked."""

    because: tuple[str, ...]
    sendable: bool | None


def read_delivery(tx: Transaction, user_id: str, key: int, asked: Sending) -> Delivery:
    """Return what keeps a user from being sent: suppression, consent and arm as they are now, what exports did."""
    suppressed = tx.rows("SELECT reason, made_at FROM suppression WHERE key = %s", (key,))
    told = [f"suppressed since {row['made_at']:%Y-%m-%d}, never sent: {row['reason']}" for row in suppressed]
    consented = True
    if asked.purpose is not None:
        consented, sentence = _consent(tx, key, asked.purpose)
        told.append(sentence)
    held = False
    if asked.audience is not None:
        held, sentences = _arm(tx, user_id, asked.audience)
        values = {"key": key, "audience": asked.audience, "snapshot": asked.snapshot, "purpose": asked.purpose}
        told += [*sentences, *map(_export, tx.rows(_EXPORTS, {**values, "most": _MOST}))]
    sendable = None if asked.purpose is None else consented and not suppressed and not held
    return Delivery(tuple(told), sendable)


def _arm(tx: Transaction, user_id: str, audience: int) -> tuple[bool, list[str]]:
    """Return whether the audience's split holds a user out, and the sentence; none where it has no split."""
    split = read_holdout(tx, audience)
    if split is None:
        return False, []
    arm = str(arms_of(split.arms, [user_id])[0])
    if arm == HOLDOUT:
        return True, [f"held out: in arm {arm!r} of the audience, which is never sent"]
    return False, [f"in arm {arm!r} of the audience"]


def _consent(tx: Transaction, key: int, purpose: str) -> tuple[bool, str]:
    rows = tx.rows(_CONSENT, {"key": key, "purpose": purpose})
    if not rows:
        return False, f"no consent for {purpose!r}: never asked"
    day = f"{rows[0]['as_of']:%Y-%m-%d}"
    if not rows[0]["granted"]:
        return False, f"no consent for {purpose!r}: refused on {day}"
    return True, f"consent for {purpose!r}: given on {day}"


def _export(row: dict[str, Any]) -> str:
    name = f"export {row['id']} of {row['made_at']:%Y-%m-%d} to {row['destination']}"
    arm = "" if row["arm"] is None else f", in arm {row['arm']!r}"
    if not row["told"]:
        return f"not sent by {name}: then suppressed, without consent, not in its snapshot, or sent before"
    if row["change"] == "removed":
        return f"taken back by {name}"
    if not row["sent"]:
        return f"held out of {name}{arm}, for comparison"
    state = {"started": ", which has not ended", "failed": ", which was given up: may have arrived"}
    return f"sent by {name}{arm}{state.get(row['status'], '')}"
