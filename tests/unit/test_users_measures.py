"""Measures against scikit-learn and scipy, bootstrap against resampling by hand, splits and uplift."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from audience_trainers.users.bootstrap import difference, draws, estimate, replicates
from audience_trainers.users.measures import auc, fit_cut, ks, lift, measure
from audience_trainers.users.split import seed_users, split_users
from audience_trainers.users.uplift import effect, uplift, uplift_replicates

EXACT = 1e-12


def sample(kind: str, seed: int, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.2).astype(np.int8)
    score = rng.normal(size=n) + 0.8 * y
    if kind == "ties":
        score = np.round(score)
    elif kind == "constant":
        score = np.full(n, 3.25)
    return score, y


@pytest.mark.parametrize("kind", ["plain", "ties", "constant"])
@pytest.mark.parametrize("seed", range(4))
def test_auc_and_ks_are_those_of_the_libraries(kind: str, seed: int) -> None:
    score, y = sample(kind, seed)
    assert auc(score, y) == pytest.approx(metrics.roc_auc_score(y, score), abs=EXACT)
    assert ks(score, y) == pytest.approx(stats.ks_2samp(score[y == 1], score[y == 0]).statistic, abs=EXACT)


@pytest.mark.parametrize("kind", ["plain", "ties", "constant"])
def test_measures_at_a_cut_are_those_of_sklearn(kind: str) -> None:
    score, y = sample(kind, 1)
    cut = fit_cut(*sample(kind, 2))
    found = {key: float(value[0]) for key, value in measure(score, y, cut=cut).items()}
    targeted = score >= cut
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(y, targeted), abs=EXACT)
    assert found["precision"] == pytest.approx(metrics.precision_score(y, targeted), abs=EXACT)
    assert found["recall"] == pytest.approx(metrics.recall_score(y, targeted), abs=EXACT)


@pytest.mark.parametrize("kind", ["plain", "ties", "constant"])
def test_the_cut_has_the_best_f1_of_all(kind: str) -> None:
    score, y = sample(kind, 3)
    every = {cut: metrics.f1_score(y, score >= cut) for cut in np.unique(score)}
    assert every[fit_cut(score, y)] == pytest.approx(max(every.values()), abs=EXACT)


def test_with_one_class_nothing_is_said() -> None:
    score = np.array([1.0, 2.0, 3.0])
    for y in (np.zeros(3, np.int8), np.ones(3, np.int8)):
        found = measure(score, y, cut=2.0)
        assert np.isnan(found["auc"][0])
        assert np.isnan(found["ks"][0])
    assert fit_cut(score, np.zeros(3, np.int8)) == np.inf
    nobody = measure(score, np.array([0, 1, 0], np.int8), cut=np.inf)
    assert np.isnan(nobody["precision"][0])
    assert (nobody["recall"][0], nobody["accuracy"][0]) == (0.0, pytest.approx(2 / 3))


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        measure(np.array([1.0, np.nan]), np.array([0, 1], np.int8))


def test_lift_counts_a_part_of_those_who_tie_at_the_edge() -> None:
    y = np.array([1, 0] * 5 + [0] * 90, np.int8)
    assert lift(np.arange(100, 0, -1.0), y) == pytest.approx((3 / 5) / 0.05, abs=EXACT)
    assert lift(np.zeros(100), y) == pytest.approx(1.0, abs=EXACT)
    tied = np.where(np.arange(100) < 10, 1.0, 0.0)  # ten tie for five places: half of their five positives count
    assert lift(tied, y) == pytest.approx((2.5 / 5) / 0.05, abs=EXACT)
    assert lift(tied, y, share=1.0) == pytest.approx(1.0, abs=EXACT)


def test_weights_stand_for_users_repeated() -> None:
    score, y = sample("ties", 5, n=60)
    weights = next(draws(60, 20, seed=3))
    assert (weights.sum(1) == 60).all()
    found = measure(score, y, cut=0.5, weights=weights)
    for at, counts in enumerate(weights.astype(int)):
        own = np.repeat(score, counts), np.repeat(y, counts)
        plain = measure(*own, cut=0.5)
        for key in found:
            assert found[key][at] == pytest.approx(plain[key][0], abs=EXACT, nan_ok=True), key


def test_the_interval_is_that_of_resampling_by_hand() -> None:
    score, y = sample("plain", 6)
    found = replicates({"a": score}, y, {"a": 0.0}, count=2_000, seed=0)["a"]["auc"]
    rng = np.random.default_rng(1)
    rows = rng.integers(len(y), size=(2_000, len(y)))
    by_hand = np.array([metrics.roc_auc_score(y[own], score[own]) for own in rows[:600]])
    assert found.std() == pytest.approx(by_hand.std(), rel=0.15)
    told = estimate([auc(score, y)], [found])
    assert told.low < told.mean < told.high
    assert np.percentile(by_hand, 2.5) == pytest.approx(told.low, abs=0.01)


def test_blocks_do_not_change_the_replicates_of_a_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = np.concatenate(list(draws(50, 30, seed=4)))
    monkeypatch.setattr("audience_trainers.users.bootstrap._CELLS", 350)
    parts = list(draws(50, 30, seed=4))
    assert len(parts) == 5
    assert np.array_equal(np.concatenate(parts), whole)


def test_a_paired_difference_is_narrower_than_two_intervals() -> None:
    score, y = sample("plain", 7)
    near = score + np.random.default_rng(0).normal(0, 0.05, len(y))
    drawn = replicates({"a": score, "b": near}, y, {"a": 0.0, "b": 0.0}, count=400, seed=1)
    one = ([auc(score, y)], [drawn["a"]["auc"]])
    other = ([auc(near, y)], [drawn["b"]["auc"]])
    told = difference(one, other)
    assert told.mean == pytest.approx(auc(score, y) - auc(near, y), abs=EXACT)
    assert told.high - told.low < 0.3 * (estimate(*one).high - estimate(*one).low)
    assert (difference(one, one).low, difference(one, one).high) == (0.0, 0.0)


def test_what_cannot_be_said_is_null_in_json() -> None:
    assert estimate([float("nan")], [np.array([np.nan])]).to_dict() == {"mean": None, "ci": [None, None]}
    assert estimate([0.25, 0.75], [np.array([0.1, np.nan]), np.array([0.9])]).to_dict()["mean"] == 0.5


def test_the_interval_of_a_ks_holds_its_value() -> None:
    score, y = np.random.default_rng(0).normal(size=400), np.tile(np.array([0, 0, 0, 1], np.int8), 100)
    drawn = replicates({"a": score}, y, {"a": 0.0}, count=400, seed=0)["a"]["ks"]
    assert drawn.mean() > ks(score, y) + 0.02  # the bias
    told = estimate([ks(score, y)], [drawn])
    assert 0 <= told.low < ks(score, y) < told.high


def test_the_split_is_one_to_four_in_every_stratum() -> None:
    y = np.array([1] * 50 + [0] * 450, np.int8)
    arm = np.tile(np.array([0, 1], np.int8), 250)
    found = split_users(y, seed=3, strata=arm)
    assert np.array_equal(np.sort(np.concatenate([found.fitting, found.evaluation])), np.arange(500))
    for label, count in ((1, 5), (0, 45)):
        for one in (0, 1):
            assert ((y[found.fitting] == label) & (arm[found.fitting] == one)).sum() == count
    again, other = split_users(y, seed=3, strata=arm), split_users(y, seed=4, strata=arm)
    assert np.array_equal(found.fitting, again.fitting)
    assert not np.array_equal(found.fitting, other.fitting)


def test_every_part_has_a_positive_when_there_are_two() -> None:
    found = split_users(np.array([1, 1, 0, 0, 0], np.int8), seed=0)
    y = np.array([1, 1, 0, 0, 0])
    assert y[found.fitting].sum() == y[found.evaluation].sum() == 1


def test_seeds_are_of_the_fitting_part() -> None:
    y = np.array([1] * 20 + [0] * 80, np.int8)
    fitting = split_users(y, seed=1).fitting
    rows = seed_users(y, fitting, positives=3, negatives=5, seed=1)
    assert set(rows) <= set(fitting)
    assert y[rows].tolist() == [1] * 3 + [0] * 5
    assert y[seed_users(y, fitting, positives=99, negatives=1, seed=1)].sum() == 4


def test_uplift_is_the_difference_of_rates_in_the_top_decile() -> None:
    rng = np.random.default_rng(2)
    n = 4_000
    treated = (rng.random(n) < 0.5).astype(np.int8)
    answers = rng.random(n)
    y = (rng.random(n) < 0.1 + 0.6 * treated * (answers > 0.9)).astype(np.int8)
    top = np.argsort(-answers)[: n // 10]
    by_hand = y[top][treated[top] == 1].mean() - y[top][treated[top] == 0].mean()
    assert uplift(answers, y, treated) == pytest.approx(by_hand, abs=EXACT)
    drawn = uplift_replicates(answers, y, treated, count=200, seed=0)
    assert 0.45 < np.percentile(drawn, 2.5) < by_hand < np.percentile(drawn, 97.5) < 0.75
    everybody = effect(y, treated, count=200, seed=0)
    assert everybody.mean == pytest.approx(y[treated == 1].mean() - y[treated == 0].mean(), abs=EXACT)
    assert uplift(np.zeros(n), y, treated) == pytest.approx(everybody.mean, abs=EXACT)
    assert np.isnan(uplift(answers, y, np.ones(n, np.int8)))
