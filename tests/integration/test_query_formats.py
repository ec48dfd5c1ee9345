"""Saved queries in the formats of other tools: every query in a file that we write runs on the real server."""

from __future__ import annotations

import html
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from small_world import EVIL, build, cypher
from test_saved_queries import CASES

from audience_graph import schema
from audience_graph.client import AudienceGraph
from audience_graph.config import Connections
from audience_graph.errors import ConfigError
from audience_graph.graph.picture.palette import colours_of
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.saved.definition import saved_queries, saved_query
from audience_graph.saved.formats.bloom import bloom_phrases
from audience_graph.saved.formats.texts import body_of, defaults_of, with_parameters
from audience_graph.saved.guard import check_plan
from audience_graph.vectors.store import Store

ASKED = {
    "phrase": "e1",
    "other": "e3",
    "audience": "spring",
    "type": "service",
    "words": "spa",
    "phrases": ["e1", "e5"],
}


@pytest.fixture(scope="module")
def world(connections: Connections, runner: Neo4jRunner, store: Store) -> None:
    schema.migrate(connections)
    runner.write(cypher("MATCH (a:Audience) DETACH DELETE a"))
    build(runner, store)
    campaign = (
        "MATCH (a:Entity {id: 'e1'}), (b:Entity {id: 'e6'}) CREATE (s:Audience {id: 1, name: 'spring'})"
        " CREATE (s)-[:PICKED {hop: 0, relevance: 1.0}]->(a), (s)-[:PERFORMED {lift: 2.0, lift_low: 1.5}]->(a)"
        " CREATE (a)-[:CONFIRMED {score: .4, at: datetime()}]->(b)"
    )
    runner.write(cypher(campaign))


@pytest.fixture
def ag(connections: Connections, world: None, runner: Neo4jRunner) -> Iterator[AudienceGraph]:  # noqa: ARG001
    runner.write(cypher("MATCH (q:SavedQuery) DELETE q"))
    with AudienceGraph.connect(connections=connections, actor="mia") as client:
        client.queries.save_as("evil", "near_of_a_type", {"type": EVIL + " $phrase // 💄"}, title="Evil")
        yield client


def run(runner: Neo4jRunner, text: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    query = cypher(text)
    check_plan(runner.plan(query, values))
    return runner.read(query, values)


def test_browser_scripts_are_the_queries_and_tell_what_to_set(
    ag: AudienceGraph, runner: Neo4jRunner, tmp_path: Path
) -> None:
    assert ag.queries.export("browser", tmp_path / "scripts.zip") == len(saved_queries()) + 1
    archive = zipfile.ZipFile(io.BytesIO((tmp_path / "scripts.zip").read_bytes()))
    assert archive.testzip() is None
    assert sorted(archive.namelist()) == sorted(f"audience_graph/{name}.cypher" for name in [*CASES, "evil"])
    for name, cases in CASES.items():
        text, saved = archive.read(f"audience_graph/{name}.cypher").decode(), saved_query(name)
        assert text.startswith(f"// {saved.title}\n// {saved.question}\n")
        assert set(re.findall(r":param (\w+) =>", text)) == {p.name for p in saved.parameters}
        given = saved.check(cases[0][0])
        assert run(runner, text, given) == runner.read(saved.query, given)
    first = (tmp_path / "scripts.zip").read_bytes()
    ag.queries.export("browser", tmp_path / "scripts.zip")
    assert (tmp_path / "scripts.zip").read_bytes() == first


def test_the_style_sheet_is_of_the_types_and_the_current_version(ag: AudienceGraph, tmp_path: Path) -> None:
    assert ag.queries.export("style", tmp_path / "our.grass") == 0
    text = (tmp_path / "our.grass").read_text(encoding="utf-8")
    colours = colours_of({"service", "product", "brand", "person", "topic"})
    for kind, colour in colours.items():
        assert f"node.Type_{kind} {{\n  color: {colour};" in text
    assert "relationship.RELATES_2026_W30_1a2b3c4d {" in text
    assert "RELATES_2026_W29" not in text
    assert "@" not in text


def test_the_guide_holds_all_queries_and_needs_no_server_of_ours(ag: AudienceGraph, tmp_path: Path) -> None:
    assert ag.queries.export("guide", tmp_path / "guide.html") == len(saved_queries()) + 1
    text = (tmp_path / "guide.html").read_text(encoding="utf-8")
    shown = {html.unescape(one) for one in re.findall(r'<pre class="[^"]*runnable">(.*?)</pre>', text, re.DOTALL)}
    for saved in [*saved_queries(), ag.queries.get("evil")]:
        assert with_parameters(body_of(saved.query.text), defaults_of(saved)) in shown
    assert "our.grass" in text
    assert "@pages@" not in text
    assert not re.search(r"\{(query|parameter|command|style|saved)\b", text)


def test_every_report_of_the_dashboard_runs(ag: AudienceGraph, runner: Neo4jRunner, tmp_path: Path) -> None:
    ag.queries.export("neodash", tmp_path / "dashboard.json")
    dashboard = json.loads((tmp_path / "dashboard.json").read_text(encoding="utf-8"))
    assert (dashboard["version"], set(dashboard)) == (
        "2.4", {"uuid", "title", "version", "settings", "pages", "parameters", "extensions"}
    )  # fmt: skip
    tables = {}
    for page in dashboard["pages"]:
        selected = set()
        taken: set[tuple[int, int]] = set()
        for report in page["reports"]:
            assert set(report) == {"id", "title", "query", "width", "height", "x", "y", "type", "selection", "settings",
                                   "schema"}  # fmt: skip
            cells = {
                (report["x"] + i, report["y"] + j) for i in range(report["width"]) for j in range(report["height"])
            }
            assert not cells & taken
            assert max(x for x, _ in cells) < 24
            taken |= cells
            if report["type"] == "select":
                selected.add(report["settings"]["parameterName"])
                rows = run(runner, report["query"], {"input": "s"})
                assert all(set(row) == {"value", "display"} for row in rows)
            else:
                used = set(re.findall(r"\$(neodash_\w+)", report["query"]))
                assert used == selected
                values = {name: ASKED[name.removeprefix("neodash_")] for name in used}
                tables[report["title"]] = run(runner, report["query"], values)
    assert len({r["id"] for p in dashboard["pages"] for r in p["reports"]}) == sum(
        len(p["reports"]) for p in dashboard["pages"]
    )
    for saved in saved_queries():
        given = saved.check({p.name: ASKED[p.name] for p in saved.parameters if p.default is None})
        assert tables[saved.question] == runner.read(saved.query, given), saved.name


def test_every_search_phrase_of_the_perspective_draws(ag: AudienceGraph, runner: Neo4jRunner, tmp_path: Path) -> None:
    assert ag.queries.export("bloom", tmp_path / "perspective.json") == len(bloom_phrases()) >= 8
    perspective = json.loads((tmp_path / "perspective.json").read_text(encoding="utf-8"))
    kinds = [one["name"] for one in perspective["relationshipTypes"]]
    assert kinds[:2] == ["RELATES_2026_W30_1a2b3c4d", "RELATES_2026_W29_0a0b0c0d"]
    assert all(one["size"] == 1 for one in perspective["relationshipTypes"])
    assert {r["conditionValue"] for r in perspective["categories"][0]["styleRules"]} == {
        "service", "product", "brand", "person", "topic"
    }  # fmt: skip
    drawn = {}
    for template in perspective["templates"]:
        names = [p["name"] for p in template["params"]]
        assert re.findall(r"\$\w+", template["text"]) == names
        assert set(re.findall(r"\$(?!\()\w+", template["cypher"])) == set(names)
        for parameter in template["params"]:
            assert run(runner, parameter["cypher"], {})
        values = {name.removeprefix("$"): ASKED[name.removeprefix("$")] for name in names}
        query = cypher(template["cypher"])
        check_plan(runner.plan(query, values))
        drawn[template["text"]] = ag.cypher(template["cypher"], values).columns["path"]
    ends = {text: {path[-1].get("id") for path in paths} for text, paths in drawn.items()}
    assert ends["Services near $phrase"] == {"e2", "e3", "e6"}
    assert ends["Two hops around $phrase"] == {"e2", "e3", "e6", "e11", "e8", "e7"}
    assert ends["New this week near $phrase"] == {"e2"}
    assert ends["Services of audience $audience"] == ends["Results of audience $audience"] == {"e1"}
    assert ends["Confirmed relations"] == {"e6"}
    runner.write(cypher("MATCH (e:Entity) WHERE e.id IN ['e2', 'e6'] SET e.sensitive = true"))
    try:
        for template in perspective["templates"]:
            names = [p["name"].removeprefix("$") for p in template["params"]]
            told = json.dumps(ag.cypher(template["cypher"], {name: ASKED[name] for name in names}).columns["path"])
            assert "face mask" not in told
            assert "Alex Morgan" not in told
    finally:
        runner.write(cypher("MATCH (e:Entity) REMOVE e.sensitive"))


def test_texts_names_and_comments_are_left_alone() -> None:
    text = 'MATCH (a {x: $a}) WHERE a.y = \'$a\' AND a.`$a` = "\\"$a" // $a\nRETURN $a, $ab, $(x.y)'
    told = with_parameters(text, {"a": "1"})
    assert told == 'MATCH (a {x: 1}) WHERE a.y = \'$a\' AND a.`$a` = "\\"$a" // $a\nRETURN 1, $ab, $(x.y)'


def test_a_file_is_there_whole_or_not_at_all(ag: AudienceGraph, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no folder"):
        ag.queries.export("neodash", tmp_path / "no" / "such" / "folder.json")
    with pytest.raises(ConfigError, match="a format is"):
        ag.queries.export("tableau", tmp_path / "x")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
