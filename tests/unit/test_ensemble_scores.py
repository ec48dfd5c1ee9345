"""What stage II of each week said: read from runs new and old, told apart from silence, hidden from its own labels."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from test_ensemble import DIMS, GROUP, SMALL, WEEKS, N, world

from audience_graph.errors import RunError
from audience_trainers.relations.alpc.user_folds import Heard
from audience_trainers.relations.behaviour import Behaviour, Entities, behaviour_from_sequences, codes_of
from audience_trainers.relations.ensemble.infer import Ensemble
from audience_trainers.relations.ensemble.model import Exposure
from audience_trainers.relations.ensemble.pairs import TrainingPairs
from audience_trainers.relations.ensemble.scores import Scored, Scores, WeekScores, gather_scores, read_scores
from audience_trainers.relations.ensemble.train import fit_ensemble
from audience_trainers.relations.ensemble.weekly import ensemble_of_week
from audience_trainers.relations.ensemble.weeks import Aligned, WeekVectors
from audience_trainers.relations.linkpred.ranking import area_under_curve
from audience_trainers.run import create_run

ALL = np.arange(N)
EVERY = np.stack(np.nonzero(~np.eye(N, dtype=bool)))  # directed pairs (2, N (N - 1))
TRUE = GROUP[EVERY[0]] == GROUP[EVERY[1]]
STILL = replace(SMALL, epochs=1, rate=1e-12)


pytestmark = pytest.mark.usefixtures("one_thread")


def said(seed: int, *, noise: float = 2.0, share: float = 0.6, met: float = 0.0) -> WeekScores:
    """A week that scored a share of the undirected pairs, rightly but with noise."""
    rng = np.random.default_rng(seed)
    drawn = rng.random((N, N)) < share
    logit = np.where(GROUP[:, None] == GROUP, 2.0, -2.0) + noise * rng.normal(size=(N, N))
    source, target = EVERY[:, (np.triu(drawn, 1) | np.triu(drawn, 1).T)[EVERY[0], EVERY[1]]]
    low, high = np.minimum(source, target), np.maximum(source, target)
    pairs = Scored(source, target, logit[low, high])
    return WeekScores(pairs, np.zeros(N, np.float32), np.full(N, met, np.float32), pairs)


def weeks_of(*weeks: WeekScores | None) -> Scores:
    return gather_scores([(week, ALL) for week in weeks], N)


def last(pairs: TrainingPairs) -> TrainingPairs:
    return replace(pairs, week=np.full(len(pairs), WEEKS - 1))


def test_a_score_silence_and_no_answer_are_three_things() -> None:
    old = WeekScores(Scored(np.array([0, 2]), np.array([1, 0]), np.array([1.5, -0.5])), np.array([0.1, 0.2, 0.3], "f4"))
    place = np.array([2, 0, -1])  # of its three entities the last is gone; entity 1 of this week is new
    now = WeekScores(Scored(np.array([0]), np.array([1]), np.array([4.0])))
    found = gather_scores([(old, place), (None, np.zeros(0, np.int64)), (now, np.arange(3))], 3)
    told = found.pairs.of(np.array([0, 2, 0, 1]), np.array([2, 0, 1, 2]))
    assert told.logit.tolist() == [[1.5, 0, 0], [1.5, 0, 0], [0, 0, 4.0], [0, 0, 0]], "either way round"
    assert told.scored.tolist() == [[True, False, False]] * 2 + [[False, False, True], [False] * 3]
    assert told.asked.tolist() == [[True, False, True]] * 2 + [[False, False, True]] * 2
    np.testing.assert_allclose(found.eps[:, 0], [0.2, np.nan, 0.1], rtol=1e-6)
    assert np.isnan(found.eps[:, 1:]).all()


def test_the_network_begins_as_the_mean_of_stage_two() -> None:
    aligned, pairs = world()
    scores = weeks_of(said(1), None, said(2), said(3))
    scores.eps[:, 3] = 1.0
    model = fit_ensemble(aligned, pairs, STILL, scores=scores, seed=1)
    told = scores.pairs.of(*EVERY)
    expected = np.where(told.scored, told.logit, -2.0)[:, [0, 2, 3]].mean(axis=1)
    np.testing.assert_allclose(model.logits(*EVERY), expected, atol=1e-5)
    np.testing.assert_allclose(model.thresholds(), 1 / 3, atol=1e-6)


def test_scores_of_the_weeks_add_to_vectors_and_vectors_to_scores() -> None:
    aligned, pairs = world(noise=2.0)
    scores = weeks_of(*(said(seed) for seed in range(WEEKS)))
    both = auc(fit_ensemble(aligned, pairs, SMALL, scores=scores, seed=1))
    assert both > auc(fit_ensemble(aligned, pairs, SMALL, seed=1)) + 0.02
    assert both > auc(fit_ensemble(aligned, pairs, STILL, scores=scores, seed=1)) + 0.005


def auc(model: Ensemble) -> float:
    return area_under_curve(model.logits(*EVERY), TRUE.astype(np.float64))


def test_labels_of_a_week_are_not_explained_by_its_own_scores() -> None:
    aligned, pairs = world()
    quiet = [None] * (WEEKS - 1)
    weights = [
        fit_ensemble(aligned, last(pairs), replace(SMALL, epochs=2), scores=weeks_of(*quiet, week), seed=1)
        .net.state_dict()
        for week in (said(1), said(2))
    ]  # fmt: skip
    for name, value in weights[0].items():
        torch.testing.assert_close(value, weights[1][name], rtol=0, atol=0)


def test_popularity_is_a_term_of_its_own_that_relations_do_not_see() -> None:
    aligned, pairs = world()
    rng = np.random.default_rng(3)
    met = rng.normal(size=N).astype(np.float32)
    shown = rng.random(len(pairs)) < 1 / (1 + np.exp(-4 * met[pairs.source] - 4 * met[pairs.target]))
    biased = last(replace(pairs, label=shown.astype(np.float32)))  # labels say who is met often, and nothing else
    h = rng.normal(size=aligned.h.shape).astype(np.float32)
    h[:, :, 0] = met[:, None]  # and the vectors know it
    weeks = [replace(said(seed, share=0.0), met=met) for seed in range(WEEKS)]
    model = fit_ensemble(Aligned(h, aligned.mask), biased, SMALL, scores=weeks_of(*weeks), seed=1)
    blind = fit_ensemble(Aligned(h, aligned.mask), biased, SMALL, seed=1)
    often = met[EVERY[0]] + met[EVERY[1]] > 0
    spread = [np.ptp([m.logits(*EVERY)[often == side].mean() for side in (True, False)]) for m in (model, blind)]
    assert spread[0] < 0.7 * spread[1], spread
    exposure = Exposure()
    ends = torch.tensor([[1.0, -2.0], [-2.0, 1.0], [0.0, 0.0]])
    assert exposure(ends)[0] == exposure(ends)[1]
    assert exposure(ends)[2] == 0


def test_the_ensemble_publishes_about_as_many_as_stage_two() -> None:
    aligned, pairs = world()
    scores = weeks_of(*(said(seed, share=1.0) for seed in range(WEEKS)))
    model = fit_ensemble(aligned, pairs, SMALL, scores=scores, seed=1)
    raw, eps = model.logits(*EVERY), model.thresholds() + 0.5
    logit, moved = model.decide(*EVERY, 0.5)
    usual = np.mean([(week.pairs.logit > 0.5).sum() for week in (said(seed, share=1.0) for seed in range(WEEKS))])
    steady = (model.stage_two(*EVERY) > 0.5).sum()
    assert steady < usual
    assert abs((logit > moved[EVERY[0]]).sum() - (usual + steady) / 2) <= 2
    np.testing.assert_allclose(logit - raw, (logit - raw)[0])
    np.testing.assert_array_equal(moved, eps)
    alone = fit_ensemble(aligned, pairs, STILL, seed=1)
    np.testing.assert_array_equal(alone.decide(*EVERY, 0.5)[0], alone.logits(*EVERY))


def test_validation_reads_the_logits_of_held_pairs_only() -> None:
    aligned, pairs = world()
    held = pairs.take(pairs.split == 1)
    right = WeekScores(said(1).pairs, None, None, Scored(held.source, held.target, 20 * held.label - 10))
    model = fit_ensemble(aligned, last(pairs), STILL, scores=weeks_of(*[None] * (WEEKS - 1), right), seed=1)
    assert model.metrics["validation_auc"] == 1.0
    assert model.metrics["foretold_auc"] == pytest.approx(0.5)
    unknown = fit_ensemble(
        aligned, last(pairs), STILL, scores=weeks_of(*[None] * (WEEKS - 1), said(1, share=0)), seed=1
    )
    assert unknown.metrics["validation_auc"] == unknown.metrics["foretold_auc"]


def test_runs_with_and_without_scores_are_read_together(tmp_path: Path) -> None:
    aligned, pairs = world()
    ids = tuple(f"e{i:02d}" for i in range(N))
    for t, week in enumerate(("2026-W27", "2026-W28", "2026-W29")):
        run = create_run(tmp_path, kind="mine", week=week, as_of=date(2026, 7, 1), config=SMALL, seed=1)
        run.write_table("entities", pa.table({"entity_id": list(ids)}))
        run.write_array("z", aligned.h[:, t, : DIMS - t])  # dimensions differ
        run.write_table("pairs", pairs.to_table())
        mine = said(t)
        columns = {"source": mine.pairs.source, "target": mine.pairs.target}
        if t > 0:  # the oldest run is from before scores were kept, the next from before thresholds were
            columns["single_logit"] = mine.pairs.logit
        run.write_table("candidates", pa.table(columns))
        if t == 2:
            run.write_table("stage_two", mine.by_entity())
            run.write_table("held", mine.by_held_pair())
        run.finish()
    now = WeekVectors("2026-W30", (*ids[:-1], "new"), aligned.h[:, 3])
    found = ensemble_of_week(tmp_path, now, pairs, replace(SMALL, weeks=4, epochs=2), scores=said(3), seed=1)
    assert found.metrics["weeks_scored"] == [False, True, True, True]
    assert np.isnan(found.scores.eps).all(axis=0).tolist() == [True, True, False, False]
    assert np.isnan(found.scores.eps[-1]).tolist() == [True, True, True, False], "new this week"
    assert found.scores.held.known.any(axis=0).tolist() == [False, False, True, True]
    assert np.isfinite(found.decide(*EVERY)[0]).all()
    (run.path / "stage_two.parquet").write_bytes(b"no table")
    with pytest.raises(RunError, match="is damaged"):
        read_scores(WeekVectors("2026-W29", ids, aligned.h[:, 2], run.path), ids)


def test_halves_of_users_and_held_pairs_are_the_same_every_week() -> None:
    entities = Entities(tuple("abcd"), tuple("abcd"), ("t",) * 4, ("",) * 4)

    def week(*users: str) -> Behaviour:
        names = sorted(users * 2)
        time = pa.array(range(len(names)), pa.timestamp("us", tz="UTC"))
        table = {"user_id": names, "time": time, "event_id": [str(i) for i in range(len(names))]}
        return behaviour_from_sequences(pa.table(table | {"entity_id": ["a", "b"] * len(users)}), entities)

    first, second = week(*map(str, range(100, 160))), week(*map(str, range(130, 190)))
    assert first.side is not None
    assert second.side is not None
    np.testing.assert_array_equal(first.side[30:], second.side[:30])
    assert first.half(0).users + first.half(1).users == 60
    assert 15 < first.half(1).users < 45
    assert first.half(1).half(1).users == first.half(1).users
    none = np.zeros((2, 0), np.int64)
    behaviour = Behaviour(np.zeros(0, np.int64), np.zeros(1, np.int64), N)
    ids = [f"e{i}" for i in range(N)]

    def heard(order: np.ndarray) -> Heard:
        codes = codes_of([ids[i] for i in order])
        return Heard(behaviour, None, np.zeros((N, 1)), np.zeros((N, 1)), None, none, none, codes)  # type: ignore[arg-type]

    order = np.random.default_rng(0).permutation(N)
    held = heard(ALL).held_out(EVERY)
    np.testing.assert_array_equal(held, heard(ALL).held_out(EVERY[::-1]))
    place = np.argsort(order)
    np.testing.assert_array_equal(held, heard(order).held_out(place[EVERY]))
    assert 0.07 < held.mean() < 0.13
