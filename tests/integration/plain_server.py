"""A Neo4j as hosted ones are: without our procedures, without GDS. The server's own jars alone."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from audience_graph.config import Connections, Home
from audience_graph.local.jars import cache_folder, fetch
from audience_graph.local.layout import layout_of
from audience_graph.local.lock import read_lock
from audience_graph.local.memory import choose_memory, machine_memory
from audience_graph.local.neo4j_server import USER, Neo4jServer
from audience_graph.local.ports import LOOPBACK, answers, free_port
from audience_graph.local.progress import Silent
from audience_graph.local.runtime import find_java
from audience_graph.vectors.store import Store

DATABASE = "plain_server"
PATIENCE = 300.0


@contextmanager
def plain_neo4j(folder: Path) -> Iterator[tuple[str, str]]:
    """Start the server in an empty folder and yield its Bolt address and password; stop it at the end."""
    layout, memory = layout_of(Home(folder)), choose_memory(machine_memory(), "512m")
    layout.create()
    server, password, java = Neo4jServer(layout), secrets.token_urlsafe(12), find_java()
    wanted = read_lock().with_role("server")
    server.prepare(password, fetch(wanted, cache_folder(), progress=Silent()), (), memory)
    bolt = free_port(17687)
    http = free_port(17474)
    running = server.start((bolt, http), java, memory)
    try:
        address = f"bolt://{LOOPBACK}:{bolt}"
        await_answer(server, Connections(address, USER, password, "neo4j", "postgresql://nobody", False))
        yield address, password
    finally:
        server.stop(running)


def await_answer(server: Neo4jServer, connections: Connections) -> None:
    """Wait until the server answers to its password."""
    end = time.monotonic() + PATIENCE
    port = int(connections.neo4j_uri.rpartition(":")[2])
    while not answers(port) or server.trouble(connections) is not None:
        assert time.monotonic() < end, f"it does not answer; see {server.log}"
        time.sleep(0.5)


@contextmanager
def second_database(connections: Connections) -> Iterator[str]:
    """Make an empty database beside the tests' own, yield its URL, and drop it at the end."""
    own = Store(connections.database_url)
    own.maintain([f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)", f"CREATE DATABASE {DATABASE}"])
    head, _, _ = connections.database_url.rpartition("/")
    try:
        yield f"{head}/{DATABASE}"
    finally:
        own.maintain([f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"])


@contextmanager
def plain_servers(connections: Connections, folder: Path) -> Iterator[Connections]:
    """Start a plain Neo4j and make a database for what belongs to it; stop and drop both at the end."""
    with plain_neo4j(folder) as (address, password), second_database(connections) as url:
        yield replace(connections, neo4j_uri=address, neo4j_username=USER, neo4j_password=password, database_url=url)
