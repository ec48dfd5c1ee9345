"""A client on the small world, in which nobody keeps a query yet: for tests of those that people keep."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from small_world import build, cypher

from audience_graph import schema
from audience_graph.client import AudienceGraph
from audience_graph.config import Connections
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.vectors.store import Store


@pytest.fixture(scope="module")
def small_graph(connections: Connections, runner: Neo4jRunner, store: Store) -> None:
    """Write the small world, once for a file."""
    schema.migrate(connections)
    build(runner, store)


@pytest.fixture
def keeper(connections: Connections, small_graph: None, runner: Neo4jRunner) -> Iterator[AudienceGraph]:  # noqa: ARG001
    """Give a client of mia's; no saved query is left in the graph before it and after."""
    runner.write(cypher("MATCH (q:SavedQuery) DETACH DELETE q"))
    with AudienceGraph.connect(connections=connections, actor="mia") as client:
        yield client
    runner.write(cypher("MATCH (q:SavedQuery) DETACH DELETE q"))
