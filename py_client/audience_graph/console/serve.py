"""Run the console: one process, threads for its requests, until it is stopped."""

from __future__ import annotations

import errno
import os
import secrets
import signal
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from waitress.server import create_server

from audience_graph.config import Home
from audience_graph.console.app import MOST_BYTES, create_app
from audience_graph.console.downloads import open_downloads
from audience_graph.errors import ConfigError
from audience_graph.interrupted import interrupted_by

if TYPE_CHECKING:
    from audience_graph.client import AudienceGraph

LOOPBACK = "127.0.0.1"
PORT = 8765
TOKEN = "AUDIENCE_GRAPH_CONSOLE_TOKEN"
THREADS = 8
_EVERY = ("0.0.0.0", "::")
_OWN_NAMES = ("127.0.0.1", "localhost", "::1")
_MOST_PORTS = 20


@dataclass(frozen=True, slots=True)
class Served:
    """Where the console answers. `url` signs in: it holds the token, which is its user's `own_token` or a new one.
    `page` is a file that opens the url, for its owner only."""

    address: str
    url: str
    page: Path
    own_token: bool


def serve(
    ag: AudienceGraph,
    home: Home,
    *,
    actor: str,
    host: str = LOOPBACK,
    port: int | None = None,
    names: Sequence[str] = (),
    ready: Callable[[Served], None] = lambda _: None,
) -> None:
    """Answer until Ctrl-C; `ready` is called once it listens.

    `names` are host names beside those of this machine that it answers to, for one behind a proxy with TLS, which
    passes `Host` on. Without a `port` the first free one from 8765 is taken. The token is that of
    AUDIENCE_GRAPH_CONSOLE_TOKEN, else a new one. Raises ConfigError for a port that is taken, a host that is none of
    this machine, or a token that is too short.
    """
    token = os.environ.get(TOKEN) or secrets.token_urlsafe(24)
    if host in _EVERY and not names:
        raise ConfigError(f"{host} is every address of this machine", hint="say by which name: --name HOST")
    with (
        _listen(host, port) as listening,
        open_downloads(home.path / "console") as downloads,
        interrupted_by(signal.SIGTERM, signal.SIGHUP),
    ):
        app = create_app(ag, token=token, hosts={*_OWN_NAMES, host, *names}, actor=actor, downloads=downloads)
        server = create_server(
            app,
            sockets=[listening],
            threads=THREADS,
            ident=None,
            max_request_body_size=MOST_BYTES,
            clear_untrusted_proxy_headers=True,
        )
        name = names[0] if host in _EVERY else f"[{host}]" if ":" in host else host
        address = f"http://{name}:{listening.getsockname()[1]}"
        ready(_served(address, token, downloads))
        try:
            server.run()
        finally:
            server.close()


def _served(address: str, token: str, folder: Path) -> Served:
    """Return where the console answers, with a file that opens it: a command line would show everybody the token."""
    url = f"{address}/?token={quote(token, safe='')}"
    path = folder / "open.html"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url={escape(url)}">\n')
    return Served(address, url, path, own_token=TOKEN in os.environ)


def _listen(host: str, port: int | None) -> socket.socket:
    """Return a socket that listens, on the first free port where none is named."""
    tried = range(PORT, PORT + _MOST_PORTS) if port is None else (port,)
    for number in tried:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        found = socket.socket(family, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((host, number))
        except OSError as exc:
            found.close()
            if exc.errno == errno.EADDRINUSE and number != tried[-1]:
                continue
            raise ConfigError(
                f"the console cannot listen on {host}, port {number}: {exc.strerror or exc}",
                hint="name another with --port, or stop the program that has it",
            ) from exc
        return found
    raise AssertionError
