"""A version that is worse than the current one is published only with a reason, which is kept, on real stores."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from audience_graph import release
from audience_graph.cli.release import release as release_command
from audience_graph.config import Connections
from audience_graph.errors import GateError
from audience_graph.graph.queries import Query
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.release.content import read_content
from audience_graph.vectors.store import Store
from releases.runs import World, load_entities, write_run

pytestmark = pytest.mark.usefixtures("clean_stores")
FIRST = World()
WORSE = World(seed=2, week="2026-W31", auc=0.8)
THIN = World(seed=3, week="2026-W32", degree=2)
BLIND = World(seed=4, week="2026-W33", auc=None)


@pytest.fixture
def current(runner: Neo4jRunner, store: Store, tmp_path: Path) -> release.Release:
    load_entities(runner, FIRST.ids)
    return release.publish(runner, store, release.stage(runner, store, write_run(tmp_path / "first", FIRST)))


def staged(runner: Neo4jRunner, store: Store, tmp_path: Path, world: World) -> release.Release:
    return release.stage(runner, store, write_run(tmp_path / world.week, world))


@pytest.mark.parametrize(("world", "gate"), [(WORSE, "auc_drop"), (THIN, "relation_change")])
def test_a_worse_version_stays_staged(
    runner: Neo4jRunner, store: Store, tmp_path: Path, current: release.Release, world: World, gate: str
) -> None:
    found = staged(runner, store, tmp_path, world)
    with pytest.raises(GateError, match=gate) as refused:
        release.publish(runner, store, found)
    assert refused.value.checks == (gate,)
    assert release.current(store) == current
    assert release.find(store, found.id).status == "staged"
    with store.transaction() as tx:
        assert tx.rows("SELECT count(*) AS n FROM publication")[0]["n"] == 1
    wide = release.parse_gates([f"{gate}=1"])
    passed = release.publish(runner, store, found, terms=release.Terms(wide))
    assert (passed.status, passed.reason) == ("current", None)
    assert [check.passed for check in release.checks_of(passed)] == [True] * 3


def test_a_reason_is_kept_with_what_the_gates_said(
    runner: Neo4jRunner, store: Store, tmp_path: Path, current: release.Release
) -> None:
    found = staged(runner, store, tmp_path, WORSE)
    forced = release.publish(runner, store, found, terms=release.Terms(reason="a new text model"))
    assert forced.reason == "a new text model"
    assert forced.gates is not None
    assert forced.gates["against"] == current.version
    assert [(c.gate, c.passed) for c in release.checks_of(forced)] == [
        ("auc_drop", False),
        ("relation_change", True),
        ("coverage_drop", True),
    ]
    assert release.publish(runner, store, forced) == forced, "publishing the current one again changes nothing"
    assert current.gates is None, "the first release was compared with nothing"


def test_rolling_back_and_another_day_of_the_same_version_pass(
    runner: Neo4jRunner, store: Store, tmp_path: Path, current: release.Release
) -> None:
    better = staged(runner, store, tmp_path, replace(WORSE, auc=0.99))
    release.publish(runner, store, better)
    assert release.rollback(runner, store).id == current.id
    assert release.rollback(runner, store, better.id).id == better.id
    with pytest.raises(GateError):
        release.publish(runner, store, current.id)


def test_a_missing_measure_is_said_and_kept(
    runner: Neo4jRunner, store: Store, tmp_path: Path, current: release.Release
) -> None:
    found = release.publish(runner, store, staged(runner, store, tmp_path, BLIND))
    assert release.notes(found) == (f"gate auc_drop was not checked: no validation AUC of {found.version}",)
    assert found.id != current.id


def test_the_graph_holds_every_figure_of_a_version(
    runner: Neo4jRunner, tmp_path: Path, current: release.Release
) -> None:
    text = "MATCH (:Current)-[:IS]->(v:RelationVersion) RETURN v{.*} AS v"
    node = runner.read(Query("t", text, (), (), Path(__file__)))[0]["v"]
    assert (node["metric_validation_auc"], node["metric_by_kind_semantic"]) == (0.9, 3)
    assert node["coverage"] == current.counts["sources"] / current.counts["entities"]
    assert node["aecc"] == pytest.approx(current.counts["relations"] / current.counts["entities"])
    content = read_content(tmp_path / "first")
    text = (
        f"MATCH (s:Entity)-[r:{current.relation_type}]->(t) "
        "RETURN s.id AS s, t.id AS t, r.threshold AS threshold, r.provenance AS provenance ORDER BY s, t"
    )
    rows = runner.read(Query("t", text, (), (), Path(__file__)))
    assert [row["threshold"] for row in rows] == content.thresholds[content.relations.source].tolist()
    explored = sum(row["provenance"] == "explored" for row in rows)
    assert node["relations_explored"] == explored > 0


def invoke(connections: Connections, tmp_path: Path, *arguments: str, gates: str = "") -> Result:
    env = {
        "NEO4J_URI": connections.neo4j_uri,
        "NEO4J_USERNAME": connections.neo4j_username,
        "NEO4J_PASSWORD": connections.neo4j_password,
        "NEO4J_DATABASE": connections.neo4j_database,
        "DATABASE_URL": connections.database_url,
        "AUDIENCE_GRAPH_GATES": gates,
    }
    return CliRunner().invoke(release_command, [*arguments, "--data-dir", str(tmp_path)], env=env)


def test_the_command_refuses_forces_and_shows_why(
    connections: Connections, runner: Neo4jRunner, store: Store, tmp_path: Path, current: release.Release
) -> None:
    found = staged(runner, store, tmp_path, WORSE)
    refused = invoke(connections, tmp_path, "publish", found.version)
    assert isinstance(refused.exception, GateError)
    assert invoke(connections, tmp_path, "publish", found.version, "--force").exit_code == 2
    forced = invoke(connections, tmp_path, "publish", found.version, "--force", "--reason", "moved the dictionary")
    assert forced.exit_code == 0, forced.output
    assert "published all the same, moved the dictionary" in forced.stderr
    listed = json.loads(invoke(connections, tmp_path, "list", "--json").stdout)
    assert [row["reason"] for row in listed] == ["moved the dictionary", None]
    assert listed[0]["gates"]["against"] == current.version
    shown = invoke(connections, tmp_path, "show")
    assert "moved the dictionary" in shown.stdout
    assert "validation_auc 0.9000 -> 0.8000 (gate auc_drop=0.01): refused" in shown.stdout
    assert json.loads(invoke(connections, tmp_path, "show", found.version, "--json").stdout)["id"] == found.id


def test_limits_may_stand_in_the_environment(
    connections: Connections, runner: Neo4jRunner, store: Store, tmp_path: Path, current: release.Release
) -> None:
    found = staged(runner, store, tmp_path, WORSE)
    passed = invoke(connections, tmp_path, "publish", found.version, gates="auc_drop=0.2 relation_change=off")
    assert passed.exit_code == 0, passed.output
    assert release.current(store).id == found.id != current.id
