"""What is there: the state of each server, as a value."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from audience_graph.config import Connections, Home, find_connections
from audience_graph.database_url import without_password
from audience_graph.errors import AudienceGraphError
from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import open_runner
from audience_graph.local.ports import answers
from audience_graph.vectors.store import open_store

State = Literal["running", "stopped", "not answering"]


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One server. `address` holds no password; `detail` says why it does not answer."""

    name: Literal["neo4j", "postgres"]
    state: State
    address: str | None
    pid: int | None = None
    version: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class StackStatus:
    """Both servers. `embedded` is False when the environment names existing ones, which `up` leaves alone."""

    embedded: bool
    home: Path
    neo4j: ServerStatus
    postgres: ServerStatus
    browser: str | None = None
    procedures: str | None = None
    started: tuple[str, ...] = ()

    @property
    def running(self) -> bool:
        """Whether both servers answer."""
        return self.neo4j.state == self.postgres.state == "running"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**asdict(self), "home": str(self.home), "running": self.running}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that `doctor` looked at: what was found, and what to do when it is not as it should be."""

    name: str
    verdict: Literal["ok", "warning", "wrong"]
    found: str
    advice: str | None = None


def external_status(connections: Connections, home: Path) -> StackStatus:
    """Return the state of the servers that the environment names."""
    return StackStatus(
        embedded=False, home=home, neo4j=_neo4j(connections, None), postgres=_postgres(connections, None)
    )


def embedded_status(home: Home) -> StackStatus:
    """Return the state of the embedded servers of a data folder; writes nothing."""
    from audience_graph.local.bring_up import postgres_of
    from audience_graph.local.layout import layout_of, read_json
    from audience_graph.local.neo4j_server import Neo4jServer

    stopped = StackStatus(
        True, home.path, ServerStatus("neo4j", "stopped", None), ServerStatus("postgres", "stopped", None)
    )
    if not home.connection_file.is_file():
        return stopped
    connections = find_connections(home, {})
    layout = layout_of(home)
    neo4j, postgres = Neo4jServer(layout).find(), postgres_of(layout).find()
    decisions = read_json(layout.decisions)
    http = decisions.get("ports", (None, None))[1]
    return StackStatus(
        embedded=True,
        home=home.path,
        neo4j=stopped.neo4j if neo4j is None else _neo4j(connections, neo4j.pid),
        postgres=stopped.postgres if postgres is None else _postgres(connections, postgres.pid),
        browser=None if neo4j is None else f"http://127.0.0.1:{http}/browser/",
        procedures=decisions.get("procedures"),
    )


def _neo4j(connections: Connections, pid: int | None) -> ServerStatus:
    address = connections.neo4j_uri
    silent = _silence(address, 7687)
    if silent is not None:
        return ServerStatus("neo4j", "not answering", address, pid, detail=silent)
    try:
        with open_runner(connections) as runner:
            kernel = next(r for r in runner.read(load_query("stack/components")) if r["name"] == "Neo4j Kernel")
    except AudienceGraphError as exc:
        return ServerStatus("neo4j", "not answering", address, pid, detail=exc.message)
    return ServerStatus("neo4j", "running", address, pid, version=kernel["version"])


def _postgres(connections: Connections, pid: int | None) -> ServerStatus:
    address = without_password(connections.database_url)
    try:
        with open_store(connections).transaction(read_only=True, vectors=False) as tx:
            version = tx.rows("SELECT current_setting('server_version') AS version")[0]["version"]
    except AudienceGraphError as exc:
        return ServerStatus("postgres", "not answering", address, pid, detail=exc.message)
    return ServerStatus("postgres", "running", address, pid, version=version.split()[0])


def _silence(uri: str, default_port: int) -> str | None:
    """Return why nothing can be asked at an address, None when something listens: the driver retries for long."""
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname or "localhost", parts.port or default_port
    except ValueError as exc:
        return f"{uri} is not an address: {exc}"
    return None if answers(port, host=host, timeout=5.0) else f"nothing listens at {host}:{port}"
