"""The demo world: its history is the folder, its labels of the 14 days after are outcomes."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb


def write(con: duckdb.DuckDBPyConnection, origin: Path) -> dict[str, str]:
    """Make the tables events, users, entities and outcomes: a column per scenario, and one for its hard negatives.

    Who is not eligible for a scenario has no value there. Returns the world's last day plus one as `as_of`.
    """
    as_of = str(json.loads((origin / "world.json").read_text(encoding="utf-8"))["as_of"])
    where = str(origin).replace("'", "''")
    con.execute(_TABLES.replace("$origin", where).replace("$as_of", as_of))
    return {"as_of": as_of}


_TABLES = """
CREATE TABLE events AS FROM '$origin/events.parquet';
CREATE TABLE users AS FROM '$origin/users.parquet';
CREATE TABLE entities AS FROM '$origin/entities.parquet';
CREATE TABLE outcomes AS
WITH told AS (
    SELECT user_id, scenario AS name, label::INTEGER AS value FROM '$origin/truth/labels.parquet'
    UNION ALL SELECT user_id, 'hard_' || scenario, hard_negative::INTEGER FROM '$origin/truth/labels.parquet'
)
SELECT user_id, TIMESTAMPTZ '$as_of 00:00:00+00' AS as_of, * EXCLUDE (user_id)
FROM (PIVOT told ON name USING max(value) GROUP BY user_id) ORDER BY user_id;
"""
