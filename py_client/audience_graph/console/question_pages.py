"""Saved queries as questions: a form for each, its answer as a table."""

from __future__ import annotations

import io
from codecs import BOM_UTF8
from typing import Any

from flask import Blueprint, Response, g, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from audience_graph.audience.output import write_csv
from audience_graph.console.suggested import suggested
from audience_graph.errors import ConfigError
from audience_graph.saved.definition import SavedQuery

pages = Blueprint("questions", __name__)
_SHOWN = 200


@pages.get("/questions")
def list_() -> str:
    """List the saved queries by the question that each answers."""
    return render_template("questions.html", kept=g.desk.ag.queries.list())


@pages.get("/question")
def one() -> str:
    """Show the form of a saved query."""
    return render_template("question.html", query=g.desk.ag.queries.get(request.args.get("name", "")))


@pages.get("/question/suggest")
def suggest() -> ResponseReturnValue:
    """Return values that a parameter may take and that begin with what is typed."""
    name, parameter, typed = (request.args.get(key, "") for key in ("name", "parameter", "typed"))
    return jsonify(suggested(g.desk.ag, name, parameter, typed, 12))


@pages.post("/question/answer")
def answer() -> str:
    """Run a saved query and show its rows."""
    query = _query()
    found = g.desk.ag.query(query.name, **_given(query))
    return render_template("parts/answer.html", found=found, most=_SHOWN)


@pages.post("/question/file")
def file() -> ResponseReturnValue:
    """Give the rows of a saved query as CSV."""
    query = _query()
    found = g.desk.ag.query(query.name, **_given(query))
    out = io.BytesIO()
    write_csv(found.columns, out)
    answer = Response(BOM_UTF8 + out.getvalue(), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{query.name}.csv"'
    return answer


@pages.post("/question/save")
def save() -> str:
    """Keep a saved query under another name, with these values as its defaults, for everybody."""
    query, name = _query(), (request.form.get("save_as") or "").strip()
    if not name:
        raise ConfigError("give it a name")
    listed = g.desk.ag.queries.list()
    if name in {*(kept.query.name for kept in listed), *(one.name for one in listed.unreadable)}:
        raise ConfigError(f"there is a query named {name!r} already", hint="choose another name")
    saved = g.desk.ag.queries.save_as(
        name, query.name, _given(query), title=(request.form.get("title") or name).strip()
    )
    return render_template("parts/said.html", message=f"Kept as {saved.name}: everybody finds it among the questions.")


def _query() -> SavedQuery:
    found: SavedQuery = g.desk.ag.queries.get(request.form.get("query", ""))
    return found


def _given(query: SavedQuery) -> dict[str, Any]:
    """Return the filled fields of a form, lists by lines; empty ones take their defaults."""
    given: dict[str, Any] = {}
    for parameter in query.parameters:
        value = request.form.get(f"p_{parameter.name}", "").strip()
        if parameter.kind == "texts" and value:
            given[parameter.name] = [line.strip() for line in value.splitlines() if line.strip()]
        elif value:
            given[parameter.name] = value
    return given
