"""500 hostile texts in every field of the console: no fault, no markup of theirs, nothing written but what is kept."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from small_world import cypher
from typed_world import build_typed_world, encode
from werkzeug.test import TestResponse

from audience_graph import schema
from audience_graph.client import AudienceGraph
from audience_graph.config import Connections
from audience_graph.console.app import create_app
from audience_graph.console.downloads import open_folder
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.vectors.store import Store
from fingerprint import changed, fingerprint
from payloads import PAYLOADS, Payload

TOKEN = "a token for payloads"
OWN = {"X-Audience-Graph": "1", "Origin": "http://localhost"}
Typed = Callable[[FlaskClient, str], TestResponse]
ASKED: dict[str, Any] = {"phrase": ["e1"], "size": ["200"]}
EMPTY_ROW = {"where_column": ["age"], "where_operator": [">="], "where_value": ["20"]}
EVENT_ROW = {"having_phrase": ["e1"], "having_days": ["7"], "having_channels": ["visit"]}


def part(path: str, **asked: Any) -> Typed:
    """Return what types a text into the fields of the find page that hold `...`."""

    def typed(page: FlaskClient, text: str) -> TestResponse:
        told = {
            name: [text if one is ... else one for one in value]
            if isinstance(value, list)
            else text
            if value is ...
            else value
            for name, value in asked.items()
        }
        return page.post(path, json=told, headers=OWN)

    return typed


def form(path: str, **fields: Any) -> Typed:
    """Return what types a text into the fields of a form that hold `...`."""

    def typed(page: FlaskClient, text: str) -> TestResponse:
        # a browser sends what it can encode, a hostile program anything
        told = {name: clean(text) if value is ... else value for name, value in fields.items()}
        return page.post(path, data=told, headers=OWN)

    return typed


def address(path: str, **query: Any) -> Typed:
    def typed(page: FlaskClient, text: str) -> TestResponse:
        return page.get(path, query_string={k: clean(text) if v is ... else v for k, v in query.items()}, headers=OWN)

    return typed


def upload(page: FlaskClient, text: str) -> TestResponse:
    content = io.BytesIO(b"user_id,exposures\n" + clean(text).encode() + b",1\n")
    file = (content, clean(text).replace("\n", "").replace("\r", "")[:200] + ".csv")
    return page.post("/audience/results", data={"export": "1", "file": file}, headers=OWN)


def clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


READING: dict[str, Typed] = {
    "phrase": part("/part/graph", phrase=[...]),
    "second phrase": part("/part/graph", phrase=["e1", ...]),
    "phrase of a size": part("/part/size", phrase=[...]),
    "reason": part("/part/graph", phrase=["e1"], because=[...]),
    "depth": part("/part/graph", phrase=["e1"], hops=[...]),
    "threshold": part("/part/graph", phrase=["e1"], near=[...]),
    "drawn": part("/part/graph", phrase=["e1"], most=[...]),
    "ticked": part("/part/graph", phrase=["e1"], add=[...], drop=[...]),
    "ticked, sized": part("/part/size", **ASKED, add=[...]),
    "entity": part("/part/entity", phrase=["e1"], entity=...),
    "user": part("/part/why", **ASKED, user=...),
    "sentence": part("/part/plan", sentence=[...]),
    "sentence, sized": part("/part/size", by=["sentence"], sentence=[...]),
    "size": part("/part/size", phrase=["e1"], size=[...]),
    "width": part("/part/size", phrase=["e1"], cut=["width"], width=[...]),
    "way": part("/part/size", phrase=["e1"], by=[...], cut=[...]),
    "column": part("/part/size", **ASKED, **{**EMPTY_ROW, "where_column": [...]}),
    "comparison": part("/part/size", **ASKED, **{**EMPTY_ROW, "where_operator": [...]}),
    "value": part("/part/size", **ASKED, **{**EMPTY_ROW, "where_value": [...]}),
    "text value": part("/part/size", **ASKED, where_column=["city"], where_operator=["="], where_value=[...]),
    "event": part("/part/size", **ASKED, **{**EVENT_ROW, "having_phrase": [...]}),
    "days": part("/part/size", **ASKED, **{**EVENT_ROW, "having_days": [...]}),
    "channels": part("/part/size", **ASKED, **{**EVENT_ROW, "having_channels": [...]}),
    "audience left out": part("/part/size", **ASKED, leave_out=[...]),
    "relation": part("/part/relation", verb="confirm", source=..., target="e2"),
    "relation's end": part("/part/relation", verb="reject", source="e1", target=...),
    "verb": part("/part/relation", verb=..., source="e1", target="e2"),
    "share": form("/audience/holdout", audience="nobody", share=...),
    "held out of": form("/audience/holdout", audience=..., share="10"),
    "sent": form("/audience/send", audience=..., purpose="marketing", mode="replace", format="csv"),
    "purpose": form("/audience/send", audience="spring", purpose=..., mode="replace", format="csv"),
    "mode": form("/audience/send", audience="spring", purpose="marketing", mode=..., format="csv"),
    "format": form("/audience/send", audience="spring", purpose="marketing", mode="replace", format=...),
    "frozen": form("/audience/take", audience=...),
    "suggested for": form("/audience/suggest", audience=...),
    "followed": form("/audience/follow", audience="spring", entity=...),
    "resumed": form("/audience/resume", export=...),
    "given up": form("/audience/abandon", export=...),
    "results": upload,
    "downloaded": address("/download", export=...),
    "name in the address": address("/audience", name=...),
    "names": address("/part/suggest", typed=...),
    "question": address("/question", name=...),
    "question's values": address("/question/suggest", name="near_of_a_type", parameter="type", typed=...),
    "question's parameter": address("/question/suggest", name="near_of_a_type", parameter=..., typed="p"),
    "asked question": form("/question/answer", query=...),
    "entity of a question": form("/question/answer", query="similar_services", p_phrase=...),
    "text of a question": form("/question/answer", query="most_met", p_type=...),
    "number of a question": form("/question/answer", query="similar_services", p_phrase="e1", p_limit=...),
    "list of a question": form("/question/file", query="reach_of_these", p_phrases=...),
    "page": lambda page, text: page.get("/" + clean(text)[:2000], headers=OWN),
    "token": lambda page, text: page.post(
        "/login", data={"token": clean(text)}, headers={"Origin": "http://localhost"}
    ),
}
# name -> what writes, and the parts of the fingerprint that may differ
AUDIENCE = ("postgres audience", "postgres audience_revision", "postgres audience_snapshot", "postgres audience_member")
WRITING: dict[str, tuple[Typed, tuple[str, ...]]] = {
    "name": (part("/part/save", **ASKED, name=..., note="x"), AUDIENCE),
    "note": (part("/part/save", **ASKED, name="noted", note=...), AUDIENCE),
    "question's name": (
        form("/question/save", query="similar_services", p_phrase="e1", save_as=..., title="x"),
        ("neo4j nodes SavedQuery",),
    ),
    "question's title": (
        form("/question/save", query="similar_services", p_phrase="e1", save_as="kept_here", title=...),
        ("neo4j nodes SavedQuery",),
    ),
    "question's default": (
        form("/question/save", query="similar_services", p_phrase=..., save_as="kept_here", title="x"),
        ("neo4j nodes SavedQuery",),
    ),
}


@pytest.fixture(scope="module")
def world(connections: Connections, runner: Neo4jRunner, store: Store) -> None:
    schema.migrate(connections)
    build_typed_world(connections, runner, store)


@pytest.fixture(scope="module")
def page(
    connections: Connections, world: None, tmp_path_factory: pytest.TempPathFactory  # noqa: ARG001 - built first
) -> Iterator[FlaskClient]:  # fmt: skip
    folder: Path = open_folder(tmp_path_factory.mktemp("home") / "console")
    with AudienceGraph.connect(connections=connections, actor="mia") as ag:
        ag._encoder = encode
        client = create_app(ag, token=TOKEN, hosts={"localhost"}, actor="mia", downloads=folder).test_client()
        client.post("/login", data={"token": TOKEN}, headers={"Origin": "http://localhost"})
        yield client
    assert list(folder.iterdir()) == []  # nothing was sent


def some(place: int, every: int) -> list[Payload]:
    """Return a share of the payloads, another one for each place; the long ones that only take time last."""
    return [payload for n, payload in enumerate(PAYLOADS) if n % every == place % every]


def fault(answer: TestResponse, payload: Payload, where: str) -> str | None:
    """Return what is wrong with an answer, None where nothing is."""
    text = answer.get_data(as_text=True)
    answer.close()
    if answer.status_code >= 500 or "should not" in text or "Traceback" in text:
        return f"{where} <- {payload.label}: {answer.status_code}"
    if payload.family == "html" and payload.text in text and answer.mimetype == "text/html" and "<" in payload.text:
        return f"{where} <- {payload.label}: its markup is in the page"
    if "\n" in payload.text and any("\n" in value for _, value in answer.headers):
        return f"{where} <- {payload.label}: a header of its own"
    return None


def test_what_reads_writes_nothing(page: FlaskClient, runner: Neo4jRunner, store: Store) -> None:
    before, wrong, typed = fingerprint(runner, store), [], 0
    for place, (where, type_in) in enumerate(READING.items()):
        for payload in some(place, 12):
            wrong.append(fault(type_in(page, payload.text), payload, where))
            typed += 1
    assert [one for one in wrong if one] == []
    assert changed(before, fingerprint(runner, store)) == []
    assert typed > 2000


@pytest.mark.parametrize("where", WRITING)
def test_what_is_kept_changes_its_own_rows_alone(
    page: FlaskClient, runner: Neo4jRunner, store: Store, where: str
) -> None:
    type_in, parts = WRITING[where]
    before = fingerprint(runner, store)
    wrong = [fault(type_in(page, payload.text), payload, where) for payload in some(0, 12)]
    assert [one for one in wrong if one] == []
    assert changed(before, fingerprint(runner, store), parts) == []
    runner.write(cypher("MATCH (q:SavedQuery) WHERE q.by = 'mia' DETACH DELETE q"))
