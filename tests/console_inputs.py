"""Every field of the console where somebody can type a text, as one request each; and what may not come of it.

`READING` changes nothing, `WRITING` no more than the named parts of `tests/fingerprint.py`. They are asked of the world
of `tests/integration/typed_world.py`.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from audience_graph.client import AudienceGraph
from audience_graph.console.app import create_app
from payloads import Payload

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


TOKEN = "a token for payloads"


def signed_in(ag: AudienceGraph, downloads: Path) -> FlaskClient:
    """Return a client of the console over `ag` that has signed in."""
    downloads.mkdir()
    app = create_app(ag, token=TOKEN, hosts={"localhost"}, actor="mia", downloads=downloads)
    client = app.test_client()
    client.post("/login", data={"token": TOKEN}, headers={"Origin": "http://localhost"})
    return client


def path_info(text: str) -> str:
    """Return a path as a server hands it on, whatever it holds: a client would take `//x` for a host."""
    return f"/{clean(text)[:2000]}".encode().decode("latin-1")


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
    "page": lambda page, text: page.get("/", environ_overrides={"PATH_INFO": path_info(text)}, headers=OWN),
    "token": lambda page, text: page.post(
        "/login", data={"token": clean(text)}, headers={"Origin": "http://localhost"}
    ),
}
# name -> what writes, and the parts of the fingerprint that may differ
AUDIENCE = (
    *(f"postgres {table}" for table in ("audience", "audience_revision", "audience_snapshot", "audience_member")),
    "neo4j nodes Audience",
    "neo4j relationships PICKED",
)
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
