"""The console over HTTP on real servers: who gets in, what each part shows, what it writes, what it refuses."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from audience_world import build_audience_world
from flask.testing import FlaskClient
from small_world import EVIL, cypher
from werkzeug.test import TestResponse

from audience_graph import schema
from audience_graph.client import AudienceGraph
from audience_graph.config import Connections
from audience_graph.console.app import create_app
from audience_graph.console.door import Door
from audience_graph.console.downloads import new_file, open_downloads, ready_files, remove_old
from audience_graph.errors import ConfigError
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.vectors.store import Store

TOKEN = "a token for the tests"
OWN = {"X-Audience-Graph": "1", "Origin": "http://localhost"}


@pytest.fixture(scope="module")
def world(connections: Connections, runner: Neo4jRunner, store: Store) -> None:
    schema.migrate(connections)
    build_audience_world(runner, store)
    runner.write(cypher("MATCH (e:Entity) WHERE e.id <> 'e9' SET e.reach = 100 + 10 * size(e.name)"))


@pytest.fixture
def ag(connections: Connections, world: None, store: Store, runner: Neo4jRunner) -> Iterator[AudienceGraph]:  # noqa: ARG001
    with store.transaction() as tx:
        tx.execute("TRUNCATE audience, disclosed, holdout, export RESTART IDENTITY CASCADE")
    with AudienceGraph.connect(connections=connections, actor="mia") as client:
        yield client
    runner.write(cypher("MATCH ()-[r:CONFIRMED|REJECTED]->() DELETE r"))
    runner.write(cypher("MATCH (n) WHERE n:Audience OR (n:SavedQuery AND n.by = 'mia') DETACH DELETE n"))


@pytest.fixture
def stranger(ag: AudienceGraph, tmp_path: Path) -> FlaskClient:
    (tmp_path / "console").mkdir()
    app = create_app(ag, token=TOKEN, hosts={"localhost"}, actor="mia", downloads=tmp_path / "console")
    return app.test_client()


@pytest.fixture
def page(stranger: FlaskClient) -> FlaskClient:
    answer = stranger.post("/login", data={"token": TOKEN}, headers={"Origin": "http://localhost"})
    assert answer.status_code == 200
    return stranger


def part(page: FlaskClient, path: str, **asked: Any) -> str:
    """Ask for a part of the find page; it must not be refused."""
    answer = page.post(path, json=asked, headers=OWN)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200, text
    assert "X-Audience-Graph" not in answer.headers, text
    return text


def refused(page: FlaskClient, path: str, **asked: Any) -> str:
    answer = page.post(path, json=asked, headers=OWN)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200, text
    assert answer.headers.get("X-Audience-Graph") == "refused", text
    assert "Traceback" not in text
    return words(text)


def form(page: FlaskClient, path: str, **fields: Any) -> TestResponse:
    return page.post(path, data=fields, headers=OWN)


def words(html: str) -> str:
    """Return what a person reads of some HTML, spaces made one."""
    text = re.sub(r"<[^>]*>", " ", html)
    for name, character in (("&#39;", "'"), ("&#34;", '"'), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(name, character)
    return " ".join(text.split())


# ---- the door --------------------------------------------------------------------------------------------


def test_only_the_token_opens_and_nothing_is_seen_without_it(stranger: FlaskClient) -> None:
    for path in ("/", "/audiences", "/questions", "/question?name=hubs", "/download?export=1"):
        answer = stranger.get(path)
        assert (answer.status_code, answer.location) == (303, "/login")
    assert stranger.post("/part/graph", json={}, headers=OWN).status_code == 401
    wrong = stranger.post("/login", data={"token": "no"}, headers={"Origin": "http://localhost"})
    assert wrong.status_code == 403
    assert "not the token" in wrong.get_data(as_text=True)
    assert "Set-Cookie" not in wrong.headers
    opened = stranger.get(f"/audiences?token={TOKEN}")
    assert opened.status_code == 200
    assert 'href="/audiences"' in opened.get_data(as_text=True)  # from where the page goes on, without the token
    cookie = opened.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert TOKEN not in cookie
    assert stranger.get("/audiences").status_code == 200
    assert stranger.post("/leave", headers={"Origin": "http://localhost"}).status_code == 303
    assert stranger.get("/audiences").status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Audience-Graph": "1", "Origin": "http://evil.example"},
        {"X-Audience-Graph": "1", "Origin": "null"},
        {"X-Audience-Graph": "1", "Origin": "http://localhost:81"},
        {"X-Audience-Graph": "1", "Sec-Fetch-Site": "cross-site"},
        {"X-Audience-Graph": "1", "Sec-Fetch-Site": "same-site"},
        {"Origin": "http://localhost"},
        {},
    ],
)
def test_what_another_site_sends_is_refused_even_with_the_cookie(page: FlaskClient, headers: dict[str, str]) -> None:
    answer = page.post("/part/save", json={"phrase": ["skin care"], "name": "stolen"}, headers=headers)
    assert answer.status_code == 403
    assert page.post("/audience/holdout", data={"audience": "x", "share": "10"}, headers=headers).status_code == 403


def test_login_and_leave_are_forms_of_the_page_itself(stranger: FlaskClient) -> None:
    for headers in ({}, {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert stranger.post("/login", data={"token": TOKEN}, headers=headers).status_code == 403


def test_behind_a_proxy_with_tls_the_origin_is_https(stranger: FlaskClient) -> None:
    own = {"Origin": "https://localhost"}
    answer = stranger.post("/login", data={"token": TOKEN}, headers=own)
    assert answer.status_code == 200
    assert "; Secure;" in answer.headers["Set-Cookie"]


def test_another_host_name_is_refused(page: FlaskClient) -> None:
    for host in (
        "evil.example",
        "localhost.evil.example",
        "[::1",
        "a b",
        "127.0.0.2",
        "localhost:99999",
        "localhost:x",
    ):
        answer = page.get("/", headers={"Host": host})
        assert answer.status_code in (400, 421), host


def test_sessions_end_and_guessing_is_slow() -> None:
    from flask import Flask

    now = [0.0]
    app = Flask("audience_graph.console.app")
    Door(TOKEN, {"localhost"}, clock=lambda: now[0]).stand_before(app)
    app.add_url_rule("/", "home", lambda: "in")
    client, own = app.test_client(), {"Origin": "http://localhost"}
    client.get(f"/?token={TOKEN}")
    assert client.get("/").get_data(as_text=True) == "in"
    now[0] = 12 * 3600 + 1
    assert client.get("/").status_code == 303
    codes = [client.get(f"/?token=guess{n}").status_code for n in range(25)]
    assert codes[:20] == [403] * 20
    assert codes[20:] == [429] * 5
    assert client.get(f"/?token={TOKEN}").status_code == 429  # the right one waits too
    now[0] += 61
    assert client.get("/?token=guess", headers={"Sec-Fetch-Dest": "image"}).status_code == 403
    assert client.get(f"/?token={TOKEN}").status_code == 200
    assert client.post("/leave", headers=own).status_code == 303
    with pytest.raises(ConfigError, match="at least 16"):
        Door("short", {"localhost"})


def test_every_answer_forbids_scripts_and_frames_of_others(page: FlaskClient) -> None:
    for path in ("/", "/login", "/audiences", "/static/parts.js", "/nothing", "/question?name=no"):
        answer = page.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        kept = answer.headers["Cache-Control"]
        answer.close()
        assert kept == ("max-age=86400" if path.startswith("/static/") else "no-store")
    pages = [page.get(path).get_data(as_text=True) for path in ("/", "/audiences", "/questions")]
    assert not any(re.search(r"""(src|href|action)=["'](https?:)?//""", text) for text in pages)


# ---- finding ---------------------------------------------------------------------------------------------


def test_the_page_begins_with_what_most_users_meet(page: FlaskClient) -> None:
    text = part(page, "/part/graph")
    assert 'data-phrase="women&#39;s football"' in text
    assert "drawing" not in text
    assert page.get("/").status_code == 200
    assert "week 2026-W30" in page.get("/").get_data(as_text=True)


def test_names_are_suggested_while_one_types(page: FlaskClient) -> None:
    assert page.get("/part/suggest?typed=s", headers=OWN).json == ["skin care", "spa"]
    assert page.get("/part/suggest?typed=", headers=OWN).json == []
    assert page.get("/part/suggest?typed=%60%7D%29", headers=OWN).json == [EVIL]


def test_the_graph_is_drawn_and_listed_with_what_is_chosen(page: FlaskClient, ag: AudienceGraph) -> None:
    text = part(page, "/part/graph", phrase=["skin care"], near=["0.3"])
    near = [e for e in ag.expand("skin care").entities if e.relevance >= 0.3]
    assert sorted(re.findall(r'data-entity="(\w+)"', text)) == sorted(["e1", *(e.id for e in near)])
    assert re.findall(r'data-pick="(\w+)"', text) == ["e1", *(e.id for e in near)]
    assert text.count("<line ") == len(near)
    assert text.count('aria-pressed="true"') == 1 + len(near)
    assert f"{len(near)} entities at least 0.30 near" in text
    assert "190" in text  # the reach of skin care
    shallow = part(page, "/part/graph", phrase=["skin care"], hops=["1"], near=["0.7"])
    assert re.findall(r'data-entity="(\w+)"', shallow) == ["e1", "e2"]


def test_ticks_add_and_drop_entities_and_the_audience_names_them(page: FlaskClient, ag: AudienceGraph) -> None:
    asked: dict[str, Any] = {"phrase": ["skin care"], "near": ["0.7"], "drop": ["e2"], "add": ["e3", "nobody"]}
    text = part(page, "/part/graph", **asked)
    ticked = re.findall(r'data-pick="(\w+)" checked', text)
    assert ticked == ["e1", "e11", "e3"]
    part(page, "/part/save", name="ticked", **asked)
    assert ag.audiences.definition("ticked").to_json()["by"]["rule"]["ids"] == ["e1", "e11", "e3"]
    part(page, "/part/save", name="rule", phrase=["skin care"], near=["0.7"])
    assert "ids" not in ag.audiences.definition("rule").to_json()["by"]["rule"]
    assert "tick at least one" in refused(page, "/part/size", phrase=["e7"], drop=["e7"], hops=["1"])


def test_ticks_that_change_nothing_leave_the_rule(page: FlaskClient, ag: AudienceGraph) -> None:
    for name, ticks in (("same", {"add": ["e2"]}), ("stale", {"drop": ["nobody"], "add": ["gone"]})):
        part(page, "/part/save", name=name, phrase=["skin care"], near=["0.7"], **ticks)
        assert "ids" not in ag.audiences.definition(name).to_json()["by"]["rule"]
        assert "data-proposed" not in part(page, "/part/graph", phrase=["skin care"], near=["0.7"], **ticks)
    assert "data-proposed" in part(page, "/part/graph", phrase=["skin care"], near=["0.7"], drop=["e2"])


def test_eight_threads_ask_at_once_and_the_model_loads_once(
    connections: Connections, world: None, tmp_path: Path  # noqa: ARG001 - built first
) -> None:  # fmt: skip
    with AudienceGraph.connect(connections=connections, actor="mia") as ag:
        app = create_app(ag, token=TOKEN, hosts={"localhost"}, actor="mia", downloads=tmp_path)
        first = app.test_client()
        first.post("/login", data={"token": TOKEN}, headers={"Origin": "http://localhost"})
        cookie = first.get_cookie("audience_graph_80")
        assert cookie is not None

        def ask(n: int) -> str:
            client = app.test_client()
            client.set_cookie("audience_graph_80", cookie.value)
            path = ("/part/graph", "/part/plan", "/part/size")[n % 3]
            asked = {"phrase": ["what people put on their skin"], "sentence": [f"people who will book a spa {n}"]}
            return client.post(path, json=asked, headers=OWN).get_data(as_text=True)

        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(ask, range(48)))
    assert not [text for text in answers if "should not" in text]
    assert all("spa" in text for text in answers[1::3])


def test_several_phrases_are_one_graph(page: FlaskClient) -> None:
    text = part(page, "/part/graph", phrase=["skin care", "women's football", "skin care", "  "])
    assert text.count('class="node seed"') == 2


def test_an_ambiguous_phrase_offers_its_choices(page: FlaskClient, runner: Neo4jRunner) -> None:
    runner.write(cypher("CREATE (:Entity {id: 'e77', name: 'Spa', type: 'shop', aliases: []})"))
    try:
        answer = page.post("/part/graph", json={"phrase": ["spa"]}, headers=OWN).get_data(as_text=True)
        assert "'spa' may mean 3 things" in words(answer)
        assert re.findall(r'data-mean="(\w+)" data-instead="spa"', answer) == ["e3", "e4", "e77"]
        brief = page.post("/part/size", json={"phrase": ["spa"]}, headers=OWN).get_data(as_text=True)
        assert "data-mean" not in brief
        asked = {"phrase": ["skin care"], "without_phrase": ["spa"], "without_days": [""], "without_channels": [""]}
        event = page.post("/part/size", json=asked, headers=OWN).get_data(as_text=True)
        assert 'data-instead="spa"' in event  # nothing above it asks back
    finally:
        runner.write(cypher("MATCH (e:Entity {id: 'e77'}) DETACH DELETE e"))


def test_what_is_sensitive_needs_a_reason_that_is_logged(
    page: FlaskClient, runner: Neo4jRunner, ag: AudienceGraph
) -> None:
    runner.write(cypher("MATCH (e:Entity {id: 'e3'}) SET e.sensitive = true"))
    try:
        assert "sensitive" in refused(page, "/part/graph", phrase=["day spa"])
        assert "e3" not in part(page, "/part/graph", phrase=["skin care"], near=["0.05"])
        text = part(page, "/part/graph", phrase=["day spa"], because=["approved by legal"])
        assert 'data-entity="e3"' in text
        assert ag.audiences.log(limit=1).columns["what"][0]["because"] == "approved by legal"
    finally:
        runner.write(cypher("MATCH (e:Entity {id: 'e3'}) REMOVE e.sensitive"))


def test_an_entity_tells_how_it_was_reached_and_takes_decisions(page: FlaskClient, ag: AudienceGraph) -> None:
    asked: dict[str, Any] = {"phrase": ["skin care"], "near": ["0.05"]}
    text = words(part(page, "/part/entity", entity="e8", **asked))
    assert "massage service skin care → spa → massage 0.42 near" in text
    assert "170 users met it" in text
    assert "Do not choose" in text
    part(page, "/part/relation", verb="reject", source="e3", target="e8")
    assert 'data-entity="e8"' not in part(page, "/part/graph", **asked)
    assert "not near the services any more" in refused(page, "/part/entity", entity="e8", **asked)
    part(page, "/part/relation", verb="confirm", source="e1", target="e8")
    assert 'data-entity="e8"' in part(page, "/part/graph", **asked)
    decided = {(row["source_id"], row["target_id"], row["note"]) for row in ag.decisions.list().rows()}
    assert decided == {("e1", "e8", "in the console"), ("e3", "e8", "in the console")}
    assert 'data-relation="withdraw"' in part(page, "/part/relation", verb="confirm", source="e1", target="e8")
    part(page, "/part/relation", verb="withdraw", source="e1", target="e8")
    assert "is confirmed, rejected or withdrawn" in refused(
        page, "/part/relation", verb="drop", source="e1", target="e8"
    )


def test_sizes_are_those_of_the_client_with_filters_and_exclusions(page: FlaskClient, ag: AudienceGraph) -> None:
    from audience_graph.audience.audience import column, event

    asked: dict[str, Any] = {
        "phrase": ["skin care"],
        "size": ["150"],
        "where_column": ["age", "city"],
        "where_operator": [">=", "is known"],
        "where_value": ["20", ""],
        "having_phrase": [""],
        "having_days": [""],
        "having_channels": [""],
        "without_phrase": ["massage"],
        "without_days": ["30"],
        "without_channels": [""],
    }
    wanted = ag.audience("skin care", size=150, method="graph").where(
        column("age") >= 20, column("city").known(), ~event("massage", days=30)
    )
    text = words(part(page, "/part/size", **asked))
    assert text.startswith(f"{wanted.size(entities=False).users:,} users")
    assert "age >= 20" in text
    part(page, "/part/save", name="those", **asked)
    assert "under 100" not in words(part(page, "/part/size", phrase=["skin care"], leave_out=["those"], size=["300"]))
    assert "is no filter" in refused(page, "/part/size", **{**asked, "where_operator": ["<", ">"], "where_value": ["1|2", "3"]})  # fmt: skip # noqa: E501
    assert "nothing is asked for" in words(part(page, "/part/size"))


def test_the_first_users_come_with_reasons_that_add_up(page: FlaskClient, ag: AudienceGraph) -> None:
    asked: dict[str, Any] = {"phrase": ["skin care"], "size": ["150"]}
    text = part(page, "/part/people", **asked)
    best = ag.audience("skin care", size=150, method="graph").preview(10).user_ids
    assert re.findall(r"<strong>(u\d+)</strong>", text) == list(best)
    assert text.count("data-why=") == 7
    assert text.count("<meter ") > 2
    why = words(part(page, "/part/why", user=best[5], **asked))
    assert "best 150 for 'skin care'" in why
    assert "under 100 users: nobody of a small audience is shown" in words(
        part(page, "/part/people", phrase=["skin care"], size=["50"])
    )


def test_a_sentence_shows_its_plan_and_is_refused_without_a_space_for_sentences(page: FlaskClient) -> None:
    text = words(part(page, "/part/plan", sentence=["people who will book a massage <b>"], by=["sentence"]))
    assert "massage" in text
    assert part(page, "/part/plan", sentence=["  "]).strip() == ""
    assert "write a sentence first" in refused(page, "/part/save", by=["sentence"], name="s", phrase=["skin care"])
    assert refused(page, "/part/size", by=["sentence"], sentence=["xqzt"])


# ---- saving, sending, learning ---------------------------------------------------------------------------


def test_from_phrase_to_a_downloaded_export_and_its_results(page: FlaskClient, ag: AudienceGraph, store: Store) -> None:
    saved = words(part(page, "/part/save", phrase=["skin care"], size=["250"], name='a "b" & <c>', note="first"))
    assert 'Saved a "b" & <c>, revision 1: 250 users are frozen as snapshot 1' in saved
    name = 'a "b" & <c>'
    assert "name=a+%22b%22+%26+%3Cc%3E" in page.get("/audiences").get_data(as_text=True).replace("%20", "+")
    shown = page.get("/audience", query_string={"name": name})
    assert shown.status_code == 200
    assert form(page, "/audience/holdout", audience=name, share="20 %").headers.get("X-Audience-Graph") is None
    assert ag.exports.holdout(name).arms == (("treatment", 0.8), ("holdout", 0.2))
    sent = form(page, "/audience/send", audience=name, purpose="marketing", mode="replace", format="csv")
    assert "Download the file" in sent.get_data(as_text=True), sent.get_data(as_text=True)
    file = page.get("/download?export=1")
    assert file.headers["Content-Disposition"].startswith("attachment; filename=export-1.csv")
    users = [row["user_id"] for row in csv.DictReader(io.StringIO(file.get_data(as_text=True)))]
    file.close()
    with store.transaction() as tx:
        told = {r["user_id"] for r in tx.rows("SELECT user_id FROM export_member JOIN user_key USING (key) WHERE sent")}
    assert set(users) == told
    assert len(users) > 100
    results = "user_id,exposures,conversions\n" + "".join(f"{u},1,{n % 3 == 0:d}\n" for n, u in enumerate(users))
    bad = page.post(
        "/audience/results",
        data={"export": "1", "file": (io.BytesIO(b"user_id,exposures\nnobody,1\n"), "r.csv")},
        headers=OWN,
    )
    assert bad.headers["X-Audience-Graph"] == "refused"
    assert "nobody" in bad.get_data(as_text=True)
    loaded = page.post(
        "/audience/results", data={"export": "1", "file": (io.BytesIO(results.encode()), "r.csv")}, headers=OWN
    )
    assert f"{len(users)} rows read, {len(users)} new or changed" in words(loaded.get_data(as_text=True))
    text = words(page.get("/audience", query_string={"name": name}).get_data(as_text=True))
    assert "What came of it" in text
    assert "treatment" in text
    assert words(form(page, "/audience/suggest", audience=name).get_data(as_text=True)).startswith("Nothing surely:")
    assert "tick at least one" in form(page, "/audience/follow", audience=name).get_data(as_text=True)
    again = words(form(page, "/audience/take", audience=name).get_data(as_text=True))
    assert "frozen as snapshot 2" in again


def test_an_export_that_may_not_leave_says_why(page: FlaskClient) -> None:
    part(page, "/part/save", phrase=["skin care"], size=["60"], name="few")
    small = form(page, "/audience/send", audience="few", purpose="marketing", mode="replace", format="csv")
    assert small.headers["X-Audience-Graph"] == "refused"
    assert "100" in words(small.get_data(as_text=True))
    other = form(page, "/audience/send", audience="few", purpose="resale", mode="replace", format="csv")
    assert "no consent" in words(other.get_data(as_text=True))
    odd = form(page, "/audience/send", audience="few", purpose="marketing", mode="replace", format="exe")
    assert "a file is one of" in words(odd.get_data(as_text=True))
    for share in ("x", "nan", "-5", "1e9", "100"):
        answer = form(page, "/audience/holdout", audience="few", share=share)
        assert answer.headers.get("X-Audience-Graph") == "refused", share
    for number in ("0", "-1", "9" * 30, "x", "²"):
        assert page.get("/download", query_string={"export": number}).status_code in (404, 422)


def test_downloads_are_of_one_run_and_go_with_it_or_after_an_hour(tmp_path: Path) -> None:
    room = tmp_path / "console"
    with open_downloads(room) as folder, open_downloads(room) as other:
        assert folder != other  # two consoles do not share files
        assert folder.stat().st_mode & 0o077 == 0
        path = new_file(folder, ".csv")
        path.write_text("user_id\n")
        path.with_name(f"{path.name}.manifest.json").write_text(
            json.dumps({"export": 3, "files": [{"name": path.name}]})
        )
        assert ready_files(folder) == {3: path}
        assert ready_files(other) == {}
        remove_old(folder)
        assert path.exists()
        remove_old(folder, older_than=0)
        assert ready_files(folder) == {}
    assert list(room.iterdir()) == []
    killed = room / "run-killed"
    killed.mkdir()
    (killed / "users.csv").write_text("u1\n")
    with open_downloads(room) as folder:
        assert list(room.iterdir()) == [folder]
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot write to"), open_downloads(tmp_path / "file" / "console"):
        pass


# ---- questions -------------------------------------------------------------------------------------------


def test_every_saved_query_has_a_form_and_an_answer(page: FlaskClient, ag: AudienceGraph) -> None:
    listed = page.get("/questions").get_data(as_text=True)
    for kept in ag.queries.list():
        assert f"name={kept.query.name}" in listed
        text = page.get("/question", query_string={"name": kept.query.name}).get_data(as_text=True)
        for parameter in kept.query.parameters:
            assert f'name="p_{parameter.name}"' in text
    answer = form(page, "/question/answer", query="similar_services", p_phrase="skin care", p_limit="")
    assert "face mask" in answer.get_data(as_text=True)
    several = form(page, "/question/answer", query="relations_among_these", p_phrases="skin care\r\nface mask\n\n")
    assert "0.9" in several.get_data(as_text=True)
    missing = form(page, "/question/answer", query="similar_services")
    assert "needs phrase" in words(missing.get_data(as_text=True))
    bounds = form(page, "/question/answer", query="similar_services", p_phrase="skin care", p_limit="0")
    assert "limit must be at least 1" in words(bounds.get_data(as_text=True))
    assert page.get("/question?name=no").status_code == 404


def test_an_answer_is_a_file_that_no_spreadsheet_runs(page: FlaskClient, runner: Neo4jRunner) -> None:
    runner.write(cypher("MATCH (e:Entity {id: 'e2'}) SET e.name = '=HYPERLINK(\"http://x\")'"))
    try:
        file = form(page, "/question/file", query="similar_services", p_phrase="skin care")
    finally:
        runner.write(cypher("MATCH (e:Entity {id: 'e2'}) SET e.name = 'face mask'"))
    card = form(page, "/question/file", query="entity_card", p_phrase="skin care").get_data(as_text=True)
    assert "skin care,service,skincare -> 护肤,,190," in card  # an empty cell is empty
    rows = list(csv.DictReader(io.StringIO(file.get_data(as_text=True).removeprefix("\ufeff"))))
    assert rows[0]["name"] == '\'=HYPERLINK("http://x")'
    assert rows[0]["score"] == "0.9"
    assert 'filename="similar_services.csv"' in file.headers["Content-Disposition"]


def test_a_question_is_kept_with_own_values(page: FlaskClient, ag: AudienceGraph) -> None:
    fields = {"query": "similar_services", "p_phrase": "skin care", "p_limit": "3"}
    kept = form(page, "/question/save", **fields, save_as="near_skin", title="Near skin care")
    assert "Kept as near_skin" in kept.get_data(as_text=True)
    assert [row["id"] for row in ag.query("near_skin").rows()] == ["e2", "e3"]
    assert "no name of a query" in words(form(page, "/question/save", **fields, save_as="Not This").get_data(as_text=True))  # fmt: skip # noqa: E501
    assert "give it a name" in form(page, "/question/save", **fields).get_data(as_text=True)
    again = form(page, "/question/save", **fields, save_as="near_skin", title="Mine")
    assert "there is a query named" in words(again.get_data(as_text=True))
    ag.queries.remove("near_skin")


def test_a_saved_query_that_cannot_be_read_is_told_beside_the_others(page: FlaskClient, runner: Neo4jRunner) -> None:
    runner.write(cypher("CREATE (:SavedQuery {name: 'slip', own: true, cypher: 'RETURN 1 AS a'})"))
    try:
        listed = words(page.get("/questions").get_data(as_text=True))
        fields = {"query": "weeks", "save_as": "slip", "title": "Weeks"}
        assert "there is a query named" in words(form(page, "/question/save", **fields).get_data(as_text=True))
    finally:
        runner.write(cypher("MATCH (q:SavedQuery {name: 'slip'}) DELETE q"))
    assert "saved query 'slip' cannot be read: the header lacks" in listed
    assert "name=slip" not in listed


def test_parameters_suggest_their_values(page: FlaskClient) -> None:
    asked = {"name": "near_of_a_type", "parameter": "type", "typed": "p"}
    assert page.get("/question/suggest", query_string=asked, headers=OWN).json == ["product", "person"]
    entities = {"name": "similar_services", "parameter": "phrase", "typed": "sk"}
    assert page.get("/question/suggest", query_string=entities, headers=OWN).json == ["skin care"]
    unknown = page.get("/question/suggest", query_string={**asked, "parameter": "no"}, headers=OWN)
    assert unknown.headers["X-Audience-Graph"] == "refused"


# ---- what no form of the page would send -----------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"1",
        b'"x"',
        b"{",
        b'{"phrase": {}}',
        b'{"phrase": [1]}',
        b'{"hops": ["x"]}',
        b'{"hops": ["--5"]}',
        b'{"hops": ["9"], "phrase": ["spa"]}',
        b'{"near": ["nan"], "phrase": ["skin care"]}',
        b'{"near": ["2"], "phrase": ["skin care"]}',
        b'{"most": ["0"], "phrase": ["skin care"]}',
        b'{"most": ["501"], "phrase": ["skin care"]}',
        b'{"by": ["x"]}',
        b'{"cut": ["x"]}',
        b'{"width": ["x"]}',
        b'{"phrase": ["\\ud800"]}',
        b'{"phrase": ["\\u0000"]}',
        b'{"where_column": ["a"]}',
        json.dumps({"phrase": [str(n) for n in range(51)]}).encode(),
    ],
)
def test_a_body_that_is_no_form_is_refused_in_words(page: FlaskClient, body: bytes) -> None:
    answer = page.post("/part/graph", data=body, content_type="application/json", headers=OWN)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert answer.headers.get("X-Audience-Graph") == "refused", text
    assert "should not" not in text


def test_a_page_that_is_not_there_and_a_method_that_is_not_allowed(page: FlaskClient) -> None:
    assert page.get("/nothing").status_code == 404
    assert page.get("/part/size").status_code == 405
    assert page.get("/audience?name=nobody").status_code == 404
    assert "nobody" in page.get("/audience?name=nobody").get_data(as_text=True)
