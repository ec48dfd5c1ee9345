"""A graph of eleven entities and 300 users, made by hand: small enough to check every number with numpy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
from pgvector import HalfVector

from audience_graph.graph.queries import Query
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.vectors.store import Store

AS_OF = date(2026, 7, 26)
WEEK, VERSION, RELATION_TYPE = "2026-W30", "2026-W30-1a2b3c4d", "RELATES_2026_W30_1a2b3c4d"
OLD_WEEK, OLD_VERSION, OLD_TYPE = "2026-W29", "2026-W29-0a0b0c0d", "RELATES_2026_W29_0a0b0c0d"
SPACE, OLD_SPACE = "pref_2026_w30_1a2b3c4d", "pref_2026_w29_0a0b0c0d"
DIMS = 8
EVIL = "`}) DETACH DELETE e // ' \" \\"

ENTITIES = [
    ("e1", "skin care", "service", ["skincare", "护肤"]),
    ("e2", "face mask", "product", []),
    ("e3", "spa", "service", ["day spa"]),
    ("e4", "Spa", "brand", []),
    ("e5", "women's football", "topic", ["women football"]),
    ("e6", "Alex Morgan", "person", []),
    ("e7", "football shoes", "product", []),
    ("e8", "massage", "service", []),
    ("e9", "never mentioned", "service", []),
    ("e10", EVIL, "service", ["=cmd()"]),
    ("e11", "💄 lipstick", "product", ["C++"]),
]
RELATIONS = [
    ("e1", "e2", 0.9),
    ("e1", "e3", 0.6),
    ("e2", "e11", 0.8),
    ("e3", "e8", 0.7),
    ("e5", "e6", 0.95),
    ("e5", "e7", 0.5),
    ("e6", "e7", 0.9),
]
OLD_RELATIONS = [("e1", "e3", 0.55), ("e1", "e4", 0.5)]


@dataclass(frozen=True)
class World:
    """What was stored, as arrays: vectors by entity id, users' mentions, each user's mean vector."""

    entities: dict[str, np.ndarray]
    mentions: dict[str, list[str]]
    users: dict[str, np.ndarray]

    def reach(self, entity_id: str) -> int:
        """Return how many users mention an entity."""
        return sum(entity_id in mentioned for mentioned in self.mentions.values())


def make_world() -> World:
    rng = np.random.default_rng(7)
    with_vector = [e[0] for e in ENTITIES if e[0] != "e9"]
    entities = {i: rng.normal(size=DIMS).astype(np.float16).astype(np.float64) for i in with_vector}
    mentions = {f"u{n}": list(rng.choice(with_vector, size=rng.integers(1, 7))) for n in range(300)}
    mentions["u299"] = mentions["u298"]  # a tie
    users = {u: np.mean([entities[i] for i in ids], axis=0) for u, ids in mentions.items()}
    return World(entities, mentions, {u: v.astype(np.float16).astype(np.float64) for u, v in users.items()})


def cypher(text: str) -> Query:
    return Query("tests/small_world", text, (), (), Path(__file__))


def build(runner: Neo4jRunner, store: Store) -> World:
    """Empty both stores and write the world."""
    world = make_world()
    runner.auto_commit(cypher("MATCH (n) WHERE NOT n:SchemaScript AND NOT n:Migration DETACH DELETE n"))
    if runner.read(cypher("SHOW PROCEDURES YIELD name WHERE name = 'gds.graph.list' RETURN name")):
        runner.auto_commit(
            cypher("CALL gds.graph.list() YIELD graphName CALL gds.graph.drop(graphName) YIELD nodeCount FINISH")
        )
    runner.write(
        cypher("UNWIND $rows AS r CREATE (:Entity {id: r[0], name: r[1], type: r[2], aliases: r[3]})"),
        {"rows": [list(e) for e in ENTITIES]},
    )
    for version, week, kind, relations in (
        (OLD_VERSION, OLD_WEEK, OLD_TYPE, OLD_RELATIONS),
        (VERSION, WEEK, RELATION_TYPE, RELATIONS),
    ):
        _write_version(runner, version, week, kind, relations)
    runner.write(
        cypher(
            "MATCH (v:RelationVersion {version: $v}) MERGE (c:Current {id: 'current'})"
            " SET c.release_id = 0 CREATE (c)-[:IS]->(v)"
        ),
        {"v": VERSION},
    )
    _write_text_vectors(runner)
    _write_users(store, world)
    return world


def _write_version(runner: Neo4jRunner, version: str, week: str, kind: str, relations: list) -> None:
    ranks: dict[str, int] = {}
    rows = []
    for source, target, score in sorted(relations, key=lambda r: (r[0], -r[2], r[1])):
        ranks[source] = ranks.get(source, 0) + 1
        rows.append([source, target, score, ranks[source]])
    runner.write(
        cypher(
            "CREATE (v:RelationVersion {version: $version, week: $week, relation_type: $kind, status: 'published',"
            " content_hash: right($version, 8), mean_in_degree: 1.0, max_in_degree: 2, created_at: datetime()})"
            " WITH v UNWIND $rows AS r MATCH (a:Entity {id: r[0]}) MATCH (b:Entity {id: r[1]})"
            f" CREATE (a)-[:{kind} {{score: r[2], logit: 1.0, margin: 1.0, rank: r[3], provenance: 'both'}}]->(b)"
        ),
        {"version": version, "week": week, "kind": kind, "rows": rows},
    )


def text_vector(entity_id: str) -> list[float]:
    """One axis per entity; the encoder of the tests points between them."""
    vector = [0.0] * 384
    vector[int(entity_id[1:])] = 1.0
    return vector


def _write_text_vectors(runner: Neo4jRunner) -> None:
    runner.write(
        cypher(
            "UNWIND $rows AS r MATCH (e:Entity {id: r.id})"
            " CREATE (e)-[:HAS_VECTOR]->(:EntityVector:TextVector {space: 'text', vector: r.vector})"
        ),
        {"rows": [{"id": e[0], "vector": text_vector(e[0])} for e in ENTITIES]},
    )


def _write_users(store: Store, world: World) -> None:
    with store.transaction() as tx:
        tx.execute(
            "TRUNCATE user_key, user_event, current_release, publication, release, relation_version, space CASCADE"
        )
        for space, version, week, kind in (
            (OLD_SPACE, OLD_VERSION, OLD_WEEK, OLD_TYPE),
            (SPACE, VERSION, WEEK, RELATION_TYPE),
        ):
            tx.execute(f"DROP TABLE IF EXISTS user_vector_{space}, entity_vector_{space}")
            tx.execute(f"CREATE TABLE user_vector_{space} (key bigint PRIMARY KEY, vector halfvec({DIMS}))")
            tx.execute(
                f"CREATE TABLE entity_vector_{space} (entity_id text PRIMARY KEY, vector halfvec({DIMS}), reach bigint)"
            )
            tx.execute("INSERT INTO space VALUES (%s, 'preference', %s, 'hand', %s, %s)", [space, DIMS, week, AS_OF])
            tx.execute(
                "INSERT INTO relation_version (version, week, relation_type, content_hash, status, run_id)"
                " VALUES (%s, %s, %s, right(%s, 8), 'staged', 'hand')",
                [version, week, kind, version],
            )
            tx.execute(
                "INSERT INTO release (relation_version, preference_space, preference_as_of, status, content_key,"
                " published_at) VALUES (%s, %s, %s, 'published', %s, now())",
                [version, space, AS_OF, version],
            )
            for entity_id, vector in world.entities.items():
                row = [entity_id, HalfVector(vector), world.reach(entity_id)]
                tx.execute(f"INSERT INTO entity_vector_{space} VALUES (%s, %s, %s)", row)
        tx.execute("INSERT INTO current_release (release_id) SELECT max(id) FROM release")
        tx.execute("INSERT INTO user_key (user_id) SELECT unnest(%s::text[])", [[*world.users, "quiet"]])
        keys = {row["user_id"]: row["key"] for row in tx.rows("SELECT user_id, key FROM user_key")}
        for user, vector in world.users.items():
            tx.execute(f"INSERT INTO user_vector_{SPACE} VALUES (%s, %s)", [keys[user], HalfVector(vector)])
            _write_events(tx, keys[user], world.mentions[user])


def _write_events(tx, key: int, mentions: list[str]) -> None:
    """Two mentions per event, one event an hour; and one event too old and one too new to count."""
    end = datetime(AS_OF.year, AS_OF.month, AS_OF.day, 23, 59, 59, 999_999, tzinfo=UTC)
    for n in range(0, len(mentions), 2):
        ids = mentions[n : n + 2]
        row = [key, f"ev{n}", end - timedelta(hours=n), "search", f"saw {ids[0]} <b>", ids]
        tx.execute("INSERT INTO user_event VALUES (%s, %s, %s, %s, %s, %s)", row)
    for name, time in (("old", end - timedelta(days=30)), ("new", end + timedelta(microseconds=1))):
        tx.execute("INSERT INTO user_event VALUES (%s, %s, %s, 'click', 'out', %s)", [key, name, time, ["e1"]])
