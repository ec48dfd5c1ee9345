"""Load any file of the input contract."""

from __future__ import annotations

import os

from audience_graph.config import Connections, Home, find_connections
from audience_graph.errors import ConfigError
from audience_graph.graph.runner import open_runner
from audience_graph.ingest.append import load_corpus, load_events
from audience_graph.ingest.contract import CONTRACTS
from audience_graph.ingest.load_entities import load_entities
from audience_graph.ingest.load_users import load_users
from audience_graph.ingest.reading import LoadOptions
from audience_graph.ingest.report import LoadReport
from audience_graph.vectors.store import open_store


def load(
    what: str,
    path: str | os.PathLike[str],
    *,
    home: Home,
    connections: Connections | None = None,
    options: LoadOptions = LoadOptions(),
) -> LoadReport:
    """Load a file of entities (to Neo4j), users (to Postgres), events or corpus (to the warehouse of `home`).

    Without `connections` the servers of `home` are used, where the kind of file needs one. Raises InputError,
    before anything is written, when the file breaks the contract; ConfigError for another kind of file;
    MigrationError when the servers lack the schema of this installation.
    """
    if what not in CONTRACTS:
        raise ConfigError(f"no files of {what!r}", hint=f"load one of {', '.join(CONTRACTS)}")
    if what == "events":
        return load_events(path, home=home, options=options)
    if what == "corpus":
        return load_corpus(path, home=home, options=options)
    servers = connections if connections is not None else find_connections(home)
    if what == "users":
        return load_users(path, store=open_store(servers), options=options)
    with open_runner(servers) as runner:
        return load_entities(path, runner=runner, options=options)
