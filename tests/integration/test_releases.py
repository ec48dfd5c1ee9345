"""Releases on real stores: staged whole, published in one step, compared, rolled back, retired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from audience_graph import release
from audience_graph.cli.release import release as release_command
from audience_graph.config import Connections
from audience_graph.errors import NotFoundError, ReleaseError
from audience_graph.graph.queries import Query
from audience_graph.graph.runner import Fetched, Neo4jRunner, Plan, Runner
from audience_graph.release import relations as writing
from audience_graph.release.content import read_content
from audience_graph.vectors.store import Store
from releases.runs import AS_OF, World, load_entities, write_run

pytestmark = pytest.mark.usefixtures("clean_stores")


class Failing:
    """A runner that fails at the n-th write, before or after it is committed."""

    def __init__(self, runner: Runner, at: int, *, committed: bool) -> None:
        self._runner = runner
        self._left = at
        self._committed = committed

    def read(self, query: Query, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        return self._runner.read(query, parameters)

    def auto_commit(self, query: Query, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        return self._runner.auto_commit(query, parameters)

    def plan(self, query: Query, parameters: Mapping[str, Any], *, timeout: float = 30.0) -> Plan:
        return self._runner.plan(query, parameters, timeout=timeout)

    def read_once(self, query: Query, parameters: Mapping[str, Any], *, timeout: float, most: int) -> Fetched:
        return self._runner.read_once(query, parameters, timeout=timeout, most=most)

    def write(self, query: Query, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        self._left -= 1
        if self._left == 0:
            if self._committed:
                self._runner.write(query, parameters)
            raise KeyboardInterrupt
        return self._runner.write(query, parameters)


def held(runner: Runner, relation_type: str) -> list[tuple[Any, ...]]:
    """All relations of a type as sorted tuples."""
    text = (
        f"MATCH (s)-[r:{relation_type}]->(t) RETURN s.id AS s, t.id AS t, r.score AS score, r.logit AS logit, "
        "r.margin AS margin, r.rank AS rank, r.provenance AS provenance ORDER BY s, t"
    )
    return [tuple(row.values()) for row in runner.read(Query("tests/held", text, (), (), Path(__file__)))]


def planted(folder: Path) -> list[tuple[Any, ...]]:
    """What the run folder says the relations are, ranked by a few plain lines."""
    rows = pq.read_table(folder / "relations.parquet").to_pylist()
    result = []
    for row in rows:
        mine = [r for r in rows if r["source_id"] == row["source_id"]]
        mine.sort(key=lambda r: (-r["score"], r["target_id"]))
        rank = 1 + [r["target_id"] for r in mine].index(row["target_id"])
        result.append(
            (row["source_id"], row["target_id"], row["score"], row["logit"], row["margin"], rank, row["provenance"])
        )
    return sorted(result)


@pytest.fixture
def world(runner: Neo4jRunner) -> World:
    world = World()
    load_entities(runner, world.ids)
    return world


@pytest.fixture
def folder(tmp_path: Path, world: World) -> Path:
    return write_run(tmp_path / "run", world)


def weeks(world: World, count: int) -> list[World]:
    """The same entities mined in following weeks."""
    made = []
    for i in range(count):
        day = AS_OF - timedelta(weeks=count - 1 - i)
        year, week, _ = day.isocalendar()
        made.append(World(entities=world.entities, seed=i + 10, week=f"{year}-W{week:02d}", as_of=day))
    return made


def test_staging_writes_the_run_and_publishes_nothing(runner: Neo4jRunner, store: Store, folder: Path) -> None:
    found = release.stage(runner, store, folder)
    assert found.status == "staged"
    assert held(runner, found.relation_type) == planted(folder)
    with pytest.raises(NotFoundError, match="nothing is published"):
        release.current(store)
    node = runner.read(Query("t", "MATCH (v:RelationVersion) RETURN v{.*} AS v", (), (), Path(__file__)))[0]["v"]
    content = read_content(folder)
    degrees = content.in_degrees
    assert node["mean_in_degree"] == pytest.approx(degrees[degrees > 0].mean())
    assert (node["max_in_degree"], node["relations"], node["status"]) == (
        degrees.max(),
        len(content.relations),
        "staged",
    )


def test_vectors_and_thresholds_stand_beside_their_entities(runner: Neo4jRunner, store: Store, folder: Path) -> None:
    found = release.stage(runner, store, folder)
    text = (
        "MATCH (e:Entity)-[:HAS_VECTOR]->(v:EntityVector {space: $space}) "
        "RETURN e.id AS id, v.vector AS vector, v.threshold AS threshold ORDER BY id"
    )
    rows = runner.read(Query("t", text, ("space",), (), Path(__file__)), {"space": found.preference_space})
    content = read_content(folder)
    assert [row["id"] for row in rows] == list(content.entity_ids)
    np.testing.assert_array_equal(np.array([row["vector"] for row in rows], np.float32), content.vectors)
    assert [row["threshold"] for row in rows] == content.thresholds.tolist()
    with store.transaction() as tx:
        kept = tx.rows(f"SELECT entity_id, vector FROM entity_vector_{found.preference_space} ORDER BY entity_id")
    np.testing.assert_array_equal(
        np.array([row["vector"].to_numpy() for row in kept], np.float32), content.vectors.astype(np.float16)
    )


def test_staging_and_publishing_the_same_content_again_change_nothing(
    runner: Neo4jRunner, store: Store, folder: Path, tmp_path: Path, world: World
) -> None:
    first = release.publish(runner, store, release.stage(runner, store, folder))
    again = release.stage(runner, store, write_run(tmp_path / "same content", world))
    assert again == first
    assert release.publish(runner, store, again) == first
    assert len(release.list_releases(store)) == 1
    assert held(runner, first.relation_type) == planted(folder)
    with store.transaction() as tx:
        assert tx.rows("SELECT count(*) AS n FROM publication")[0]["n"] == 1


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("at", [1, 2, 3, 4, 6, 8])
def test_a_staging_that_stopped_goes_on_without_duplicates(
    runner: Neo4jRunner, store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch, at: int, committed: bool
) -> None:
    monkeypatch.setattr(writing, "RELATION_BATCH", 50)
    monkeypatch.setattr(writing, "VECTOR_FLOATS", 80)
    with pytest.raises(KeyboardInterrupt):
        release.stage(Failing(runner, at, committed=committed), store, folder)
    with pytest.raises(NotFoundError):
        release.current(store)
    found = release.stage(runner, store, folder)
    assert held(runner, found.relation_type) == planted(folder)
    assert vectors(runner, found.preference_space) == 30


def vectors(runner: Runner, space: str) -> int:
    text = "MATCH (v:EntityVector {space: $space}) RETURN count(v) AS n"
    return int(runner.read(Query("t", text, ("space",), (), Path(__file__)), {"space": space})[0]["n"])


def test_a_late_batch_of_a_dead_process_writes_nothing(runner: Neo4jRunner, store: Store, folder: Path) -> None:
    content = read_content(folder)
    found = release.stage(runner, store, folder)
    query = writing.load_query("relations/write_batch").at_version(found.relation_type)
    for status in ("staged", "staging"):
        text = f"MATCH (v:RelationVersion) SET v.status = '{status}' RETURN 1 AS one"
        runner.write(Query("t", text, (), (), Path(__file__)))
        assert runner.write(query, writing.relation_batch(content, 0, 50))[0]["written"] == 0
    assert held(runner, found.relation_type) == planted(folder)


def test_an_unfinished_version_is_not_published(runner: Neo4jRunner, store: Store, folder: Path) -> None:
    found = release.stage(runner, store, folder)
    with store.transaction() as tx:
        tx.execute("UPDATE relation_version SET status = 'staging'")
    with pytest.raises(ReleaseError, match="is staging"):
        release.publish(runner, store, found.id)
    with store.transaction() as tx:
        tx.execute("UPDATE relation_version SET status = 'staged'")
    text = f"MATCH ()-[r:{found.relation_type}]->() WITH r LIMIT 1 DELETE r RETURN 1 AS one"
    runner.write(Query("t", text, (), (), Path(__file__)))
    with pytest.raises(ReleaseError, match=r"the graph holds 136 of 137 relations"):
        release.publish(runner, store, found.id)
    with pytest.raises(NotFoundError):
        release.current(store)


def test_entities_that_the_graph_lacks_are_named(runner: Neo4jRunner, store: Store, tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", World(entities=32))
    load_entities(runner, World(entities=30).ids)
    with pytest.raises(ReleaseError, match=r"2 entities .* e00030, e00031"):
        release.stage(runner, store, folder)
    assert release.list_releases(store) == ()


def test_publishing_moves_the_mirror_and_a_mirror_behind_is_repaired(
    runner: Neo4jRunner, store: Store, tmp_path: Path, world: World
) -> None:
    first, second = (
        release.publish(runner, store, release.stage(runner, store, write_run(tmp_path / w.week, w)))
        for w in weeks(world, 2)
    )
    assert release.current(store) == second
    assert mirror(runner) == [(second.id, second.version)]
    assert release.repair_mirror(runner, store) is False
    runner.write(writing.load_query("releases/write_mirror"), {"release_id": first.id, "version": first.version})
    assert release.repair_mirror(runner, store) is True
    assert mirror(runner) == [(second.id, second.version)]


def mirror(runner: Runner) -> list[tuple[int, str]]:
    return [(row["release_id"], row["version"]) for row in runner.read(writing.load_query("releases/read_mirror"))]


def test_an_open_request_stays_on_its_release(runner: Neo4jRunner, store: Store, tmp_path: Path, world: World) -> None:
    first, second = (release.stage(runner, store, write_run(tmp_path / w.week, w)) for w in weeks(world, 2))
    release.publish(runner, store, first)
    with store.transaction(read_only=True, snapshot=True) as tx:
        assert release.read_current(tx).id == first.id
        release.publish(runner, store, second)
        assert release.read_current(tx).id == first.id
    assert release.current(store).id == second.id


def test_weeks_are_read_as_of_and_rolled_back(runner: Neo4jRunner, store: Store, tmp_path: Path, world: World) -> None:
    old, new = weeks(world, 2)
    first, second = (
        release.publish(runner, store, release.stage(runner, store, write_run(tmp_path / w.week, w)))
        for w in (old, new)
    )
    assert release.version_of(store).id == release.version_of(store, new.week).id == second.id
    assert release.version_of(store, old.week).version == first.version
    with pytest.raises(NotFoundError, match="2020-W01"):
        release.version_of(store, "2020-W01")
    assert release.rollback(runner, store).id == first.id
    assert mirror(runner) == [(first.id, first.version)]
    assert release.rollback(runner, store).id == second.id
    assert release.rollback(runner, store, old.week).id == first.id


def test_a_diff_is_the_difference_of_the_two_sets(
    runner: Neo4jRunner, store: Store, tmp_path: Path, world: World
) -> None:
    folders = [write_run(tmp_path / w.week, w) for w in weeks(world, 2)]
    old, new = (release.stage(runner, store, folder) for folder in folders)
    before, after = ({row[:2]: row[2] for row in planted(folder)} for folder in folders)
    found = release.diff(runner, store, old.id, new.week, limit=None)
    added = {(c.source, c.target) for c in found.changes if c.kind == "added"}
    assert added == after.keys() - before.keys()
    assert {(c.source, c.target) for c in found.changes if c.kind == "removed"} == before.keys() - after.keys()
    both = before.keys() & after.keys()
    changed = {k: (before[k], after[k]) for k in both if before[k] != after[k]}
    assert {(c.source, c.target): (c.before, c.after) for c in found.changes if c.kind == "changed"} == changed
    assert (found.added, found.changed, found.unchanged) == (len(added), len(changed), len(both) - len(changed))
    assert [c.size for c in found.changes] == sorted((c.size for c in found.changes), reverse=True)
    assert release.diff(runner, store, old.id, new.id, limit=3).changes == found.changes[:3]
    assert release.diff(runner, store, old.id, old.id).changes == ()


def test_retiring_deletes_one_version_and_never_the_current_one(
    runner: Neo4jRunner, store: Store, tmp_path: Path, world: World
) -> None:
    folders = [write_run(tmp_path / w.week, w) for w in weeks(world, 2)]
    first, second = (release.publish(runner, store, release.stage(runner, store, folder)) for folder in folders)
    with pytest.raises(ReleaseError, match="is current"):
        release.retire(runner, store, second.version)
    done = release.retire(runner, store, first.version)
    assert (done.relations, done.vectors) == (first.counts["relations"], 30)
    assert held(runner, first.relation_type) == []
    assert vectors(runner, first.preference_space) == 0
    assert held(runner, second.relation_type) == planted(folders[1])
    with store.transaction() as tx:
        left = tx.rows("SELECT tablename AS t FROM pg_tables WHERE tablename LIKE '%%_vector_pref_%%' ORDER BY 1")
    assert [row["t"] for row in left] == [f"{k}_vector_{second.preference_space}" for k in ("entity", "user")]
    with pytest.raises(ReleaseError, match="is retired"):
        release.publish(runner, store, first.id)
    with pytest.raises(NotFoundError):
        release.rollback(runner, store)
    assert release.retire(runner, store, first.version).relations == 0
    again = release.publish(runner, store, release.stage(runner, store, folders[0]))
    assert (again.id, held(runner, again.relation_type)) == (first.id, planted(folders[0]))


@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_a_retiring_that_stopped_goes_on(
    runner: Neo4jRunner, store: Store, tmp_path: Path, world: World, at: int
) -> None:
    folders = [write_run(tmp_path / w.week, w) for w in weeks(world, 2)]
    first, _ = (release.publish(runner, store, release.stage(runner, store, folder)) for folder in folders)
    with pytest.raises(KeyboardInterrupt):
        release.retire(Failing(runner, at, committed=True), store, first.version)
    with pytest.raises(ReleaseError, match="is retiring"):
        release.rollback(runner, store, first.id)
    again = release.stage(runner, store, folders[0])
    assert held(runner, again.relation_type) == planted(folders[0])


def test_retention_counts_weeks_back_from_the_current_one(
    runner: Neo4jRunner, store: Store, tmp_path: Path, world: World
) -> None:
    versions = [
        release.publish(runner, store, release.stage(runner, store, write_run(tmp_path / w.week, w))).version
        for w in weeks(world, 4)
    ]
    assert release.expired(store) == ()
    assert release.expired(store, weeks=2) == tuple(versions[:2])
    assert release.expired(store, weeks=1) == tuple(versions[:3])


def test_reach_in_the_graph_is_rounded_to_ten(runner: Neo4jRunner, store: Store, tmp_path: Path) -> None:
    world = World(entities=30, users=300)
    load_entities(runner, world.ids)
    folder = write_run(tmp_path / "run", world)
    found = release.publish(runner, store, release.stage(runner, store, folder))
    exact: dict[str, set[str]] = {i: set() for i in world.ids}
    for row in pq.read_table(folder / "sequences.parquet").to_pylist():
        exact[row["entity_id"]].add(row["user_id"])
    rows = runner.read(Query("t", "MATCH (e:Entity) RETURN e.id AS id, e.reach AS reach", (), (), Path(__file__)))
    assert {row["id"]: row["reach"] for row in rows} == {i: (len(u) + 5) // 10 * 10 for i, u in exact.items()}
    with store.transaction() as tx:
        kept = tx.rows(f"SELECT entity_id, reach FROM entity_vector_{found.preference_space}")
    assert {row["entity_id"]: row["reach"] for row in kept} == {i: len(u) for i, u in exact.items()}


def invoke(connections: Connections, arguments: Sequence[str]) -> str:
    env = {
        "NEO4J_URI": connections.neo4j_uri,
        "NEO4J_USERNAME": connections.neo4j_username,
        "NEO4J_PASSWORD": connections.neo4j_password,
        "NEO4J_DATABASE": connections.neo4j_database,
        "DATABASE_URL": connections.database_url,
    }
    result = CliRunner().invoke(release_command, list(arguments), env=env, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_commands_run_the_whole_life_of_a_release(connections: Connections, tmp_path: Path, world: World) -> None:
    home = ["--data-dir", str(tmp_path)]
    for one in weeks(world, 2):
        write_run(tmp_path / "runs" / one.week, one)
        assert '"status": "staged"' in invoke(connections, ["stage", one.week, "--json", *home])
        assert "is current" in invoke(connections, ["publish", *home])
    first, second = (one.week for one in weeks(world, 2))
    assert invoke(connections, ["list", "--csv", *home]).count("\n") == 3
    assert '"added"' in invoke(connections, ["diff", first, second, "--json", *home])
    assert first in invoke(connections, ["rollback", *home])
    assert second in invoke(connections, ["retire", second, "--json", *home])
