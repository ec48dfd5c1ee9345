"""Real servers for the tests: those that the environment names, else the embedded stack in a folder of its own.

Each checkout has its folder, so that two can test side by side. It is kept between runs (jars, and data folders that
need no second initdb), the servers are stopped at the end. `AUDIENCE_GRAPH_TEST_HOME` names another folder.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import chromium  # noqa: F401 - a fixture
from keeper import keeper, small_graph  # noqa: F401 - fixtures

from audience_graph import local
from audience_graph.config import Connections, Home, external_servers, find_connections
from audience_graph.graph.runner import Neo4jRunner, open_runner
from audience_graph.vectors.store import Store, open_store
from emptied import wipe

HEAP = "1g"
ROOT = Path(__file__).resolve().parents[2]


def pytest_report_header() -> str:
    external = external_servers()
    return f"servers: {external.neo4j_uri if external else 'embedded stack'}"


@pytest.fixture(scope="session")
def stack_home() -> Home:
    """The folder of the embedded stack that the tests share; nothing in it is worth keeping."""
    named = os.environ.get("AUDIENCE_GRAPH_TEST_HOME")
    checkout = hashlib.sha256(os.fsencode(ROOT)).hexdigest()[:8]
    return Home(Path(named or Path(tempfile.gettempdir()) / f"audience-graph-tests-{os.geteuid()}-{checkout}"))


@pytest.fixture(scope="session")
def connections(stack_home: Home) -> Iterator[Connections]:
    """Both servers, started for this session when the environment names none."""
    external = external_servers()
    if external is not None:
        yield external
        return
    started = local.up(stack_home, heap=HEAP).started
    yield find_connections(stack_home)
    if started:
        local.down(stack_home)


@pytest.fixture(scope="session")
def runner(connections: Connections) -> Iterator[Neo4jRunner]:
    """One runner for the session."""
    with open_runner(connections) as opened:
        yield opened


@pytest.fixture(scope="session")
def store(connections: Connections) -> Store:
    """The Postgres store of the session."""
    return open_store(connections)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty data folder for warehouse, runs and exports; the servers live elsewhere."""
    return Home(tmp_path / "home")


@pytest.fixture
def clean_stores(runner: Neo4jRunner, store: Store) -> Iterator[None]:
    """Both stores without rows, before and after a test; schema and its recorded migrations stay."""
    wipe(runner, store)
    yield
    wipe(runner, store)
