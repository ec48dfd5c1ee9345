"""The arms of an audience, kept with their salt: who is held out, who gets what.

Other arms are another split of the same users: results of exports before and after it must not be added up. So arms
are fixed by the first export, and changing them later takes a new salt on purpose.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audience_graph.audience.send.arms import Arms
from audience_graph.audit import record
from audience_graph.errors import ExportError, NotFoundError
from audience_graph.vectors.store import Transaction


@dataclass(frozen=True, slots=True)
class Holdout:
    """The arms of an audience: who set them and when."""

    arms: Arms
    made_by: str
    made_at: datetime


def audience_number(tx: Transaction, name: str) -> int:
    """Return the number of an audience. Raises NotFoundError."""
    found = tx.rows("SELECT id FROM audience WHERE name = %s", (name,)) if "\0" not in name else []
    if not found:
        raise NotFoundError(f"no audience {name!r}", hint="`audience-graph audience list` names them")
    return int(found[0]["id"])


def read_holdout(tx: Transaction, audience_id: int) -> Holdout | None:
    """Return the arms of an audience, None where everybody is sent."""
    rows = tx.rows("SELECT salt, arms, made_by, made_at FROM holdout WHERE audience_id = %s", (audience_id,))
    return (
        Holdout(read_arms(rows[0]["salt"], rows[0]["arms"]), rows[0]["made_by"], rows[0]["made_at"]) if rows else None
    )


def read_arms(salt: str, stored: list[list[Any]]) -> Arms:
    """Return arms from their JSON."""
    return Arms(salt, tuple((str(name), float(share)) for name, share in stored))


def set_holdout(
    tx: Transaction, who: str, name: str, shares: tuple[tuple[str, float], ...], *, new_salt: bool = False
) -> Holdout:
    """Split an audience into arms from its next export on; the same arms again change nothing.

    After an export ExportError for other arms, unless `new_salt`: users are dealt anew then. Audited.
    """
    audience_id = audience_number(tx, name)
    tx.execute("SELECT FROM audience WHERE id = %s FOR UPDATE", (audience_id,))  # one split at a time
    before = read_holdout(tx, audience_id)
    if before is not None and before.arms.shares == shares and not new_salt:
        return before
    if not new_salt and _sent(tx, audience_id):
        raise ExportError(
            f"audience {name!r} was exported: other arms would deal its users anew",
            hint="ask for a new salt (`new_salt=True`, `--new-salt`); results before and after do not add up",
        )
    salt = secrets.token_hex(16)
    tx.execute(
        "INSERT INTO holdout (audience_id, salt, arms, made_by) VALUES (%s, %s, %s::jsonb, %s) ON CONFLICT "
        "(audience_id) DO UPDATE SET salt = excluded.salt, arms = excluded.arms, made_by = excluded.made_by, "
        "made_at = now()",
        (audience_id, salt, json.dumps([list(one) for one in shares]), who),
    )
    was = None if before is None else [list(one) for one in before.arms.shares]
    told = {"arms": [list(one) for one in shares], "before": was, "new_salt": new_salt}
    record(tx, who, "set holdout", f"audience {name}", told)
    found = read_holdout(tx, audience_id)
    assert found is not None
    return found


def _sent(tx: Transaction, audience_id: int) -> bool:
    query = (
        "SELECT EXISTS (SELECT FROM export e JOIN audience_snapshot s ON s.id = e.snapshot_id "
        "JOIN audience_revision r ON r.id = s.revision_id WHERE r.audience_id = %s) AS sent"
    )
    return bool(tx.rows(query, (audience_id,))[0]["sent"])
