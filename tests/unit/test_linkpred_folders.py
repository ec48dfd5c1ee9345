"""Folders made of sequences, truth files, samples of the live graph: what goes in comes out, and nothing leaks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audience_graph.errors import InputError, RunError
from audience_trainers.relations.linkpred.from_sequences import (
    FolderPlan,
    Interactions,
    behaviour_of,
    nearest_pairs,
    write_sequence_folder,
)
from audience_trainers.relations.linkpred.from_store import sample_entities
from audience_trainers.relations.linkpred.read import read_task
from audience_trainers.relations.linkpred.split import split_relations
from audience_trainers.relations.linkpred.task import pair_key
from audience_trainers.relations.linkpred.truth import read_truth
from linkpred.folders import write_folder as write_small_folder

PLAN = FolderPlan(relations=6.0, least_users=5, least_together=2, dims_co=8, epochs=1)


def tastes(users: int = 400, items: int = 60, seed: int = 1) -> Interactions:
    """Users of four tastes who mostly take items (numbered from 1000) of their own; one more item with one user."""
    rng = np.random.default_rng(seed)
    user = np.repeat(np.arange(users), 12)
    own = rng.random(len(user)) < 0.8
    taste = user // 2 % 4  # each half of the users (even, odd) has all four
    item = np.where(own, taste + 4 * rng.integers(items // 4, size=len(user)), rng.integers(items, size=len(user)))
    text = {1000 + i: f"item {i}" for i in range(items)}
    return Interactions(np.append(user, 3), np.append(item, items) + 1000, text)


def encode(texts: list[str]) -> np.ndarray:
    return np.array([[len(text), 1.0] for text in texts], np.float32)


def test_sequences_become_a_folder_whose_second_half_judges(tmp_path: Path) -> None:
    split = write_sequence_folder(tmp_path, tastes(), encode, PLAN)
    task = read_task(tmp_path)
    nodes = pq.read_table(tmp_path / "nodes.parquet")
    assert nodes["item"].to_pylist() == list(range(1000, 1060))  # the item with one user is gone
    assert task.training.n == 60
    assert task.training.features is not None
    assert task.training.co is not None
    assert task.training.co.shape == (60, 8)
    np.testing.assert_array_equal(task.training.edges, split.train)
    edges = pq.read_table(tmp_path / "edges.parquet")
    assert len(edges) == 6 * 60
    assert len(np.unique(pair_key(np.stack([edges["u"], edges["v"]]).astype(np.int64), 60))) == 6 * 60
    same = np.mean(np.array(edges["u"]) % 4 == np.array(edges["v"]) % 4)
    assert same > 0.8
    judged = task.test["random"]
    assert judged.truth is not None
    assert set(np.unique(judged.truth)) <= {0.0, 0.5, 1.0}
    tested = judged.positive.shape[1]
    assert (judged.truth[:tested] > 0).mean() > (judged.truth[tested:] > 0).mean() + 0.3
    assert judged.truth[:tested].min() < 1.0  # other users than those that made the graph
    again = tmp_path / "again"
    write_sequence_folder(again, tastes(), encode, PLAN)
    for name in ("edges.parquet", "linkpred_split.parquet", "truth.parquet"):
        assert (again / name).read_bytes() == (tmp_path / name).read_bytes()


def test_a_user_counts_once_per_item_in_the_order_of_first_meeting() -> None:
    user = np.array([7, 5, 7, 7, 5, 7])
    item = np.array([20, 10, 30, 20, 20, 10])
    behaviour, items = behaviour_of(Interactions(user, item, {}), least_users=1)
    assert items.tolist() == [10, 20, 30]
    assert behaviour.start.tolist() == [0, 2, 5]
    assert behaviour.entity.tolist() == [0, 1, 1, 2, 0]
    with pytest.raises(RunError, match="0 items have 9 users"):
        behaviour_of(Interactions(user, item, {}), least_users=9)


def test_the_nearest_come_first_and_pairs_need_their_users() -> None:
    behaviour, _ = behaviour_of(tastes(), least_users=5)
    few, many = (nearest_pairs(behaviour, relations, PLAN) for relations in (2.0, 6.0))
    assert few.shape == (2, 120)
    np.testing.assert_array_equal(many[:, :120], few)
    assert (few[0] < few[1]).all()
    lonely = FolderPlan(least_together=10_000)
    assert nearest_pairs(behaviour, 6.0, lonely).shape == (2, 0)


def test_a_split_keeps_every_relation_once_and_its_strangers_apart() -> None:
    rng = np.random.default_rng(2)
    u, v = np.triu_indices(50, 1)
    edges = np.stack([u, v])[:, rng.random(len(u)) < 0.3]
    split = split_relations(edges, 50)
    parts = [split.train, split.valid.positive, split.test.positive]
    key = np.concatenate([pair_key(part, 50) for part in parts])
    np.testing.assert_array_equal(np.sort(key), np.sort(pair_key(edges, 50)))
    assert split.test.positive.shape == split.test.negative.shape == (2, round(edges.shape[1] / 10))
    strangers = pair_key(np.concatenate([split.test.negative, split.valid.negative], axis=1), 50)
    assert len(np.unique(strangers)) == len(strangers)
    assert not np.isin(strangers, key).any()
    with pytest.raises(RunError, match="too few"):
        split_relations(edges[:, :4], 50)
    with pytest.raises(RunError, match="not relations"):
        split_relations(np.stack([u, v]), 50)


def test_truth_is_read_by_node_or_by_entity(tmp_path: Path) -> None:
    file = tmp_path / "truth.parquet"
    pq.write_table(pa.table({"u": [3, 1, 9, 2], "v": [1, 3, 0, 0], "grade": [0.0, 0.5, 1.0, 1.0]}), file)
    truth = read_truth(file, 5, wanted=True)
    assert truth is not None
    positive, negative = np.array([[1, 0], [3, 2]]), np.array([[4], [0]])
    assert truth.of(positive, negative).tolist() == [0.5, 1.0, 0.0]
    pq.write_table(pa.table({"source_id": ["a", "b", "x"], "target_id": ["c", "a", "a"]}), file)
    named = read_truth(file, 3, wanted=True, number={"a": 2, "b": 0, "c": 1})
    assert named is not None
    assert named.of(np.array([[1, 0], [2, 2]]), np.array([[0], [1]])).tolist() == [1.0, 1.0, 0.0]
    assert read_truth(tmp_path / "absent.parquet", 3, wanted=False) is None
    for table, words in (
        (pa.table({"a": [1]}), "expected columns u, v or source_id, target_id"),
        (pa.table({"u": [1], "v": [2], "grade": [3.0]}), "numbers from 0 to 1"),
        (pa.table({"u": ["1"], "v": [2]}), "expected whole numbers"),
    ):
        pq.write_table(table, file)
        with pytest.raises(InputError, match=words):
            read_truth(file, 3, wanted=True)
    with pytest.raises(InputError, match="not readable"):
        read_truth(tmp_path / "absent.parquet", 3, wanted=True)


def test_co_vectors_are_read_and_must_fit_the_graph(tmp_path: Path) -> None:
    write_small_folder(tmp_path)
    co = np.arange(120, dtype=np.float32).reshape(60, 2)
    np.savez(tmp_path / "features.npz", co=co)
    task = read_task(tmp_path)
    assert task.training.features is None
    np.testing.assert_array_equal(task.training.co, co)
    np.savez(tmp_path / "features.npz", x=co, co=co[:50])
    with pytest.raises(InputError, match="50 rows of co"):
        read_task(tmp_path)


def test_a_sample_is_near_as_dense_as_the_whole() -> None:
    n, around = 2_000, 10
    u = np.repeat(np.arange(n), around)
    edges = np.stack([u, (u + np.tile(np.arange(1, around + 1), n)) % n])  # a ring of near neighbours
    kept = sample_entities(edges, n, 0.3, seed=7)
    assert len(kept) == 600
    inside = np.isin(edges, kept).all(axis=0).sum()
    assert inside / len(kept) > 0.9 * around
    np.testing.assert_array_equal(kept, sample_entities(edges, n, 0.3, seed=7))
    np.testing.assert_array_equal(sample_entities(edges, n, 1.0, seed=7), np.arange(n))
