"""500 hostile texts through every place to type: a value stays a value, whatever it holds.

Each text is typed at the cheap places, and at a share of the others, in turn, so that this file takes a minute or two;
`python tests/bench/bench_payloads.py` types all of them everywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from small_world import cypher
from typed_world import build_typed_world, encode

from audience_graph import schema
from audience_graph.client import AudienceGraph
from audience_graph.config import Connections
from audience_graph.errors import QueryError
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.vectors.store import Store
from fingerprint import changed, fingerprint
from payloads import PAYLOADS, Payload
from text_inputs import READING, WRITING, TextInput, Written
from typing_in import COMMANDS, Tried, can_be_an_argument, command_with, every, read_with, run_command, write_with

PROCEDURES = {
    "resolve": "CALL audience.resolve([$x])",
    "resolve types": "CALL audience.resolve(['spa'], {types: [$x]})",
    "expand": "CALL audience.expand([$x])",
    "expand option": "CALL audience.expand(['e1'], $map)",
    "expand week": "CALL audience.expand(['e1'], {week: $x})",
    "expand version": "CALL audience.expand(['e1'], {version: $x})",
    "expand types": "CALL audience.expand(['e1'], {types: [$x]})",
    "expand reason": "CALL audience.expand(['e1'], {sensitive: true, because: $x})",
    "expandPacked": "CALL audience.expandPacked([$x])",
    "neighbours": "CALL audience.neighbours($x)",
    "path": "CALL audience.path('e1', $x)",
    "diff": "CALL audience.diff($x, '2026-W30')",
    "diff entity": "CALL audience.diff('2026-W29', '2026-W30', {entity: $x})",
    "size": "CALL audience.size([$x])",
    "week": "CALL audience.week($x)",
    "project": "CALL audience.project($x)",
    "projectEstimate": "CALL audience.projectEstimate($x)",
    "dropProjection": "CALL audience.dropProjection($x)",
    "exportRelations": "CALL audience.exportRelations($x)",
    "confirm": "CALL audience.confirm('e1', $x)",
    "reject": "CALL audience.reject($x, 'e1')",
}


@pytest.fixture(scope="module")
def world(connections: Connections, runner: Neo4jRunner, store: Store) -> None:
    schema.migrate(connections)
    build_typed_world(connections, runner, store)


@pytest.fixture(scope="module")
def ag(connections: Connections, world: None) -> Iterator[AudienceGraph]:  # noqa: ARG001 - built first
    with AudienceGraph.connect(connections=connections, actor="mia") as client:
        client._encoder = encode
        yield client


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to work in, deep enough that a few `..` stay in the test's own; nothing may be made in it."""
    folder = tmp_path / "a" / "b" / "c" / "d" / "e" / "f"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    yield folder
    assert [path for path in tmp_path.rglob("*") if not path.is_dir()] == []
    assert len(list(tmp_path.rglob("*"))) == 6


def test_there_are_500_of_them_all_different() -> None:
    assert len(PAYLOADS) == len({p.text for p in PAYLOADS}) == 500
    assert min(Counter(p.family for p in PAYLOADS).values()) >= 10


@pytest.mark.usefixtures("here")
def test_what_reads_stays_a_value_and_writes_nothing(ag: AudienceGraph, runner: Neo4jRunner, store: Store) -> None:
    before, tried = fingerprint(runner, store), Tried()
    for place, one in enumerate(READING):
        tried += read_with(ag, one, every(one.cost, place))
    assert tried.wrong == []
    assert changed(before, fingerprint(runner, store)) == []
    assert tried.typed > 8_000
    assert tried.answered > 1_000


@pytest.mark.parametrize("one", WRITING, ids=lambda one: one.name)
@pytest.mark.usefixtures("here")
def test_what_is_kept_is_kept_as_it_was_typed(
    ag: AudienceGraph, runner: Neo4jRunner, store: Store, one: Written
) -> None:
    before = fingerprint(runner, store)
    tried = write_with(ag, runner, store, one, every(one.cost, 0))
    assert tried.wrong == []
    assert changed(before, fingerprint(runner, store), one.parts) == []


def test_procedures_take_values(runner: Neo4jRunner, store: Store, world: None) -> None:  # noqa: ARG001 - built first
    before, wrong, answered = fingerprint(runner, store), [], 0
    for place, (name, text) in enumerate(PROCEDURES.items()):
        query = cypher(text)
        for payload in every(4, place):
            if any("\ud800" <= c <= "\udfff" for c in payload.text):
                continue  # no client can send it
            try:
                runner.auto_commit(query, {"x": payload.text, "map": {payload.text: payload.text}})
                answered += 1
            except QueryError as exc:
                if "java." in exc.message:
                    wrong.append(f"{name} <- {payload.label}: {exc.message[:200]}")
    assert wrong == []
    assert answered > 0
    assert changed(before, fingerprint(runner, store)) == []


def environment(connections: Connections, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    named = {
        "NEO4J_URI": connections.neo4j_uri,
        "NEO4J_USERNAME": connections.neo4j_username,
        "NEO4J_PASSWORD": connections.neo4j_password,
        "NEO4J_DATABASE": connections.neo4j_database,
        "DATABASE_URL": connections.database_url,
        "AUDIENCE_GRAPH_HOME": str(folder),
        "AUDIENCE_GRAPH_ACTOR": "mia",
    }
    for name, value in named.items():
        monkeypatch.setenv(name, value)


def test_the_command_line_never_ends_in_a_traceback(
    connections: Connections,
    runner: Neo4jRunner,
    store: Store,
    world: None,  # noqa: ARG001 - built first
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environment(connections, monkeypatch, here)
    assert run_command(["resolve", "e1", "--json"]).code == 0
    before = fingerprint(runner, store)
    typed = [p for p in PAYLOADS[::3] if can_be_an_argument(p.text)]
    wrong = [command_with(COMMANDS[n % len(COMMANDS)], payload) for n, payload in enumerate(typed)]
    assert [one for one in wrong if one] == []
    assert len(typed) > 150
    assert changed(before, fingerprint(runner, store)) == []


def test_the_test_hears_what_it_should(ag: AudienceGraph) -> None:
    glued = TextInput("glued", lambda ag, t: ag.cypher(f"RETURN '{t}' AS x"), ("x",))
    crashes = TextInput("crashes", lambda _ag, t: {}[t], ("x",))
    hostile = Payload("test", "' OR 1 = 1 //"), Payload("test", "harmless")

    def wrong(one: Any) -> list[str]:
        return read_with(ag, one, hostile).wrong

    assert [line.split(":")[1].split("'")[0].strip() for line in wrong(glued)]
    assert "another query" in wrong(glued)[1]
    assert "the database answered" in wrong(glued)[0]
    assert all("KeyError" in line for line in wrong(crashes))
