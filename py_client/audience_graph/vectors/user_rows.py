"""Which users of a space changed: their fingerprints against those of its table, in temporary tables of a transaction.

moved_user (user_id, fingerprint)   all users given, then those alone whose vector has to be computed
gone_user  (key)                    users with a vector who are not among those given
"""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.csv

from audience_graph.vectors.packing import csv_blocks
from audience_graph.vectors.store import Transaction

MOVED, GONE = "moved_user", "gone_user"


def stage_users(tx: Transaction, users: pa.Table) -> None:
    """Put user_id and fingerprint into `moved_user`, and give new users a key."""
    tx.execute(f"DROP TABLE IF EXISTS {MOVED}")
    tx.execute(f'CREATE TEMP TABLE {MOVED} (user_id text COLLATE "C", fingerprint bigint) ON COMMIT DROP')
    tx.copy_blocks(MOVED, ("user_id", "fingerprint"), csv_blocks(users.to_batches(100_000)), csv=True)
    tx.execute(f"ANALYZE {MOVED}")
    tx.execute(
        f"INSERT INTO user_key (user_id) SELECT user_id FROM {MOVED} m "
        "WHERE NOT EXISTS (SELECT FROM user_key k WHERE k.user_id = m.user_id) ORDER BY user_id ON CONFLICT DO NOTHING"
    )


def keep_unmoved(tx: Transaction, table: str) -> int:
    """Leave only users with a new fingerprint in `moved_user`; delete their rows of `table`, and those of the gone.

    Returns how many users are gone.
    """
    tx.execute(f"DROP TABLE IF EXISTS {GONE}")
    tx.execute(
        f"CREATE TEMP TABLE {GONE} ON COMMIT DROP AS SELECT v.key FROM {table} v "
        f"LEFT JOIN (SELECT k.key FROM {MOVED} m JOIN user_key k USING (user_id)) s USING (key) WHERE s.key IS NULL"
    )
    tx.execute(
        f"DELETE FROM {MOVED} m USING user_key k, {table} v "
        "WHERE k.user_id = m.user_id AND v.key = k.key AND v.fingerprint = m.fingerprint"
    )
    dropped = tx.execute(f"DELETE FROM {table} v USING {GONE} g WHERE v.key = g.key")
    tx.execute(f"DELETE FROM {table} v USING user_key k, {MOVED} m WHERE k.user_id = m.user_id AND v.key = k.key")
    return dropped


def moved_users(tx: Transaction) -> pa.Table:
    """Return user_id, key, fingerprint of `moved_user`."""
    query = f"SELECT m.user_id, k.key, m.fingerprint FROM {MOVED} m JOIN user_key k USING (user_id)"
    types = {"user_id": pa.string(), "key": pa.int64(), "fingerprint": pa.int64()}
    options = pyarrow.csv.ConvertOptions(column_types=types, strings_can_be_null=False)
    parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
    data = io.BytesIO(b"".join(tx.copy_out(query)))
    return pyarrow.csv.read_csv(data, convert_options=options, parse_options=parse)
