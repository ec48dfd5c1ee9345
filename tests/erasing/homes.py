"""A small, complete home: loaded, mined by hand, staged, published, frozen in a snapshot, exported, audited, cached."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from audience_graph import release
from audience_graph.audit import record
from audience_graph.config import Connections, Home
from audience_graph.entities.dictionary import read_dictionary
from audience_graph.graph.runner import Runner
from audience_graph.ingest import load, sequences
from audience_graph.vectors.store import Store
from audience_trainers.run import RunFolder
from audience_trainers.text_cache import TextCache
from releases.runs import World, write_run
from users.folders import write_folder

AS_OF = date(2026, 2, 10)
WORLD = World(entities=8, degree=3, users=1, as_of=AS_OF, week="2026-W07")
NAMES = ("coffee beans", "green tea", "nappies", "guitar strings", "camping tents", "crime novels", "yoga mats", "skis")
ODD = "O\"Hara 'x' 🙂 %_\\ end"
LONG = "w" * 500 + "-long"
VICTIMS = ("member-77", ODD, LONG, "u1")
OTHERS = ("member-770", "member-7", "x-member-77", "u10", "u11", *(f"user-{i:03d}" for i in range(40)))


def wrote(user: str) -> str:
    """A text that nobody but this user wrote."""
    return f"looking for a present for my aunt number {abs(hash_of(user))}"


def hash_of(user: str) -> int:
    return int.from_bytes(user.encode()[-6:].ljust(6, b"."), "big") + len(user)


def events_of(users: Collection[str], batch: int) -> list[dict[str, object]]:
    """Four events a user: two name entities by id, one by text, one says what nobody else says."""
    rows: list[dict[str, object]] = []
    for user in users:
        rng = np.random.default_rng([hash_of(user) % 2**32, batch])
        for n in range(4):
            time = datetime(2026, 2, 10, 12, tzinfo=UTC) - timedelta(hours=int(rng.integers(0, 600)))
            text = wrote(user) if n == 3 else f"{NAMES[rng.integers(8)]} please"
            ids = [f"e{rng.integers(8):05d}"] if n < 2 or n == 3 else []
            rows.append({"event_id": f"{batch}.{hash_of(user)}.{n}", "user_id": user, "time": time,
                         "channel": "search", "text": text, "entity_ids": ids})  # fmt: skip
    return rows


def write_files(folder: Path, users: Collection[str]) -> Path:
    """Write what is loaded: entities, users, two files of events, a corpus."""
    known = [{"user_id": u, "city": "Oslo", "age": hash_of(u) % 60, "consent_ads": "true"} for u in users]
    write_folder(folder, events_of(users, 1), users=known, entities=dict(zip(WORLD.ids, NAMES, strict=True)))
    write_folder(folder / "later", events_of(users, 2))
    pq.write_table(pa.table({"doc_id": ["d1"], "text": ["green tea and skis go together"]}), folder / "corpus.parquet")
    return folder


def load_files(folder: Path, home: Home, connections: Connections) -> dict[str, int]:
    """Load the files; return how many rows of erased users each left out."""
    found = {}
    for what, name in (("entities", "entities"), ("users", "users"), ("corpus", "corpus"), ("events", "events"),
                       ("events", "later/events")):  # fmt: skip
        found[name] = load(what, folder / f"{name}.parquet", home=home, connections=connections).erased
    return found


def mine(home: Home, runner: Runner, folder: Path) -> RunFolder:
    """Write a finished run with relations of its own and the sequences of the loaded events."""
    write_run(folder, WORLD)
    pq.write_table(sequences(home, read_dictionary(runner), AS_OF), folder / "sequences.parquet")
    (folder / "done").unlink()
    run = RunFolder(folder, folder.name, "mine", WORLD.week, AS_OF, 1, {})
    run.finish()
    return run


def build(tmp: Path, home: Home, connections: Connections, runner: Runner, store: Store) -> Path:
    """Build the whole home; return the folder of the files that were loaded."""
    folder = write_files(tmp / "files", (*VICTIMS, *OTHERS))
    load_files(folder, home, connections)
    run = mine(home, runner, home.runs / "mined")
    staged = release.stage(runner, store, run.path, warehouse=home.warehouse, home=home)
    release.publish(runner, store, staged)
    shutil.copytree(folder, home.path / "demo")
    write_runs(home)
    write_cache(home)
    (home.path / "logs").mkdir()
    (home.path / "logs" / "some.log").write_text(f"bad row of member-77, not of member-770\n{ODD} too\n")
    (home.path / "console").mkdir()
    (home.path / "console" / "download.csv").write_text("user_id\nmember-77\n")
    write_audiences(store)
    return folder


def write_runs(home: Home) -> None:
    """Write a second run, as user models leave it: pairs, predictions, a model's JSON, a finished seal."""
    path = home.runs / "users-1"
    path.mkdir()
    head = {
        "run_id": "users-1",
        "kind": "users",
        "week": WORLD.week,
        "as_of": AS_OF.isoformat(),
        "seed": 1,
        "config": {},
    }
    (path / "run.json").write_text(json.dumps(head | {"config": {}}))
    everyone = [*VICTIMS, *OTHERS]
    pq.write_table(pa.table({"user_id": everyone, "description": [wrote(u) for u in everyone]}), path / "pairs.parquet")
    pq.write_table(pa.table({"event_id": [f"1.{hash_of(u)}.0" for u in everyone]}), path / "touched.parquet")
    (path / "model.json").write_text(json.dumps({"schema": [{"name": "card", "values": ["member-77", "member-770"]}]}))
    np.savez(path / "model.pt", weight=np.ones(3))
    (path / "model.pt.npz").rename(path / "model.pt")
    RunFolder(path, "users-1", "users", WORLD.week, AS_OF, 1, {}).finish()


def write_cache(home: Home) -> None:
    """Keep vectors of texts: of victims, of others, and of a text that both wrote."""
    texts = [wrote(u) for u in (*VICTIMS, *OTHERS)] + [f"{name} please" for name in NAMES]

    def encode(some: list[str]) -> np.ndarray:
        return np.eye(16, dtype=np.float32)[[len(text) % 16 for text in some]]

    TextCache(home.path / "cache" / "text_vectors", "tiny", 16).encode(texts, encode)


def write_audiences(store: Store) -> None:
    """Freeze everybody in a snapshot, send it, take results, suppress, tune a prompt, and tell the audit log."""
    with store.transaction() as tx:
        keys = {row["user_id"]: row["key"] for row in tx.rows("SELECT user_id, key FROM user_key")}
        named = {"kind": "users", "user_ids": ["member-77", "member-770", ODD, "u1", "u10"]}
        alike = {"kind": "ranked", "size": 5, "by": {"kind": "alike", "seeds": {"kind": "users", "user_ids": ["u1"]}}}
        tx.execute("INSERT INTO audience (name, created_by) VALUES ('like member-77', 'ann')")
        tx.execute(
            "INSERT INTO audience_revision (audience_id, number, definition, note, made_by) "
            "VALUES (1, 1, %s::jsonb, 'asked by member-77, for \"green tea\"', 'ann')", (json.dumps(named),)
        )  # fmt: skip
        tx.execute(
            "INSERT INTO audience_snapshot (revision_id, size, seconds, content_hash, made_by) "
            "VALUES (1, %s, 1, 'h', 'ann')", (len(keys),)
        )  # fmt: skip
        questions = [{"kind": "both", "graph": {"kind": "alike", "query": [0.5, 2]}, "sentence": {"query": [1.0]}}]
        tx.execute("INSERT INTO audience_revision (audience_id, number, definition, made_by) "
                   "VALUES (1, 2, %s::jsonb, 'ann')", (json.dumps(alike),))  # fmt: skip
        tx.execute("INSERT INTO audience_snapshot (revision_id, size, seconds, content_hash, made_by, questions) "
                   "VALUES (2, 0, 1, 'h', 'ann', %s::jsonb)", (json.dumps(questions),))  # fmt: skip
        tx.execute("INSERT INTO audience_member SELECT 1, key, row_number() OVER (ORDER BY key) FROM user_key")
        tx.execute(
            "INSERT INTO export (snapshot_id, purpose, destination, format, mode, made_by) "
            "VALUES (1, 'ads', '/out/spring.csv', 'csv', 'replace', 'ann')"
        )
        tx.execute("INSERT INTO export_member SELECT 1, key, 'a', true FROM user_key")
        tx.execute("INSERT INTO result_user SELECT 1, key, 3, 2, 1 FROM user_key")
        tx.execute("INSERT INTO suppression (key, reason, made_by) SELECT key, 'asked', 'ann' FROM user_key")
        space = tx.rows("SELECT space FROM space LIMIT 1")[0]["space"]
        for name, seeds in (("alone", ["member-77"]), ("together", ["member-77", "member-770"])):
            tx.execute("INSERT INTO prompt VALUES (%s, %s, 'green tea', '\\x00', '{}')", (name, space))
            for seed in seeds:
                tx.execute("INSERT INTO prompt_seed VALUES (%s, %s, true)", (name, keys[seed]))
        record(tx, "ann", "suppress", "user member-77", {"user_id": "member-77"})
        record(tx, "ann", "suppress", "user u1", {"user_id": "u1", "note": "not u10"})
        record(tx, "ann", "suppress", "user u10", {"user_id": "u10", ODD: ["of member-77"]})


def vectors(store: Store) -> dict[str, np.ndarray]:
    """Return the user vectors of the current release by user id."""
    space = release.current(store).preference_space
    with store.transaction() as tx:
        rows = tx.rows(f"SELECT user_id, vector FROM user_vector_{space} JOIN user_key USING (key)")
    return {row["user_id"]: row["vector"].to_numpy() for row in rows}


def warehouse_rows(home: Home) -> list[dict[str, object]]:
    """Return the loaded events, in order of their ids."""
    tables = [pq.read_table(path) for path in (home.warehouse / "events").glob("*.parquet")]
    return sorted((row for table in tables for row in table.to_pylist()), key=lambda row: str(row["event_id"]))
