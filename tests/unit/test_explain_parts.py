"""Shares of scores in numpy: parts of stored vectors, what rounding may be, ranks of both ways, places."""

from __future__ import annotations

import numpy as np
import pytest

from audience_graph.audience.evaluate.rankings import Chosen
from audience_graph.audience.fusion import fuse, fused_shares
from audience_graph.audience.why.parts import Own, split
from audience_graph.audience.why.places import place_of

DIMS = 32


def made(seed: int, users: int = 50, entities: int = 20):
    """Users with one to six mentions, the halfvec mean vectors that are stored, and float32 products with a query."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(entities, DIMS)).astype(np.float16).astype(np.float64)
    query = rng.normal(size=DIMS).astype(np.float16).astype(np.float64)
    rows = [np.unique(rng.integers(0, entities, rng.integers(1, 7)), return_counts=True) for _ in range(users)]
    own = Own(
        np.concatenate([np.full(len(found), user) for user, (found, _) in enumerate(rows)]),
        np.concatenate([found for found, _ in rows]),
        np.concatenate([counts for _, counts in rows]).astype(np.int64),
        vectors,
    )
    mean = np.stack([counts @ vectors[found] / counts.sum() for found, counts in rows])
    stored = mean.astype(np.float32).astype(np.float16).astype(np.float64)
    scores = (stored.astype(np.float32) @ query.astype(np.float32)).astype(np.float64)
    return np.arange(users), stored, scores, query, own


def told(seed: int, **changes):
    keys, stored, scores, query, own = made(seed)
    values = {"stored": stored, "scores": scores, "own": own} | changes
    return split(keys, values["stored"], values["scores"], query, values["own"], ("e",) * len(own.vectors))


@pytest.mark.parametrize("seed", range(20))
def test_parts_are_those_of_the_stored_vector(seed: int) -> None:
    _, stored, scores, query, own = made(seed)
    found = told(seed)
    sums = np.bincount(own.user, found.parts, len(scores))
    assert found.whole.all()
    assert np.allclose(sums, stored @ query, rtol=0, atol=1e-13)  # in float64, not the score's float32
    assert np.all(np.abs(scores - sums) <= found.bound)
    assert np.allclose(sums + found.rounding, scores, rtol=0, atol=1e-15)
    assert np.max(found.bound) < 1e-4


def test_a_part_is_moved_by_no_more_than_its_mentions_of_the_rounding() -> None:
    _, stored, _, query, own = made(1)
    found = told(1)
    length = np.bincount(own.user, own.mentions)
    bare = own.mentions * (own.vectors[own.entity] @ query) / length[own.user]
    rounded = stored @ query - np.bincount(own.user, bare)
    assert np.allclose(found.parts - bare, (own.mentions / length[own.user]) * rounded[own.user], atol=1e-14)
    assert np.max(np.abs(rounded)) > 1e-5  # there is some


def test_events_that_are_not_those_of_the_vector_are_found_out() -> None:
    _, stored, _, _, own = made(2)
    other = Own(own.user, own.entity, np.where(own.user == 7, own.mentions + np.arange(len(own.user)), own.mentions),
                own.vectors)  # fmt: skip
    several = np.bincount(own.user) > 1
    assert several[7]
    found = told(2, own=other)
    assert np.flatnonzero(~found.whole).tolist() == [7]
    assert abs(found.rounding[7]) > found.bound[7]
    # one coordinate that moved by two steps of halfvec is enough, though the score hardly feels it
    moved = stored.copy()
    moved[9, 0] = np.nextafter(np.nextafter(np.float16(moved[9, 0]), np.float16(9)), np.float16(9))
    assert np.flatnonzero(~told(2, stored=moved).whole).tolist() == [9]


def test_users_without_a_vector_or_events_have_no_parts() -> None:
    _, stored, scores, _, own = made(3)
    blank, none = stored.copy(), scores.copy()
    blank[4], none[4] = np.nan, np.nan
    found = told(3, stored=blank, scores=none)
    assert np.isnan(found.scores[4])
    assert not found.whole[4]
    assert found.whole.sum() == len(scores) - 1
    some = own.user != 5
    bare = told(3, own=Own(own.user[some], own.entity[some], own.mentions[some], own.vectors))
    assert not bare.whole[5]
    assert bare.rounding[5] == scores[5]
    empty = np.zeros(0, np.int64)
    assert not told(3, own=Own(empty, empty, empty, np.zeros((0, DIMS)))).whole.any()


@pytest.mark.parametrize("seed", range(20))
def test_two_shares_make_up_the_fused_score(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sides = []
    for _ in range(2):
        keys = np.sort(rng.choice(200, rng.integers(0 if seed % 5 == 0 else 1, 120), replace=False))
        sides.append((keys, np.round(rng.normal(size=len(keys)), 1)))  # with ties
    weight = [0.0, 1.0, 0.6, 0.35][seed % 4]
    fused = fuse(sides[0], sides[1], weight=weight)
    found = fused_shares(sides[0], sides[1], weight, np.arange(200))
    scores = dict(zip(fused.keys.tolist(), fused.scores.tolist(), strict=True))
    assert {k: s for k, s in enumerate(found.scores.tolist()) if not np.isnan(s)} == scores
    inside = fused.keys
    assert np.allclose((found.graph + found.sentence)[inside], found.scores[inside], rtol=0, atol=1e-15)
    assert np.all(found.graph[inside] >= 0)
    assert np.all(found.graph[inside] <= weight + 1e-12)
    assert np.isnan(found.graph).sum() == 200 - len(inside)


def test_the_best_of_a_side_gets_all_of_its_weight_and_the_last_nothing() -> None:
    keys = np.arange(10)
    found = fused_shares((keys, -keys.astype(float)), (keys, keys.astype(float)), 0.7, keys)
    assert (found.graph[0], found.sentence[9]) == (pytest.approx(0.7), pytest.approx(0.3))
    assert (found.graph[9], found.sentence[0]) == (0.0, 0.0)
    assert not np.signbit(found.graph[9])


def test_places_count_ties_by_key() -> None:
    keys, scores = np.array([2, 3, 5, 8]), np.array([0.5, 0.9, 0.5, 0.1])
    chosen = Chosen(np.array([3, 2]), np.array([0.9, 0.5]), {}, keys, scores)
    place = place_of(chosen, 5)
    assert place is not None
    assert (place.score, place.cut, place.taken, place.upto.tolist()) == (0.5, 0.5, False, [2, 3, 5])
    assert [place_of(chosen, key) for key in (1, 4, 9)] == [None, None, None]
    first = place_of(chosen, 2)
    assert first is not None
    assert (first.taken, first.upto.tolist()) == (True, [2, 3])
    nobody = Chosen(keys[:0], scores[:0], {}, keys, scores)
    assert place_of(nobody, 2).cut is None  # type: ignore[union-attr]
