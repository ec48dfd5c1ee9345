"""Numbers about audiences: overlap from coarse parts, bitmaps, cuts of a ranking, filters on the command line."""

from __future__ import annotations

import numpy as np
import pytest

from audience_graph.audience.audience import column, event
from audience_graph.audience.define.definition import Column, Phrases, Ranked
from audience_graph.audience.evaluate.columns import json_path
from audience_graph.audience.evaluate.keysets import Universe, content_hash
from audience_graph.audience.evaluate.overlap import compare, near_duplicates
from audience_graph.audience.evaluate.rankings import Ranking, best_of, choose
from audience_graph.audience.evaluate.remembered import Lately
from audience_graph.audience.safety.disclosure import packed, unpacked
from audience_graph.audience.typed import event_of, where_of
from audience_graph.errors import ConfigError


def mask(start: int, end: int, length: int = 3000) -> np.ndarray:
    found = np.zeros(length, np.bool_)
    found[start:end] = True
    return found


def test_overlap_is_computed_from_parts_that_tell_of_nobody() -> None:
    found = compare({"a": mask(0, 1000), "b": mask(40, 1040), "c": mask(500, 1500), "d": mask(0, 60)})
    rows = {(a, b): [found[h][i] for h in ("both", "only_a", "only_b", "jaccard", "near_duplicate")]
            for i, (a, b) in enumerate(zip(found["a"], found["b"], strict=True))}  # fmt: skip
    assert rows["a", "b"] == [960, None, None, 1.0, True]  # 40 users on each side count as none
    assert rows["a", "c"] == [500, 500, 500, 0.333, False]
    assert rows["a", "d"] == [None] * 5


def test_near_duplicates_come_nearest_first() -> None:
    found = near_duplicates({"a": mask(0, 1000), "b": mask(0, 1150), "c": mask(0, 1020), "d": mask(900, 2000)})
    assert list(zip(found["a"], found["b"], strict=True)) == [("a", "c"), ("b", "c"), ("a", "b")]


def test_bitmaps_survive_packing() -> None:
    rng = np.random.default_rng(1)
    for one in (mask(0, 0), mask(0, 3000), mask(2999, 3000), rng.random(3000) < 0.3):
        bits = np.unpackbits(unpacked(packed(one))).astype(bool)
        assert np.array_equal(np.flatnonzero(bits), np.flatnonzero(one))


@pytest.mark.parametrize("size", [0, 1, 3, 4, 7, 100])
def test_the_best_are_those_of_a_full_sort_ties_to_the_smaller_place(size: int) -> None:
    scores = np.array([0.5, 0.9, 0.5, 0.1, 0.5, 0.9, 0.2])
    order = np.lexsort((np.arange(7), -scores))[:size]
    assert best_of(scores, size).tolist() == order.tolist()


def test_a_cut_by_score_size_and_width() -> None:
    ranking = Ranking(np.arange(200), np.linspace(1, 0, 200), {"kind": "graph"})
    by = Phrases("x")
    assert len(choose(ranking, Ranked(by, min_score=0.5)).keys) == 100
    assert len(choose(ranking, Ranked(by, size=30, min_score=0.5)).keys) == 30
    assert len(choose(ranking, Ranked(by, width="narrow")).keys) == 2
    nobody = choose(Ranking(np.arange(0), np.zeros(0), {}), Ranked(by, size=10))
    assert (len(nobody.keys), nobody.question["score_at_cut"]) == (0, None)


def test_a_universe_drops_who_is_gone() -> None:
    base = Universe(np.array([False, True, True, False, True]))
    assert base.of_keys(np.array([1, 3, 4, 9, -1])).tolist() == [False, True, False, False, True]
    assert base.within(np.array([True, True])).tolist() == [False, True, False, False, False]
    assert base.within(np.ones(9, np.bool_)).tolist() == base.base.tolist()


def test_equal_members_have_equal_hashes_and_others_do_not() -> None:
    keys = np.array([3, 1, 2])
    assert content_hash(keys, [0.3, 0.2, np.nan]) == content_hash(keys, [0.3, 0.2, np.nan])
    assert content_hash(keys, [0.3, 0.2, np.nan]) != content_hash(keys[::-1], [0.3, 0.2, np.nan])


def test_what_was_used_last_is_remembered() -> None:
    kept: Lately[int] = Lately(2)
    kept.put("a", 1), kept.put("b", 2), kept.get("a"), kept.put("c", 3)
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == (1, None, 3)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("age >= 30", column("age") >= 30),
        ("age<=3.5", column("age") <= 3.5),
        ("age_band = 20-29", column("age_band") == "20-29"),
        ("age_band = 20-29|30-39", column("age_band").one_of("20-29", "30-39")),
        ("city != Lyon", column("city") != "Lyon"),
        ("vip = true", column("vip") == True),  # noqa: E712 - it makes an audience
        ("code = '007'", column("code") == "007"),
        ("code = 007", column("code") == "007"),
        ("email is known", column("email").known()),
    ],
)
def test_filters_on_the_command_line(text: str, wanted: object) -> None:
    assert where_of(text) == wanted


@pytest.mark.parametrize("text", ["", "age", ">= 30", "age >=", "age < 3|4"])
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is no filter"):
        where_of(text)


def test_filters_over_events_on_the_command_line() -> None:
    assert event_of("skin care") == event("skin care")
    assert event_of("skin care:7d") == event("skin care", days=7)
    assert event_of("skin care:7d:buy, click") == event("skin care", days=7, channels=["buy", "click"])
    assert event_of("skin care:buy") == event("skin care", channels=["buy"])
    with pytest.raises(ConfigError):
        event_of(" ")


def test_paths_quote_what_people_type() -> None:
    assert json_path(Column('a"b\\', "=", 'x" || true == true || "')) == (
        '$."a\\"b\\\\" == "x\\" || true == true || \\""'
    )
