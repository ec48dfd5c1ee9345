"""Amazon Musical Instruments: a review stands for a purchase; its own words are all that is said of the product."""

from __future__ import annotations

from pathlib import Path

import duckdb


def write(con: duckdb.DuckDBPyConnection, origin: Path) -> dict[str, str]:
    """Make the table events: channel `review`, text = headline and review, item = the product's number."""
    con.execute(_TABLES.replace("$origin", str(origin).replace("'", "''")))
    return {}


_TABLES = """
CREATE TABLE events AS
SELECT user_id, to_timestamp(timestamp) AS time, 'review' AS channel,
       concat_ws('. ', nullif(trim(summary), ''), nullif(trim(review_text), '')) AS text, [item_id] AS items,
       rating::DOUBLE AS amount
FROM '$origin/reviews.parquet' ORDER BY user_id, time, item_id;
"""
