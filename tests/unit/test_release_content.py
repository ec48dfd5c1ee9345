"""A run folder: what is read, how it is ordered and named, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audience_graph.errors import RunError
from audience_graph.graph.queries import load_query
from audience_graph.release.content import ranks, read_content
from audience_graph.release.relations import relation_batch
from audience_graph.vectors.window import WINDOW_DAYS
from releases.runs import World, write_run


def edit(folder: Path, change: Callable[[list[dict[str, object]]], None]) -> None:
    rows = pq.read_table(folder / "relations.parquet").to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows), folder / "relations.parquet")


def test_equal_content_has_an_equal_name_whatever_the_order(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "a", World())
    before = read_content(folder)
    order = np.random.default_rng(3).permutation(30)
    for name in ("entities.parquet", "thresholds.parquet"):
        pq.write_table(pq.read_table(folder / name).take(order), folder / name)
    np.save(folder / "entity_vectors.npy", np.load(folder / "entity_vectors.npy")[order])
    edit(folder, lambda rows: rows.reverse())
    after = read_content(folder)
    assert after.content_hash == before.content_hash
    assert after.version == f"2026-W30-{after.content_hash[:8]}"
    assert after.relation_type == "RELATES_" + after.version.replace("-", "_")
    load_query("relations/count_version").at_version(after.relation_type)


@pytest.mark.parametrize("column", ["score", "logit", "margin", "provenance"])
def test_another_relation_is_another_content(tmp_path: Path, column: str) -> None:
    folder = write_run(tmp_path / "a", World())
    before = read_content(folder).content_hash

    def change(rows: list[dict[str, object]]) -> None:
        rows[4][column] = "semantic" if rows[4][column] == "both" else "both" if column == "provenance" else 0.123

    edit(folder, change)
    assert read_content(folder).content_hash != before


def test_ranks_fall_with_the_score_and_ties_go_by_target() -> None:
    source = np.array([0, 0, 0, 1, 1], np.int32)
    target = np.array([1, 2, 3, 0, 2], np.int32)
    assert ranks(source, target, np.array([0.5, 0.9, 0.5, 0.1, 0.2])).tolist() == [2, 1, 3, 2, 1]


def test_scores_are_rounded_and_never_to_zero(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "a", World())
    edit(folder, lambda rows: rows[0].update(score=1e-9) or rows[1].update(score=0.12345678))
    scores = read_content(folder).relations.score
    assert (1e-6 in scores, 0.123457 in scores) == (True, True)


def test_a_batch_names_each_entity_once_and_gives_back_its_rows(tmp_path: Path) -> None:
    content = read_content(write_run(tmp_path / "a", World()))
    batch = relation_batch(content, 7, 31)
    assert len(set(batch["ids"])) == len(batch["ids"])
    rows = [
        (batch["ids"][batch["source"][s]], batch["ids"][batch["target"][i]], batch["score"][i])
        for s in range(len(batch["source"]))
        for i in range(batch["start"][s], batch["start"][s + 1])
    ]
    r = content.relations
    ids = content.entity_ids
    assert rows == [(ids[r.source[i]], ids[r.target[i]], r.score[i]) for i in range(7, 31)]


def unfinished(folder: Path) -> None:
    (folder / "done").unlink()


def other_week(folder: Path) -> None:
    (folder / "run.json").write_text(json.dumps({"week": "July", "as_of": "2026-07-26"}))


def broken_json(folder: Path) -> None:
    (folder / "run.json").write_text("{")


def no_relations(folder: Path) -> None:
    edit(folder, lambda rows: rows.__delitem__(slice(1, None)))
    table = pq.read_table(folder / "relations.parquet")
    pq.write_table(table.slice(0, 0), folder / "relations.parquet")


def short_vectors(folder: Path) -> None:
    np.save(folder / "entity_vectors.npy", np.ones((3, 4), np.float32))


def infinite(folder: Path) -> None:
    np.save(folder / "entity_vectors.npy", np.full((30, 4), np.inf, np.float32))


def truncated(folder: Path) -> None:
    (folder / "relations.parquet").write_bytes((folder / "relations.parquet").read_bytes()[:-20])


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (unfinished, "not finished"),
        (other_week, "week 'July'"),
        (broken_json, "run.json is not readable"),
        (no_relations, "holds no relations"),
        (short_vectors, r"expected 30 rows .* found shape \(3, 4\)"),
        (infinite, "half-precision"),
        (truncated, "relations.parquet is not readable"),
        (lambda f: edit(f, lambda rows: rows.append(rows[0])), "a pair repeats"),
        (lambda f: edit(f, lambda rows: rows[0].update(score=0.0)), r"not in \(0, 1\]"),
        (lambda f: edit(f, lambda rows: rows[0].update(score=float("nan"))), r"not in \(0, 1\]"),
        (lambda f: edit(f, lambda rows: rows[0].update(target_id="stranger")), "'stranger' is not among"),
        (lambda f: edit(f, lambda rows: rows[0].update(target_id=rows[0]["source_id"])), "relates to itself"),
        (lambda f: edit(f, lambda rows: rows[0].update(provenance="guess")), "'guess' is not among"),
    ],
)
def test_a_broken_run_is_refused_by_name(tmp_path: Path, harm: Callable[[Path], None], words: str) -> None:
    folder = write_run(tmp_path / "a", World())
    harm(folder)
    with pytest.raises(RunError, match=words):
        read_content(folder)


@pytest.mark.parametrize("days", [0, -1, 1.5, "60", True, None, 10**9])
def test_a_window_that_is_no_number_of_days_is_refused(tmp_path: Path, days: object) -> None:
    folder = write_run(tmp_path / "a", World())
    run = json.loads((folder / "run.json").read_text())
    run["config"]["days"] = days
    (folder / "run.json").write_text(json.dumps(run))
    with pytest.raises(RunError, match=r"config\.days"):
        read_content(folder)


def test_a_run_that_names_no_window_has_the_usual_one(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "a", World())
    run = json.loads((folder / "run.json").read_text())
    del run["config"]["days"]
    (folder / "run.json").write_text(json.dumps(run))
    assert read_content(folder).days == WINDOW_DAYS
