"""Amazon Beauty sequences: no times, so order stands for time, one purchase a day, the last two from the cut on."""

from __future__ import annotations

from pathlib import Path

import duckdb


def write(con: duckdb.DuckDBPyConnection, origin: Path) -> dict[str, str]:
    """Make the tables events and entities. The k-th of a user's n purchases lies k - n + 2 days after the cut."""
    con.execute(_TABLES.replace("$origin", str(origin).replace("'", "''")))
    return {}


_TABLES = """
CREATE VIEW goods AS
SELECT item_id, list_transform(attribute_ids, lambda a: a::VARCHAR) AS groups FROM '$origin/item_attributes.parquet';

CREATE TABLE events AS
SELECT 'b' || lpad(user_id::VARCHAR, 5, '0') AS user_id,
       TIMESTAMPTZ '2014-01-01 00:00:00+00' + to_days(pos - max(pos) OVER (PARTITION BY user_id) + 1) AS time,
       'purchase' AS channel,
       'product ' || item_id || ' of group ' || array_to_string(groups, ', group ') AS text,
       list_transform(groups, lambda g: 'group:' || g) AS entity_ids, ['product:' || item_id] AS items
FROM '$origin/interactions.parquet' JOIN goods USING (item_id) ORDER BY user_id, time;

CREATE TABLE entities AS
SELECT DISTINCT 'group:' || g AS id, 'group ' || g AS name, 'group' AS type
FROM (SELECT unnest(groups) AS g FROM goods) ORDER BY id;
"""
