"""Audiences by name and their revisions: what was asked, never changed; a new question is a new revision."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audience_graph.audience.define.definition import Definition
from audience_graph.audience.define.wire import from_json, to_json
from audience_graph.audit import record
from audience_graph.errors import ConfigError, NotFoundError
from audience_graph.vectors.store import Transaction

LONGEST = 200
_SELECT = """
SELECT r.id, a.id AS audience_id, a.name, r.number, r.definition, r.note, r.status, r.made_by, r.made_at,
       r.approved_by, r.approved_at
FROM audience_revision r JOIN audience a ON a.id = r.audience_id
"""


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of an audience; `number` counts from 1 for each name."""

    id: int
    audience_id: int
    name: str
    number: int
    definition: Definition
    note: str
    status: str
    made_by: str
    made_at: datetime
    approved_by: str | None
    approved_at: datetime | None


@dataclass(frozen=True, slots=True)
class Listing:
    """One audience of the list: its newest revision and snapshot, with how many users were shown when it was taken."""

    name: str
    revision: int
    status: str
    note: str
    made_by: str
    made_at: datetime
    snapshot: int | None
    snapshot_users: int | None
    snapshot_at: datetime | None


def check_name(name: str) -> str:
    """Return a name that an audience can have. Raises ConfigError."""
    if not isinstance(name, str) or not name.strip() or name != name.strip() or len(name) > LONGEST:
        raise ConfigError(f"an audience is named by 1 to {LONGEST} characters, no space at the ends, not {name!r}")
    if not name.isprintable() or "/" in name:
        raise ConfigError(f"the name {name!r} holds a control character or a slash")
    return name


def save_revision(tx: Transaction, name: str, definition: Definition, who: str, note: str = "") -> Revision:
    """Write a new revision, or return the newest one where it says the same; audited. Names that are new are taken."""
    check_name(name)
    told = json.dumps(to_json(definition), ensure_ascii=False, sort_keys=True)
    tx.execute("INSERT INTO audience (name, created_by) VALUES (%s, %s) ON CONFLICT (name) DO NOTHING", (name, who))
    audience = tx.rows("SELECT id FROM audience WHERE name = %s FOR UPDATE", (name,))[0]["id"]  # one saver at a time
    tx.execute("UPDATE audience SET archived_at = NULL WHERE id = %s AND archived_at IS NOT NULL", (audience,))
    newest = tx.rows(f"{_SELECT} WHERE a.id = %s ORDER BY r.number DESC LIMIT 1", (audience,))
    if newest and from_json(newest[0]["definition"]) == definition and (not note or note == newest[0]["note"]):
        return _revision(newest[0])
    number = newest[0]["number"] + 1 if newest else 1
    tx.execute(
        "INSERT INTO audience_revision (audience_id, number, definition, note, made_by) "
        "VALUES (%s, %s, %s::jsonb, %s, %s)",
        (audience, number, told, note, who),
    )
    record(tx, who, "save", f"audience {name}", {"revision": number, "note": note})
    return read_revision(tx, name, number)


def read_revision(tx: Transaction, name: str, number: int | None = None) -> Revision:
    """Return a revision of an audience, the newest by default. Raises NotFoundError, naming those there are."""
    found = tx.rows(
        f"{_SELECT} WHERE a.name = %(name)s AND (%(number)s::int IS NULL OR r.number = %(number)s::int) "
        "ORDER BY r.number DESC LIMIT 1",
        {"name": name, "number": number},
    )
    if found:
        return _revision(found[0])
    if number is not None and tx.rows("SELECT id FROM audience WHERE name = %s", (name,)):
        raise NotFoundError(f"audience {name!r} has no revision {number}", hint="`audience-graph audience show`")
    names = [row["name"] for row in tx.rows("SELECT name FROM audience ORDER BY name LIMIT 10")]
    raise NotFoundError(f"no audience {name!r}", hint=f"there are: {', '.join(names) or 'none yet'}")


def revisions_of(tx: Transaction, name: str) -> list[Revision]:
    """Return the revisions of an audience, newest first."""
    return [_revision(row) for row in tx.rows(f"{_SELECT} WHERE a.name = %s ORDER BY r.number DESC", (name,))]


def approve_revision(tx: Transaction, name: str, who: str, number: int | None = None) -> Revision:
    """Approve a revision, the newest by default; audited. Approving again changes nothing."""
    found = read_revision(tx, name, number)
    if found.status == "approved":
        return found
    tx.execute(
        "UPDATE audience_revision SET status = 'approved', approved_by = %s, approved_at = now() WHERE id = %s",
        (who, found.id),
    )
    record(tx, who, "approve", f"audience {name}", {"revision": found.number})
    return read_revision(tx, name, found.number)


def archive(tx: Transaction, name: str, who: str) -> None:
    """Leave an audience out of lists; its revisions and snapshots stay. Saving to the name brings it back."""
    read_revision(tx, name)
    if tx.execute("UPDATE audience SET archived_at = now() WHERE name = %s AND archived_at IS NULL", (name,)):
        record(tx, who, "archive", f"audience {name}")


def list_audiences(tx: Transaction, *, archived: bool = False) -> list[Listing]:
    """Return all audiences with their newest revision and snapshot, by name."""
    rows = tx.rows(
        "SELECT a.name, r.number AS revision, r.status, r.note, r.made_by, r.made_at, s.id AS snapshot, "
        "(s.counts->>'shown')::bigint AS snapshot_users, s.made_at AS snapshot_at FROM audience a "
        "JOIN LATERAL (SELECT * FROM audience_revision r WHERE r.audience_id = a.id ORDER BY number DESC LIMIT 1) r "
        "ON true LEFT JOIN LATERAL (SELECT s.* FROM audience_snapshot s JOIN audience_revision o "
        "ON o.id = s.revision_id WHERE o.audience_id = a.id ORDER BY s.id DESC LIMIT 1) s ON true "
        "WHERE %(all)s OR a.archived_at IS NULL ORDER BY a.name",
        {"all": archived},
    )
    return [Listing(**row) for row in rows]


def _revision(row: dict[str, Any]) -> Revision:
    return Revision(**{**row, "definition": from_json(row["definition"])})
