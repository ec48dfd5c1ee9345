"""The console as people meet it: in a real browser, by mouse and by keyboard, wide and narrow, light and dark."""

from __future__ import annotations

import csv
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from audience_world import build_audience_world
from axe_playwright_python.sync_playwright import Axe
from chromium import Looked, open_page
from playwright.sync_api import Browser, Page, expect
from small_world import cypher

from audience_graph import schema
from audience_graph.config import Connections
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.vectors.store import Store

TOKEN = "a token for the page"


def start(connections: Connections, home: Path, token: str) -> tuple[subprocess.Popen[bytes], str]:
    """Start the console as its user does; return it with the line that says where it answers."""
    env = {
        **os.environ,
        "NEO4J_URI": connections.neo4j_uri,
        "NEO4J_USERNAME": connections.neo4j_username,
        "NEO4J_PASSWORD": connections.neo4j_password,
        "NEO4J_DATABASE": connections.neo4j_database,
        "DATABASE_URL": connections.database_url,
        "AUDIENCE_GRAPH_ACTOR": "mia",
        "AUDIENCE_GRAPH_CONSOLE_TOKEN": token,
    }
    words = ["console", "--no-open", "--port", "0", "--data-dir", str(home)]
    log = home / "said.txt"
    with log.open("w") as file:
        running = subprocess.Popen([sys.executable, "-m", "audience_graph.cli", *words], env=env, stderr=file)
    for _ in range(600):
        said = log.read_text()
        if "answers at" in said and said.endswith("\n"):
            return running, next(line for line in said.splitlines() if "answers at" in line)
        assert running.poll() is None, said
        time.sleep(0.1)
    raise AssertionError(f"the console did not start: {log.read_text()}")


@pytest.fixture(scope="module")
def console(
    connections: Connections, runner: Neo4jRunner, store: Store, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Start the console as its user does, and give the address that it prints, with the token."""
    schema.migrate(connections)
    build_audience_world(runner, store)
    runner.write(cypher("MATCH (e:Entity) WHERE e.id <> 'e9' SET e.reach = 100 + 10 * size(e.name)"))
    running, line = start(connections, tmp_path_factory.mktemp("home"), TOKEN)
    url = f"{line.split('answers at ')[1].split(';')[0]}/?token={quote(TOKEN)}"
    yield url
    running.terminate()
    assert running.wait(30) == 0
    runner.write(cypher("MATCH ()-[r:CONFIRMED|REJECTED]->() DELETE r"))


@contextmanager
def at_console(browser: Browser, url: str, **how: object) -> Iterator[Looked]:
    """Open the find page; in the end nothing was complained of, and no other host was asked."""
    with open_page(browser, **how) as looked:  # type: ignore[arg-type]
        page = looked.page
        page.on("console", lambda m: looked.errors.append(m.text) if m.type in ("error", "warning") else None)
        page.on("response", lambda r: looked.errors.append(f"{r.status} {r.url}") if r.status >= 400 else None)
        page.goto(url)
        expect(page.locator("#graph")).not_to_have_attribute("aria-busy", "true")
        yield looked
        assert looked.errors == []
        assert looked.refused == []


def ask(page: Page, phrase: str) -> None:
    page.fill("#phrase", phrase)
    page.keyboard.press("Enter")
    expect(page.locator(".drawing")).to_be_visible()
    expect(page.locator("#size-part .size")).to_be_visible()


def check_accessible(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    told = [f"{v['id']} ({v['impact']}): {[n['html'][:120] for n in v['nodes'][:3]]}" for v in found]
    assert not [v for v in found if v["impact"] in ("serious", "critical")], told


def settled(page: Page) -> None:
    page.wait_for_selector("[aria-busy]", state="detached")


def test_it_ends_without_a_trace_and_is_opened_by_a_file_of_its_owner(
    connections: Connections, console: str, tmp_path: Path  # noqa: ARG001 - the world is there
) -> None:  # fmt: skip
    running, line = start(connections, tmp_path, "a+b/c&d#e%f=0123456789")
    (page,) = (tmp_path / "console").glob("run-*/open.html")
    assert page.stat().st_mode & 0o077 == 0
    assert "token=a%2Bb%2Fc%26d%23e%25f%3D0123456789" in page.read_text(encoding="utf-8")
    assert "a+b" not in line  # a token of one's own is not printed
    running.send_signal(signal.SIGHUP)
    assert running.wait(30) == 0
    assert list((tmp_path / "console").iterdir()) == []


def test_from_a_phrase_to_a_downloaded_audience(chromium: Browser, console: str, tmp_path: Path) -> None:
    with at_console(chromium, console, width=1280) as looked:
        page = looked.page
        assert "token" not in page.url
        expect(page.locator("#graph .choices button").first).to_be_visible()
        ask(page, "skin care")
        expect(page.locator("g.node")).to_have_count(5)
        expect(page.locator("#size-part .size")).to_contain_text("300 users")
        page.click("#show-people")
        expect(page.locator(".members > li")).to_have_count(10)
        page.locator("[data-why]").first.click()
        expect(page.locator(".members .why")).to_have_count(4)
        page.fill("#size", "200")
        expect(page.locator("#size-part .size")).to_contain_text("200 users")
        page.fill("#name", "spring")
        page.click("#save")
        expect(page.locator("#saved")).to_contain_text("200 users are frozen")
        page.click("#saved a")
        page.fill("#share", "20")
        page.get_by_role("button", name="Hold out").click()
        expect(page.locator("#said")).to_contain_text("20% of the users are held out")
        page.get_by_role("button", name="Export the newest snapshot").click()
        with page.expect_download() as got:
            page.locator("#said a").click()
        got.value.save_as(tmp_path / "spring.csv")
        page.goto(page.url)
        check_accessible(page)
    rows = list(csv.DictReader((tmp_path / "spring.csv").read_text(encoding="utf-8").splitlines()))
    assert 100 < len(rows) < 200


def test_the_sliders_and_ticks_redraw_and_count_anew(chromium: Browser, console: str) -> None:
    with at_console(chromium, console, width=1280) as looked:
        page = looked.page
        ask(page, "skin care")
        before = page.locator("#size-part .steps").inner_text()
        place = page.locator('[data-entity="e2"]').get_attribute("data-x")
        page.locator("#near").fill("0.8")
        expect(page.locator("g.node")).to_have_count(2)
        assert page.locator('[data-entity="e2"]').get_attribute("data-x") == place  # nothing that stays moves
        page.locator("#near").fill("0.3")
        page.locator("#hops").fill("1")
        expect(page.locator("g.node")).to_have_count(3)
        expect(page.locator("output[for=hops]")).to_have_text("1")
        page.locator('[data-entity="e3"] circle').last.click()
        expect(page.locator('[data-entity="e3"]')).to_have_attribute("aria-pressed", "false")
        expect(page.locator('[data-pick="e3"]')).not_to_be_checked()
        expect(page.locator(".entity h3")).to_contain_text("spa")
        page.locator('[data-pick="e3"]').check()
        expect(page.locator('[data-entity="e3"]')).to_have_attribute("aria-pressed", "true")
        page.click("[data-add=where]")
        page.select_option("[name=where_column]", "age")
        page.select_option("[name=where_operator]", ">=")
        page.fill("[name=where_value]", "30")
        expect(page.locator("#size-part .steps")).to_contain_text("age >= 30")
        assert page.locator("#size-part .steps").inner_text() != before
        settled(page)
        page.reload()
        expect(page.locator("#size-part .steps")).to_contain_text(
            "age >= 30"
        )  # a page that is loaded again is the same
        expect(page.locator("#phrases li")).to_have_count(1)


def test_everything_is_reached_by_keyboard(chromium: Browser, console: str) -> None:
    with at_console(chromium, console, width=1280) as looked:
        page = looked.page
        assert page.evaluate("document.activeElement.id") == "phrase"
        page.keyboard.type("skin care")
        page.keyboard.press("Enter")
        expect(page.locator("g.node")).to_have_count(5)
        settled(page)
        for _ in range(12):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.matches('g.node')"):
                break
        assert page.evaluate("document.activeElement.dataset.entity") == "e1"
        seen = {"e1"}
        for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp", "ArrowUp", "ArrowRight", "ArrowRight"):
            page.keyboard.press(key)
            seen.add(page.evaluate("document.activeElement.dataset.entity"))
        assert len(seen) > 2
        chosen = page.evaluate("document.activeElement.dataset.entity")
        was = page.locator(f'[data-entity="{chosen}"]').get_attribute("aria-pressed")
        page.keyboard.press("Enter")
        expect(page.locator(f'[data-entity="{chosen}"]')).to_have_attribute(
            "aria-pressed", "false" if was == "true" else "true"
        )
        expect(page.locator(".entity")).to_be_visible()
        settled(page)
        assert page.evaluate("document.activeElement.dataset.entity") == chosen  # the focus stays
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.tagName") == "BUTTON"


def test_an_ambiguous_phrase_is_asked_back_and_a_wrong_relation_goes(
    chromium: Browser, console: str, runner: Neo4jRunner
) -> None:
    runner.write(cypher("CREATE (:Entity {id: 'e77', name: 'Spa', type: 'shop', aliases: []})"))
    try:
        with at_console(chromium, console, width=1280) as looked:
            page = looked.page
            page.fill("#phrase", "spa")
            page.click("#add")
            expect(page.locator("#graph .error")).to_contain_text("may mean 3 things")
            page.locator('#graph [data-mean="e3"]').click()
            expect(page.locator("g.node.seed")).to_have_attribute("data-entity", "e3")
            page.locator('[data-show="e8"]').click()
            page.get_by_role("button", name="Wrong: never again").click()
            expect(page.locator('g.node[data-entity="e8"]')).to_have_count(0)
    finally:
        runner.write(cypher("MATCH (e:Entity {id: 'e77'}) DETACH DELETE e"))
        runner.write(cypher("MATCH ()-[r:REJECTED]->() DELETE r"))


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False), (390, True)])
def test_it_reads_well_wide_and_narrow_light_and_dark(
    chromium: Browser, console: str, tmp_path: Path, width: int, dark: bool
) -> None:
    with at_console(chromium, console, width=width, height=800, dark=dark) as looked:
        page = looked.page
        check_accessible(page)
        ask(page, "skin care")
        page.locator('[data-show="e2"]').click()
        expect(page.locator(".entity")).to_be_visible()
        page.click("[data-add=without]")
        page.check("[name=by][value=sentence]")
        page.fill("#sentence", "people who will book a massage")
        expect(page.locator("#plan li").first).to_be_visible()
        settled(page)
        check_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")  # nothing sticks out
        size = page.evaluate(
            "parseFloat(getComputedStyle(document.querySelector('.drawing text')).fontSize)"
            " * document.querySelector('.drawing > svg').getScreenCTM().a"
        )
        assert size >= 8  # pixels: names can be read
        page.screenshot(path=tmp_path / "page.png", full_page=True)
        for path in ("/audiences", "/questions", "/question?name=near_of_a_type"):
            page.goto(re.sub(r"^(\w+://[^/]+).*", r"\1", page.url) + path)
            check_accessible(page)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_the_theme_can_be_chosen_and_stays(chromium: Browser, console: str) -> None:
    with at_console(chromium, console) as looked:
        page = looked.page
        light = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.click("#theme")
        page.click("#theme")
        expect(page.locator("#theme")).to_have_attribute("aria-label", "Theme: dark")
        page.reload()
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light


def test_a_question_is_asked_and_its_answer_saved_as_a_file(chromium: Browser, console: str, tmp_path: Path) -> None:
    with at_console(chromium, console, width=1280) as looked:
        page = looked.page
        page.get_by_role("link", name="Questions").click()
        page.get_by_role("link", name="Which services are most strongly related to this one?").click()
        page.fill("#p_phrase", "sk")
        expect(page.locator("#list_phrase option")).to_have_count(1)
        page.fill("#p_phrase", "skin care")
        page.get_by_role("button", name="Ask").click()
        expect(page.locator("#answer tbody tr")).to_have_count(2)
        check_accessible(page)
        with page.expect_download() as got:
            page.get_by_role("button", name="Download as CSV").click()
        got.value.save_as(tmp_path / "answer.csv")
    assert "face mask" in (tmp_path / "answer.csv").read_text(encoding="utf-8")


def test_names_of_people_who_type_anything_stay_texts(chromium: Browser, console: str, runner: Neo4jRunner) -> None:
    evil = "<img src=x onerror=document.title='owned'>"
    runner.write(cypher("MATCH (e:Entity {id: 'e2'}) SET e.name = $name"), {"name": evil})
    try:
        with at_console(chromium, console) as looked:
            page = looked.page
            ask(page, "skin care")
            page.locator('[data-show="e2"]').click()
            expect(page.locator(".entity h3")).to_contain_text("<img src=x")
            page.fill("#name", evil)
            page.click("#save")
            expect(page.locator("#saved .error, #saved .said")).to_be_visible()
            assert page.title() != "owned"
            assert page.locator("main img").count() == 0
    finally:
        runner.write(cypher("MATCH (e:Entity {id: 'e2'}) SET e.name = 'face mask'"))


def test_a_console_that_is_gone_says_so(chromium: Browser, console: str) -> None:
    with open_page(chromium) as looked:
        page = looked.page
        page.goto(console)
        expect(page.locator("#graph")).not_to_have_attribute("aria-busy", "true")
        page.context.set_offline(True)
        page.context.route("**/*", lambda route: route.abort())
        page.fill("#phrase", "skin care")
        page.keyboard.press("Enter")
        expect(page.locator("#graph .error")).to_contain_text("does not answer")
