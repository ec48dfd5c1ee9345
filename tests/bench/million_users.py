"""A published release over many generated users, written straight into the stores: rows, consent, events, vectors.

Entities lie in topics; a user has interests in a few of them, events for their entities, and the mean vector of these.
Made once per data folder and count; a second call finds it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from audience_graph.graph.queries import Query
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.vectors.packing import csv_blocks, framed, pack_entities, pack_users
from audience_graph.vectors.store import Store, Transaction

AS_OF = date(2026, 7, 26)
WEEK, VERSION, RELATION_TYPE = "2026-W30", "2026-W30-1a2b3c4d", "RELATES_2026_W30_1a2b3c4d"
SPACE = "pref_2026_w30_1a2b3c4d"
ENTITIES, TOPICS, DIMS, EVENTS = 20_000, 200, 64, 5
BLOCK = 100_000
CHANNELS = np.array(["search", "visit", "click", "buy"])


def entity(place: int) -> str:
    """Return the id of an entity; its name is `service <place>`."""
    return f"e{place:05d}"


def make_world(runner: Neo4jRunner, store: Store, users: int, *, seed: int = 7) -> None:
    """Write the world, unless the stores hold one of as many users."""
    with store.transaction(read_only=True) as tx:
        if tx.rows("SELECT count(*) AS n FROM user_key")[0]["n"] == users:
            return
    rng = np.random.default_rng(seed)
    topic = np.arange(ENTITIES) % TOPICS
    centres = rng.normal(size=(TOPICS, DIMS))
    vectors = (centres[topic] + 0.7 * rng.normal(size=(ENTITIES, DIMS))).astype(np.float16).astype(np.float32)
    _write_graph(runner, rng, topic)
    with store.transaction() as tx:
        _write_release(tx, vectors)
        tx.execute("INSERT INTO user_key (user_id) SELECT 'u' || n FROM generate_series(1, %s::bigint) n", (users,))
        keys = np.arange(users) + int(tx.rows("SELECT min(key) AS n FROM user_key")[0]["n"])
        mentions = _mentions(rng, users)
        tx.copy_blocks(
            f"user_vector_{SPACE}", ("key", "vector", "fingerprint"), framed(_vectors(keys, mentions, vectors)),
            frozen=True,
        )  # fmt: skip
        tx.execute(f"ALTER TABLE user_vector_{SPACE} ADD PRIMARY KEY (key)")
        columns = ("key", "as_of", "columns", "latest")
        tx.copy_blocks("user_profile", columns, csv_blocks(_profiles(rng, keys)), csv=True)
        for purpose, share in (("marketing", 0.8), ("security", 0.99)):
            tx.execute(
                "INSERT INTO consent (key, purpose, granted, as_of) SELECT key, %s, random() < %s, '2026-07-01' "
                "FROM user_key",
                (purpose, share),
            )
        tx.execute("DROP INDEX user_event_entity")
        listed = ("key", "event_id", "time", "channel", "text", "entity_ids")
        tx.copy_blocks("user_event", listed, csv_blocks(_events(rng, keys, mentions)), csv=True)
        tx.execute("CREATE INDEX user_event_entity ON user_event USING gin (entity_ids)")
    for table in ("user_key", "user_profile", "consent", "user_event", f"user_vector_{SPACE}"):
        with store.raw_connection() as connection:
            connection.autocommit = True
            connection.execute(f"VACUUM ANALYZE {table}")


def _mentions(rng: np.random.Generator, users: int) -> np.ndarray:
    """Return the entities (users, EVENTS) of each user's events: most are of two topics, popular ones more often."""
    liked = rng.integers(0, TOPICS, size=(users, 2))
    chosen = np.where(rng.random((users, EVENTS)) < 0.6, liked[:, :1], liked[:, 1:])
    chosen = np.where(rng.random((users, EVENTS)) < 0.15, rng.integers(0, TOPICS, (users, EVENTS)), chosen)
    place = (rng.random((users, EVENTS)) ** 3 * (ENTITIES // TOPICS)).astype(np.int64)
    return place * TOPICS + chosen


def _vectors(keys: np.ndarray, mentions: np.ndarray, vectors: np.ndarray) -> Iterator[bytes]:
    for start in range(0, len(keys), BLOCK):
        part = slice(start, start + BLOCK)
        yield pack_users(keys[part], np.zeros_like(keys[part]), vectors[mentions[part]].mean(axis=1))


def _profiles(rng: np.random.Generator, keys: np.ndarray) -> Iterator[pa.RecordBatch]:
    for start in range(0, len(keys), BLOCK):
        part = keys[start : start + BLOCK]
        n = len(part)
        age, tier = rng.integers(18, 80, n), rng.integers(1, 5, n)
        city, spend = rng.integers(0, 50, n), np.round(rng.lognormal(5, 1, n), 2)
        told = [
            f'{{"age": {a}, "city": "city {c}", "email": "user{k}@example.org", "spend_90d": {s}, "tier": {t}}}'
            for a, c, k, s, t in zip(age, city, part, spend, tier, strict=True)
        ]
        yield pa.record_batch({"key": part, "as_of": ["2026-07-01"] * n, "columns": told, "latest": ["true"] * n})


def _events(rng: np.random.Generator, keys: np.ndarray, mentions: np.ndarray) -> Iterator[pa.RecordBatch]:
    last = datetime(AS_OF.year, AS_OF.month, AS_OF.day, tzinfo=UTC)
    days = [(last - timedelta(days=d)).strftime("%Y-%m-%d") for d in range(30)]
    for start in range(0, len(keys), BLOCK // EVENTS):
        part = keys[start : start + BLOCK // EVENTS]
        found = mentions[start : start + len(part)].ravel()
        n = len(found)
        hours, minutes, back = rng.integers(0, 24, n), rng.integers(0, 60, n), rng.integers(0, 30, n)
        yield pa.record_batch(
            {
                "key": np.repeat(part, EVENTS),
                "event_id": [f"v{i % EVENTS}" for i in range(n)],
                "time": [f"{days[b]} {h:02d}:{m:02d}:00+00" for b, h, m in zip(back, hours, minutes, strict=True)],
                "channel": CHANNELS[rng.choice(4, n, p=[0.4, 0.3, 0.2, 0.1])],
                "text": [f"something about service {f}" for f in found],
                "entity_ids": [f"{{{entity(f)}}}" for f in found],
            }
        )


def _write_release(tx: Transaction, vectors: np.ndarray) -> None:
    tx.execute("TRUNCATE user_key, user_event, current_release, publication, release, relation_version, space CASCADE")
    tx.execute(f"DROP TABLE IF EXISTS user_vector_{SPACE}, entity_vector_{SPACE}")
    tx.execute(
        f"CREATE TABLE user_vector_{SPACE} (key bigint NOT NULL, vector halfvec({DIMS}) NOT NULL, "
        "fingerprint bigint NOT NULL)"
    )
    tx.execute(f"ALTER TABLE user_vector_{SPACE} ALTER vector SET STORAGE PLAIN, SET (parallel_workers = 4)")
    tx.execute(f'CREATE TABLE entity_vector_{SPACE} (entity_id text COLLATE "C", vector halfvec({DIMS}), reach bigint)')
    ids = [entity(i) for i in range(ENTITIES)]
    blocks = framed(pack_entities(ids, vectors, [0] * ENTITIES))
    tx.copy_blocks(f"entity_vector_{SPACE}", ("entity_id", "vector", "reach"), blocks)
    tx.execute(f"ALTER TABLE entity_vector_{SPACE} ADD PRIMARY KEY (entity_id)")
    tx.execute("INSERT INTO space VALUES (%s, 'preference', %s, 'bench', %s, %s)", (SPACE, DIMS, WEEK, AS_OF))
    tx.execute(
        "INSERT INTO relation_version (version, week, relation_type, content_hash, status, run_id) "
        "VALUES (%s, %s, %s, '1a2b3c4d', 'staged', 'bench')",
        (VERSION, WEEK, RELATION_TYPE),
    )
    tx.execute(
        "INSERT INTO release (relation_version, preference_space, preference_as_of, status, content_key, published_at) "
        "VALUES (%s, %s, %s, 'published', 'bench', now())",
        (VERSION, SPACE, AS_OF),
    )
    tx.execute("INSERT INTO current_release (release_id) SELECT max(id) FROM release")


def _write_graph(runner: Neo4jRunner, rng: np.random.Generator, topic: np.ndarray, degree: int = 20) -> None:
    runner.auto_commit(_cypher("MATCH ()-[r]->() CALL (r) { DELETE r } IN TRANSACTIONS OF 20000 ROWS"))
    runner.auto_commit(
        _cypher("MATCH (n:Entity|RelationVersion|Current) CALL (n) { DELETE n } IN TRANSACTIONS OF 20000 ROWS")
    )
    runner.write(
        _cypher(
            "UNWIND range(0, size($ids) - 1) AS i CREATE (:Entity {id: $ids[i], name: 'service ' + i, type: 'service'})"
        ),
        {"ids": [entity(i) for i in range(len(topic))]},
    )
    runner.write(
        _cypher("CREATE (v:RelationVersion {version: $version, week: $week, relation_type: $kind, status: 'published', "
                "content_hash: '1a2b3c4d', mean_in_degree: 20.0, max_in_degree: 200, created_at: datetime()}) "
                "MERGE (c:Current {id: 'current'}) SET c.release_id = $release CREATE (c)-[:IS]->(v)"),
        {"version": VERSION, "week": WEEK, "kind": RELATION_TYPE, "release": 1},
    )  # fmt: skip
    size = len(topic) // TOPICS
    for start in range(0, len(topic), 1000):
        source = np.repeat(np.arange(start, start + 1000), degree)
        target = rng.integers(0, size, len(source)) * TOPICS + topic[source]
        score = np.round(rng.beta(5, 2, len(source)), 4)
        rank = np.tile(np.arange(1, degree + 1), 1000)
        order = np.lexsort((-score, source))
        rows = [[entity(s), entity(t), float(w), int(r)]
                for s, t, w, r in zip(source, target[order], score[order], rank, strict=True)]  # fmt: skip
        runner.write(
            _cypher("UNWIND $rows AS r MATCH (a:Entity {id: r[0]}) MATCH (b:Entity {id: r[1]}) "
                    f"CREATE (a)-[:{RELATION_TYPE} {{score: r[2], logit: 1.0, margin: 1.0, rank: r[3], "
                    "provenance: 'both'}]->(b)"),
            {"rows": rows},
        )  # fmt: skip


def _cypher(text: str) -> Query:
    return Query("tests/bench/million_users", text, (), (), Path(__file__))
