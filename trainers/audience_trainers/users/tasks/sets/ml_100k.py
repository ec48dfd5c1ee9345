"""MovieLens 100K: a rating stands for watching; films and their genres are entities; age, gender, occupation."""

from __future__ import annotations

from pathlib import Path

import duckdb


def write(con: duckdb.DuckDBPyConnection, origin: Path) -> dict[str, str]:
    """Make the tables events, users and entities, on the calendar of the ratings."""
    con.execute(_TABLES.replace("$origin", str(origin).replace("'", "''")))
    return {}


_TABLES = """
CREATE VIEW films AS
SELECT item_id, title, list_transform(string_split(lower(genres), ' '), lambda g: g) AS genres
FROM '$origin/items.parquet';

CREATE TABLE events AS
SELECT 'u' || lpad(user_id::VARCHAR, 3, '0') AS user_id, to_timestamp(timestamp) AS time, 'watch' AS channel,
       title || ', ' || array_to_string(genres, ', ') AS text,
       list_concat(['film:' || item_id], list_transform(genres, lambda g: 'genre:' || g)) AS entity_ids,
       ['film:' || item_id] AS items, rating::DOUBLE AS amount
FROM '$origin/ratings.parquet' JOIN films USING (item_id) ORDER BY user_id, time, item_id;

CREATE TABLE users AS
SELECT 'u' || lpad(u.user_id::VARCHAR, 3, '0') AS user_id, to_timestamp(min(timestamp)) AS as_of, any_value(age) AS age,
       any_value(gender) AS gender, any_value(occupation) AS occupation, any_value(left(zip_code, 1)) AS zip_area
FROM '$origin/users.parquet' u JOIN '$origin/ratings.parquet' USING (user_id) GROUP BY u.user_id ORDER BY 1;

CREATE TABLE entities AS
SELECT 'film:' || item_id AS id, title AS name, 'film' AS type FROM films
UNION ALL SELECT DISTINCT 'genre:' || g, g, 'genre' FROM (SELECT unnest(genres) AS g FROM films) ORDER BY id;
"""
