"""A published version is sampled from Neo4j, annotated by the world's oracle, and measured against the truth."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from audience_graph.config import Connections, Home
from audience_graph.demo import write_world
from audience_graph.demo.sizes import SIZES
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.ingest import load
from audience_graph.release import Release
from audience_trainers.evaluate_command import evaluate
from audience_trainers.push import publish_release, stage_run
from audience_trainers.relations.annotation.oracle import read_grades
from audience_trainers.relations.annotation.population import population_of_release, population_of_run
from audience_trainers.relations.config import MineConfig
from audience_trainers.relations.mine import MineOptions, mine_week
from audience_trainers.run import RunFolder

TINY = replace(SIZES["small"], name="tiny", entities=420, users=900)
OPTIONS = MineOptions(config=MineConfig(dims=32, dims_co=32, device="cpu"))


@pytest.fixture
def named_servers(connections: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("neo4j_uri", "neo4j_username", "neo4j_password", "neo4j_database", "database_url"):
        monkeypatch.setenv(name.upper(), getattr(connections, name))


@pytest.fixture
def published(home: Home, connections: Connections, clean_stores: None) -> tuple[Release, RunFolder]:  # noqa: ARG001
    world = home.path / "demo"
    write_world(world, TINY, 11)
    load("entities", world / "entities.parquet", home=home, connections=connections)
    load("events", world / "events.parquet", home=home)
    run = mine_week(home, connections, OPTIONS)
    return publish_release(connections, stage_run(home, connections, run), home=home), run


def call(home: Home, *arguments: str) -> str:
    result = CliRunner().invoke(evaluate, [*arguments, "--data-dir", str(home.path)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_mined_run_is_drawn(published: tuple[Release, RunFolder]) -> None:
    _, run = published
    drawn = {"sources.png", "scores.png", "degrees.png", "report.html"}
    assert drawn <= set(json.loads((run.path / "done").read_text(encoding="utf-8"))["files"])
    assert all((run.path / name).stat().st_size > 1_000 for name in drawn)


@pytest.mark.usefixtures("named_servers")
def test_a_version_is_sampled_annotated_and_measured(
    published: tuple[Release, RunFolder], home: Home, runner: Neo4jRunner
) -> None:
    release, run = published
    mine, stored = population_of_run(run), population_of_release(runner, release)
    kept = mine.pairs.relation
    assert stored.ids == mine.ids
    assert stored.pairs.source.tolist() == mine.pairs.source[kept].tolist()
    assert stored.pairs.target.tolist() == mine.pairs.target[kept].tolist()
    assert stored.pairs.provenance.tolist() == mine.pairs.provenance[kept].tolist()
    assert np.allclose(stored.pairs.margin, mine.pairs.margin[kept])
    assert stored.popularity.sum() > 0

    out = str(home.path / "pairs.csv")
    call(home, "annotate", "--out", out, "--version", release.version, "--count", "100000", "--oracle")
    report = json.loads(call(home, "accuracy", out, "--version", release.version, "--json"))
    grades = read_grades(home.path / "demo")
    relations = run.read_table("relations")
    pairs = zip(relations["source_id"].to_pylist(), relations["target_id"].to_pylist(), strict=True)
    right = np.mean([grades.get(pair, 0.0) > 0 for pair in pairs])
    pools = {pool["pool"]: pool for pool in report["pools"]}
    for name in ("relations", f"relations of {release.version}"):
        assert pools[name]["acc"]["value"] == pytest.approx(right)
        assert pools[name]["aecc"] == pytest.approx(relations.num_rows / len(mine))
    assert pools["relations"]["week"] == release.week


@pytest.mark.usefixtures("named_servers")
def test_two_annotators_of_a_week_and_of_popular_pairs(published: tuple[Release, RunFolder], home: Home) -> None:
    release, _ = published
    out = str(home.path / "week.parquet")
    noisy = ("--annotators", "ann,bob", "--oracle", "--oracle-noise", "0.2")
    call(home, "annotate", "--out", out, "--week", release.week, "--pool", "relations", "--pool", "popularity", *noisy)
    text = call(home, "accuracy", out)
    assert "popularity" in text
    assert "Cohen's kappa" in text
