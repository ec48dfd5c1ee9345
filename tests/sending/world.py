"""Users with contacts and consent, and an audience of them with a snapshot, by plain SQL and `write_snapshot`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv

from audience_graph.audience.keep.snapshots import Draft, Members, write_snapshot
from audience_graph.vectors.store import Store, Transaction

SINCE = datetime(2026, 7, 1, tzinfo=UTC)
USERS = [f"u{n}" for n in range(300)]


def build(store: Store, users: Sequence[str] = USERS) -> None:
    """Fill an empty Postgres: everybody has a mail, a phone and consent for marketing; an audience `spring` of all."""
    with store.transaction() as tx:
        tx.execute("INSERT INTO user_key (user_id) SELECT unnest(%s::text[])", [list(users)])
        tx.execute(
            "INSERT INTO user_profile (key, as_of, columns, latest) SELECT key, %s, jsonb_build_object("
            "'mail', ' A.' || user_id || '@Gmail.com', 'mobile', '+49 (0)30 ' || (1000000 + key)), true FROM user_key",
            [SINCE],
        )
        tx.execute("INSERT INTO consent (key, purpose, granted, as_of) SELECT key, 'marketing', true, %s FROM user_key",
                   [SINCE])  # fmt: skip
        add_snapshot(tx, add_audience(tx, "spring"), users)


def add_audience(tx: Transaction, name: str, status: str = "draft") -> int:
    """Insert an audience with one revision and return that revision's id."""
    audience = tx.rows("INSERT INTO audience (name, created_by) VALUES (%s, 'ana') RETURNING id", (name,))[0]["id"]
    return int(
        tx.rows(
            "INSERT INTO audience_revision (audience_id, number, definition, status, made_by) "
            "VALUES (%s, 1, %s::jsonb, %s, 'ana') RETURNING id",
            (audience, json.dumps({"everyone": {}}), status),
        )[0]["id"]
    )


def revision_of(tx: Transaction, name: str) -> int:
    query = "SELECT r.id FROM audience_revision r JOIN audience a ON a.id = r.audience_id WHERE a.name = %s"
    return int(tx.rows(query, (name,))[0]["id"])


def add_snapshot(tx: Transaction, revision: int, users: Sequence[str]) -> int:
    """Freeze users, best first with scores from 1 down, and return the snapshot's number."""
    keys = keys_of(tx, users)
    scores = np.linspace(1, 0, len(users), endpoint=False)
    members = Members(np.array(keys, np.int64), scores, np.zeros(len(users), np.int16))
    return write_snapshot(tx, Draft(revision, "ana", 0.1, "hash"), members)


def keys_of(tx: Transaction, users: Sequence[str]) -> list[int]:
    known = {row["user_id"]: row["key"] for row in tx.rows("SELECT user_id, key FROM user_key")}
    return [known[user] for user in users]


def set_consent(store: Store, users: Sequence[str], granted: bool, when: datetime, purpose: str = "marketing") -> None:
    """Add a word on consent."""
    with store.transaction() as tx:
        tx.execute(
            "INSERT INTO consent (key, purpose, granted, as_of) SELECT key, %s, %s, %s FROM user_key "
            "WHERE user_id = ANY (%s)",
            (purpose, granted, when, list(users)),
        )


def read(path: Path) -> list[str]:
    return pyarrow.csv.read_csv(path)["user_id"].to_pylist()


def manifest(path: Path) -> dict[str, Any]:
    return json.loads(Path(f"{path}.manifest.json").read_text(encoding="utf-8"))


def rows(store: Store, query: str, *parameters: Any) -> list[dict[str, Any]]:
    with store.transaction() as tx:
        return tx.rows(query, parameters)


def freeze(store: Store, users: list[str], name: str = "spring") -> int:
    with store.transaction() as tx:
        return add_snapshot(tx, revision_of(tx, name), users)
