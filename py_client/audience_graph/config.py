"""Settings: which servers, which folder.

Order: existing servers named by `NEO4J_URI`, `NEO4J_USERNAME`, `NEO4J_PASSWORD`, `NEO4J_DATABASE` and
`DATABASE_URL`; else the embedded stack of the data folder, read from `<home>/stack/connection.json`, which
`audience-graph up` writes for its owner only.

The folder is `--data-dir`, else `AUDIENCE_GRAPH_HOME`, else the user's data folder of this platform:

    <home>/stack/      servers, their data, passwords, logs        (local/)
    <home>/warehouse/  loaded events, corpus as Parquet            (ingest/)
    <home>/runs/       one folder per mining or training run       (trainers)
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from audience_graph.database_url import check_database_url
from audience_graph.errors import ConfigError

_NEO4J = ("NEO4J_URI", "NEO4J_USERNAME", "NEO4J_PASSWORD")


@dataclass(frozen=True, slots=True)
class Connections:
    """Addresses and credentials of both servers. Never printed: `repr` hides the passwords."""

    neo4j_uri: str
    neo4j_username: str
    neo4j_password: str
    neo4j_database: str
    database_url: str
    embedded: bool

    def __repr__(self) -> str:
        return f"Connections(neo4j={self.neo4j_uri!r}, embedded={self.embedded})"


@dataclass(frozen=True, slots=True)
class Home:
    """The data folder and its rooms. Creating a Home writes nothing."""

    path: Path

    @property
    def stack(self) -> Path:
        return self.path / "stack"

    @property
    def warehouse(self) -> Path:
        return self.path / "warehouse"

    @property
    def runs(self) -> Path:
        return self.path / "runs"

    @property
    def connection_file(self) -> Path:
        return self.stack / "connection.json"


def find_home(data_dir: str | os.PathLike[str] | None = None, env: Mapping[str, str] = os.environ) -> Home:
    """Return the data folder: the argument, else `AUDIENCE_GRAPH_HOME`, else the per-user default."""
    chosen = data_dir if data_dir is not None else env.get("AUDIENCE_GRAPH_HOME") or None
    path = Path(chosen).expanduser() if chosen is not None else Path(platformdirs.user_data_dir("audience-graph"))
    if path.exists() and not path.is_dir():
        raise ConfigError(
            f"the data folder {path} is a file", hint="name a folder with --data-dir or AUDIENCE_GRAPH_HOME"
        )
    return Home(path.absolute())


def external_servers(env: Mapping[str, str] = os.environ) -> Connections | None:
    """Return the servers that the environment names, None when it names none of them.

    DATABASE_URL is `postgresql://user:password@host:port/database`, or the same with `postgres://`. Raises ConfigError
    when only some of the variables are set, and, without showing the value, for one that is no address.
    """
    wanted = (*_NEO4J, "DATABASE_URL")
    present = [name for name in wanted if env.get(name)]
    if not present:
        return None
    missing = [name for name in wanted if name not in present]
    if missing:
        raise ConfigError(
            f"{', '.join(present)} set, but {', '.join(missing)} missing",
            hint="set all of them to use existing servers, or none to use the embedded stack",
        )
    check_database_url(env["DATABASE_URL"], name="DATABASE_URL")
    if "@" in env["NEO4J_URI"]:
        raise ConfigError("NEO4J_URI holds a user or a password", hint="set NEO4J_USERNAME and NEO4J_PASSWORD instead")
    return Connections(
        neo4j_uri=env["NEO4J_URI"],
        neo4j_username=env["NEO4J_USERNAME"],
        neo4j_password=env["NEO4J_PASSWORD"],
        neo4j_database=env.get("NEO4J_DATABASE") or "neo4j",
        database_url=env["DATABASE_URL"],
        embedded=False,
    )


def find_connections(home: Home, env: Mapping[str, str] = os.environ) -> Connections:
    """Return where the servers are, from the environment or from the embedded stack of `home`.

    Raises ConfigError when neither is there.
    """
    external = external_servers(env)
    if external is not None:
        return external
    try:
        found = json.loads(home.connection_file.read_text(encoding="utf-8"))
        return Connections(**found, embedded=True)
    except FileNotFoundError:
        raise ConfigError(
            f"no servers: the embedded stack of {home.path} was never started",
            hint="run `audience-graph up`, or set NEO4J_URI, NEO4J_USERNAME, NEO4J_PASSWORD and DATABASE_URL",
        ) from None
    except (ValueError, TypeError) as exc:
        raise ConfigError(
            f"{home.connection_file} is not readable: {exc}", hint="run `audience-graph down` and `audience-graph up`"
        ) from exc
