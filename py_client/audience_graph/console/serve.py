"""Run the console: one process, threads for its requests, until it is stopped."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from waitress.server import create_server

from audience_graph.config import Home
from audience_graph.console.app import create_app
from audience_graph.console.downloads import empty, open_folder
from audience_graph.errors import ConfigError

if TYPE_CHECKING:
    from audience_graph.client import AudienceGraph

LOOPBACK = "127.0.0.1"
PORT = 8765
TOKEN = "AUDIENCE_GRAPH_CONSOLE_TOKEN"
THREADS = 8
_OWN_NAMES = ("127.0.0.1", "localhost", "::1")
_MOST_PORTS = 20


@dataclass(frozen=True, slots=True)
class Served:
    """Where the console answers. `url` signs in; it holds the token."""

    address: str
    url: str


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

    `names` are host names beside those of this machine that it answers to, for one behind a proxy. Without a `port`
    the first free one from 8765 is taken. The token is that of AUDIENCE_GRAPH_CONSOLE_TOKEN, else a new one. Raises
    ConfigError for a port that is taken, a host that is none of this machine, or a token that is too short.
    """
    token = os.environ.get(TOKEN) or secrets.token_urlsafe(24)
    downloads = open_folder(_folder(home))
    app = create_app(ag, token=token, hosts={*_OWN_NAMES, host, *names}, actor=actor, downloads=downloads)
    listening = _listen(host, port)
    server = create_server(app, sockets=[listening], threads=THREADS, ident=None, clear_untrusted_proxy_headers=True)
    name = f"[{host}]" if ":" in host else host
    address = f"http://{name}:{listening.getsockname()[1]}"
    ready(Served(address, f"{address}/?token={token}"))
    try:
        server.run()
    finally:
        server.close()
        empty(downloads)


def _folder(home: Home) -> Path:
    return home.path / "console"


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
            if number != tried[-1]:
                continue
            raise ConfigError(
                f"the console cannot listen on {host}, port {number}: {exc.strerror or exc}",
                hint="name another with --port, or stop the program that has it",
            ) from exc
        return found
    raise AssertionError
