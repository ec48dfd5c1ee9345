"""Lift and relation quality against figures worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audience_graph.demo.evaluation import (
    PhraseLift,
    Truth,
    lift_at,
    read_truth,
    relation_quality,
    summary,
    targeting_quality,
)

EVERYBODY = np.ones(10, dtype=bool)


def flags(*at: int, size: int = 10) -> np.ndarray:
    out = np.zeros(size, dtype=bool)
    out[list(at)] = True
    return out


def test_lift_is_the_rate_at_the_top_over_the_base_rate() -> None:
    scores = np.arange(10, dtype=np.float64)
    # best 2 of 10 are users 9 and 8; 9 is positive: 1/2 over 2/10
    assert lift_at(scores, flags(9, 0), EVERYBODY, share=0.2) == pytest.approx(2.5)
    assert lift_at(scores, flags(9, 8), EVERYBODY, share=0.2) == pytest.approx(5.0)
    assert lift_at(scores, flags(0, 1), EVERYBODY, share=0.2) == 0.0


def test_ties_at_the_cut_count_in_equal_parts() -> None:
    scores = np.array([5, 3, 3, 3, 3, 1, 1, 1, 1, 1], dtype=np.float64)
    # best 2 = user 0 and one of users 1-4, of whom two are positive: (1 + 2/4) / 2 over 3/10
    assert lift_at(scores, flags(0, 1, 2), EVERYBODY, share=0.2) == pytest.approx(0.75 / 0.3)
    assert lift_at(np.zeros(10), flags(3), EVERYBODY, share=0.2) == pytest.approx(1.0)


def test_users_left_out_tie_at_the_end() -> None:
    scores = np.array([1.0, *[-np.inf] * 9])
    # best 2 = user 0 and one of nine, one of them positive
    assert lift_at(scores, flags(4), EVERYBODY, share=0.2) == pytest.approx(((1 / 9) / 2) / 0.1)


def test_only_eligible_users_count() -> None:
    scores = np.array([9, 8, 7, 6, 5, 4, 3, 2, 1, 0], dtype=np.float64)
    eligible = ~flags(0, 1)
    # of 8 eligible the best 2 (ceil of 0.2 x 8) are users 2 and 3; 2 is positive; users 0 and 1 do not help
    assert lift_at(scores, flags(0, 1, 2, 9), eligible, share=0.2) == pytest.approx((1 / 2) / (2 / 8))


def test_no_positive_gives_no_lift_and_one_user_is_always_taken() -> None:
    assert math.isnan(lift_at(np.zeros(10), flags(), EVERYBODY))
    assert lift_at(np.arange(10.0), flags(9), EVERYBODY, share=0.001) == pytest.approx(10.0)


def test_relations_are_directed_and_counted_once() -> None:
    truth = pd.DataFrame(
        {"source_id": ["a", "b", "a", "c"], "target_id": ["b", "a", "c", "a"], "grade": [1, 1, 0.5, 0.5]}
    )
    found = pd.DataFrame({"source_id": ["a", "a", "a", "x"], "target_id": ["b", "b", "c", "y"]})
    got = relation_quality(found, truth)
    assert (got.precision, got.recall) == (pytest.approx(2 / 3), pytest.approx(2 / 4))
    assert (got.mean_grade, got.found, got.true) == (pytest.approx(1.5 / 3), 3, 4)


def test_nothing_found_is_zero() -> None:
    truth = pd.DataFrame({"source_id": ["a"], "target_id": ["b"], "grade": [1.0]})
    got = relation_quality(truth.iloc[:0], truth)
    assert (got.precision, got.recall, got.mean_grade, got.found) == (0.0, 0.0, 0.0, 0)


def test_targeting_asks_for_enough_users_and_judges_only_newcomers() -> None:
    users = np.array([f"u{i:02d}" for i in range(40)], dtype=object)
    known, acted = flags(0, 1, 2, size=40), flags(0, 5, size=40)
    truth = Truth(
        users=users,
        events=np.arange(40, dtype=np.float64),
        breadth=acted.astype(np.float64),
        phrases=(("spa", "e1"),),
        known={"e1": known},
        acted={"e1": acted},
        oracle={"spa": acted.astype(np.float64)},
    )
    asked: list[int] = []

    def target(phrase: str, size: int) -> Mapping[str, float]:
        assert phrase == "spa"
        asked.append(size)
        return {"u00": 9.0, "u01": 8.0, "u02": 7.0, "u05": 6.0, "u06": 5.0}

    (got,) = targeting_quality(truth, target)
    assert asked == [2 + 3]  # 5 % of 37 rounded up, and the three who can push them out
    assert (got.eligible, got.positives) == (37, 1)
    assert got.lift == pytest.approx((1 / 2) / (1 / 37))
    assert got.events == 0.0
    assert got.breadth == pytest.approx((1 / 2) / (1 / 37))
    assert got.oracle == pytest.approx((1 + 1 / 36 * 0) / 2 * 37)


def test_summary_takes_medians_and_skips_phrases_without_positives() -> None:
    lifts = (1.0, 3.0, 9.0, float("nan"))
    rows = [PhraseLift(str(i), "e", 10, 1, lift, 1.0, 2.0, 2.5, 8.0) for i, lift in enumerate(lifts)]
    assert summary(rows) == {
        "lift_median": 3.0,
        "lift_random": 1.0,
        "lift_popularity": 2.5,
        "lift_oracle": 8.0,
        "lift_most_events": 2.0,
        "lift_most_entities": 2.5,
    }


def test_truth_of_a_world_counts_every_event(world: Path) -> None:
    truth = read_truth(world)
    events = pd.read_parquet(world / "events.parquet", columns=["user_id"])
    assert truth.events.sum() == len(events)
    assert len(truth.phrases) == 20
    busiest = events["user_id"].value_counts()
    assert truth.events.max() == busiest.max()
    for phrase, entity in truth.phrases:
        assert truth.known[entity].any()
        assert truth.oracle[phrase].max() <= 1.0 + 1e-9
