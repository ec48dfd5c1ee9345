"""The small world with rows and consent of its users: what filters and exports need."""

from __future__ import annotations

import json

from small_world import AS_OF, World, build

from audience_graph.graph.runner import Neo4jRunner
from audience_graph.vectors.store import Store

AUDIENCE_TABLES = "audience, suppression, setting, disclosed, user_profile, consent"


def row_of(place: int) -> dict[str, object]:
    """Return the columns of user `u<place>`: every third has no city, the names hold what people type."""
    columns: dict[str, object] = {"age": 18 + place % 60, "vip": place % 5 == 0, "spend": place * 1.5}
    if place % 3:
        columns["city"] = ["Lyon", "Nice", 'O\'Fallon "x" `y` 💄'][place % 4 % 3]
    if place % 2:
        columns["email"] = f"U{place}@Example.org "
    return columns


def build_audience_world(runner: Neo4jRunner, store: Store) -> World:
    """Empty the stores, write the small world, a row for each user (an old one and the newest), and consent."""
    world = build(runner, store)
    with store.transaction() as tx:
        tx.execute(f"TRUNCATE {AUDIENCE_TABLES} RESTART IDENTITY CASCADE")
        for row in tx.rows("SELECT user_id, key FROM user_key WHERE user_id <> 'quiet'"):
            place = int(row["user_id"][1:])
            for as_of, columns, latest in (
                ("2026-07-01", {"age": 1, "old": True}, False),
                (AS_OF.isoformat(), row_of(place), True),
            ):
                tx.execute(
                    "INSERT INTO user_profile (key, as_of, columns, latest) VALUES (%s, %s, %s::jsonb, %s)",
                    [row["key"], as_of, json.dumps(columns), latest],
                )
            tx.execute(
                "INSERT INTO consent (key, purpose, granted, as_of) VALUES (%s, 'marketing', %s, '2026-07-01')",
                [row["key"], place % 10 != 0],
            )
    return world
