"""The passwords of the embedded servers: made once, kept in `connection.json` for its owner only."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, field
from urllib.parse import unquote, urlsplit

from audience_graph.config import Connections
from audience_graph.errors import StackError
from audience_graph.local import neo4j_server, postgres_server
from audience_graph.local.layout import Layout, read_json, write_private
from audience_graph.local.ports import LOOPBACK


@dataclass(frozen=True, slots=True)
class Passwords:
    """Never printed."""

    neo4j: str = field(repr=False)
    postgres: str = field(repr=False)

    def connections(self, bolt_port: int, postgres_port: int) -> Connections:
        """Return what clients need to reach servers at these ports."""
        return Connections(
            neo4j_uri=f"bolt://{LOOPBACK}:{bolt_port}",
            neo4j_username=neo4j_server.USER,
            neo4j_password=self.neo4j,
            neo4j_database=neo4j_server.DATABASE,
            database_url=postgres_server.database_url(postgres_port, self.postgres),
            embedded=True,
        )


def find_passwords(layout: Layout) -> Passwords | None:
    """Return the passwords of a data folder, None when its connection file is missing or torn."""
    found = read_json(layout.home.connection_file)
    try:
        postgres = urlsplit(found["database_url"]).password
        return None if postgres is None else Passwords(found["neo4j_password"], unquote(postgres))
    except (KeyError, ValueError, AttributeError):
        return None


def find_or_make_passwords(layout: Layout, *, has_data: bool) -> Passwords:
    """Return the passwords, new ones for a data folder without data. Raises StackError when they were lost."""
    found = find_passwords(layout)
    if found is not None:
        return found
    if has_data:
        raise StackError(
            f"{layout.home.connection_file} is gone or torn, and with it the passwords of the servers in {layout.root}",
            hint=f"bring that file back, or move {layout.root} away to begin with empty servers",
        )
    return Passwords(secrets.token_urlsafe(24), secrets.token_urlsafe(24))


def write_connections(layout: Layout, connections: Connections) -> None:
    """Write `connection.json` in one step, for its owner only."""
    fields = {name: value for name, value in asdict(connections).items() if name != "embedded"}
    write_private(layout.home.connection_file, fields)
