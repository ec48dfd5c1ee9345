"""Two audiences side by side: overlap and order written out, and nothing told of small groups."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from audience_graph.audience.compare import Change, ComparedSpace, Comparison, compare_audiences
from audience_graph.audience.disclosure import coarse, shown
from audience_graph.audience.spaces import Beside
from audience_graph.errors import ConfigError


def side(scores, first=0):
    return np.arange(first, first + len(scores), dtype=np.int64), np.asarray(scores, np.float64)


def test_overlap_order_and_medians_are_those_written_out():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=1_000), rng.normal(size=1_000)
    b[:300] = a[:300] + rng.normal(0, 0.1, 300)
    found = compare_audiences("s", side(a), side(b), 400)
    best_a, best_b = (set(np.argsort(-x)[:400].tolist()) for x in (a, b))
    both = len(best_a & best_b)
    assert (found.both, found.only_a, found.only_b) == tuple((n + 5) // 10 * 10 for n in (both, 400 - both, 400 - both))
    assert found.jaccard == pytest.approx(both / (800 - both), abs=0.02)
    users = sorted(best_a | best_b)
    order_a, order_b = (np.argsort(np.argsort(-x[users])) for x in (a, b))
    assert found.rank_correlation == pytest.approx(np.corrcoef(order_a, order_b)[0, 1], abs=0.006)
    assert found.median_a == pytest.approx(np.median(np.sort(a)[-400:]), abs=6e-4)
    assert found.median_b == pytest.approx(np.median(np.sort(b)[-400:]), abs=6e-4)
    assert found.left == tuple(u for u in np.argsort(-a)[:400].tolist() if u not in best_b)[:10]
    assert found.joined == tuple(u for u in np.argsort(-b)[:400].tolist() if u not in best_a)[:10]


def test_users_of_one_space_alone_are_there_and_come_last_in_the_other():
    a = side(np.linspace(1, 0, 300))
    b = side(np.linspace(1, 0, 300), first=300)
    found = compare_audiences("s", a, b, 200)
    assert (found.jaccard, found.both, found.only_a, found.only_b) == (0.0, None, 200, 200)
    assert found.rank_correlation < -0.7
    same = compare_audiences("s", a, a, 200)
    assert (same.jaccard, same.rank_correlation, same.only_a, same.left) == (1.0, 1.0, None, ())


def test_one_user_more_or_less_is_never_told():
    a = side(np.linspace(1, 0, 1_000))
    told = set()
    for moved in range(1, 40):  # so many of the best leave
        b = a[0], a[1].copy()
        b[1][:moved] = -1.0
        found = compare_audiences("s", a, b, 500)
        assert (found.only_a, found.only_b, found.left, found.joined) == (None, None, (), ())
        told.add((found.both, found.jaccard))
    assert len(told) <= 5  # of 39 cases: steps of ten in `both`


def test_small_audiences_show_no_number():
    few = side(np.linspace(1, 0, 99))
    many = side(np.linspace(1, 0, 500))
    for a, b in ((few, many), (many, few)):
        assert compare_audiences("s", a, b, 200) == Change("s", None, None, None, None, None, None, None)
    assert [shown(n) for n in (0, 99, 100, 104, 105, 1234)] == [None, None, 100, 100, 110, 1230]
    assert [coarse(n) for n in (0, 49, 50, 99, 100, 1234)] == [0, 0, 100, 100, 100, 1230]
    for size in (99, 0, True, "many"):
        with pytest.raises(ConfigError, match="from 100"):
            Beside("a", "b", size=size)  # type: ignore[arg-type]


def test_ties_at_the_cut_go_to_the_smaller_key():
    a = side(np.zeros(300))
    b = side(np.r_[np.ones(50), np.zeros(250)])
    found = compare_audiences("s", a, b, 150)
    assert (found.both, found.only_a) == (150, None)
    assert found.rank_correlation is None  # one side has no order


def test_a_comparison_reads_as_a_table_without_movers():
    space = ComparedSpace("text_a", "run a", "2026-07-26", 5_000, 5.1, 0.731, "600 sentences of past windows")
    change = Change("people who will", 0.5, 500, 250, 250, 0.4, 0.2, 0.3, ("u1",), ("u2",))
    found = Comparison(space, replace(space, space="text_b", users=None, auc=None), 750, (change,))
    assert "A: text_a, 5,000 users of 2026-07-26, AUC 0.731 (600 sentences of past windows)" in repr(found)
    assert "B: text_b, under 100 users of 2026-07-26\n" in repr(found)
    assert "u1" not in repr(found)
    assert json.loads(json.dumps(list(found.rows())))[0]["left"] == ["u1"]
    assert set(found.to_df()) >= {"sentence", "jaccard", "joined"}
