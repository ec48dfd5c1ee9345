"""Saved queries: definitions, parameter checks, the release filled in."""

from __future__ import annotations

from typing import Any

import pytest
from asking_fakes import RELEASE, FakeRunner, FakeStore

from audience_graph.errors import ConfigError, NotFoundError
from audience_graph.saved.definition import Parameter, saved_queries, saved_query
from audience_graph.saved.run import run_saved


def test_every_saved_query_has_a_title_a_question_and_typed_parameters() -> None:
    names = [s.name for s in saved_queries()]
    assert {"similar_services", "new_this_week", "path_between"} <= set(names)
    assert names == sorted(names)
    for saved in saved_queries():
        assert saved.title
        assert saved.question.endswith("?")


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        ("integer", "5", 5),
        ("number", "0.5", 0.5),
        ("yes or no", "true", True),
        ("texts", "a,b", ["a", "b"]),
        ("text", "5", "5"),
    ],
)
def test_text_from_the_command_line_becomes_the_declared_type(kind: str, given: str, value: Any) -> None:
    assert Parameter("x", kind).check(given) == value


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("integer", "5.5"),
        ("integer", True),
        ("integer", "9" * 30),
        ("number", "nan"),
        ("number", "inf"),
        ("number", [1]),
        ("yes or no", "maybe"),
        ("text", 5),
        ("text", "\ud800"),
        ("texts", [5]),
        ("entity", None),
    ],
)
def test_a_value_of_another_type_names_its_parameter(kind: str, given: Any) -> None:
    with pytest.raises(ConfigError, match=r"^x must be"):
        Parameter("x", kind).check(given)


def test_parameters_are_known_complete_and_in_bounds() -> None:
    saved = saved_query("similar_services")
    assert saved.check({"phrase": "spa"}) == {"phrase": "spa", "limit": 20}
    for wrong, message in (
        ({"phrase": "spa", "limit": "0"}, "at least 1"),
        ({"phrase": "spa", "limit": 10**6}, "at most"),
        ({}, "needs phrase"),
        ({"phrase": "spa", "x": "1"}, "no parameter 'x'"),
        ({"phrase": "spa", "relation_type": "A|B"}, "no parameter 'relation_type'"),
        ({"phrase": 7}, "phrase must be a phrase"),
    ):
        with pytest.raises(ConfigError, match=message):
            saved.check(wrong)


@pytest.mark.parametrize("name", ["nope", "../entities/names", "", "similar_services.cypher", "a b"])
def test_an_unknown_name_lists_the_known_ones(name: str) -> None:
    with pytest.raises(NotFoundError) as error:
        saved_query(name)
    assert "similar_services" in (error.value.hint or "")


def test_a_run_reads_the_release_with_its_literal_type() -> None:
    runner = FakeRunner({"saved/similar_services": [dict.fromkeys(("id", "name", "type", "score", "confirmed"), 1)]})
    found = run_saved(runner, FakeStore({}), saved_query("similar_services"), {"phrase": "e1", "limit": 5}, RELEASE, [])
    assert (len(found), found.version) == (1, RELEASE.version)
    assert f"-[relation:{RELEASE.relation_type}]->" in runner.ran[0][1]
    assert runner.written == []


def test_without_an_older_version_new_this_week_says_so() -> None:
    with pytest.raises(NotFoundError, match="before 2026-W30"):
        run_saved(FakeRunner(), FakeStore({}), saved_query("new_this_week"), {"phrase": "e1", "limit": 5}, RELEASE, [])
