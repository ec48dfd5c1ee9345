"""Hillstrom's e-mail challenge: what was known before the mailing are profiles, arm and answer are outcomes."""

from __future__ import annotations

from pathlib import Path

import duckdb


def write(con: duckdb.DuckDBPyConnection, origin: Path) -> dict[str, str]:
    """Make the tables users (dated the day before the mailing) and outcomes (dated its first moment). No events."""
    con.execute(_TABLES.replace("$origin", str(origin).replace("'", "''")))
    return {}


_TABLES = """
CREATE TABLE users AS
SELECT 'm' || lpad(customer_id::VARCHAR, 5, '0') AS user_id, TIMESTAMPTZ '2008-02-29 00:00:00+00' AS as_of,
       recency, history_segment, history, mens, womens, zip_code, newbie, channel
FROM '$origin/hillstrom.parquet' ORDER BY user_id;

CREATE TABLE outcomes AS
SELECT 'm' || lpad(customer_id::VARCHAR, 5, '0') AS user_id, TIMESTAMPTZ '2008-03-01 00:00:00+00' AS as_of,
       segment, visit, conversion, spend
FROM '$origin/hillstrom.parquet' ORDER BY user_id;
"""
