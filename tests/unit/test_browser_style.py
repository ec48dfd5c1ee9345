"""The guide and the style sheet of Browser, read as Browser 5.24 reads them."""

from __future__ import annotations

import html
import re

import pytest

from audience_graph.entities.type_labels import MOST, labels_of, type_label
from audience_graph.graph.picture.palette import COLOURS
from audience_graph.graph.picture.score_bands import WIDTHS
from audience_graph.graph.queries import list_queries, load_query
from audience_graph.resources import resource
from audience_graph.saved.definition import saved_queries
from audience_graph.saved.formats.guide import guide
from audience_graph.saved.formats.style import style_sheet

HOSTILE = "a.b {color: red} 'x' `y` \"z\"; // :\n\\"


def as_browser_parses(text: str) -> dict[str, dict[str, str]]:
    """Rules by selector: quotes and white space of a selector vanish, braces within quotes stay."""
    rules: dict[str, dict[str, str]] = {}
    quoted = inside = False
    keyword = body = ""
    for letter in text:
        if letter in "'\"":
            quoted = not quoted
        elif letter == "{" and not quoted:
            inside = True
        elif letter == "}" and not quoted:
            pairs = [part.split(":") for part in body.split(";")]
            rules[keyword] = {pair[0].strip(): pair[1].strip() for pair in pairs if len(pair) == 2}
            keyword, body, inside = "", "", False
        elif inside:
            body += letter
        elif not letter.isspace():
            keyword += letter
    assert (keyword, body, quoted) == ("", "", False)
    return rules


def test_browser_reads_every_rule() -> None:
    rules = as_browser_parses(style_sheet(["service", "brand", HOSTILE, "品牌"], "RELATES_2026_W30_1a2b3c4d"))
    assert rules["node.Type_service"]["color"] in COLOURS
    assert len({rules[f"node.{type_label(kind)}"]["color"] for kind in ("service", "brand", HOSTILE, "品牌")}) == 4
    assert rules["node.Entity"]["caption"] == "{name}"
    assert list(rules).index("node.Entity") < list(rules).index("node.Type_service")  # later rules win
    assert [rules[f"relationship.SCORE_{band}"]["shaft-width"] for band in WIDTHS] == [
        "1px",
        "2.5px",
        "5px",
        "8px",
        "12px",
    ]
    assert {rules[f"relationship.{kind}_60_80"]["shaft-width"] for kind in ("SCORE", "CONFIRMED")} == {"8px"}
    assert all(re.fullmatch(r"(node|relationship)(\.\w+)?", selector) for selector in rules)
    widest = max(float(rule.get("shaft-width", "0px")[:-2]) for rule in rules.values())
    assert widest <= float(rules["relationship"]["font-size"][:-2])
    assert "relationship.None" not in as_browser_parses(style_sheet([], None))


def test_bands_are_those_of_the_procedure() -> None:
    source = resource("gds_procs", "src", "main", "java", "audience", "DrawnRelation.java").read_text("utf-8")
    assert "BANDS = 5;" in source
    assert list(WIDTHS) == [f"{fifth * 20}_{fifth * 20 + 20}" for fifth in range(5)]
    assert list(WIDTHS.values()) == sorted(WIDTHS.values())


@pytest.mark.parametrize("kind", ["Entity", "EntityVector", "Current", "SavedQuery", "", HOSTILE, "x" * 500, "🦄", "1"])
def test_a_label_of_a_type_is_none_of_ours_and_needs_no_quotes(kind: str) -> None:
    label = type_label(kind)
    assert re.fullmatch(r"Type_\w*", label)
    assert len(label) <= 65
    ours = {found for name in list_queries() for found in re.findall(r":([A-Z]\w+)", load_query(name).text)}
    assert label not in ours
    assert not any(one.startswith("Type_") for one in ours)


def test_labels_are_bounded() -> None:
    labels = labels_of(f"type {n}" for n in range(10_000))
    assert len(labels) == MOST
    assert "type 0" in labels


def test_browser_takes_nothing_out_of_the_guide() -> None:
    """Browser cuts scripts, javascript links and what looks like an event handler, such as ` one = 1`."""
    text = guide(saved_queries(), pages="http://127.0.0.1:7474/audience")
    for cut in (
        r"(\s+(on[^\s=]+)[^\s=]*\s*=\s*(\"[^\"]*\"|'[^']*'|[\w\-.:]+\s*))",
        r"<script\b[^<]*(?:(?!</script>)<[^<]*)*(</script>)?",
        r"javascript:",
    ):
        assert re.search(cut, text, re.IGNORECASE) is None
    assert text.count("<slide") == text.count("</slide>") == 10
    for saved in saved_queries():
        assert html.escape(saved.question) in text
