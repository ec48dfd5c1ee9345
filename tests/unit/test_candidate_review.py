"""Buckets of candidates and the review that drops some of them; recall by users who were not seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audience_graph.errors import ConfigError, InputError
from audience_trainers.relations.behaviour import Behaviour, Entities
from audience_trainers.relations.candidates import Candidates
from audience_trainers.relations.config import MineConfig
from audience_trainers.relations.propose import Known, propose
from audience_trainers.relations.recall import borne_out_pairs, candidate_recall, hold_out
from audience_trainers.relations.review import buckets_of, read_review, reviewed, sample_buckets

ENTITIES = Entities(("a", "b", "c", "d"), ("A", "B", "C", "D"), ("food", "food", "shop", "shop"), ("",) * 4)


def candidates() -> Candidates:
    return Candidates(
        source=np.array([0, 0, 1, 2, 3]),
        target=np.array([1, 2, 0, 3, 0]),
        co=np.array([0.65, 0.1, 0.61, 0.3, -0.2], np.float32),
        se=np.array([0.0, 0.55, 0.2, 0.99999, 1.0], np.float32),
        provenance=np.array([0, 1, 0, 2, 1], np.int8),
    )


def write(path: Path, *rows: str, head: str = "provenance,bucket,source_type,target_type,judged,accurate") -> Path:
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return path


def test_a_bucket_is_provenance_tenth_and_types() -> None:
    place, keys = buckets_of(candidates(), ENTITIES)
    assert [keys[i] for i in place] == [
        ("co-occurrence", 6, "food", "food"),
        ("semantic", 5, "food", "shop"),
        ("co-occurrence", 6, "food", "food"),
        ("both", 9, "shop", "shop"),
        ("semantic", 9, "shop", "food"),
    ]


def kept(path: Path, *, confirmed: tuple[int, ...] = (), minimum: float = 0.8) -> list[int]:
    keep = np.isin(np.arange(5), confirmed)
    found, buckets = reviewed(candidates(), ENTITIES, read_review(path, minimum=minimum), keep=keep)
    assert sum(buckets["pairs"].to_pylist()) == 5
    left = set(zip(found.source.tolist(), found.target.tolist(), strict=True))
    every = candidates()
    return [i for i, pair in enumerate(zip(every.source.tolist(), every.target.tolist(), strict=True)) if pair in left]


def test_buckets_below_the_minimum_are_dropped_and_confirmed_pairs_stay(tmp_path: Path) -> None:
    file = write(tmp_path / "r.csv", "co-occurrence,0.6,,,10,7.5", "semantic,0.5,,,10,8", "both,0.9,,,0,0")
    assert kept(file) == [1, 3, 4]
    assert kept(file, confirmed=(2,)) == [1, 2, 3, 4]
    assert kept(file, minimum=0.75) == [0, 1, 2, 3, 4]
    assert kept(file, minimum=0.81) == [3, 4]


def test_a_row_with_types_goes_before_a_row_without(tmp_path: Path) -> None:
    general = "semantic,0.9,,,10,10"
    assert kept(write(tmp_path / "r.csv", general, "semantic,0.9,shop,food,10,1")) == [0, 1, 2, 3]
    assert kept(write(tmp_path / "r.csv", general, "semantic,0.9,food,food,10,1")) == [0, 1, 2, 3, 4]


def test_parquet_and_files_without_types_are_read(tmp_path: Path) -> None:
    table = pa.table({"provenance": ["both"], "bucket": [0.9], "judged": [5], "accurate": [1]})
    pq.write_table(table, tmp_path / "r.parquet")
    assert kept(tmp_path / "r.parquet") == [0, 1, 2, 4]
    assert kept(write(tmp_path / "r.csv", "both,.9,5,1", head="provenance,bucket,judged,accurate")) == [0, 1, 2, 4]


def test_broken_cells_are_named_by_file_row_and_column(tmp_path: Path) -> None:
    file = write(
        tmp_path / "r.csv", "magic,0.6,,,10,7", "semantic,0.55,,,10,7", "both,0.9,,,x,1", "both,0.8,,,3,4",
        "both,0.7,shop,,3,3", "both,0.1,,,3,3", "both,0.1,,,3,1",
    )  # fmt: skip
    with pytest.raises(InputError) as refused:
        read_review(file, minimum=0.8)
    places = [(p.file, p.row, p.column) for p in refused.value.problems]
    assert places == [
        ("r.csv", 1, "provenance"), ("r.csv", 2, "bucket"), ("r.csv", 3, "judged"), ("r.csv", 4, "accurate"),
        ("r.csv", 5, "target_type"), ("r.csv", 7, "bucket"),
    ]  # fmt: skip
    assert "r.csv, row 1, column provenance: expected co-occurrence" in refused.value.message


def test_files_that_are_no_review_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no review file"):
        read_review(tmp_path / "absent.csv", minimum=0.8)
    with pytest.raises(InputError, match="expected a column judged"):
        read_review(write(tmp_path / "r.csv", "both,0.9,1", head="provenance,bucket,accurate"), minimum=0.8)
    (tmp_path / "r.parquet").write_bytes(b"no parquet")
    with pytest.raises(InputError, match="cannot be read"):
        read_review(tmp_path / "r.parquet", minimum=0.8)


def test_samples_of_each_bucket_are_bounded_named_and_repeat() -> None:
    found = sample_buckets(candidates(), ENTITIES, seed=1, most=1)
    assert found["provenance"].to_pylist() == ["co-occurrence", "semantic", "semantic", "both"]
    assert found["bucket"].to_pylist() == [0.6, 0.5, 0.9, 0.9]
    assert found["source_name"].to_pylist()[1:] == ["A", "D", "C"]
    assert found.equals(sample_buckets(candidates(), ENTITIES, seed=1, most=1))
    none = candidates().where(np.zeros(5, bool))
    assert sample_buckets(none, ENTITIES, seed=1).num_rows == 0
    assert reviewed(none, ENTITIES, None, keep=np.zeros(0, bool))[1].num_rows == 0


def behaviour(users: int = 300, seed: int = 0) -> Behaviour:
    rng = np.random.default_rng(seed)
    entity = 4 * rng.integers(0, 5, (users, 1)) + rng.integers(0, 4, (users, 8))  # a user likes one of five groups
    return Behaviour(entity.ravel().astype(np.int64), np.arange(users + 1, dtype=np.int64) * 8, 20)


def test_held_out_users_are_apart_and_a_share_of_all() -> None:
    whole = behaviour(2_000)
    split = hold_out(whole, 0.1, seed=7)
    assert split.seen.users + split.unseen.users == 2_000
    assert 150 < split.unseen.users < 250
    rows = {tuple(r) for r in whole.entity.reshape(-1, 8).tolist()}
    assert {tuple(r) for r in split.unseen.entity.reshape(-1, 8).tolist()} <= rows
    assert len(split.seen.entity) + len(split.unseen.entity) == len(whole.entity)
    assert hold_out(whole, 0.0, seed=7).unseen.users == 0


def test_recall_counts_borne_out_pairs_in_both_directions() -> None:
    true = borne_out_pairs(behaviour(), window=1)
    pairs = {(k // 20, k % 20) for k in true.tolist()}
    assert pairs == {(u, v) for u in range(20) for v in range(20) if u != v and u // 4 == v // 4}
    found = Candidates(
        np.array([0, 0, 1]), np.array([1, 7, 0]), *np.zeros((2, 3), np.float32), np.array([0, 1, 2], np.int8)
    )
    told = candidate_recall(found, np.array([1, 20, 41]), 20)
    assert told["pairs"] == 3
    assert told["recall"] == pytest.approx(2 / 3)
    assert told["recall_by_provenance"] == pytest.approx(
        {"co-occurrence": 1 / 3, "semantic": 0, "both": 1 / 3, "explored": 0, "confirmed": 0}
    )
    assert told["chance"] == 3 / 380
    nobody = borne_out_pairs(Behaviour(np.zeros(0, np.int64), np.zeros(1, np.int64), 20), window=1)
    assert candidate_recall(found, nobody, 20)["recall"] is None


def test_the_whole_step_reports_recall_of_users_it_did_not_see_and_obeys_the_review(tmp_path: Path) -> None:
    entities = Entities(*(tuple(f"{k}{i:02d}" for i in range(20)) for k in ("e", "name ", "type")), ("",) * 20)
    config = MineConfig(dims_co=8, top_co=3, held_out=0.3)

    def encode(_: object) -> np.ndarray:
        return np.eye(20, dtype=np.float32)

    free = propose(entities, behaviour(), config, seed=7, encode=encode)
    assert free.metrics["recall"] > 0.5  # chance is 0.16
    assert free.metrics["dropped_by_review"] == 0
    (provenance, bucket), *_ = zip(*(free.buckets[c].to_pylist() for c in ("provenance", "bucket")), strict=True)
    review = read_review(write(tmp_path / "r.csv", f"{provenance},{bucket},,,10,0"), minimum=0.8)
    known = Known(review=review, confirmed={(0, 19)})
    less = propose(entities, behaviour(), config, seed=7, encode=encode, known=known)
    assert len(less.candidates) + less.metrics["dropped_by_review"] in {len(free.candidates), len(free.candidates) + 1}
    assert less.metrics["dropped_by_review"] > 0
    assert (0, 19) in set(zip(less.candidates.source.tolist(), less.candidates.target.tolist(), strict=True))
