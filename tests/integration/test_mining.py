"""A week is mined from a loaded world, staged, published, and read back from both stores."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from audience_graph import release
from audience_graph.client import AudienceGraph
from audience_graph.config import Connections, Home
from audience_graph.demo import AS_OF, write_world
from audience_graph.demo.evaluation import relation_quality
from audience_graph.demo.sizes import SIZES
from audience_graph.errors import ConfigError, GateError, RunError
from audience_graph.graph.queries import Query
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.ingest import load
from audience_graph.vectors.store import Store
from audience_trainers.cli import mine
from audience_trainers.push import publish_release, stage_run
from audience_trainers.relations.config import MineAlpc, MineConfig
from audience_trainers.relations.ensemble.config import EnsembleConfig
from audience_trainers.relations.mine import MineOptions, last_day, mine_week, resolve_week
from audience_trainers.run import open_run

TINY = replace(SIZES["small"], name="tiny", entities=420, users=900)
WORLD_SEED = 11
OPTIONS = MineOptions(config=MineConfig(dims=32, dims_co=32, device="cpu"))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    write_world(folder, TINY, WORLD_SEED)
    return folder


@pytest.fixture
def loaded(world: Path, home: Home, connections: Connections, clean_stores: None) -> Home:  # noqa: ARG001
    load("entities", world / "entities.parquet", home=home, connections=connections)
    load("events", world / "events.parquet", home=home)
    return home


def query(text: str) -> Query:
    return Query(name="tests/mining", text=text, params=(), returns=(), path=Path(__file__))


def test_mined_relations_reach_both_stores(
    world: Path, loaded: Home, connections: Connections, runner: Neo4jRunner, store: Store
) -> None:
    run = mine_week(loaded, connections, OPTIONS)
    assert open_run(run.path, verify=True) == run
    relations = run.read_table("relations").to_pandas()
    quality = relation_quality(relations, pd.read_parquet(world / "truth" / "relations.parquet"))
    assert quality.precision >= 0.6, quality
    assert quality.recall >= 0.2, quality

    staged = stage_run(loaded, connections, run)
    assert stage_run(loaded, connections, run).id == staged.id
    published = publish_release(connections, staged)
    rows = runner.read(
        query(
            f"MATCH (u:Entity)-[r:{published.relation_type}]->(v:Entity) "
            "RETURN u.id AS source_id, v.id AS target_id, r.score AS score, r.margin AS margin, r.rank AS rank"
        )
    )
    key = ["source_id", "target_id"]
    expected = relations.sort_values(key)[[*key, "score", "margin", "rank"]].reset_index(drop=True)
    found = pd.DataFrame(rows).sort_values(key).reset_index(drop=True)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    assert (found["margin"] > 0).all()

    vectors = runner.read(
        query("MATCH (e:Entity)-[:HAS_VECTOR]->(t:TextVector {space: 'text'}) RETURN e.id AS id, t.vector AS v")
    )
    ids = run.read_table("entities")["entity_id"].to_pylist()
    text = run.read_array("text_vectors")
    assert {row["id"] for row in vectors} == set(ids)
    assert all(np.allclose(row["v"], text[ids.index(row["id"])], atol=1e-6) for row in vectors[:20])
    with store.transaction(read_only=True) as tx:
        kept = tx.rows(f"SELECT count(*) AS n FROM entity_vector_{published.preference_space}")
    assert kept[0]["n"] == len(ids)


def test_confirmed_pairs_are_kept_and_rejected_removed(
    loaded: Home, connections: Connections, runner: Neo4jRunner
) -> None:
    first = mine_week(loaded, connections, OPTIONS).read_table("relations").to_pandas()
    gone = first.iloc[0]
    listed = set(zip(first["source_id"], first["target_id"], strict=True))
    kept = next(("ent000000", f"ent{i:06d}") for i in range(200, 420) if ("ent000000", f"ent{i:06d}") not in listed)
    for kind, (source, target) in (("REJECTED", (gone["source_id"], gone["target_id"])), ("CONFIRMED", kept)):
        runner.write(
            query(f"MATCH (u:Entity {{id: $s}}), (v:Entity {{id: $t}}) CREATE (u)-[:{kind} {{score: 0.9}}]->(v)"),
            {"s": source, "t": target},
        )
    again = mine_week(loaded, connections, OPTIONS).read_table("relations").to_pandas()
    listed = set(zip(again["source_id"], again["target_id"], strict=True))
    assert kept in listed
    assert (gone["source_id"], gone["target_id"]) not in listed


@pytest.mark.parametrize("model", ["walk", "alpc"])
def test_a_confirmed_relation_survives_a_week_that_drops_it_and_a_rejected_one_never_returns(
    loaded: Home, connections: Connections, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    monkeypatch.setenv("AUDIENCE_GRAPH_ACTOR", "mia")
    config = replace(OPTIONS.config, model=model, plots=False, alpc=replace(MineAlpc(), epochs=2))

    def mined(as_of: date) -> dict[tuple[str, str], str]:
        table = mine_week(loaded, connections, MineOptions(as_of=as_of, config=config)).read_table("relations")
        ends = zip(table["source_id"].to_pylist(), table["target_id"].to_pylist(), strict=True)
        return dict(zip(ends, table["provenance"].to_pylist(), strict=True))

    newest = last_day(loaded)
    before, now = mined(newest - timedelta(days=28)), mined(newest)
    candidates = read_candidates(loaded)
    dropped = sorted(pair for pair in before if pair not in now and pair not in candidates)[:3]
    assert dropped, "the later week must drop some relations of the earlier one"
    gone = sorted(set(before) & set(now))[:3]
    with AudienceGraph.connect(connections=connections) as ag:
        for source, target in dropped:
            ag.decisions.confirm(source, target)
        for source, target in gone:
            ag.decisions.reject(source, target)
    again = mined(newest)
    assert {pair: again.get(pair) for pair in dropped} == dict.fromkeys(dropped, "confirmed")
    assert not set(gone) & set(again)
    assert not set(gone) & set(mined(newest - timedelta(days=28)))


def read_candidates(home: Home) -> set[tuple[str, str]]:
    """Pairs that the newest run proposed or explored, by id."""
    run = open_run(max(home.runs.iterdir(), key=lambda folder: (folder / "done").stat().st_mtime_ns))
    ids, table = run.read_table("entities")["entity_id"].to_pylist(), run.read_table("candidates")
    return {(ids[u], ids[v]) for u, v in zip(table["source"].to_pylist(), table["target"].to_pylist(), strict=True)}


def test_the_same_week_mined_twice_is_the_same_version(loaded: Home, connections: Connections) -> None:
    first, second = (mine_week(loaded, connections, OPTIONS) for _ in range(2))
    assert first.run_id != second.run_id
    for name in ("relations.parquet", "candidates.parquet", "entity_vectors.npy", "thresholds.parquet"):
        assert (first.path / name).read_bytes() == (second.path / name).read_bytes(), name
    assert stage_run(loaded, connections, first).id == stage_run(loaded, connections, second).id


def test_the_command_prints_one_object(loaded: Home, connections: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("uri", "username", "password", "database"):
        monkeypatch.setenv(f"NEO4J_{name.upper()}", getattr(connections, f"neo4j_{name}"))
    monkeypatch.setenv("DATABASE_URL", connections.database_url)
    arguments = ["--data-dir", str(loaded.path), "--json", "--set", "dims=32", "--set", "device=cpu", "--no-stage"]
    result = CliRunner().invoke(mine, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["week"] == "2025-W30"
    assert told["as_of"] == "2025-07-26"
    assert told["relations"] == told["metrics"]["relations"] > 0
    assert "version" not in told


def test_a_worse_week_stays_staged_and_the_command_says_so(
    loaded: Home, connections: Connections, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("uri", "username", "password", "database"):
        monkeypatch.setenv(f"NEO4J_{name.upper()}", getattr(connections, f"neo4j_{name}"))
    monkeypatch.setenv("DATABASE_URL", connections.database_url)
    arguments = ["--data-dir", str(loaded.path), "--json", "--set", "dims=32", "--set", "device=cpu"]
    first = CliRunner().invoke(mine, arguments)
    assert json.loads(first.stdout)["status"] == "current", first.output
    fewer = [*arguments, "--set", "cut_score=0.6", "--gate", "relation_change=0.01", "--gate", "coverage_drop=off"]
    refused = CliRunner().invoke(mine, fewer)
    assert isinstance(refused.exception, GateError)
    assert refused.exception.checks == ("relation_change",)
    assert "--force --reason" in str(refused.exception.hint)
    told = json.loads(refused.stdout)
    assert told["status"] == "staged"
    assert release.current(store).version == json.loads(first.stdout)["version"] != told["version"]
    forced = CliRunner().invoke(mine, [*fewer, "--force", "--reason", "a stricter cut"])
    assert json.loads(forced.stdout)["status"] == "current", forced.output
    assert release.current(store).reason == "a stricter cut"


def test_weeks_and_days(home: Home, world: Path) -> None:
    today = date(2026, 7, 28)
    assert resolve_week(home, "2026-W30", None, today=today) == ("2026-W30", date(2026, 7, 26))
    assert resolve_week(home, "2026-W31", None, today=today) == ("2026-W31", today)
    with pytest.raises(ConfigError, match="has not begun"):
        resolve_week(home, "2026-W32", None, today=today)
    assert resolve_week(home, None, date(2024, 12, 30)) == ("2025-W01", date(2024, 12, 30))
    with pytest.raises(ConfigError, match="is not an ISO week"):
        resolve_week(home, "2026-W54", None)
    with pytest.raises(RunError, match="no events are loaded"):
        last_day(home)
    load("events", world / "events.parquet", home=home)
    assert last_day(home) < AS_OF.date()
    assert last_day(home, today=date(2025, 7, 20)) == date(2025, 7, 20)
    assert resolve_week(home, None, None, today=date(2025, 7, 20)) == ("2025-W29", date(2025, 7, 20))
    with pytest.raises(RunError, match="no event is from"):
        last_day(home, today=date(2001, 1, 1))


def test_two_weeks_of_alpc_reach_both_stores_and_decide_together(
    world: Path, loaded: Home, connections: Connections, runner: Neo4jRunner, store: Store
) -> None:
    small = MineAlpc(dims=16, text_dims=16, walk_dims=16, hidden=16, epochs=8)
    together = EnsembleConfig(weeks=2, dims=16, hidden=32, epochs=20)
    config = replace(OPTIONS.config, model="alpc", alpc=small, ensemble=together, plots=True)
    last = last_day(loaded)
    before = mine_week(loaded, connections, MineOptions(as_of=last - timedelta(weeks=1), config=config))
    assert "ensemble" not in before.read_json("metrics")
    run = mine_week(loaded, connections, MineOptions(as_of=last, config=config))
    metrics = run.read_json("metrics")
    assert metrics["ensemble"]["validation_auc"] > 0.6
    assert metrics["validation_auc"] > 0.6
    assert {"z.npy", "pairs.parquet", "curves.parquet", "report.html", "training.png"} <= {
        file.name for file in run.path.iterdir()
    }
    truth, ids = pd.read_parquet(world / "truth" / "relations.parquet"), run.read_table("entities")["entity_id"]
    pairs = run.read_table("candidates")
    proposed = pd.DataFrame({f"{end}_id": ids.take(pairs[end]).to_pylist() for end in ("source", "target")})
    published_of, proposed_of = (
        relation_quality(found, truth) for found in (run.read_table("relations").to_pandas(), proposed)
    )
    assert published_of.precision > 1.3 * proposed_of.precision
    assert published_of.recall > 0.4
    published = publish_release(connections, stage_run(loaded, connections, run))
    node = runner.read(
        query("MATCH (v:RelationVersion) RETURN v.version AS version, v.metric_validation_auc AS auc, v.aecc AS aecc")
    )
    assert node == [
        {
            "version": published.version,
            "auc": metrics["validation_auc"],
            "aecc": pytest.approx(metrics["relations_per_entity"]),
        }
    ]
    kinds = runner.read(
        query(f"MATCH ()-[r:{published.relation_type}]->() RETURN DISTINCT r.provenance AS kind ORDER BY kind")
    )
    assert {row["kind"] for row in kinds} == set(metrics["relations_by_provenance"])
    with store.transaction(read_only=True) as tx:
        dims = tx.rows("SELECT dims FROM space WHERE space = %s", (published.preference_space,))
    assert dims[0]["dims"] == 2 * 16  # h_e: two weeks of z
