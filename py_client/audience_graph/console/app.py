"""The web application: pages, parts of the page, and what every answer carries."""

from __future__ import annotations

import logging
import secrets
import time
import traceback
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask, Response, g, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from audience_graph.audience.evaluate.remembered import Lately
from audience_graph.console import audience_pages, find_page, question_pages
from audience_graph.console.door import HEADER, Door
from audience_graph.console.words import cell, label, met, number, percent
from audience_graph.entities.phrase import fold
from audience_graph.errors import AmbiguousError, AudienceGraphError, InputError, NotFoundError, SensitiveError
from audience_graph.graph.picture.svg import shortened

if TYPE_CHECKING:
    from audience_graph.client import AudienceGraph

# Nothing from elsewhere, no script or style in the page itself, no frame around it.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
MOST_BYTES = 200 * 1024 * 1024  # of a file of results
UPLOAD = "/audience/results"
_MOST_OF_A_FORM = 4 * 1024 * 1024
_MOST_REASONS = 20
log = logging.getLogger("audience_graph.console")


@dataclass(frozen=True, slots=True)
class Desk:
    """What the pages work with: the client, who does it, and the folder where exports wait to be downloaded."""

    ag: AudienceGraph
    actor: str
    downloads: Path
    clock: Callable[[], float] = time.monotonic
    _types: Lately[list[str]] = field(default_factory=lambda: Lately(1))
    _reasoned: Lately[AudienceGraph] = field(default_factory=lambda: Lately(_MOST_REASONS))

    def because(self, reason: str) -> AudienceGraph:
        """Return the client, with a reason that lets sensitive entities in where one is given."""
        if not reason:
            return self.ag
        return self._reasoned.get(reason) or self._reasoned.put(reason, self.ag.because(reason))

    def types(self) -> list[str]:
        """Return all types of the dictionary, asked for once a minute: a type has one colour whatever is drawn."""
        minute = int(self.clock() // 60)
        told = self._types.get(minute)
        if told is None:
            found = self.ag.queries.suggest("near_of_a_type", "type", limit=100)
            told = self._types.put(minute, [value for value, _ in found])
        return told


def create_app(ag: AudienceGraph, *, token: str, hosts: Collection[str], actor: str, downloads: Path) -> Flask:
    """Return the console over a client. `hosts` are the names that it answers to, `token` opens it."""
    app = Flask(__name__, template_folder="templates", static_folder="static")
    app.config.update(MAX_CONTENT_LENGTH=MOST_BYTES, MAX_FORM_MEMORY_SIZE=_MOST_OF_A_FORM)
    app.jinja_env.filters.update(cell=cell, label=label, met=met, number=number, percent=percent, shortened=shortened)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    desk = Desk(ag, actor, downloads)
    Door(token, hosts).stand_before(app)
    app.before_request(lambda: _prepare(desk))
    stamp = secrets.token_hex(4)  # of this run: a page never mixes with files of another one
    app.context_processor(lambda: {"actor": actor, "stamp": stamp})
    for pages in (find_page, audience_pages, question_pages):
        app.register_blueprint(pages.pages)
    app.register_error_handler(AudienceGraphError, _expected)
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(Exception, _unexpected)
    app.after_request(_with_headers)
    return app


def _prepare(desk: Desk) -> None:
    g.desk = desk
    if request.path != UPLOAD:
        request.max_content_length = _MOST_OF_A_FORM


def _with_headers(answer: Response) -> Response:
    for name, value in _HEADERS.items():
        answer.headers[name] = value
    kept = "max-age=86400" if request.path.startswith("/static/") else "no-store"
    answer.headers["Cache-Control"] = kept
    return answer


def _expected(error: AudienceGraphError) -> Response:
    """Show an expected error where the answer would stand: what happened, and what to do next."""
    status = 404 if isinstance(error, NotFoundError) else 422
    if isinstance(error, AmbiguousError):
        message = f"{error.phrase!r} may mean {len(error.choices)} things."
        return _answer(status, message=message, choices=_choices(error), phrase=error.phrase)
    if isinstance(error, SensitiveError):
        return _answer(status, message=error.message, sensitive=True)
    problems = [str(problem) for problem in error.problems] if isinstance(error, InputError) else []
    return _answer(status, message=error.message, hint=error.hint, problems=problems)


def _choices(error: AmbiguousError) -> list[tuple[str, str]]:
    """Return (what to ask for, what it is called) of what a phrase may mean: the name where only one has it."""
    rows = list(g.desk.ag.query("reach_of_these", phrases=list(error.choices)[:20]).rows())
    names = Counter(fold(row["name"]) for row in rows)
    return [
        (row["name"] if names[fold(row["name"])] == 1 and fold(row["name"]) != fold(error.phrase) else row["id"],
         f"{row['name']} ({row['type']})")
        for row in rows
    ]  # fmt: skip


def _refused(error: HTTPException) -> Response:
    return _answer(error.code or 500, message=error.description or error.name)


def _unexpected(error: Exception) -> Response:
    log.error("%s %r failed:\n%s", request.method, request.path, "".join(traceback.format_exception(error)))
    return _answer(500, message="something failed here that should not: the terminal of the console says what")


def _answer(status: int, **told: object) -> Response:
    """Return a page, or the part of one that was asked for: that is shown in place, and marked as refused."""
    if HEADER not in request.headers:
        return make_response(render_template("error.html", **told), status)
    answer = make_response(render_template("parts/error.html", brief=_said_above(told.get("phrase")), **told))
    answer.headers[HEADER] = "refused"
    return answer


def _said_above(phrase: object) -> bool:
    """Whether the graph, which stands above the size, already asks back what a phrase means."""
    form = request.get_json(silent=True) if request.path == "/part/size" else None
    return isinstance(form, dict) and isinstance(asked := form.get("phrase"), list) and phrase in asked
