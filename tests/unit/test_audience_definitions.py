"""Definitions of audiences as values: algebra, JSON, words, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from audience_graph.audience.audience import Audience, column, event, everyone, users
from audience_graph.audience.define.definition import (
    Alike,
    Difference,
    Everyone,
    Intersection,
    Listed,
    Phrases,
    Ranked,
    Stored,
    Union,
    walk,
)
from audience_graph.audience.define.wire import from_json, to_json
from audience_graph.audience.define.words import difference, lines, title
from audience_graph.audience.pick import PickRule
from audience_graph.errors import ConfigError
from audience_graph.graph.expansion import ExpandOptions

FANS = Ranked(Phrases("skin care"), size=10_000)


def fans(**changed: Any) -> Audience:
    return Audience(Ranked(Phrases("skin care"), **({"size": 10_000} | changed)))


def test_operators_build_definitions_and_run_nothing() -> None:
    a, b = fans(), column("age") >= 30
    assert (a | b).definition == Union((FANS, b.definition))
    assert (a | b | a).definition == Union((FANS, b.definition, FANS))
    assert (a & b).definition == Intersection((FANS, b.definition))
    assert (a - b).definition == Difference(FANS, b.definition)
    assert (~a).definition == Difference(Everyone(), FANS)


def test_where_goes_before_the_cut_of_a_ranking_and_beside_anything_else() -> None:
    old, near = column("age") >= 30, column("city") == "Lyon"
    assert fans().where(old).definition == Ranked(FANS.by, 10_000, among=old.definition)
    assert fans().where(old).where(near).definition == fans().where(old, near).definition
    assert everyone().where(old) == old
    assert old.where(near) == old & near
    assert fans().where() == fans()


@pytest.mark.parametrize(
    "make",
    [
        lambda: column(""),
        lambda: column("a\0b"),
        lambda: column("\ud800"),
    ],
)
def test_a_column_needs_a_name_that_can_be_stored(make) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigError, match="a column is named by text"):
        assert make() >= 1


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), "\0", "\ud800", object(), [1], b"x"])
def test_values_that_are_none_are_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"is no condition|a value is|cannot be stored"):
        column("age") == value  # noqa: B015 - it raises


@pytest.mark.parametrize(
    "make",
    [
        lambda: fans(size=0),
        lambda: fans(size=True),
        lambda: fans(size="10"),
        lambda: fans(size=None),
        lambda: fans(min_score=float("nan")),
        lambda: fans(size=None, width="huge"),
        lambda: fans(width="broad"),
        lambda: event(()),
        lambda: event("x", days=0),
        lambda: event("x", days=1.5),  # type: ignore[arg-type]
        lambda: event("x", at_least=0),
        lambda: event("x", channels="buy"),
        lambda: users("u1"),
        lambda: users([1]),  # type: ignore[list-item]
        lambda: column("vip") >= True,
        lambda: Audience(Ranked(Phrases(""), 10)),
        lambda: Audience(Ranked(Phrases("x", method="magic"), 10)),  # type: ignore[arg-type]
        lambda: fans() | "spring",  # type: ignore[operator]
        lambda: everyone().cut(size=10),
        lambda: fans().size(),
    ],
)
def test_what_is_no_audience_is_refused_with_words(make) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigError):
        make()


def big() -> Audience:
    options, rule = ExpandOptions(hops=3, types=("service",)), PickRule(ids=("e1", "e2"))
    ranked = Audience(Ranked(Phrases(("spa", "💄 `'\""), "both", options, rule), min_score=0.25))
    seeds = Audience(Ranked(Alike(Listed(("u1", "u2")), "graph", keep_seeds=True), width="narrow"))
    given = ranked.where(column("age") >= 30, event(["spa", "e3"], days=7, channels=["buy"], at_least=2))
    return (given | seeds | Audience(Stored("spring", 2))) - (column("city").one_of("Lyon", 7, True) & ~users(["x"]))


def test_definitions_survive_json() -> None:
    told = json.loads(json.dumps(to_json(big().definition)))
    assert from_json(told) == big().definition
    assert to_json(from_json(told)) == told


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "everyone",
        {},
        {"kind": "everyone"},
        {"format": 2, "kind": "everyone"},
        {"format": 1},
        {"format": 1, "kind": "nobody"},
        {"format": 1, "kind": ["everyone"]},
        {"format": 1, "kind": "everyone", "but": "me"},
        {"format": 1, "kind": "phrases", "phrases": "spa"},
        {"format": 1, "kind": "ranked", "by": {"kind": "phrases", "phrases": "spa"}, "size": -1},
        {"format": 1, "kind": "ranked"},
        {"format": 1, "kind": "users", "user_ids": "u1"},
        {"format": 1, "kind": "column", "name": "age", "operator": "drop table", "value": 1},
    ],
)
def test_json_that_is_no_definition_is_refused(value: Any) -> None:
    with pytest.raises(ConfigError):
        from_json(value)


def test_json_that_is_nested_without_end_is_refused() -> None:
    value: dict[str, Any] = {"kind": "everyone"}
    for _ in range(300):
        value = {"kind": "difference", "base": value, "without": {"kind": "everyone"}}
    with pytest.raises(ConfigError, match="nested too deeply"):
        from_json({"format": 1, **value})


def test_a_part_of_another_kind_in_the_place_of_an_audience_is_refused() -> None:
    part = {"kind": "expand", "hops": 2}
    with pytest.raises(ConfigError):
        from_json({"format": 1, "kind": "union", "parts": [part, {"kind": "everyone"}]})


def test_words_tell_every_part_once() -> None:
    assert lines(big().definition) == [
        "any of",
        "  users of score 0.25 and more for 'spa', '💄 `\\'\"'",
        "    method: both",
        "    expansion: hops 3, types ('service',)",
        "    pick: ids ('e1', 'e2')",
        "    among all of",
        "      age >= 30",
        "      buy events for 'spa', 'e3' in the last 7 days, at least 2 times",
        "  narrow width most alike to 2 named users",
        "    method: graph",
        "    seeds may be chosen too",
        "    seeds: 2 named users",
        "  audience 'spring', revision 2",
        "  without all of",
        "    city is one of 'Lyon', 7, true",
        "    without 1 named users",
    ]
    assert title(FANS) == "best 10,000 for 'skin care'"


def test_a_diff_shows_what_changed_and_nothing_for_equals() -> None:
    assert difference(FANS, FANS) == []
    assert difference(FANS, fans().where(column("age") >= 30).definition) == [
        "  best 10,000 for 'skin care'",
        "+   among age >= 30",
    ]


def test_walk_meets_the_parts_before_the_whole() -> None:
    found = list(walk(big().definition))
    assert found[-1] == big().definition
    assert Listed(("u1", "u2")) in found
    assert len(found) == len(list(walk(big().definition)))
