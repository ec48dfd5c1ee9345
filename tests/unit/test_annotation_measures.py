"""ACC, CorS, AUC, intervals and agreement against worked examples, brute force and scikit-learn."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from audience_trainers.relations.annotation.accuracy import (
    Judged,
    accuracy,
    accurate_by_majority,
    correlation_score,
    effective_size,
    expansion_count,
    ranking_quality,
    sampling_variance,
    variance_over_weeks,
    weighted_auc,
    wilson,
)
from audience_trainers.relations.annotation.agreement import (
    agreement,
    category_counts,
    cohen_kappa,
    fleiss_kappa,
    krippendorff_alpha,
    percent_agreement,
)

GRADES = np.array([0.0, 0.5, 1.0])
# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C: four observers, twelve units.
KRIPPENDORFF = """
1 2 3 3 2 1 4 1 2 . . .
1 2 3 3 2 2 4 1 2 5 . 3
. 3 3 3 2 3 4 2 2 5 1 .
1 2 3 3 2 4 4 1 2 5 1 .
"""
# Fleiss' example as it is usually printed: ten subjects, fourteen raters, five categories.
FLEISS = """
0 0 0 0 14
0 2 6 4 2
0 0 3 5 6
0 3 9 2 0
2 2 8 1 1
7 7 0 0 0
3 2 6 3 0
2 5 3 2 2
6 5 2 1 0
0 2 2 3 7
"""


def matrix(text: str) -> np.ndarray:
    rows = [[math.nan if cell == "." else float(cell) for cell in line.split()] for line in text.strip().splitlines()]
    return np.array(rows)


def judged(scores: list[float], weight: list[float] | None = None, stratum: list[int] | None = None) -> Judged:
    values = np.array(scores)
    return Judged(
        (values > 0).astype(float),
        values,
        np.ones(len(values)) if weight is None else np.array(weight),
        np.zeros(len(values), np.int64) if stratum is None else np.array(stratum),
    )


def test_accuracy_and_correlation_by_hand() -> None:
    five = judged([1.0, 1.0, 0.5, 0.0, 0.5])
    assert accuracy(five).value == pytest.approx(4 / 5)
    assert correlation_score(five).value == pytest.approx(3 / 5)
    weighted = judged([1.0, 0.0, 0.5], [10.0, 30.0, 60.0])
    assert accuracy(weighted).value == pytest.approx(0.7)
    assert correlation_score(weighted).value == pytest.approx(0.4)
    assert expansion_count(7_800, 100) == 78.0
    assert math.isnan(accuracy(judged([])).value)


def test_the_majority_decides_and_an_even_split_counts_half() -> None:
    assert accurate_by_majority([0.0, 0.5, 1.0]) == 1.0
    assert accurate_by_majority([0.0, 0.0, 1.0]) == 0.0
    assert accurate_by_majority([0.0, 1.0]) == 0.5


def test_wilson_by_hand() -> None:
    # 8 of 10: the printed interval is .490 to .943
    assert wilson(0.8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(1.0, 20)[0] == pytest.approx(1 / (1 + 1.959964**2 / 20), abs=1e-6)
    assert wilson(1.0, 20)[1] == pytest.approx(1.0)
    assert effective_size(np.array([1.0, 1.0, 2.0])) == pytest.approx(16 / 6)


def test_wilson_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    for share in (0.5, 0.9, 0.97):
        seen = rng.binomial(200, share, 2_000) / 200
        covered = np.mean([low <= share <= high for low, high in (wilson(s, 200) for s in seen)])
        assert 0.93 <= covered <= 0.98, (share, covered)


def test_the_bootstrap_covers_and_repeats_itself() -> None:
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(60):
        sample = judged(rng.choice(GRADES, 80, p=[0.2, 0.3, 0.5]).tolist())
        found = correlation_score(sample)
        covered += found.low <= 0.65 <= found.high
    assert covered >= 52
    assert correlation_score(sample, seed=5) == correlation_score(sample, seed=5)


def test_auc_with_weights_against_brute_force_and_scikit() -> None:
    rng = np.random.default_rng(3)
    score, label, weight = rng.integers(0, 8, 60) / 8, rng.integers(0, 2, 60).astype(float), rng.uniform(0.5, 9, 60)
    top = bottom = 0.0
    for i, j in itertools.product(np.flatnonzero(label > 0), np.flatnonzero(label == 0)):
        bottom += weight[i] * weight[j]
        top += weight[i] * weight[j] * ((score[i] > score[j]) + 0.5 * (score[i] == score[j]))
    assert weighted_auc(score, label, weight) == pytest.approx(top / bottom)
    assert weighted_auc(score, label, weight) == pytest.approx(roc_auc_score(label, score, sample_weight=weight))
    rows = Judged(label, label, weight, np.zeros(60, np.int64))
    assert ranking_quality(rows, score).value == pytest.approx(top / bottom)
    holes = np.where(np.arange(60) < 5, np.nan, score)
    assert ranking_quality(rows, holes).value == pytest.approx(weighted_auc(score[5:], label[5:], weight[5:]))
    assert math.isnan(weighted_auc(score, np.ones(60), weight))


def test_variance_over_weeks_is_in_squared_percentage_points() -> None:
    assert variance_over_weeks([0.955, 0.965, 0.975]) == pytest.approx(1.0)
    assert math.isnan(variance_over_weeks([0.9]))
    weeks = [judged([1.0] * 90 + [0.0] * 10), judged([1.0] * 80 + [0.0] * 20)]
    assert sampling_variance(weeks) == pytest.approx(1e4 * (0.09 / 100 + 0.16 / 100) / 2)


def test_cohen_kappa_equals_scikit() -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        first = rng.choice(GRADES, 50)
        second = np.where(rng.random(50) < 0.6, first, rng.choice(GRADES, 50))
        names = [[str(v) for v in own] for own in (first, second)]
        assert cohen_kappa(first, second) == pytest.approx(cohen_kappa_score(*names))
    assert math.isnan(cohen_kappa(np.ones(5), np.ones(5)))


def test_fleiss_kappa_of_the_printed_example() -> None:
    assert fleiss_kappa(matrix(FLEISS)) == pytest.approx(0.210, abs=5e-4)
    assert math.isnan(fleiss_kappa(np.array([[2.0, 0.0], [1.0, 2.0]])))


@pytest.mark.parametrize(("metric", "printed"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_krippendorff_alpha_of_the_printed_example(metric: str, printed: float) -> None:
    assert krippendorff_alpha(matrix(KRIPPENDORFF).T, metric) == pytest.approx(printed, abs=5e-4)


def test_percent_agreement_against_brute_force() -> None:
    rng = np.random.default_rng(5)
    ratings = np.where(rng.random((40, 4)) < 0.3, np.nan, rng.choice(GRADES, (40, 4)))
    shares = []
    for row in ratings:
        given = row[~np.isnan(row)]
        if len(given) >= 2:
            shares.append(np.mean([a == b for a, b in itertools.combinations(given, 2)]))
    assert percent_agreement(ratings) == pytest.approx(np.mean(shares))


def test_agreement_takes_the_fitting_kappa_and_says_what_is_undefined() -> None:
    nan = math.nan
    two = np.array([[0, 0.5, nan], [1, 1, nan], [0, 0, nan], [nan, nan, 1]])
    found = agreement(two)
    assert (found.annotators, found.pairs, found.kappa_of) == (2, 3, "cohen")
    assert found.percent == pytest.approx(2 / 3)
    assert found.kappa == pytest.approx(cohen_kappa(two[:3, 0], two[:3, 1]))
    three = agreement(np.array([[0, 0, 0.5], [1, 1, 1], [0.5, 0.5, 0]]))
    assert (three.annotators, three.kappa_of) == (3, "fleiss")
    assert three.kappa is not None
    alone = agreement(np.array([[1.0], [0.5]]))
    assert (alone.pairs, alone.percent, alone.kappa, alone.alpha) == (0, None, None, None)
    assert agreement(np.ones((4, 2))).alpha is None
    assert category_counts(np.array([[0.0, 1.0]])).tolist() == [[1.0, 1.0]]
