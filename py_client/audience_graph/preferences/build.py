"""Write the tables of a preference space, and bring them to a later day.

    user_vector_<space>    key, vector halfvec(d), fingerprint of the sequence that the vector is the mean of
    entity_vector_<space>  entity_id, vector halfvec(d), reach = users with at least one event for it (exact)
    user_event             the events behind the vectors of every kept space: read it by time

All functions work inside the caller's transaction and commit nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audience_graph.preferences.sequences import Sequences
from audience_graph.preferences.vectors import Vectors, half, user_blocks
from audience_graph.vectors.packing import csv_blocks, framed, pack_entities, pack_users
from audience_graph.vectors.store import Transaction, identifier
from audience_graph.vectors.user_rows import GONE, MOVED, keep_unmoved, moved_users, stage_users
from audience_graph.vectors.window import Window

_PARALLEL_WORKERS = 4

Texts = Sequence[str] | None  # the Parquet files that hold the events' texts


@dataclass(frozen=True, slots=True)
class Updated:
    """What an update of a space did: users whose vector was computed, users who lost theirs, all users after it."""

    recomputed: int
    dropped: int
    users: int


def build_space(
    tx: Transaction,
    space: str,
    entity_ids: Sequence[str],
    vectors: Vectors,
    sequences: Sequences,
    texts: Texts,
) -> int:
    """Create and fill the tables of a new space; return the number of users with a vector.

    An earlier, unfinished pair of tables is dropped first. `vectors` is (entities, d), in the order of `entity_ids`.
    """
    drop_space(tx, space)
    users, entities, dims = _names(space, vectors.shape[1])
    tx.execute(
        f'CREATE TABLE {entities} (entity_id text COLLATE "C" NOT NULL, vector halfvec({dims}) NOT NULL, '
        "reach bigint NOT NULL)"
    )
    tx.execute(
        f"CREATE TABLE {users} (key bigint NOT NULL, vector halfvec({dims}) NOT NULL, fingerprint bigint NOT NULL)"
    )
    tx.execute(f"ALTER TABLE {users} ALTER vector SET STORAGE PLAIN, SET (parallel_workers = {_PARALLEL_WORKERS})")
    tx.execute(f"ALTER TABLE {entities} ALTER vector SET STORAGE PLAIN")
    halves = half(vectors)
    reach = _reach(sequences, entity_ids)
    rows = pack_entities(entity_ids, halves, reach)
    tx.copy_blocks(entities, ("entity_id", "vector", "reach"), framed(rows), frozen=True)
    stage_users(tx, sequences.users())
    sequences.choose(moved_users(tx))
    _copy_users(tx, users, sequences, halves, frozen=True)
    tx.execute(f"ALTER TABLE {users} ADD PRIMARY KEY (key)")
    tx.execute(f"ALTER TABLE {entities} ADD PRIMARY KEY (entity_id)")
    tx.execute(f"ANALYZE {users}")
    tx.execute(f"ANALYZE {entities}")
    _write_events(tx, sequences, texts)
    return int(tx.rows(f"SELECT count(*) AS n FROM {users}")[0]["n"])


def update_space(
    tx: Transaction,
    space: str,
    entity_ids: Sequence[str],
    vectors: Vectors,
    sequences: Sequences,
    texts: Texts,
    window: Window,
) -> Updated:
    """Bring a space to the sequences of a later window: only users whose sequence changed are computed.

    Equal to building the space anew from the same sequences. `vectors` as stored, in the order of `entity_ids`.
    """
    users, entities, _ = _names(space, vectors.shape[1])
    tx.execute(f"LOCK TABLE {users} IN SHARE ROW EXCLUSIVE MODE")
    stage_users(tx, sequences.users())
    dropped = keep_unmoved(tx, users)
    chosen = moved_users(tx)
    if chosen.num_rows:
        sequences.choose(chosen)
        _copy_users(tx, users, sequences, vectors, frozen=False)
    _forget_events(tx, space, window)
    if chosen.num_rows:
        _write_events(tx, sequences, texts)
    _update_reach(tx, entities, sequences, entity_ids)
    count = int(tx.rows(f"SELECT count(*) AS n FROM {users}")[0]["n"])
    return Updated(recomputed=chosen.num_rows, dropped=dropped, users=count)


def drop_space(tx: Transaction, space: str) -> None:
    """Drop the tables of a space; nothing happens when they are gone. Waits for readers of these tables."""
    users, entities, _ = _names(space, 1)
    tx.execute(f"DROP TABLE IF EXISTS {users}")
    tx.execute(f"DROP TABLE IF EXISTS {entities}")


def _names(space: str, dims: int) -> tuple[str, str, int]:
    return identifier(f"user_vector_{space}"), identifier(f"entity_vector_{space}"), int(dims)


def _copy_users(tx: Transaction, table: str, sequences: Sequences, vectors: Vectors, *, frozen: bool) -> None:
    blocks = (pack_users(*block) for block in user_blocks(sequences.mentions(), vectors))
    tx.copy_blocks(table, ("key", "vector", "fingerprint"), framed(blocks), frozen=frozen)


def _write_events(tx: Transaction, sequences: Sequences, texts: Texts) -> None:
    columns = ("key", "event_id", "time", "channel", "text", "entity_ids")
    listed = ", ".join(columns)
    tx.execute("DROP TABLE IF EXISTS new_event")
    tx.execute("CREATE TEMP TABLE new_event (LIKE user_event) ON COMMIT DROP")
    tx.copy_blocks("new_event", columns, csv_blocks(sequences.events(texts)), csv=True)
    tx.execute(
        f"INSERT INTO user_event AS old ({listed}) SELECT {listed} FROM new_event "
        "ON CONFLICT (key, event_id) DO UPDATE SET "
        "time = excluded.time, channel = excluded.channel, text = coalesce(excluded.text, old.text), "
        "entity_ids = excluded.entity_ids WHERE (old.time, old.channel, old.entity_ids) "
        "IS DISTINCT FROM (excluded.time, excluded.channel, excluded.entity_ids) "
        "OR (excluded.text IS NOT NULL AND old.text IS DISTINCT FROM excluded.text)"
    )


def _forget_events(tx: Transaction, space: str, window: Window) -> None:
    """Drop events older than the window of every kept space; of changed users also those that are no longer there."""
    others = [
        Window(row["as_of"], row["days"])
        for row in tx.rows(
            "SELECT s.as_of, s.days FROM space s WHERE s.space <> %s AND s.as_of IS NOT NULL AND EXISTS ("
            "SELECT FROM relation_version v LEFT JOIN release r ON r.relation_version = v.version "
            "WHERE v.status IN ('staging', 'staged') "
            "AND s.space IN (r.preference_space, 'pref_' || lower(replace(v.version, '-', '_'))))",
            (space,),
        )
    ]
    tx.execute("DELETE FROM user_event WHERE time < %s", (min(w.start for w in (window, *others)),))
    tx.execute(
        f"DELETE FROM user_event e USING (SELECT k.key FROM {MOVED} m JOIN user_key k USING (user_id) "
        f"UNION SELECT key FROM {GONE}) c WHERE e.key = c.key AND e.time >= %s",
        (window.start,),
    )


def _reach(sequences: Sequences, entity_ids: Sequence[str]) -> list[int]:
    table = sequences.reach()
    found = dict(zip(table["entity_id"].to_pylist(), table["reach"].to_pylist(), strict=True))
    return [found[i] for i in entity_ids]


def _update_reach(tx: Transaction, table: str, sequences: Sequences, entity_ids: Sequence[str]) -> None:
    tx.execute(
        f"UPDATE {table} e SET reach = n.reach FROM unnest(%s::text[], %s::bigint[]) AS n (entity_id, reach) "
        "WHERE e.entity_id = n.entity_id AND e.reach <> n.reach",
        (list(entity_ids), _reach(sequences, entity_ids)),
    )
