"""Erase users from a complete home: nothing is left, everybody else is untouched, no file brings anybody back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from audience_graph import release
from audience_graph.audience.learn.load import load_results
from audience_graph.audience.send.exports import Exports
from audience_graph.cli import audience_graph
from audience_graph.client import AudienceGraph
from audience_graph.config import Connections, Home
from audience_graph.entities.dictionary import read_dictionary
from audience_graph.erase import Erasure, erase_users, prove
from audience_graph.erase.bytes_in import Needles
from audience_graph.erase.postgres import sweep
from audience_graph.erase.scan_files import scan_files
from audience_graph.erase.whom import Whom
from audience_graph.erased import find_key, folder_of
from audience_graph.errors import ConfigError, StoreError
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.ingest import load, sequences
from audience_graph.vectors.store import Store
from audience_trainers.run import open_run
from emptied import wipe
from erasing.homes import (
    AS_OF,
    ODD,
    OTHERS,
    VICTIMS,
    build,
    load_files,
    mine,
    vectors,
    warehouse_rows,
    write_files,
    wrote,
)  # fmt: skip

pytestmark = pytest.mark.usefixtures("clean_stores", "files")
UNKNOWN = "never seen 💄 " + "é" * 1_000


@pytest.fixture
def files(tmp_path: Path, home: Home, connections: Connections, runner: Neo4jRunner, store: Store) -> Path:
    return build(tmp_path, home, connections, runner, store)


@pytest.fixture
def erased(files: Path, home: Home, runner: Neo4jRunner, store: Store) -> Erasure:  # noqa: ARG001
    return erase_users(runner, store, home, (*VICTIMS, UNKNOWN), because="request of member-77", who="olga")


def whom(home: Home, *ids: str) -> Whom:
    key = find_key(home)
    assert key is not None
    return Whom.of(ids, key)


def count(store: Store, table: str) -> int:
    with store.transaction(read_only=True) as tx:
        return int(tx.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"])


def test_before_an_erasure_the_proof_finds_the_users_everywhere(home: Home, runner: Neo4jRunner, store: Store) -> None:
    (home.path / "erasure").mkdir()
    (home.path / "erasure" / "key").write_text("k" * 64)
    found = prove(runner, store, home, whom(home, "member-77"), (wrote("member-77"),))
    places = {(t.store, t.place.replace(f"{home.path}/", ""), t.what) for t in found.traces}
    assert {p for s, p, w in places if (s, w) == ("postgres", "id")} >= {
        "user_key.user_id", "audience.name", "audience_revision.definition", "audience_revision.note",
        "audit_log.object", "audit_log.what",
    }  # fmt: skip
    assert ("postgres", "user_event.text", "text") in places
    batches = {f"warehouse/events/{p.name}" for p in (home.warehouse / "events").glob("*.parquet")}
    in_files = {p for s, p, w in places if (s, w) == ("file", "id")}
    wanted = batches | {"runs/mined/sequences.parquet", "runs/users-1/pairs.parquet", "runs/users-1/model.json",
                        "logs/some.log", "demo/users.parquet", "demo/events.parquet",
                        "console/download.csv"}  # fmt: skip
    assert in_files >= wanted
    assert {p for s, p, w in places if (s, w) == ("file", "text")} >= batches | {"runs/users-1/pairs.parquet"}
    short = prove(runner, store, home, whom(home, "u1"))
    assert {t.place for t in short.traces if t.store == "postgres"} >= {"user_key.user_id", "audit_log.what"}


def test_nothing_is_left_of_erased_users(erased: Erasure, home: Home, runner: Neo4jRunner, store: Store) -> None:
    assert erased.traces == ()
    assert (erased.users, erased.known) == (5, 4)
    assert {t: erased.removed[t] for t in ("user_key", "user_profile", "consent", "suppression", "result_user")} == {
        "user_key": 4, "user_profile": 4, "consent": 4, "suppression": 4, "result_user": 4}  # fmt: skip
    assert erased.orphans == {"audience_member": 4, "export_member": 4}
    assert [e.destination for e in erased.exports] == ["/out/spring.csv"]
    assert any("retrain: users-1" in note and "prompt together" in note for note in erased.notes)
    assert prove(runner, store, home, whom(home, *VICTIMS), tuple(map(wrote, VICTIMS))).traces == ()
    assert count(store, "audience_member") == count(store, "export_member") == len(VICTIMS) + len(OTHERS)
    with store.transaction(read_only=True) as tx:
        prompts = [row["name"] for row in tx.rows("SELECT name FROM prompt")]
        definition, alike = tx.rows("SELECT definition, note FROM audience_revision ORDER BY id")
        (question,) = tx.rows("SELECT questions FROM audience_snapshot ORDER BY id")[1]["questions"]
        log = tx.rows("SELECT who, action, object, what FROM audit_log ORDER BY id")
        done = tx.rows("SELECT count(*) AS n FROM erasure WHERE done_at IS NOT NULL")[0]["n"]
    mark = whom(home, "member-77").mark("member-77")
    assert (prompts, done) == (["together"], 5)
    assert definition["definition"]["user_ids"] == ["member-770", "u10"]
    assert alike["definition"]["by"]["seeds"]["user_ids"] == []
    blank = {"kind": "alike", "query": [0, 0], "erased": True}
    assert question == {"kind": "both", "graph": blank, "sentence": {"query": [1.0]}}
    assert definition["note"] == f'asked by {mark}, for "green tea"'
    assert [row["object"] for row in log[:3]] == ["user [erased]", "user [erased]", "user u10"]
    assert [row["what"] for row in log[:2]] == [{"user_id": "[erased]"}, {"user_id": "[erased]", "note": "not u10"}]
    assert log[2]["what"] == {"user_id": "u10", "[erased]": ["of [erased]"]}
    assert [(row["who"], row["action"]) for row in log[3:]] == [("olga", "erase")] * 5
    assert log[3]["object"] == f"user {mark}"
    assert log[3]["what"] == {"because": "request of [erased]", "exports": [1]}


def test_the_bytes_are_gone_from_the_files_of_postgres(
    home: Home, runner: Neo4jRunner, store: Store, stack_home: Home, connections: Connections
) -> None:
    if not connections.embedded:
        pytest.skip("the servers of the environment keep their files to themselves")
    store.maintain(["ANALYZE", "CHECKPOINT"])
    (home.path / "erasure").mkdir()
    (home.path / "erasure" / "key").write_text("k" * 64)
    ids, texts = Needles(("member-77", ODD)), Needles((), (wrote("member-77"),))
    nobody = whom(home, "nobody at all")

    def look(needles: Needles) -> set[str]:
        traces, _ = scan_files(stack_home, nobody, frozenset(), needles)
        return {trace.what for trace in traces}

    assert look(ids) == {"id"}
    assert look(texts) == {"text"}
    erase_users(runner, store, home, VICTIMS, because="asked")
    if look(ids) | look(texts):  # of other tests, whose tables were truncated since: their samples, their heaps
        sweep(store, ())
    assert look(ids) == set()
    assert look(texts) == set()


def test_everybody_else_is_untouched(
    files: Path, home: Home, runner: Neo4jRunner, store: Store, connections: Connections, tmp_path: Path
) -> None:
    before, rows = vectors(store), warehouse_rows(home)
    read = sequences(home, read_dictionary(runner), AS_OF)
    erase_users(runner, store, home, VICTIMS, because="asked")
    after = vectors(store)
    assert after.keys() == before.keys() - set(VICTIMS)
    assert all(np.array_equal(after[user], before[user]) for user in after)
    assert warehouse_rows(home) == [row for row in rows if row["user_id"] not in VICTIMS]
    for name in ("mined", "users-1"):
        open_run(home.runs / name, verify=True)
    kept = pq.read_table(home.runs / "users-1" / "pairs.parquet")
    assert kept["user_id"].to_pylist() == list(OTHERS)
    assert pq.read_table(home.runs / "users-1" / "touched.parquet").num_rows == len(OTHERS)
    assert list((home.path / "console").iterdir()) == []
    log = (home.path / "logs" / "some.log").read_text()
    assert log.startswith("bad row of *********, not of member-770\n**")
    # equal to a home that never knew them, from the first file on
    again = load_files(files, home, connections)
    assert again == {"entities": 0, "users": 4, "corpus": 0, "events": 16, "later/events": 16}
    assert warehouse_rows(home) == [row for row in rows if row["user_id"] not in VICTIMS]
    with store.transaction(read_only=True) as tx:
        users = {row["user_id"] for row in tx.rows("SELECT user_id FROM user_key")}
        space = release.current(store).preference_space
        reach = {
            row["entity_id"]: row["reach"] for row in tx.rows(f"SELECT entity_id, reach FROM entity_vector_{space}")
        }
        counted = {
            row["entity_id"]: row["n"]
            for row in tx.rows(
                "SELECT entity_id, count(DISTINCT key) AS n FROM user_event, unnest(entity_ids) AS entity_id GROUP BY 1"
            )
        }
    assert users == set(OTHERS)
    assert {e: n for e, n in reach.items() if n} == counted
    assert release.current(store).counts["users"] == len(after)
    dictionary = read_dictionary(runner)
    left = sequences(home, dictionary, AS_OF)
    assert left.num_rows < read.num_rows
    wipe(runner, store)
    fresh = Home(tmp_path / "fresh")
    load_files(write_files(tmp_path / "less", OTHERS), fresh, connections)
    assert left == sequences(fresh, dictionary, AS_OF)
    run = mine(fresh, runner, fresh.runs / "mined")
    staged = release.stage(runner, store, run.path, warehouse=fresh.warehouse, home=fresh)
    release.publish(runner, store, staged)
    anew = vectors(store)
    assert anew.keys() == after.keys()
    assert all(np.array_equal(anew[user], after[user]) for user in anew)


def test_no_door_brings_an_erased_user_back(home: Home, runner: Neo4jRunner, store: Store, tmp_path: Path) -> None:
    kept = pq.read_table(home.runs / "mined" / "sequences.parquet")
    erase_users(runner, store, home, VICTIMS, because="asked")
    gone = set(VICTIMS)
    # the same run, from a copy of before: as another day, and as another version
    found = release.refresh(runner, store, kept, AS_OF, warehouse=home.warehouse, home=home)
    assert (found.recomputed, found.dropped) == (0, 0)
    assert not gone & vectors(store).keys()
    other = mine(home, runner, tmp_path / "again")
    pq.write_table(kept, other.path / "sequences.parquet")
    relations = pq.read_table(other.path / "relations.parquet")
    pq.write_table(relations.slice(1), other.path / "relations.parquet")
    staged = release.stage(runner, store, other.path, home=home)
    release.publish(runner, store, staged)
    assert not gone & vectors(store).keys()
    with store.transaction(read_only=True) as tx:
        assert not gone & {row["user_id"] for row in tx.rows("SELECT user_id FROM user_key")}
    # the run that is staged already, as it is now on disk: the same release
    assert release.stage(runner, store, home.runs / "mined", home=home).preference_space.startswith("pref_")


def test_lists_and_results_that_name_erased_users_do_not_bring_them_back(
    home: Home, runner: Neo4jRunner, store: Store, tmp_path: Path
) -> None:
    erase_users(runner, store, home, VICTIMS, because="asked")
    Exports(store, home=home).suppress(["member-77", "member-770", "a new one", ODD], "asked")
    lines = "".join(f"{user},1,1,0\n" for user in ("member-77", "member-770", "u1", "u10"))
    (tmp_path / "results.csv").write_text("user_id,exposures,clicks,conversions\n" + lines)
    report = load_results(store, tmp_path / "results.csv", 1, by="ann", home=home)
    assert (report.read, report.rejected, report.told) == (4, 0, 2)
    assert "2 rows of erased users were left out" in report.notes
    with store.transaction(read_only=True) as tx:
        users = {row["user_id"] for row in tx.rows("SELECT user_id FROM user_key")}
    assert users == {*OTHERS, "a new one"}
    (folder_of(home) / "key").unlink()
    with pytest.raises(ConfigError, match="the key that knows them"):
        Exports(store, home=home).suppress(["member-7"], "asked")
    with pytest.raises(ConfigError, match="the key that knows them"):
        load_results(store, tmp_path / "results.csv", 1, by="ann", home=home)


def test_without_the_key_nothing_is_written(
    erased: Erasure, files: Path, home: Home, runner: Neo4jRunner, store: Store, connections: Connections,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    assert erased.traces == ()
    key = folder_of(home) / "key"
    assert key.stat().st_mode & 0o777 == 0o600
    secret = key.read_text().strip()
    key.unlink()
    kept = pq.read_table(home.runs / "mined" / "sequences.parquet")

    def refused(match: str) -> None:
        for what in ("users", "events"):
            with pytest.raises(ConfigError, match=match):
                load(what, files / f"{what}.parquet", home=home, connections=connections)
        with pytest.raises(ConfigError, match=match):
            release.refresh(runner, store, kept, AS_OF, home=home)
        with pytest.raises(ConfigError, match=match):
            release.stage(runner, store, home.runs / "mined", home=home)
        with pytest.raises(ConfigError, match=match):
            erase_users(runner, store, home, "user-001", because="asked")

    refused("the key that knows them is not here")
    key.write_text("another key of some length")
    refused("erased with another key")
    key.unlink()
    monkeypatch.setenv("AUDIENCE_GRAPH_ERASURE_KEY", secret)
    assert load("users", files / "users.parquet", home=home, connections=connections).erased == 4
    # a client with a folder of its own, over the same servers
    other = Home(home.path.with_name("other"))
    assert load("users", files / "users.parquet", home=other, connections=connections).erased == 4


KILL = """
import json, os, pathlib, sys
from audience_graph.config import Connections, Home
from audience_graph.erase import erase_users
from audience_graph.graph.runner import open_runner
from audience_graph.vectors.store import Store, Transaction, open_store

left = int(sys.argv[3])
def counted(owner, name):
    inner = getattr(owner, name)
    def step(*args, **kwargs):
        global left
        left -= 1
        if left < 0:
            os._exit(9)
        return inner(*args, **kwargs)
    setattr(owner, name, step)

for owner, name in ((pathlib.Path, "replace"), (pathlib.Path, "unlink"), (Store, "maintain"), (Transaction, "execute")):
    counted(owner, name)
connections = Connections(**json.loads(sys.argv[1]))
with open_runner(connections) as runner:
    home = Home(pathlib.Path(sys.argv[2]))
    erase_users(runner, open_store(connections), home, json.loads(sys.argv[4]), because="asked")
print(left)
"""


def killed(connections: Connections, home: Home, steps: int) -> tuple[int, str]:
    fields = json.dumps({name: getattr(connections, name) for name in Connections.__slots__})
    words = [sys.executable, "-c", KILL, fields, str(home.path), str(steps), json.dumps(VICTIMS)]
    done = subprocess.run(words, capture_output=True, text=True, env=dict(os.environ), timeout=120)
    return done.returncode, done.stdout


def test_killed_anywhere_and_repeated(
    files: Path, home: Home, runner: Neo4jRunner, store: Store, connections: Connections
) -> None:
    before = vectors(store)
    rows = warehouse_rows(home)
    wanted = [row for row in rows if row["user_id"] not in VICTIMS]
    ends = 0
    for steps in (0, 6, 16, 25, 29, 32, 35, 38, 41):
        code, _ = killed(connections, home, steps)
        ends += code == 0
        # loads meanwhile bring nobody back, and no event of others is lost or doubled
        if folder_of(home).joinpath("erased.json").exists():
            load_files(files, home, connections)
        found = warehouse_rows(home)
        assert [row for row in found if row["user_id"] not in VICTIMS] == wanted
        assert all(np.array_equal(v, before[u]) for u, v in vectors(store).items())
    assert ends < 4, "most erasures ended before they were killed: the test proves little"
    last = erase_users(runner, store, home, VICTIMS, because="asked")
    assert last.traces == ()
    assert [e.destination for e in last.exports] == ["/out/spring.csv"]
    assert prove(runner, store, home, whom(home, *VICTIMS), tuple(map(wrote, VICTIMS))).traces == ()
    assert warehouse_rows(home) == wanted
    names = {p.name for p in (home.warehouse / "events").glob("*.parquet")}
    assert all(p.name in names for p in (home.warehouse / "mentions").glob("*.parquet"))
    for name in ("mined", "users-1"):
        open_run(home.runs / name, verify=True)
    again = erase_users(runner, store, home, VICTIMS, because="asked")
    assert (again.known, dict(again.removed), again.traces) == (0, {}, ())


def test_what_we_did_not_write_is_reported_and_left_alone(home: Home, connections: Connections, store: Store) -> None:
    own = home.path / "my notes.csv"
    own.write_text("id,why\nmember-77,asked twice\n")
    call = erase_command(home, connections)
    refused = call("member-77", "--because", "asked", stdin="")
    assert isinstance(refused.exception, ConfigError)
    assert count(store, "erasure") == 0
    listed = home.path.with_name("ids.txt")
    listed.write_text("member-77\n\nu1\n", encoding="utf-8")
    done = call("--file", str(listed), "--because", "asked", "--yes", "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert [(t["store"], t["place"]) for t in told["traces"]] == [("file", str(own))]
    assert own.read_text().endswith("member-77,asked twice\n")
    assert "member-77" not in done.stdout.replace(str(own), "")
    own.unlink()
    done = call("member-77", "--because", "asked", "--yes")
    assert done.exit_code == 0, done.output
    assert "traces: 0" in done.stdout
    assert "delete by hand: /out/spring.csv" in done.stderr


def erase_command(home: Home, connections: Connections):
    env = {
        f"NEO4J_{n.upper()}": getattr(connections, f"neo4j_{n}") for n in ("uri", "username", "password", "database")
    }
    env["DATABASE_URL"] = connections.database_url

    def call(*words: str, stdin: str | None = None):
        return CliRunner(env=env).invoke(audience_graph, ["erase", *words, "--data-dir", str(home.path)], input=stdin)

    return call


def test_bad_asking_changes_nothing(home: Home, connections: Connections, store: Store) -> None:
    with AudienceGraph.connect(home.path, connections=connections) as ag:
        for ids, because in (([], "a"), ("", "a"), (["a\0b"], "a"), ([7], "a"), ("\ud800", "a"), ("member-77", " ")):
            with pytest.raises(ConfigError):
                ag.erase(ids, because=because)  # type: ignore[arg-type]
        assert count(store, "erasure") == 0
        held = store.raw_connection()
        held.execute("SELECT FROM user_key LIMIT 1")  # a reader that does not go
        with pytest.raises(StoreError, match="lock in time"):
            store.maintain(["VACUUM (FULL) user_key"], lock_seconds=1)
        held.close()
        assert ag.erase("member-77", because="asked").traces == ()
