"""Who may come in: whoever has the token of this run, asking this host by its name, from its own page.

The token opens a session once, as a cookie that scripts cannot read and other sites cannot send. A request that
changes something also has to come from the page itself: by its origin, and with a header that a form of another site
cannot set. A host name that was not named at the start is refused, so that no other site can
pretend to be this one (DNS rebinding).
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable, Collection
from threading import Lock
from urllib.parse import urlsplit

from flask import Flask, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from audience_graph.errors import ConfigError

HEADER = "X-Audience-Graph"
SHORTEST = 16
_SESSION_SECONDS = 12 * 3600
_MOST_TRIES = 20  # wrong tokens a minute
_OPEN = ("/static/", "/login")


class Door:
    """The sessions of one run of the console."""

    def __init__(self, token: str, hosts: Collection[str], *, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises ConfigError for a token that is too short to keep anybody out."""
        if len(token) < SHORTEST or not token.isascii() or not token.isprintable():
            raise ConfigError(f"a console token has at least {SHORTEST} printable ASCII characters")
        self._token = token.encode()
        self._hosts = {host.lower() for host in hosts}
        self._clock = clock
        self._sessions: dict[str, float] = {}
        self._wrong: list[float] = []
        self._lock = Lock()

    def stand_before(self, app: Flask) -> None:
        """Check every request of an app, and add the pages to come in and to leave by."""
        app.before_request(self._check)
        app.add_url_rule("/login", "login", self._login, methods=["GET", "POST"])
        app.add_url_rule("/leave", "leave", self._leave, methods=["POST"])

    def _check(self) -> AnyResponse | None:
        if _host_name(request.host) not in self._hosts:
            return _refused(f"this console does not answer to the name {request.host!r}", 421)
        if request.method not in ("GET", "HEAD") and not _own_page():
            return _refused("this request does not come from the console's own page", 403)
        if request.path.startswith(_OPEN):
            return None
        if self._inside():
            return None
        if request.method == "GET" and "token" in request.args and HEADER not in request.headers:
            if request.headers.get("Sec-Fetch-Dest", "document") != "document":
                return _refused("a token is given by opening the page", 403)  # a picture of another site: no try
            return self._enter(request.args["token"], request.path)
        if request.method == "GET" and HEADER not in request.headers:
            return redirect("/login", 303)
        return _refused("your session has ended: load the page again and sign in", 401)

    def _inside(self) -> bool:
        session = request.cookies.get(_cookie(), "")
        with self._lock:
            ends = self._sessions.get(session)
            if ends is not None and ends < self._clock():
                del self._sessions[session]
                ends = None
        return ends is not None

    def _login(self) -> AnyResponse | str:
        if request.method == "GET":
            return render_template("login.html", wrong=False)
        return self._enter(request.form.get("token", ""), "/")

    def _enter(self, token: str, path: str) -> AnyResponse:
        with self._lock:
            now = self._clock()
            self._wrong = [at for at in self._wrong if now - at < 60]
            tired = len(self._wrong) >= _MOST_TRIES
            right = not tired and hmac.compare_digest(token.encode("utf-8", "replace"), self._token)
            if not right and not tired:
                self._wrong.append(now)
            if right:
                self._sessions = {name: ends for name, ends in self._sessions.items() if ends >= now}
                session = secrets.token_urlsafe(32)
                self._sessions[session] = now + _SESSION_SECONDS
        if tired:
            return _refused("too many wrong tokens: wait a minute", 429)
        if not right:
            return make_response(render_template("login.html", wrong=True), 403)
        # A page of our own goes on, not a redirect: after one that another program began, no cookie would be sent.
        answer = make_response(render_template("entered.html", path=path if not path.startswith("//") else "/"))
        secure = request.is_secure or request.headers.get("Origin", "").startswith("https:")
        answer.set_cookie(_cookie(), session, max_age=_SESSION_SECONDS, httponly=True, samesite="Strict", secure=secure)
        return answer

    def _leave(self) -> AnyResponse:
        with self._lock:
            self._sessions.pop(request.cookies.get(_cookie(), ""), None)
        answer = redirect("/login", 303)
        answer.delete_cookie(_cookie())
        return answer


def _cookie() -> str:
    """Return the cookie's name, one for each port: browsers share cookies among ports."""
    return f"audience_graph_{urlsplit(f'//{request.host}').port or 80}"


def _host_name(host: str) -> str:
    """Return the name without its port, nothing for what is no host."""
    try:
        parts = urlsplit(f"//{host}")
        return (parts.hostname or "").lower() if parts.port is None or parts.port else ""
    except ValueError:
        return ""


def _own_page() -> bool:
    """Whether a request that is no GET was sent by a page of this server."""
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if origin is not None and origin not in (f"http://{request.host}", f"https://{request.host}"):  # a proxy's TLS
        return False
    if site not in (None, "same-origin"):
        return False
    if request.path in ("/login", "/leave"):
        return origin is not None or site is not None
    return request.headers.get(HEADER) == "1"


def _refused(why: str, status: int) -> Response:
    answer = make_response(why + "\n", status)
    answer.mimetype = "text/plain"
    return answer
