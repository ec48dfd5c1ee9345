"""How often users' rows were changed: what is remembered of them is read again when this moves."""

from __future__ import annotations

from audience_graph.vectors.store import Transaction

_NAME = "profiles"


def profiles_changed(tx: Transaction) -> None:
    """Count a change of users' rows, in the transaction of the change."""
    tx.execute(
        "INSERT INTO setting (name, value) VALUES (%s, '1') ON CONFLICT (name) DO UPDATE "
        "SET value = to_jsonb((setting.value #>> '{}')::bigint + 1)",
        (_NAME,),
    )


def profiles_version(tx: Transaction) -> int:
    """Return how often users' rows were changed."""
    rows = tx.rows("SELECT value FROM setting WHERE name = %s", (_NAME,))
    return int(rows[0]["value"]) if rows else 0
