"""Online Retail: receipt lines of customers with a number; lines without one are nobody's and are left out."""

from __future__ import annotations

from pathlib import Path

import duckdb


def write(con: duckdb.DuckDBPyConnection, origin: Path) -> dict[str, str]:
    """Make the tables events, users and entities. A returned line is an event of status `returned`."""
    con.execute(_TABLES.replace("$origin", str(origin).replace("'", "''")))
    return {}


_TABLES = """
CREATE TABLE events AS
SELECT 'c' || customer_id AS user_id, invoice_date::TIMESTAMPTZ AS time, 'purchase' AS channel,
       lower(trim(description)) AS text, [stock_code] AS entity_ids, [stock_code] AS items,
       round(quantity * unit_price, 2) AS amount, if(quantity < 0, 'returned', 'ok') AS status
FROM '$origin/online_retail.parquet'
WHERE customer_id IS NOT NULL AND description IS NOT NULL AND regexp_matches(stock_code, '^[0-9]{5}')
ORDER BY user_id, time, stock_code, amount;

CREATE TABLE users AS
SELECT 'c' || customer_id AS user_id, min(invoice_date)::TIMESTAMPTZ AS as_of, arg_min(country, invoice_date) AS country
FROM '$origin/online_retail.parquet'
WHERE customer_id IS NOT NULL GROUP BY customer_id ORDER BY user_id;

CREATE TABLE entities AS
SELECT items[1] AS id, mode(text ORDER BY text) AS name, 'product' AS type FROM events GROUP BY id ORDER BY id;
"""
