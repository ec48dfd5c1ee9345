"""The live graph as a link-prediction task, and FastRP through our own server: nothing is left behind in either."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from audience_graph.config import Connections, Home
from audience_graph.demo import write_world
from audience_graph.demo.sizes import SIZES
from audience_graph.errors import NotFoundError
from audience_graph.graph.queries import Query
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.ingest import load
from audience_trainers.evaluate_command import evaluate
from audience_trainers.push import publish_release, stage_run
from audience_trainers.relations.baselines.fastrp import fast_rp
from audience_trainers.relations.config import MineConfig
from audience_trainers.relations.linkpred.from_store import read_stored_graph, stored_task
from audience_trainers.relations.linkpred.task import pair_key
from audience_trainers.relations.mine import MineOptions, mine_week
from audience_trainers.run import RunFolder

TINY = replace(SIZES["small"], name="tiny", entities=420, users=900)
WORLD_SEED = 11
OPTIONS = MineOptions(config=MineConfig(dims=32, dims_co=32, device="cpu"))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    write_world(folder, TINY, WORLD_SEED)
    return folder


@pytest.fixture
def published(world: Path, home: Home, connections: Connections, clean_stores: None) -> RunFolder:  # noqa: ARG001
    load("entities", world / "entities.parquet", home=home, connections=connections)
    load("events", world / "events.parquet", home=home)
    run = mine_week(home, connections, OPTIONS)
    publish_release(connections, stage_run(home, connections, run))
    return run


def catalog(runner: Neo4jRunner) -> list[str]:
    text = "CALL gds.graph.list() YIELD graphName RETURN graphName AS name"
    return [row["name"] for row in runner.read(Query("tests/catalog", text, (), ("name",), Path(__file__)))]


def test_the_live_graph_is_split_by_the_papers_recipe(
    published: RunFolder, world: Path, home: Home, connections: Connections
) -> None:
    graph = read_stored_graph(home, connections)
    mined = published.read_table("relations").to_pandas()
    pairs = {tuple(sorted(pair)) for pair in zip(mined["source_id"], mined["target_id"], strict=True)}
    assert {(graph.ids[u], graph.ids[v]) for u, v in graph.edges.T.tolist()} == pairs
    ids = published.read_table("entities")["entity_id"].to_pylist()
    rows = [ids.index(entity_id) for entity_id in graph.ids]
    assert graph.features is not None
    np.testing.assert_allclose(graph.features, published.read_array("text_vectors")[rows], atol=1e-6)
    assert graph.co is not None
    assert graph.co.shape == (len(graph.ids), 32)
    named = {
        tuple(sorted(row[:2]))
        for row in mined[["source_id", "target_id", "provenance"]].values.tolist()
        if row[2] == "semantic"
    }
    semantic = graph.edges[:, graph.provenance == 1]
    assert {(graph.ids[u], graph.ids[v]) for u, v in semantic.T.tolist()} <= named

    task = stored_task(graph, truth=world / "truth" / "relations.parquet")
    n, total = task.training.n, graph.edges.shape[1]
    tested = task.test["random"]
    assert tested.positive.shape == tested.negative.shape == (2, round(total / 10))
    known = pair_key(graph.edges, n)
    assert np.isin(pair_key(tested.positive, n), known).all()
    for negative in (tested.negative, task.test["hard"].negative, task.training.valid_negative):
        assert not np.isin(pair_key(negative, n), known).any()
    shown = pair_key(np.concatenate([task.training.edges, task.training.valid_positive], axis=1), n)
    assert not np.isin(pair_key(tested.positive, n), shown).any()
    assert len(shown) + tested.positive.shape[1] == total
    assert task.training.provenance is not None
    assert len(task.training.provenance) == task.training.edges.shape[1]
    assert tested.truth is not None
    half = len(tested.truth) // 2
    assert (tested.truth[:half] > 0).mean() > (tested.truth[half:] > 0).mean() + 0.3
    sample = stored_task(graph, ratio=0.5)
    assert sample.training.n == round(0.5 * n)
    np.testing.assert_array_equal(sample.training.edges, stored_task(graph, ratio=0.5).training.edges)


@pytest.mark.usefixtures("published")
def test_the_command_compares_on_the_live_graph_with_fast_rp(
    world: Path, home: Home, connections: Connections, runner: Neo4jRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("uri", "username", "password", "database"):
        monkeypatch.setenv(f"NEO4J_{name.upper()}", getattr(connections, f"neo4j_{name}"))
    monkeypatch.setenv("DATABASE_URL", connections.database_url)
    truth = str(world / "truth" / "relations.parquet")
    arguments = ["relations", "--from-store", "--sample", "1", "--sample", "0.6", "--truth", truth, "--json"]
    arguments += ["--models", "walk,preferential_attachment,fastrp", "--seeds", "2", "--reference", "walk"]
    arguments += ["--device", "cpu", "--data-dir", str(home.path)]
    before = catalog(runner)
    result = CliRunner().invoke(evaluate, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    samples = json.loads(result.stdout)["samples"]
    assert set(samples) == {"1", "0.6"}
    models = samples["1"]["models"]
    assert models["walk"]["auc"]["mean"] > 0.9
    assert models["fastrp"]["auc"]["mean"] > 0.8
    assert 0.5 < models["walk"]["acc"]["mean"] <= 1.0
    assert samples["1"]["data"] != samples["0.6"]["data"]
    assert catalog(runner) == before


def test_fast_rp_repeats_and_leaves_nothing(runner: Neo4jRunner) -> None:
    rng = np.random.default_rng(1)
    group = np.arange(60) % 2
    u, v = np.triu_indices(60, 1)
    kept = (rng.random(len(u)) < np.where(group[u] == group[v], 0.4, 0.02)) & (v < 59)
    edges = np.stack([u[kept], v[kept]])
    before = catalog(runner)
    how = {"weights": [0.0, 1.0, 1.0], "normalization": 0.0, "seed": 5}
    first, second = (fast_rp(runner, edges, 60, dims=32, **how) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert not first[59].any()
    unit = first[:59] / np.linalg.norm(first[:59], axis=1, keepdims=True)
    cosine = unit @ unit.T
    same = group[:59, None] == group[None, :59]
    assert cosine[same].mean() > cosine[~same].mean() + 0.3
    assert catalog(runner) == before


@pytest.mark.usefixtures("clean_stores")
def test_before_anything_is_published_it_says_so(home: Home, connections: Connections) -> None:
    with pytest.raises(NotFoundError, match="nothing is published"):
        read_stored_graph(home, connections)
