"""Picking entities and the one vector that stands for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from audience_graph.audience.pick import PickRule, pick
from audience_graph.audience.target import Cut
from audience_graph.errors import ConfigError, NotFoundError
from audience_graph.graph.answers import Seed
from audience_graph.graph.expansion import Expanded
from audience_graph.vectors.topk import query_vector

SEEDS = [Seed("spa", "s", "spa", "service"), Seed("e2", "t", "tub", "service")]
REACHED = [
    Expanded("a", "a", "t", 1, 0.9, ("s", "a")),
    Expanded("b", "b", "t", 2, 0.5, ("t", "a", "b")),
    Expanded("c", "c", "t", 2, 0.3, ("s", "a", "c")),
    Expanded("d", "d", "t", 2, 0.29, ("s", "a", "d")),
]


def test_seeds_and_the_most_relevant_are_picked() -> None:
    found = pick(SEEDS, REACHED, PickRule())
    assert [(p.id, p.weight, p.phrase) for p in found] == [
        ("s", 1.0, "spa"),
        ("t", 1.0, "e2"),
        ("a", 0.9, "spa"),
        ("b", 0.5, "e2"),
        ("c", 0.3, "spa"),
    ]
    assert [p.id for p in pick(SEEDS, REACHED, PickRule(top=1))] == ["s", "t", "a"]
    assert [p.id for p in pick(SEEDS, REACHED, PickRule(top=0))] == ["s", "t"]
    assert {p.weight for p in pick(SEEDS, REACHED, PickRule(weights="plain"))} == {1.0}


def test_a_person_may_pick_one_by_one() -> None:
    assert [p.id for p in pick(SEEDS, REACHED, PickRule(ids=("d", "s", "d")))] == ["d", "s"]
    with pytest.raises(NotFoundError, match="zzz"):
        pick(SEEDS, REACHED, PickRule(ids=("d", "zzz")))


@pytest.mark.parametrize(
    "wrong",
    [
        {"top": -1},
        {"top": 1.5},
        {"top": True},
        {"min_relevance": 2},
        {"min_relevance": float("nan")},
        {"weights": "x"},
        {"ids": "abc"},
    ],
)
def test_a_wrong_rule_names_its_argument(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        PickRule(**wrong)


@pytest.mark.parametrize(
    "wrong", [{"size": 0}, {"size": 1.0}, {"size": True}, {"min_score": float("nan")}, {"exclude": "u1"}]
)
def test_a_wrong_cut_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Cut(**wrong)


def test_the_query_is_the_weighted_mean_in_half_precision() -> None:
    vectors = {"a": np.array([1.0, 0.0]), "b": np.array([0.0, 3.0])}
    q = query_vector({"a": 1.0, "b": 0.5, "gone": 9.0}, vectors)
    np.testing.assert_array_equal(q, np.array([2 / 3, 1.0]).astype(np.float16).astype(np.float64))
    with pytest.raises(NotFoundError):
        query_vector({"gone": 1.0}, vectors)
