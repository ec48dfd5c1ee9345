"""What a sentence takes from the entities that it names."""

from __future__ import annotations

import numpy as np
import pytest

from audience_graph.sentences.demand import read_demand
from audience_graph.sentences.named import Named, entity_part, named_in
from audience_graph.sentences.vocabulary import Found, Value, Vocabulary

VALUES = [Value("green tea", "drink", "t"), Value("skin care", "service", "s"), Value("city", "place")]


def near(phrase: str) -> list[Found]:
    scores = {"matcha": [(0.8, "t"), (0.76, "s")], "creams": [(0.62, "s")]}
    return [Found(phrase, Value("x", "y", i), "meaning", score) for score, i in scores.get(phrase, [])]


def named(sentence: str) -> Named:
    return named_in(read_demand(sentence, Vocabulary(VALUES, near=near)))


def test_names_count_whole_and_meanings_less() -> None:
    assert named("people who will buy green tea or skin care") == Named({"t": 1.0, "s": 1.0}, 1.0)
    found = named("people who will buy matcha")
    assert sum(found.weights.values()) == pytest.approx(1.0)
    assert found.weights["t"] / found.weights["s"] == pytest.approx(np.exp(0.04 / 0.05))
    assert found.trust == pytest.approx(0.6)
    assert named("people who will buy creams").trust == pytest.approx(0.24)
    half = named("people who will buy green tea or zorgblats")
    assert half.trust == pytest.approx(2 / 3)  # two of three words are understood
    assert named("people who will move to the city") == Named({}, 0.0)  # a value that is no entity
    assert named("people who will zorgblat").trust == 0.0


def test_the_part_is_the_direction_of_the_mean_as_long_as_the_trust() -> None:
    vectors = {"t": np.array([1, 0], np.float32), "s": np.array([0, 1], np.float32)}
    part = entity_part([Named({"t": 1.0, "s": 1.0}), Named({"t": 2.0, "gone": 1.0}, 0.5), Named({})], vectors, 2)
    assert part == pytest.approx(np.array([[np.sqrt(0.5), np.sqrt(0.5)], [0.5, 0], [0, 0]]))
