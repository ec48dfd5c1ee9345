"""Weekly vectors: read from finished runs only, aligned over gaps and changes of the dictionary, laid side by side."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from audience_graph.errors import ConfigError, RunError
from audience_trainers.relations.ensemble.pairs import TrainingPairs, pool_pairs, thinned
from audience_trainers.relations.ensemble.spaces import concatenated, rotation
from audience_trainers.relations.ensemble.weeks import Aligned, WeekVectors, align, iso_week, read_pairs, read_weeks
from audience_trainers.run import RunFolder, create_run

RNG = np.random.default_rng(5)


@dataclass(frozen=True)
class Config:
    model: str = "alpc"


def mined(runs: Path, week: str, ids: str, *, dims: int = 4, finished: bool = True, vectors: bool = True) -> RunFolder:
    """A run of a week whose entities are letters; every value of z is the week's number."""
    run = create_run(runs, kind="mine", week=week, as_of=date.fromisoformat(f"{week}-7"), config=Config(), seed=1)
    run.write_table("entities", pa.table({"entity_id": list(ids)}))
    if vectors:
        run.write_array("z", np.full((len(ids), dims), int(week[-2:]), np.float32))
    pairs = {"source": [0, 1], "target": [1, len(ids) - 1], "label": [1.0, 0.0], "weight": [1.0, 1.0], "split": [0, 1]}
    run.write_table("pairs", pa.table(pairs))
    if finished:
        run.finish()
    return run


def test_old_weeks_come_from_disk_and_nothing_is_computed_again(tmp_path: Path) -> None:
    before = {run.path: sorted(p.stat().st_mtime_ns for p in run.path.iterdir()) for run in map_weeks(tmp_path, 28, 29)}
    weeks = read_weeks(tmp_path, "2026-W30", 6)
    assert [(w.week, w.ids, float(w.z[0, 0])) for w in weeks] == [
        ("2026-W28", ("a", "b", "c"), 28.0),
        ("2026-W29", ("a", "b", "c"), 29.0),
    ]
    this = WeekVectors("2026-W30", ("b", "c", "d"), np.full((3, 4), 30, np.float32))
    h, mask = align([*weeks, this], this.ids)
    assert h[:, :, 0].tolist() == [[28, 29, 30], [28, 29, 30], [0, 0, 30]]
    assert mask.tolist() == [[True] * 3, [True] * 3, [False, False, True]]
    assert before == {path: sorted(p.stat().st_mtime_ns for p in path.iterdir()) for path in before}


def map_weeks(runs: Path, *numbers: int) -> list[RunFolder]:
    return [mined(runs, f"2026-W{number}", "abc") for number in numbers]


def test_only_whole_runs_of_the_last_calendar_weeks_count(tmp_path: Path) -> None:
    map_weeks(tmp_path, 23, 24, 26, 30, 31)
    mined(tmp_path, "2026-W29", "abc", finished=False)
    mined(tmp_path, "2026-W28", "abc", vectors=False)
    damaged = mined(tmp_path, "2026-W27", "abc")
    (damaged.path / "z.npy").write_bytes((damaged.path / "z.npy").read_bytes()[:-1] + b"x")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "run.json").write_text("{")
    notes: list[str] = []
    assert [w.week for w in read_weeks(tmp_path, "2026-W30", 6, note=notes.append)] == ["2026-W24", "2026-W26"]
    assert len(notes) == 4
    for said in ("is not a finished run", "keeps no weekly vectors", "z.npy is missing or changed", "is not readable"):
        assert any(said in note for note in notes), said
    with pytest.raises(ConfigError, match="is not an ISO week"):
        read_weeks(tmp_path, "2026-W54", 6)


def test_the_newest_run_of_a_week_counts_and_a_damaged_one_gives_way(tmp_path: Path) -> None:
    mined(tmp_path, "2026-W29", "abc")
    newer = mined(tmp_path, "2026-W29", "xyz")
    assert read_weeks(tmp_path, "2026-W30", 1)[0].ids == ("x", "y", "z")
    (newer.path / "z.npy").unlink()
    assert read_weeks(tmp_path, "2026-W30", 1)[0].ids == ("a", "b", "c")


def test_weeks_over_new_year_follow_each_other() -> None:
    weeks = [WeekVectors(w, ("a",), np.ones((1, 2), np.float32)) for w in ("2026-W52", "2026-W53", "2027-W01")]
    assert align(weeks, ("a",)).h.shape == (1, 3, 2)
    assert iso_week(date(2027, 1, 3)) == "2026-W53"


def test_a_missing_week_and_other_dimensions_are_masked_and_widened() -> None:
    weeks = [
        WeekVectors("2026-W27", ("gone", "a"), np.ones((2, 3), np.float32)),
        WeekVectors("2026-W30", ("a", "b"), np.array([[2, 2, 2, 2, 2], [0, 0, 0, 0, 0]], np.float32)),
    ]
    h, mask = align(weeks, ("a", "b"))
    assert h.shape == (2, 4, 5)
    assert h[0, 0].tolist() == [1, 1, 1, 0, 0]
    assert mask.tolist() == [[True, False, False, True], [False] * 4], "b has no evidence in any week"
    with pytest.raises(RunError, match="once each, oldest first"):
        align(weeks[::-1], ("a",))


def test_pairs_of_an_old_week_move_to_this_weeks_entities(tmp_path: Path) -> None:
    mined(tmp_path, "2026-W29", "abc")
    week = read_weeks(tmp_path, "2026-W30", 1)[0]
    found = read_pairs(week, ("c", "b"))
    assert found is not None
    assert (found.source.tolist(), found.target.tolist(), found.label.tolist()) == ([1], [0], [0.0])
    assert read_pairs(WeekVectors("2026-W30", ("a",), np.ones((1, 2), np.float32)), ("a",)) is None


def pairs(*rows: tuple[int, int, float, int]) -> TrainingPairs:
    source, target, label, split = (np.array(column) for column in zip(*rows, strict=True))
    weight = np.ones(len(rows), np.float32)
    return TrainingPairs(source, target, label.astype(np.float32), weight, split.astype(np.int8))


def test_pooled_weeks_keep_each_weeks_word_and_hold_back_what_validates() -> None:
    known = np.ones((4, 3), bool)
    known[3, 0] = False
    old, now = pairs((0, 1, 1, 0), (1, 0, 0, 0)), pairs((0, 1, 0, 1), (2, 3, 1, 0))
    pooled = pool_pairs([None, old, now], known, silence=0.5)
    rows = set(zip(*(c.tolist() for c in (pooled.source, pooled.target, pooled.label, pooled.weeks())), strict=True))
    assert {(0, 1, 1.0, 1), (1, 0, 0.0, 1), (0, 1, 0.0, 2), (2, 3, 1.0, 2)} <= rows
    assert (2, 3, 0.0, 1) in rows, "the week before knew both and was silent"
    silent = (pooled.source == 2) & (pooled.label == 0)
    assert pooled.weight[silent].tolist() == [0.5]
    assert set(pooled.split[np.isin(pooled.keys(4), [1])].tolist()) == {1}, "one pair, either way round, any week"
    assert set(pooled.split[~np.isin(pooled.keys(4), [1])].tolist()) == {0}
    turned = pool_pairs([None, pairs((3, 2, 1, 0)), now], np.ones((4, 3), bool))
    assert not ((turned.keys(4) == 11) & (turned.label == 0)).any(), "both weeks bear it out, either way round"
    sure = replace(now, weight=np.array([1, 5], np.float32))
    doubted = pool_pairs([None, old, sure], known, silence=0.5)
    quiet = doubted.weight[(doubted.source == 2) & (doubted.label == 0)]
    assert quiet.tolist() == [0.5], "people outweigh a silent week"
    known[3, 1] = False
    blind = pool_pairs([None, old, now], known)
    assert not ((blind.source == 2) & (blind.label == 0)).any(), "a week that does not know an entity says nothing"


def test_thinning_keeps_the_same_pairs_in_every_week() -> None:
    source, target = (a.ravel() for a in np.meshgrid(np.arange(60), np.arange(60)))
    rows = TrainingPairs(source, target, *(np.ones(3_600, kind) for kind in (np.float32, np.float32, np.int8)))
    first = set(thinned(rows, 60, 0.25).keys(60).tolist())
    assert 380 < len(first) < 540
    half = rows.take(RNG.permutation(3_600)[:1_800])
    assert set(thinned(half, 60, 0.25).keys(60).tolist()) == first & set(half.keys(60).tolist())
    assert thinned(rows, 60, 1.0) is rows


def turned_weeks(n: int = 120, dims: int = 6, weeks: int = 3) -> Aligned:
    """One truth seen in `weeks` spaces that are turned against each other, with a little noise and longer weeks."""
    truth = RNG.normal(size=(n, dims))
    h = np.empty((n, weeks, dims), np.float32)
    for t in range(weeks):
        turn = np.linalg.qr(RNG.normal(size=(dims, dims)))[0]
        h[:, t] = (t + 1) * ((truth + 0.1 * RNG.normal(size=truth.shape)) @ turn)
    return Aligned(h, np.ones((n, weeks), bool))


def test_no_week_dominates_a_preference_because_its_vectors_are_long() -> None:
    whole = turned_weeks()
    h = concatenated(whole)
    assert h.shape == (120, 18)
    np.testing.assert_allclose(np.linalg.norm(h.reshape(120, 3, 6), axis=2), 1 / np.sqrt(3), rtol=1e-5)
    within = [whole.h[:, t] / np.linalg.norm(whole.h[:, t], axis=1, keepdims=True) for t in range(3)]
    np.testing.assert_allclose(h @ h.T, np.mean([w @ w.T for w in within], axis=0), atol=1e-5)


def test_a_gap_takes_the_nearest_week_turned_into_the_missing_weeks_space() -> None:
    whole = turned_weeks()
    reference = concatenated(whole) @ concatenated(whole).T
    mask = whole.mask.copy()
    mask[:20, :2] = False  # new this week
    mask[20] = False  # never seen
    gapped = Aligned(np.where(mask[..., None], whole.h, 0), mask)
    found = concatenated(gapped)
    untouched = found[20:].copy()
    assert np.all(found[20] == 0)
    error = np.abs(found[:20] @ found[21:].T - reference[:20, 21:]).mean()
    blocks = found.reshape(120, 3, 6).copy()
    blocks[:20, :2] = 0
    left_empty = np.abs(blocks[:20].reshape(20, 18) @ found[21:].T - reference[:20, 21:]).mean()
    blocks[:20, :2] = blocks[:20, 2:]
    as_it_is = np.abs(blocks[:20].reshape(20, 18) @ found[21:].T - reference[:20, 21:]).mean()
    assert error < 0.25 * min(left_empty, as_it_is), (error, left_empty, as_it_is)
    np.testing.assert_array_equal(untouched[1:], concatenated(whole)[21:])


def test_weeks_of_other_dimensions_keep_their_own_width_and_lost_weeks_none() -> None:
    whole = turned_weeks()
    h, mask = whole.h.copy(), whole.mask.copy()
    h[:, 0, 4:] = 0
    h[:, 1] = 0
    mask[:, 1] = False
    assert concatenated(Aligned(h, mask)).shape == (120, 4 + 6)
    wide = np.ones((3, 2, 1_100), np.float32)
    with pytest.raises(ConfigError, match="2,000"):
        concatenated(Aligned(wide, np.ones((3, 2), bool)))


def test_the_rotation_is_orthogonal_and_found() -> None:
    turn = np.linalg.qr(RNG.normal(size=(5, 5)))[0]
    rows = RNG.normal(size=(40, 5)).astype(np.float32)
    found = rotation(rows, (rows @ turn).astype(np.float32))
    np.testing.assert_allclose(found, turn, atol=1e-5)
