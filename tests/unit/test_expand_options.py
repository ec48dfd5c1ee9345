"""What may be asked of an expansion, and what a door does with it, at a fake of the seam."""

from __future__ import annotations

import gc
import math
from collections.abc import Mapping
from typing import Any
from weakref import ref

import numpy as np
import pytest

from audience_graph.errors import ConfigError, NotFoundError
from audience_graph.graph.expand import Expanded, Expander, ExpandOptions, VersionRef, expand
from audience_graph.graph.queries import Query

VERSION = VersionRef("2026-W30-1a2b3c4d", "2026-W30", "RELATES_2026_W30_1a2b3c4d")


class FakeRunner:
    """Records what was asked and answers by the query's name."""

    def __init__(self, answers: Mapping[str, list[dict[str, Any]]]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    def read(self, query: Query, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        self.asked.append((query.name, parameters or {}))
        return self.answers[query.name]

    def write(self, query: Query, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        raise AssertionError(f"an expansion writes nothing: {query.name} {parameters}")

    auto_commit = write


PACKED = {
    "count": 2,
    "ids": "皮肤😀s".encode(),
    "id_lengths": np.array([2, 1, 1], "<i4").tobytes(),
    "names": b"xyz",
    "name_lengths": np.array([3, 0], "<i4").tobytes(),
    "types": b"tt",
    "type_lengths": np.array([1, 1], "<i4").tobytes(),
    "hops": np.array([1, 2], "i1").tobytes(),
    "relevances": np.array([0.5, 0.25], "<f8").tobytes(),
    "paths": np.array([2, 0, 2, 0, 1], "<i4").tobytes(),
    "missing": [],
    "refused": [],
}
ROWS = (
    Expanded("皮肤", "xyz", "t", 1, 0.5, ("s", "皮肤")),
    Expanded("😀", "", "t", 2, 0.25, ("s", "皮肤", "😀")),
)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hops", 0),
        ("hops", 5),
        ("hops", 2.0),
        ("hops", True),
        ("fan_out", 0),
        ("fan_out", "50"),
        ("limit", -1),
        ("min_relevance", -0.1),
        ("min_relevance", 1.1),
        ("min_relevance", math.nan),
        ("damping", 2),
        ("damping", None),
        ("types", "topic"),
        ("types", (1,)),
        ("reverse", 1),
        ("week", "2026-30"),
        ("week", 202630),
    ],
)
def test_an_impossible_option_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=rf"^{name} must be .*not {value!r}".replace("(", r"\(").replace(")", r"\)")):
        ExpandOptions(**{name: value})  # type: ignore[arg-type]


def test_the_defaults_are_those_of_the_design() -> None:
    assert ExpandOptions() == ExpandOptions(
        hops=2, min_relevance=0.05, fan_out=50, damping=0.0, limit=1000, types=(), reverse=False, week=None
    )


def test_zero_is_a_value() -> None:
    options = ExpandOptions(min_relevance=0, damping=0)
    assert options.as_parameters()["min_relevance"] == 0.0


def test_auto_takes_the_procedure_when_it_is_there_and_asks_only_once() -> None:
    runner = FakeRunner(
        {"entities/list_procedures": [{"name": "audience.expandPacked"}], "entities/expand_procedure": [PACKED]}
    )
    for _ in range(2):
        assert expand(runner, VERSION, ["s"], ExpandOptions(hops=3)) == ROWS
    assert [name for name, _ in runner.asked] == [
        "entities/list_procedures",
        "entities/expand_procedure",
        "entities/expand_procedure",
    ]
    assert runner.asked[1][1]["options"]["hops"] == 3
    assert runner.asked[1][1]["options"]["version"] == VERSION.version


def test_what_is_remembered_of_a_runner_is_freed_with_it() -> None:
    runner = FakeRunner(
        {"entities/list_procedures": [{"name": "audience.expandPacked"}], "entities/expand_procedure": [PACKED]}
    )
    expand(runner, VERSION, ["s"], ExpandOptions())
    gone = ref(runner)
    del runner
    gc.collect()
    assert gone() is None


def test_auto_takes_cypher_when_the_procedure_is_not_there() -> None:
    row = {
        "ids": [r.id for r in ROWS],
        "names": [r.name for r in ROWS],
        "types": [r.type for r in ROWS],
        "hops": [r.hop for r in ROWS],
        "relevances": [r.relevance for r in ROWS],
        "paths": [list(r.path) for r in ROWS],
        "missing": [],
        "refused": [],
    }
    runner = FakeRunner({"entities/list_procedures": [], "entities/expand_2_packed": [row]})
    assert Expander(runner).expand(VERSION, ["s", "s"], ExpandOptions()) == ROWS
    assert runner.asked[1][1]["seeds"] == ["s"]


def test_an_unknown_seed_is_named() -> None:
    runner = FakeRunner({"entities/expand_procedure": [{**PACKED, "missing": ["nope"]}]})
    with pytest.raises(NotFoundError, match="'nope'"):
        Expander(runner).expand(VERSION, ["nope"], ExpandOptions(), door="procedure")


@pytest.mark.parametrize(
    ("seeds", "options", "door", "named"),
    [
        ("spa", ExpandOptions(), "auto", "seeds"),
        ([], ExpandOptions(), "auto", "seeds"),
        ([1], ExpandOptions(), "auto", "seeds"),
        (["s"], ExpandOptions(), "window", "door"),
        (["s"], ExpandOptions(week="2026-W29"), "auto", "week"),
    ],
)
def test_a_wrong_argument_is_named_before_anything_is_asked(
    seeds: Any, options: ExpandOptions, door: Any, named: str
) -> None:
    runner = FakeRunner({})
    with pytest.raises(ConfigError, match=f"^{named} "):
        Expander(runner).expand(VERSION, seeds, options, door=door)
    assert runner.asked == []
