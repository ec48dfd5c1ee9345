"""Neo4j Browser as an analyst sees it, in a real headless Chromium: it opens our guide, and draws in our style.

The README's picture is written anew, instead of one in a temporary folder, by

    AUDIENCE_GRAPH_PICTURES=py_client/pictures .venv/bin/python -m pytest tests/integration/test_browser_page.py
"""

from __future__ import annotations

import io
import os
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import Looked, open_page
from picture_world import ENTITIES, build_picture
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from audience_graph import local, schema
from audience_graph.client import AudienceGraph
from audience_graph.config import Connections, Home
from audience_graph.graph.picture.palette import colours_of
from audience_graph.graph.picture.score_bands import WIDTHS
from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.saved.definition import saved_queries
from audience_graph.saved.formats.texts import body_of, defaults_of, with_parameters
from audience_graph.vectors.store import Store

TYPES = {*ENTITIES.values(), "service", "product", "brand", "topic", "person"}
COLOURS = colours_of(TYPES)
DRAWER = "[data-testid=guidesDrawer]"
PICTURE = "browser.png"
LARGEST_PICTURE = 150_000
WIDTH = 1500
NODES = """frame => [...frame.querySelectorAll('svg g.node')].map(node => [
  [...node.querySelectorAll('text.caption')].map(line => line.textContent.trim()).join(' ').trim(),
  node.querySelector('circle.b-outline').getAttribute('fill')])"""
ARROWS = """frame => [...frame.querySelectorAll('svg g.relationship')].map(arrow => [
  arrow.querySelector('text').textContent.trim(), arrow.querySelector('path.b-outline').getAttribute('d')])"""


@pytest.fixture(scope="module")
def address(connections: Connections, stack_home: Home, runner: Neo4jRunner, store: Store) -> str:
    """The address of Browser that `status` prints; the embedded server alone has one."""
    found = local.status(stack_home).browser
    if found is None:
        pytest.skip("the servers that the environment names do not tell where their Browser is")
    build_picture(runner, store)
    schema.migrate(connections)
    return found


@pytest.fixture(scope="module")
def opened(chromium: Browser, address: str, connections: Connections) -> Iterator[Looked]:
    """Browser, logged in."""
    with open_page(chromium, width=WIDTH, height=880) as looked:
        log_in(looked.page, address, connections)
        yield looked


def log_in(page: Page, address: str, connections: Connections) -> None:
    page.goto(address)
    page.get_by_test_id("username").fill("neo4j")
    page.get_by_test_id("password").fill(connections.neo4j_password)
    page.get_by_test_id("connect").click()
    expect(page.locator(DRAWER)).to_contain_text("audience-graph")


def newest_frame(page: Page) -> Locator:
    return page.get_by_test_id("frame").first


def run(page: Page, element: Locator, command: str) -> Locator:
    """Click and return the frame in which the answer appears."""
    element.click()
    frame = newest_frame(page)
    expect(frame.get_by_test_id("frameCommand")).to_contain_text(command)
    return frame


def query_of(page: Page, begins: str) -> Locator:
    return page.locator(f"{DRAWER} pre.runnable").filter(has_text=re.compile(re.escape(begins)))


def slide(page: Page, title: str) -> None:
    """Turn to the slide of this title."""
    for _ in range(12):
        if page.locator(f"{DRAWER} h3").first.inner_text() == title:
            return
        page.get_by_test_id("guideNextSlide").click()
    raise AssertionError(f"no slide {title}")


def drawn(frame: Locator) -> tuple[dict[str, str], dict[str, float]]:
    """Return what the SVG of a frame shows: colours of nodes by their names, widths of arrows by their captions."""
    frame.locator("svg g.node").first.wait_for()
    colours = dict(frame.evaluate(NODES))
    widths = {caption: width(outline) for caption, outline in frame.evaluate(ARROWS)}
    return colours, widths


def width(outline: str) -> float:
    """Return the width of an arrow's shaft, which lies along the x axis: its first corner is half of that beside it."""
    return 2 * abs(float(outline.split()[2]))


def keep_picture(page: Page, folder: Path) -> None:
    """Write what the page shows, in 256 colours."""
    folder.mkdir(parents=True, exist_ok=True)
    page.mouse.move(800, 500)  # push the graph out from behind the legend
    page.mouse.down()
    page.mouse.move(625, 500, steps=5)
    page.mouse.up()
    shot = page.screenshot(clip={"x": 0, "y": 0, "width": WIDTH, "height": 620})
    Image.open(io.BytesIO(shot)).quantize(256).save(folder / PICTURE, optimize=True)
    assert 10_000 < (folder / PICTURE).stat().st_size < LARGEST_PICTURE


def test_an_analyst_who_logs_in_sees_the_guide(opened: Looked) -> None:
    page = opened.page
    expect(page.locator(f"{DRAWER} h3").first).to_have_text("What is near a service?")
    expect(page.get_by_text("/audience/style.grass")).to_be_visible()
    assert opened.errors == []


def test_a_click_draws_colours_by_type_and_widths_by_score(opened: Looked, tmp_path: Path) -> None:
    page = opened.page
    slide(page, "What is near a service?")
    told = run(page, page.get_by_text("the one that most users meet"), ":param phrase")
    expect(told).to_contain_text('"phrase": "sun protection"')
    frame = run(page, query_of(page, "CALL audience.picture").locator("i"), "CALL audience.picture")
    colours, widths = drawn(frame)
    shown = {name: kind for name, kind in ENTITIES.items() if name in colours}
    assert len(shown) >= 14
    assert {name: colours[name] for name in shown} == {name: COLOURS[kind] for name, kind in shown.items()}
    assert len(set(colours.values())) == 6
    assert [widths[caption] for caption in ("0.14", "0.31", "0.52", "0.64", "0.94")] == pytest.approx(
        list(WIDTHS.values()), abs=0.01
    )
    expect(frame.get_by_text("CONFIRMED_80_100 (1)")).to_be_visible()
    keep_picture(page, Path(os.environ.get("AUDIENCE_GRAPH_PICTURES", tmp_path)))


def test_a_typed_picture_draws_the_same(opened: Looked) -> None:
    page = opened.page
    page.locator(".monaco-editor").first.click()
    page.keyboard.insert_text("CALL audience.picture(['sun protection'], {limit: 25})")
    page.keyboard.press("Control+Enter")
    frame = newest_frame(page)
    expect(frame.get_by_test_id("frameCommand")).to_contain_text("{limit: 25})")
    colours, widths = drawn(frame)
    assert colours["sun protection"] == COLOURS["service"]
    assert [widths[caption] for caption in ("0.14", "0.94")] == pytest.approx([*WIDTHS.values()][:: len(WIDTHS) - 1])


def test_path_and_what_is_new_draw(opened: Looked) -> None:
    page = opened.page
    slide(page, "From one service to another")
    page.get_by_label("the other service").press_sequentially("snorkelling")
    expect(run(page, query_of(page, ":param other").locator("i"), ":param other")).to_contain_text('"snorkelling"')
    frame = run(page, query_of(page, "CALL audience.path").locator("i"), "CALL audience.path")
    expect(frame).to_contain_text('"sun protection"')
    slide(page, "What is new this week")
    frame = run(page, page.locator(f"{DRAWER} pre.runnable").first.locator("i"), "MATCH (:Current")
    colours, widths = drawn(frame)
    assert colours["sun protection"] == COLOURS["service"]
    assert set(widths.values()) == {2.0}  # stored relations of a version are of one type
    slide(page, "Decide")
    frame = run(page, page.locator(f"{DRAWER} pre.runnable").nth(1).locator("i"), "MATCH path")
    assert drawn(frame)[1] == {"0.8": 3.0}


def test_browser_shows_every_query_as_its_file_has_it(opened: Looked) -> None:
    page = opened.page
    slide(page, "All saved queries")
    shown = [text.strip() for text in page.locator(f"{DRAWER} pre.runnable").all_text_contents()]
    assert shown == [with_parameters(body_of(one.query.text), defaults_of(one)) for one in saved_queries()]


def test_a_dropped_style_sheet_does_the_same(opened: Looked, connections: Connections, tmp_path: Path) -> None:
    with AudienceGraph.connect(connections=connections) as ag:
        ag.queries.export("style", tmp_path / "our.grass")
    page = opened.page
    slide(page, "Colours and widths")
    run(page, page.locator(f"{DRAWER} [data-exec='style reset']"), ":style reset")
    text = (tmp_path / "our.grass").read_text(encoding="utf-8").replace(COLOURS["brand"], "#123456")
    dropped = page.evaluate_handle(
        "text => { const held = new DataTransfer(); held.items.add(new File([text], 'our.grass')); return held }", text
    )
    page.dispatch_event(".filedrop", "drop", {"dataTransfer": dropped})
    frame = newest_frame(page)
    expect(frame).to_contain_text("node.Type_brand")
    expect(frame).to_contain_text("#123456")
    frame = run(page, page.locator(f"{DRAWER} [data-exec^='style http']"), ":style http")
    expect(frame).to_contain_text(COLOURS["brand"])
    expect(frame).to_contain_text("relationship.RELATES_2026_W30_1a2b3c4d")


def test_no_other_host_is_needed(opened: Looked) -> None:
    """What Browser itself asks other hosts for was refused all along, and nothing of ours is among it."""
    assert opened.errors == []
    assert not [url for url in opened.refused if "audience" in url or "127.0.0.1" in url]


def test_two_pages_are_open_and_nothing_else(address: str, runner: Neo4jRunner) -> None:
    def status(path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(address.replace("/browser/", path)) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, ""

    for name in ("guide.html", "style.grass"):
        code, text = status(f"/audience/{name}")
        assert code == 200
        assert not [entity for entity in ENTITIES if f"'{entity}'" in text or f">{entity}<" in text]
        assert "@" not in text
    for path in ("/audience/", "/audience/guide", "/audience/application.wadl", "/audience/guide.html/..%2f..%2fdb",
                 "/audience/guide.htmlx", "/audience/style.grass/../../db/neo4j/tx", "/db/neo4j/tx"):  # fmt: skip
        assert status(path)[0] in {400, 401}, path
    runner.write(load_query("browser_pages/write"), {"name": "other.html", "text": "x"})
    assert status("/audience/other.html")[0] == 401
