"""What the text of a saved query says: for Cypher as for us, in its header, and as other tools have it."""

from __future__ import annotations

import json
from time import perf_counter
from typing import Any

import pytest

from audience_graph.cli.query import export
from audience_graph.errors import ConfigError
from audience_graph.graph.queries import parse_query
from audience_graph.saved.defaults import with_defaults
from audience_graph.saved.definition import SavedQuery, defined, saved_query
from audience_graph.saved.formats import browser
from audience_graph.saved.formats.browser import script
from audience_graph.saved.formats.guide import guide
from audience_graph.saved.formats.neodash import neodash_dashboard
from audience_graph.saved.formats.texts import body_of
from audience_graph.saved.legible import legible

HEAD = """// title: Ours
// question: Which are ours?
// Purpose: ours.
// params: {params}
// returns: id
"""


def saved(params: str, body: str) -> SavedQuery:
    text = HEAD.format(params=params) + body
    return defined("ours", parse_query("ours", text, None))


@pytest.mark.parametrize(
    "text",
    [
        "// a \\u000a/*\nMATCH (n) DETACH DELETE n RETURN 1\n// */ RETURN 1",
        "// a \\u000D x\nRETURN 1",
        "// a \\uuu000a x\nRETURN 1",
        "// a \\\\\\u000a x\nRETURN 1",
        "/* \\u002a\\u002f RETURN 1 */ RETURN 2",
        "RETURN '\\u0027 + $a + \\u0027'",
        'RETURN "\\\\\\u0022"',
        "RETURN 'x\\u005c' + ' AS a",
        "RETURN `a\\u0060`",
        "RETURN \\u0024a",
        "// a\rMATCH (n) DELETE n //\nRETURN 1",
        "// a\u2028b\nRETURN 1",
        "// a\x85b\nRETURN 1",
        "RETURN\u20281",
        "WITH 'x\n//' AS a\nWITH a, '  AS y MATCH (n) DELETE n; //' AS b RETURN 1",
        "/*\n \ufeff// */ RETURN 1 /*\n*/",
        "RETURN 1 AS `a\n\t//`",
    ],
)
def test_what_cypher_reads_otherwise_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^ours: "):
        legible("ours", text)


@pytest.mark.parametrize(
    "text",
    [
        '// params: a (text, default "a\\u002c b\\u2028")\nRETURN $a',
        "// a \\\\u000a \\U000a x\nRETURN 1",
        "RETURN '\\u00a0\\\\u0027' + 'a\u2028b\x85\r' AS x",
        "/* ' */ RETURN '//' + \"/*\" // '",
    ],
)
def test_what_cypher_reads_alike_is_taken(text: str) -> None:
    assert legible("ours", text) == text


def test_a_file_of_another_system_is_the_same_query() -> None:
    text = HEAD.format(params="none") + "RETURN 1 AS id\n"
    assert legible("ours", "\ufeff" + text.replace("\n", "\r\n")) == text


def test_commas_and_parentheses_of_a_default_are_its_own() -> None:
    found = saved('a (text, default "x, y"), b (text, default "p(q"), c (texts, default ["], (", "d"])',
                  "RETURN $a + $b + $c AS id")  # fmt: skip
    assert [p.default for p in found.parameters] == ["x, y", "p(q", ["], (", "d"]]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ('a (entity, default "")', "no entity is called ''"),
        ('a (entity, default " ")', "no entity is called ' '"),
        ('a (integer, at least "1")', "is no number"),
        ("a (integer, at most NaN)", "is no number"),
        ('a (text, choices [x|y, default "y")', "hold no comma"),
        ("a (texts, default " + "[" * 20_000 + ")", "is no JSON value"),
        ("a (texts, default " + "[" * 20_000 + "]" * 20_000 + ")", "is no JSON value"),
        ('a (text, default "x)', "is no JSON value"),
        ("a (text", "declares parameters"),
    ],
    ids=lambda value: value[:30],
)
def test_a_header_that_says_nothing_true_is_refused(params: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        saved(params, "RETURN $a AS id")


def test_a_copy_says_what_its_source_says() -> None:
    body = "// title: of the body\nMATCH (n {a: 'x\u2028y\x85z'}) /*\n// params: none\n*/ RETURN n.id + $a AS id\n"
    source = saved("a (integer, default 5, at least -1234567, at most 1234567)", body)
    text = with_defaults(source, {}, title="Mine", question="Mine?")
    again = defined("mine", parse_query("mine", text, None))
    assert again.parameters == source.parameters
    assert text.endswith(body.split("\n", 1)[1])
    assert body_of(text) == body.split("\n", 1)[1].strip()


@pytest.mark.parametrize("value", ["a, b (c)", "\u2028\x85\x01\n", "\\u000a", "护肤 💄", '"', "\\"])
def test_a_default_of_a_copy_is_the_value(value: str) -> None:
    text = legible("mine", with_defaults(saved_query("most_met"), {"type": value}, title="Mine", question="Mine?"))
    assert defined("mine", parse_query("mine", text, None)).parameters[0].default == value


def test_bounds_are_told_whole() -> None:
    with pytest.raises(ConfigError, match="at most 1234567, not 1234568"):
        saved("a (integer, at most 1234567)", "RETURN $a AS id").check({"a": 1234568})


def test_browser_is_told_a_value_of_the_parameters_type() -> None:
    text = script(
        saved(
            "n (integer), m (integer, at least 3), x (number, at most 3), y (yes or no), c (text, choices p|q), "
            "t (text), e (entity), l (texts), d (integer, default 7)",
            "RETURN [$n, $m, $x, $y, $c, $t, $e, $l, $d] AS id",
        )
    )
    told = dict(line.split(":param ")[1].split(" => ") for line in text.split("\n") if ":param" in line)
    assert told == {"n": "1", "m": "3", "x": "3.0", "y": "true", "c": '"p"', "t": "'...'", "e": "'...'",
                    "l": "['...', '...']", "d": "7"}  # fmt: skip


def test_neodash_lists_choices_and_turns_text_into_the_parameters_type() -> None:
    found = saved(
        "n (integer), x (number), y (yes or no), c (text, choices p|it's), t (text)",
        "RETURN [$n, $x, $y, $c, $t] AS id",
    )
    dashboard: dict[str, Any] = neodash_dashboard([found])
    *selectors, table = dashboard["pages"][0]["reports"]
    assert table["query"] == (
        "RETURN [toInteger($neodash_n), toFloat($neodash_x), toBoolean($neodash_y), $neodash_c, $neodash_t] AS id"
    )
    assert ['["true", "false"]' in one["query"] for one in selectors] == [False, False, True, False, False]
    assert json.dumps(["p", "it's"]) in selectors[3]["query"]


def test_queries_with_other_choices_have_pages_of_their_own() -> None:
    one, other = saved("c (text, choices p|q)", "RETURN $c AS id"), saved("c (text, choices r|s)", "RETURN $c AS id")
    pages = neodash_dashboard([one, other])["pages"]
    assert len(pages) == 2
    assert len({report["id"] for page in pages for report in page["reports"][:1]}) == 2


def test_a_text_that_never_ends_is_read_once() -> None:
    began = perf_counter()
    for quote in "'\"":
        legible("ours", quote + f"\\{quote}" * 49_000)
    assert perf_counter() - began < 5  # it was minutes


def test_words_suggest_names() -> None:
    [words, *_] = saved_query("find_by_words").parameters
    assert words.suggest == "names"


def test_all_that_tells_of_browsers_zip_says_to_drop_it_as_it_is() -> None:
    told = [export.help or "", browser.__doc__ or "", guide([])]
    assert ["unzip" in text.lower() for text in told] == [False] * 3
    assert ["zip" in text and "as it is" in text for text in told] == [True] * 3
