"""Lift is maths: known values, known coverage, and nothing that rounded counts do not say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from audience_graph.audience.learn.lift import (
    Counted,
    Interval,
    against_whole,
    at_least,
    false_discovery,
    p_value,
    rate_difference,
    rate_ratio,
    score,
    standardised,
)
from audience_graph.audience.learn.shown import Figures, figures, of_whole, versus


def test_the_ratio_has_the_interval_of_koopmans_example() -> None:
    found = rate_ratio(Counted(40, 36), Counted(80, 16))
    assert found.value == pytest.approx(4.5)
    assert (found.low, found.high) == pytest.approx((2.94, 7.15), abs=0.005)


def test_the_difference_has_the_interval_of_newcombes_examples() -> None:
    for a, b, low, high in (
        (Counted(70, 56), Counted(80, 48), 0.0524, 0.3339),
        (Counted(10, 9), Counted(10, 3), 0.1705, 0.8090),
        (Counted(10, 10), Counted(20, 0), 0.6791, 1.0),
    ):
        found = rate_difference(a, b)
        assert (found.low, found.high) == pytest.approx((low, high), abs=0.0001)


def test_both_ends_are_where_the_score_statistic_says_so() -> None:
    a, b = Counted(900, 31), Counted(300, 6)
    found = rate_ratio(a, b)
    assert score(a, b, found.low) == pytest.approx(1.959964, abs=1e-5)
    assert score(a, b, found.high) == pytest.approx(-1.959964, abs=1e-5)
    swapped = rate_ratio(b, a)
    assert (1 / swapped.high, 1 / swapped.low) == pytest.approx((found.low, found.high), rel=1e-9)


@pytest.mark.parametrize(
    ("a", "b", "low", "high"),
    [
        (Counted(0, 0), Counted(10, 1), 0.0, math.inf),
        (Counted(100, 0), Counted(100, 0), 0.0, math.inf),
        (Counted(100, 0), Counted(100, 9), 0.0, 0.5),
        (Counted(100, 9), Counted(100, 0), 2.0, math.inf),
        (Counted(100, 100), Counted(100, 100), 0.9, 1.1),
        (Counted(100, 100), Counted(100, 1), 10.0, 1000.0),
    ],
)
def test_empty_and_full_groups_have_an_honest_interval(a: Counted, b: Counted, low: float, high: float) -> None:
    found = rate_ratio(a, b)
    assert low <= found.low <= found.high <= high
    assert not math.isnan(found.low)
    assert not math.isnan(found.high)
    assert math.isinf(found.high) == (b.converted == 0 or not a.users)


def test_intervals_hold_the_truth_in_95_of_100_campaigns() -> None:
    rng = np.random.default_rng(2)
    hits = {"ratio": 0, "difference": 0, "shown ratio": 0, "shown difference": 0}
    runs = 2000
    for _ in range(runs):
        n, m = int(rng.integers(500, 20_000)), int(rng.integers(200, 5_000))
        p_b = rng.uniform(0.005, 0.1)
        p_a = p_b * rng.uniform(0.5, 3.0)
        x, y = int(rng.binomial(n, p_a)), int(rng.binomial(m, p_b))
        ratio, gap = rate_ratio(Counted(n, x), Counted(m, y)), rate_difference(Counted(n, x), Counted(m, y))
        told = versus(_figures(n, x), _figures(m, y))
        for name, found, true in (
            ("ratio", ratio, p_a / p_b),
            ("difference", gap, p_a - p_b),
            ("shown ratio", told.ratio, p_a / p_b),
            ("shown difference", told.difference, p_a - p_b),
        ):
            hits[name] += found.low <= true <= found.high
    assert all(count / runs >= 0.93 for count in hits.values()), hits
    assert hits["ratio"] / runs <= 0.97, "wider than it says"


def test_shown_intervals_hold_those_of_every_count_that_rounds_alike() -> None:
    told = versus(_figures(400, 30), _figures(200, 10))
    for n in range(395, 405):
        for x in range(25, 35):
            exact = rate_ratio(Counted(n, x), Counted(200, 10))
            assert told.ratio.low <= exact.low
            assert exact.high <= told.ratio.high


def test_small_groups_have_no_figures_and_others_rounded_ones() -> None:
    assert figures(99, 50, 50) is None
    assert figures(100, 44, 7) == Figures(100, 40, 10)
    assert figures(1234, 1000, 4) == Figures(1230, 1000, 0)


def test_against_the_whole_one_stays_one_and_ends_are_turned() -> None:
    turned = against_whole(Interval(2.0, 1.0, math.inf), 0.25)
    assert turned == Interval(2.0 / 1.25, 1.0, 4.0)
    part, rest = Figures(200, 0, 40), Figures(800, 0, 40)
    assert of_whole(part, rest).ratio.value == pytest.approx((40 / 200) / (80 / 1000))
    only = of_whole(Figures(200, 0, 40), Figures(800, 0, 0)).ratio
    assert only.value == 5.0
    assert only.low > 1.0


def test_many_comparisons_are_allowed_for() -> None:
    assert false_discovery([]) == []
    assert false_discovery([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])
    assert p_value(1.959964) == pytest.approx(0.05, abs=1e-6)
    alike = versus(_figures(400, 30), _figures(400, 30))
    assert alike.p == 1.0


def _figures(users: int, conversions: int) -> Figures:
    found = figures(users, users, conversions)
    assert found is not None
    return found


def test_a_count_beside_what_is_expected_has_poissons_limits_and_tail() -> None:
    for least, most, expected in ((5, 15, 0.9), (20, 20, 10.0), (900, 910, 700.0), (0, 5, 3.0)):
        found = standardised(least, most, most, expected)
        low = stats.chi2.ppf(0.025, 2 * least) / 2 / expected if least else 0.0
        assert found.low == pytest.approx(low, rel=0.05)
        assert found.high == pytest.approx(stats.chi2.ppf(0.975, 2 * (most + 1)) / 2 / expected, rel=0.01)
        assert found.value == most / expected
    for count, expected in ((5, 0.9), (20, 5.0), (2000, 800.0), (5, 1e-9), (1_000_000, 990_000.0)):
        tail = stats.poisson.sf(count - 1, expected)
        assert at_least(count, expected) == pytest.approx(min(1.0, 2.0 * tail), rel=1e-6)
    assert at_least(3, 3.0) == at_least(0, 3.0) == 1.0
    with pytest.raises(ValueError, match="above 0"):
        standardised(1, 1, 1, 0.0)
