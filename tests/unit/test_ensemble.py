"""The ensemble over weeks: what it may see, what it must not depend on, and that several noisy weeks beat one."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from audience_graph.errors import ConfigError, RunError
from audience_trainers.relations.ensemble import infer
from audience_trainers.relations.ensemble.config import EnsembleConfig
from audience_trainers.relations.ensemble.infer import Ensemble
from audience_trainers.relations.ensemble.model import EnsembleNet, hide_weeks
from audience_trainers.relations.ensemble.pairs import COLUMNS, TrainingPairs, moved
from audience_trainers.relations.ensemble.train import fit_ensemble, pair_loss
from audience_trainers.relations.ensemble.weekly import ensemble_of_week
from audience_trainers.relations.ensemble.weeks import Aligned, WeekVectors
from audience_trainers.relations.linkpred.ranking import area_under_curve
from audience_trainers.run import create_run

N, WEEKS, DIMS = 90, 4, 8
GROUP = np.arange(N) % 9
SMALL = EnsembleConfig(dims=16, heads=2, hidden=16, epochs=10, batch=512, rate=1e-2)


pytestmark = pytest.mark.usefixtures("one_thread")


def world(seed: int = 0, noise: float = 1.1) -> tuple[Aligned, TrainingPairs]:
    """Nine groups of entities, seen every week through other noise in a space turned another way."""
    rng = np.random.default_rng(seed)
    centre = rng.normal(size=(9, DIMS))
    h = np.empty((N, WEEKS, DIMS), np.float32)
    for t in range(WEEKS):
        turn = np.linalg.qr(rng.normal(size=(DIMS, DIMS)))[0]
        h[:, t] = (centre[GROUP] + noise * rng.normal(size=(N, DIMS))) @ turn
    source, target = rng.integers(0, N, 3_000), rng.integers(0, N, 3_000)
    target[:1_000] = (source[:1_000] + 9 * rng.integers(1, 10, 1_000)) % N
    keep = source != target
    source, target = source[keep], target[keep]
    label = (GROUP[source] == GROUP[target]).astype(np.float32)
    split = ((np.minimum(source, target) * N + np.maximum(source, target)) % 5 == 0).astype(np.int8)
    return Aligned(h, np.ones((N, WEEKS), bool)), TrainingPairs(
        source, target, label, np.ones(len(label), np.float32), split
    )


@pytest.fixture(scope="module")
def fitted() -> Ensemble:
    return fit_ensemble(*world(), SMALL, seed=1)


def held_out_auc(model: Ensemble) -> float:
    _, pairs = world()
    held = pairs.take(pairs.split == 1)
    return area_under_curve(model.logits(held.source, held.target), held.label.astype(np.float64))


def test_several_weeks_beat_one(fitted: Ensemble) -> None:
    aligned, pairs = world()
    one = fit_ensemble(Aligned(aligned.h[:, -1:], aligned.mask[:, -1:]), pairs, SMALL, seed=1)
    assert held_out_auc(fitted) > held_out_auc(one) + 0.02
    assert fitted.metrics["validation_auc"] == pytest.approx(held_out_auc(fitted))
    assert fitted.metrics["weeks"] == WEEKS
    assert math.isclose(sum(fitted.metrics["week_attention"]), 1.0, abs_tol=1e-4)
    assert fitted.curve[fitted.metrics["epochs"] - 1]["loss"] == min(row["loss"] for row in fitted.curve)


def test_a_pair_scores_the_same_either_way_round(fitted: Ensemble) -> None:
    source, target = np.arange(40), np.arange(40) + 45
    np.testing.assert_allclose(fitted.logits(source, target), fitted.logits(target, source), atol=1e-4)
    np.testing.assert_allclose(fitted.week_attention(source, target).sum(axis=1), 1.0, rtol=1e-5)
    assert np.unique(fitted.thresholds().round(6)).size > 1, "thresholds are each source's own"


def test_batches_change_nothing(fitted: Ensemble, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = np.arange(80), (np.arange(80) + 7) % N
    whole, eps = fitted.logits(source, target), fitted.thresholds()
    monkeypatch.setattr(infer, "BATCH_TOKENS", 24)
    monkeypatch.setattr(infer, "ENTITY_BATCH", 7)
    np.testing.assert_allclose(fitted.logits(source, target), whole, atol=1e-5)
    np.testing.assert_allclose(fitted.thresholds(), eps, atol=1e-5)
    assert fitted.logits(np.zeros(0, np.int64), np.zeros(0, np.int64)).shape == (0,)


def test_the_same_seed_gives_the_same_model() -> None:
    source, target = np.arange(40), np.arange(40) + 45
    short = replace(SMALL, epochs=2)
    first, again, other = (fit_ensemble(*world(), short, seed=seed).logits(source, target) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_what_is_masked_is_not_read(fitted: Ensemble) -> None:
    aligned = fitted.aligned
    mask = aligned.mask.copy()
    mask[:, 1] = False  # a week that was not mined
    mask[:20, :3] = False  # entities that are new this week
    mask[20] = False  # and one that no week knows
    source, target = np.arange(40), np.arange(40) + 45
    garbage = np.where(mask[..., None], aligned.h, 1e3).astype(np.float32)
    quiet, loud = (replace(fitted, aligned=Aligned(h, mask)) for h in (aligned.h, garbage))
    np.testing.assert_array_equal(quiet.logits(source, target), loud.logits(source, target))
    np.testing.assert_array_equal(quiet.thresholds(), loud.thresholds())
    attention = quiet.week_attention(source, target)
    assert (attention[:, 1] == 0).all()
    np.testing.assert_allclose(attention[:20, 3], 1.0, rtol=1e-6)
    assert np.isfinite(quiet.logits(source, target)).all()


def test_a_missing_week_hurts_little(fitted: Ensemble) -> None:
    mask = fitted.aligned.mask.copy()
    mask[:, 1] = False
    assert held_out_auc(replace(fitted, aligned=Aligned(fitted.aligned.h, mask))) > held_out_auc(fitted) - 0.03


def test_a_row_never_sees_the_week_of_its_label() -> None:
    seen = torch.ones(4, 2, 3, dtype=torch.bool)
    seen[2, 0] = torch.tensor([False, False, True])  # knows only the week that gave the label
    own = torch.tensor([0, -1, 2, 1])
    left = hide_weeks(seen, own, 0.0, torch.Generator())
    assert left[0].tolist() == [[False, True, True]] * 2
    assert left[1].all()
    assert left[2].tolist() == [[False, False, True], [True, True, False]]
    for _ in range(20):
        hidden = hide_weeks(seen, own, 0.9, torch.Generator().manual_seed(_))
        assert hidden.any(dim=2).all(), "a side always keeps something"
        assert not (hidden & ~left).any(), "dropping weeks shows none"


def test_the_loss_is_the_papers_sum_weighted_by_row() -> None:
    logit, eps = torch.tensor([2.0, -1.0]), torch.tensor([0.5, 0.5])
    label, weight = torch.tensor([1.0, 0.0]), torch.tensor([3.0, 1.0])

    def cross(s: float, y: float) -> float:
        p = 1 / (1 + math.exp(-s))
        return -(y * math.log(p) + (1 - y) * math.log(1 - p))

    expected = 0.75 * (cross(2.0, 1) + 2 * cross(1.5, 1)) + 0.25 * (cross(-1.0, 0) + 2 * cross(-1.5, 0))
    assert float(pair_loss(logit, eps, label, weight, 2.0)) == pytest.approx(expected, rel=1e-5)


def test_rows_of_weight_zero_teach_nothing() -> None:
    aligned, pairs = world()
    wrong = replace(pairs, label=1 - pairs.label, weight=np.zeros_like(pairs.weight), split=np.zeros_like(pairs.split))
    both = TrainingPairs(*(np.concatenate([getattr(pairs, c), getattr(wrong, c)]) for c in COLUMNS))
    assert held_out_auc(fit_ensemble(aligned, both, replace(SMALL, epochs=5), seed=1)) > 0.9


def test_weeks_have_their_own_maps_and_a_narrow_week_is_read_alike() -> None:
    config = replace(SMALL, dropout=0.0)
    torch.manual_seed(0)
    net = EnsembleNet(2, 4, config).eval()
    h, mask = torch.randn(3, 2, 4), torch.ones(3, 2, dtype=torch.bool)
    h[:, 0, 2:] = 0  # a week of two dimensions, widened
    before = net.tokens(h, mask)[0]
    with torch.no_grad():
        net.into[0].weight[:, 2:] += 1.0
    torch.testing.assert_close(net.tokens(h, mask)[0], before)
    assert not torch.allclose(net.tokens(h.flip(1), mask)[0].flip(1), before)


def test_a_mining_run_takes_old_weeks_from_disk(tmp_path: Path) -> None:
    aligned, pairs = world()
    ids = tuple(f"e{i:02d}" for i in range(N))
    for t, week in enumerate(("2026-W27", "2026-W29")):
        run = create_run(tmp_path, kind="mine", week=week, as_of=date(2026, 7, 1), config=SMALL, seed=1)
        order = np.random.default_rng(t).permutation(N)  # another dictionary order, and one entity not yet known
        run.write_table("entities", pa.table({"entity_id": [ids[i] for i in order[order > 0]]}))
        run.write_array("z", aligned.h[order[order > 0], t])
        place = np.full(N, -1)
        place[order[order > 0]] = np.arange(N - 1)
        told = moved(pairs, place)
        run.write_table("pairs", pa.table({name: getattr(told, name) for name in COLUMNS}))
        run.finish()
    now = WeekVectors("2026-W30", ids, aligned.h[:, 2])
    found = ensemble_of_week(tmp_path, now, pairs, replace(SMALL, epochs=4, pairs_per_week=2_500), seed=1)
    h, mask = found.aligned
    np.testing.assert_array_equal(h[1:, [0, 2, 3]], aligned.h[1:, :3])
    assert mask[1:].all(axis=0).tolist() == [True, False, True, True]
    assert mask[0].tolist() == [False, False, False, True]
    assert found.metrics["weeks"] == 4
    assert found.metrics["validation_auc"] > 0.9
    assert found.entity_vectors().shape == (N, 3 * DIMS)


def test_pairs_of_one_kind_and_impossible_settings_are_refused() -> None:
    aligned, pairs = world()
    with pytest.raises(RunError, match="positive and negative training pairs"):
        fit_ensemble(aligned, pairs.take(pairs.label > 0), SMALL)
    with pytest.raises(ConfigError, match="week_dropout"):
        EnsembleConfig(week_dropout=1.0)
    with pytest.raises(ConfigError, match="not a multiple of heads"):
        EnsembleConfig(dims=30)
