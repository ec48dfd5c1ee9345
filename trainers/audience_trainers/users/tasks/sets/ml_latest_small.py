"""MovieLens latest-small: the own order of a user stands for time, one film a day, the last ten from the cut on."""

from __future__ import annotations

from pathlib import Path

import duckdb


def write(con: duckdb.DuckDBPyConnection, origin: Path) -> dict[str, str]:
    """Make the tables events and entities. The k-th of a user's n ratings lies k - n + 10 days after the cut."""
    con.execute(_TABLES.replace("$origin", str(origin).replace("'", "''")))
    return {}


_TABLES = """
CREATE VIEW films AS
SELECT movie_id, title, list_filter(string_split(lower(genres), '|'), lambda g: g NOT LIKE '(%') AS genres,
       coalesce(tags, []) AS tags
FROM '$origin/movies.parquet'
LEFT JOIN (SELECT movie_id, list(DISTINCT lower(trim(tag)) ORDER BY lower(trim(tag))) AS tags
           FROM '$origin/tags.parquet' GROUP BY movie_id) USING (movie_id);

CREATE TABLE events AS
SELECT 'u' || lpad(user_id::VARCHAR, 3, '0') AS user_id,
       TIMESTAMPTZ '2018-01-01 00:00:00+00' + to_days(10 - (row_number() OVER later)::INTEGER) AS time,
       'watch' AS channel, concat_ws(', ', title, nullif(array_to_string(genres, ', '), '')) AS text,
       list_concat(['film:' || movie_id], list_transform(genres, lambda g: 'genre:' || g),
                   list_transform(tags, lambda g: 'tag:' || g)) AS entity_ids,
       ['film:' || movie_id] AS items, rating::DOUBLE AS amount
FROM '$origin/ratings.parquet' JOIN films USING (movie_id)
WINDOW later AS (PARTITION BY user_id ORDER BY timestamp DESC, movie_id DESC) ORDER BY user_id, time;

CREATE TABLE entities AS
SELECT 'film:' || movie_id AS id, title AS name, 'film' AS type FROM films
UNION ALL SELECT DISTINCT 'genre:' || g, g, 'genre' FROM (SELECT unnest(genres) AS g FROM films)
UNION ALL SELECT DISTINCT 'tag:' || g, g, 'tag' FROM (SELECT unnest(tags) AS g FROM films) ORDER BY id;
"""
