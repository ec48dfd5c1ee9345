"""The frame of link prediction: folders are checked, models never see the test, measures agree with a reference."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from audience_graph.errors import ConfigError, InputError, RunError
from audience_trainers.relations.linkpred.hard import NEAREST, hard_negatives, near_pairs
from audience_trainers.relations.linkpred.models import MODELS, MOST_SETTINGS, choose_models
from audience_trainers.relations.linkpred.ranking import hits_at, ranking_measures
from audience_trainers.relations.linkpred.read import read_task
from audience_trainers.relations.linkpred.task import FitOptions, Training, pair_key
from linkpred.folders import write_folder, write_split


def test_a_folder_becomes_a_task_whose_models_see_no_test_pair(tmp_path: Path) -> None:
    rows = write_folder(tmp_path)
    task = read_task(tmp_path)
    seen = {field.name: getattr(task.training, field.name) for field in dataclasses.fields(Training)}
    shown = np.concatenate([seen["edges"], seen["valid_positive"], seen["valid_negative"]], axis=1)
    tested = [row for row in rows if row[0] == "test"]
    assert {(u, v) for _, _, u, v in tested}.isdisjoint(map(tuple, shown.T.tolist()))
    assert task.test["random"].pairs().shape == (2, len(tested))
    assert task.training.features is not None
    assert task.training.features.shape == (60, 3)


def test_hard_negatives_are_strangers_each_once_and_nearer_than_random(tmp_path: Path) -> None:
    write_folder(tmp_path)
    task = read_task(tmp_path)
    edges = pq.read_table(tmp_path / "edges.parquet")
    known = np.stack([edges["u"].to_numpy(), edges["v"].to_numpy()]).astype(np.int64)
    hard = task.test["hard"].negative
    key = pair_key(hard, 60)
    assert hard.shape == task.test["random"].negative.shape
    assert len(np.unique(key)) == len(key)
    assert not np.isin(key, pair_key(known, 60)).any()
    same = lambda pairs: float((pairs[0] % 3 == pairs[1] % 3).mean())  # noqa: E731
    assert same(hard) > same(task.test["random"].negative) + 0.2
    assert np.array_equal(hard, read_task(tmp_path).test["hard"].negative)


def test_near_strangers_are_the_best_of_a_full_sort_equal_ones_by_number() -> None:
    n = 200
    edges = np.unique(np.sort(np.random.default_rng(3).integers(n, size=(2, 900)), axis=0), axis=1)
    nothing = np.zeros((2, 0), np.int64)
    training = Training(n, edges[:, edges[0] < edges[1]], nothing, nothing)
    graph = training.adjacency().toarray()
    strength = graph @ (graph / np.maximum(graph.sum(axis=1, keepdims=True), 1.0))
    strength[graph > 0] = 0.0
    np.fill_diagonal(strength, 0.0)
    best = np.argsort(-strength, axis=1, kind="stable")[:, :NEAREST]
    expected = [(u, int(v)) for u in range(n) for v in best[u] if strength[u, v] > 0]
    assert [tuple(pair) for pair in near_pairs(training).T.tolist()] == expected
    some = near_pairs(training, np.array([3, 150])).T.tolist()
    assert [tuple(pair) for pair in some] == [pair for pair in expected if pair[0] in (3, 150)]


def test_a_source_without_strangers_takes_the_hard_negatives_of_others() -> None:
    n = 12
    star = np.stack([np.zeros(n - 1, np.int64), np.arange(1, n)])
    nothing = np.zeros((2, 0), np.int64)
    positive = star[:, :4]
    hard = hard_negatives(Training(n, star[:, 4:], nothing, nothing), positive, known=star, seed=7)
    key = pair_key(hard, n)
    assert hard.shape == positive.shape
    assert len(np.unique(key)) == 4
    assert not np.isin(key, pair_key(star, n)).any()
    assert np.all(hard[0] != hard[1])


def test_a_complete_graph_has_no_hard_negatives() -> None:
    nothing = np.zeros((2, 0), np.int64)
    whole = np.stack(np.triu_indices(5, 1))
    with pytest.raises(RunError, match="too few hard negatives"):
        hard_negatives(Training(5, whole[:, 2:], nothing, nothing), whole[:, :2], known=whole, seed=7)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: [*rows, ("test", 1, *rows[-1][2:])], "are training edges too"),
        (lambda rows: [*rows, ("valid", 0, *rows[-1][2:])], "are edges in edges.parquet"),
        (lambda rows: [r for r in rows if r[0] != "valid"], "no row with split 'valid'"),
        (lambda rows: [*rows, ("valid", 0, 4, 4)], "pairs a node with itself"),
        (lambda rows: [*rows, ("valid", 0, -1, 4)], "negative node ids"),
        (lambda rows: [*rows, ("valid", 0, 1, 400)], "the edges name node 400"),
    ],
)
def test_a_bad_split_is_refused_in_words(tmp_path: Path, change: object, words: str) -> None:
    rows = write_folder(tmp_path)
    write_split(tmp_path, change(rows))  # type: ignore[operator]
    with pytest.raises(InputError, match=words):
        read_task(tmp_path)


def test_damaged_files_are_refused_in_words(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "features.npz").write_bytes(b"not a zip file")
    with pytest.raises(InputError, match=r"features\.npz"):
        read_task(tmp_path)
    (tmp_path / "features.npz").unlink()
    assert read_task(tmp_path).training.features is None
    (tmp_path / "edges.parquet").unlink()
    with pytest.raises(InputError, match=r"edges\.parquet is not readable"):
        read_task(tmp_path)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_measures_agree_with_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    label = (rng.random(300) < 0.3).astype(np.float64)
    score = np.round(rng.normal(label, 1.0), 1)  # ties
    found = ranking_measures(score, label)
    assert found["auc"] == pytest.approx(roc_auc_score(label, score))
    assert found["ap"] == pytest.approx(average_precision_score(label, score))
    ordered = np.sort(score[label == 0])[::-1]
    assert found["hits@50"] == pytest.approx((score[label == 1] > ordered[49]).mean())


def test_hits_need_as_many_negatives() -> None:
    assert hits_at(np.array([1.0, 0.0]), np.array([1.0, 0.0]), 20) == 1.0


def test_every_model_loads_and_has_the_same_budget() -> None:
    for model in MODELS.values():
        assert callable(model.load())
        assert 1 <= len(model.grid) <= MOST_SETTINGS


def test_models_are_chosen_by_name() -> None:
    assert set(choose_models("all")) == set(MODELS)
    assert list(choose_models(" walk ")) == ["walk"]
    with pytest.raises(ConfigError, match="'nonsense'"):
        choose_models("walk,nonsense")
    with pytest.raises(ConfigError):
        choose_models(" ")


def test_the_walk_finds_the_groups(tmp_path: Path) -> None:
    write_folder(tmp_path)
    task = read_task(tmp_path)
    scorer = MODELS["walk"].load()(task.training, {}, FitOptions(seed=1))
    judged = task.test["random"]
    assert ranking_measures(scorer(judged.pairs()), judged.labels())["auc"] > 0.8
