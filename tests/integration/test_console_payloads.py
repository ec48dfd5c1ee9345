"""Hostile texts in every field of the console: no fault, no markup of theirs, nothing written but what is kept.

Each field gets another twelfth of the 500; `python tests/bench/bench_payloads.py` types all of them into each.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from small_world import cypher
from typed_world import build_typed_world, encode

from audience_graph import schema
from audience_graph.client import AudienceGraph
from audience_graph.config import Connections
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.vectors.store import Store
from console_inputs import READING, WRITING, fault, signed_in
from fingerprint import changed, fingerprint
from payloads import PAYLOADS, Payload


@pytest.fixture(scope="module")
def world(connections: Connections, runner: Neo4jRunner, store: Store) -> None:
    schema.migrate(connections)
    build_typed_world(connections, runner, store)


@pytest.fixture(scope="module")
def page(
    connections: Connections, world: None, tmp_path_factory: pytest.TempPathFactory  # noqa: ARG001 - built first
) -> Iterator[FlaskClient]:  # fmt: skip
    folder: Path = tmp_path_factory.mktemp("home") / "console"
    with AudienceGraph.connect(connections=connections, actor="mia") as ag:
        ag._encoder = encode
        yield signed_in(ag, folder)
    assert list(folder.iterdir()) == []  # nothing was sent


def some(place: int, every: int) -> list[Payload]:
    """Return a share of the payloads, another one for each place; the long ones that only take time last."""
    return [payload for n, payload in enumerate(PAYLOADS) if n % every == place % every]


def test_what_reads_writes_nothing(page: FlaskClient, runner: Neo4jRunner, store: Store) -> None:
    before, wrong, typed = fingerprint(runner, store), [], 0
    for place, (where, type_in) in enumerate(READING.items()):
        for payload in some(place, 12):
            wrong.append(fault(type_in(page, payload.text), payload, where))
            typed += 1
    assert [one for one in wrong if one] == []
    assert changed(before, fingerprint(runner, store)) == []
    assert typed > 2000


@pytest.mark.parametrize("where", WRITING)
def test_what_is_kept_changes_its_own_rows_alone(
    page: FlaskClient, runner: Neo4jRunner, store: Store, where: str
) -> None:
    type_in, parts = WRITING[where]
    before = fingerprint(runner, store)
    wrong = [fault(type_in(page, payload.text), payload, where) for payload in some(0, 12)]
    assert [one for one in wrong if one] == []
    assert changed(before, fingerprint(runner, store), parts) == []
    runner.write(cypher("MATCH (q:SavedQuery) WHERE q.by = 'mia' DETACH DELETE q"))
