"""The audit log: who did what to what, when, on which release. It only grows; a trigger of the database sees to that.

One exception: erasing a user puts a mark in the place of the user's id, in the transaction that erases (`redact`).
"""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audience_graph.vectors.store import Transaction

ACTOR = "AUDIENCE_GRAPH_ACTOR"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log. `object` is a kind and a name, such as `audience spring`; `what` holds the details."""

    id: int
    at: datetime
    who: str
    action: str
    object: str
    what: dict[str, Any]
    release_id: int | None


def find_actor(env: Mapping[str, str] = os.environ) -> str:
    """Return who is acting: `AUDIENCE_GRAPH_ACTOR`, else the name of the user of this machine."""
    named = env.get(ACTOR, "").strip()
    if named:
        return named
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may have a number without a name
        return f"uid {os.getuid()}"


def record(
    tx: Transaction,
    who: str,
    action: str,
    about: str,
    what: Mapping[str, Any] | None = None,
    *,
    release_id: int | None = None,
) -> None:
    """Add a line in the transaction of what it tells: both are written, or neither."""
    tx.execute(
        "INSERT INTO audit_log (who, action, object, what, release_id) VALUES (%s, %s, %s, %s::jsonb, %s)",
        (who, action, about, json.dumps(dict(what or {}), ensure_ascii=False), release_id),
    )


def read_log(tx: Transaction, *, about: str | None = None, limit: int = 100) -> list[Entry]:
    """Return the newest lines, newest first, of one object where `about` names it."""
    rows = tx.rows(
        "SELECT id, at, who, action, object, what, release_id FROM audit_log "
        "WHERE %(about)s::text IS NULL OR object = %(about)s::text ORDER BY id DESC LIMIT %(limit)s",
        {"about": about, "limit": limit},
    )
    return [Entry(**row) for row in rows]
