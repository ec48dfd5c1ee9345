"""kill -9 of the staging and publishing process at random moments: readers never see half a release."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from audience_graph import release
from audience_graph.config import Connections
from audience_graph.graph.queries import Query
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.vectors.store import Store
from releases.runs import World, load_entities, write_run

KILLS = 20
PUBLISH = """
import json, sys
from pathlib import Path
from audience_graph import release
from audience_graph.config import Connections
from audience_graph.graph.runner import open_runner
from audience_graph.release import relations
from audience_graph.vectors.store import open_store

relations.RELATION_BATCH, relations.VECTOR_FLOATS = 40, 80
connections = Connections(**json.loads(sys.argv[1]))
with open_runner(connections) as runner:
    store = open_store(connections)
    release.repair_mirror(runner, store)
    print("ready", flush=True)
    sys.stdin.readline()
    release.publish(runner, store, release.stage(runner, store, Path(sys.argv[2])))
"""


def start(connections: Connections, folder: Path) -> subprocess.Popen[str]:
    """Start a publisher that waits, imported and connected, for a line on its stdin."""
    fields = json.dumps({name: getattr(connections, name) for name in Connections.__slots__})
    process = subprocess.Popen(
        [sys.executable, "-c", PUBLISH, fields, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def end(process: subprocess.Popen[str]) -> int:
    code = process.wait(timeout=60)
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        pipe.close()
    return code


def assert_whole(runner: Neo4jRunner, store: Store) -> release.Release:
    """The current release is readable, complete, and holds no pair twice, in both stores."""
    now = release.current(store)
    text = (
        f"MATCH (s)-[r:{now.relation_type}]->(t) WITH s, t, count(r) AS times "
        "RETURN count(*) AS pairs, sum(times) AS relations, max(times) AS most"
    )
    row = runner.read(Query("tests/whole", text, (), (), Path(__file__)))[0]
    assert row == {"pairs": now.counts["relations"], "relations": now.counts["relations"], "most": 1}
    with store.transaction(read_only=True) as tx:
        users = tx.rows(f"SELECT count(*) AS n FROM user_vector_{now.preference_space}")[0]["n"]
        entities = tx.rows(f"SELECT count(*) AS n FROM entity_vector_{now.preference_space}")[0]["n"]
    assert (users, entities) == (now.counts["users"], now.counts["entities"])
    return now


@pytest.mark.usefixtures("clean_stores")
def test_killed_at_twenty_random_moments(
    connections: Connections, runner: Neo4jRunner, store: Store, tmp_path: Path
) -> None:
    rng = random.Random(20)
    worlds = [World(seed=seed) for seed in range(KILLS + 2)]
    load_entities(runner, worlds[0].ids)
    folders = [write_run(tmp_path / f"run {w.seed}", w) for w in worlds]
    release.publish(runner, store, release.stage(runner, store, folders[0]))
    process = start(connections, folders[1])
    began = time.perf_counter()
    go(process)
    assert end(process) == 0
    takes = time.perf_counter() - began
    survived = 0
    for folder in folders[2:]:
        before = assert_whole(runner, store)
        process = start(connections, folder)
        go(process)
        time.sleep(rng.uniform(0, takes))
        process.kill()
        survived += end(process) == 0
        after = assert_whole(runner, store)
        assert after.id == before.id or after.run_id == folder.name
        published = release.publish(runner, store, release.stage(runner, store, folder))
        assert assert_whole(runner, store) == published
        mirror = runner.read(Query("t", "MATCH (:Current)-[:IS]->(v) RETURN v.version AS v", (), (), Path(__file__)))
        assert mirror == [{"v": published.version}]
        space = {"space": published.preference_space}
        count = Query("t", "MATCH (v:EntityVector {space: $space}) RETURN count(v) AS n", (), (), Path(__file__))
        assert runner.read(count, space) == [{"n": 30}]
    assert survived < KILLS // 2, "most publishers ended before they were killed: the test proves little"
