"""The three doors equal the reference on random graphs, on the real server; what is laid over them is live."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from audience_graph.config import Connections, Home, external_servers
from audience_graph.errors import ConfigError, NotFoundError, QueryError, SensitiveError
from audience_graph.graph.expand import Door, Expanded, Expander, ExpandOptions, expand
from audience_graph.graph.projection import drop, estimate, list_projections, project
from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import Neo4jRunner, open_runner
from audience_graph.graph.walker import Walker, export_packed, export_pages
from expansion.neo4j_world import query, write
from expansion.reference import Row, reference
from expansion.worlds import World, joined, random_question, random_world, ranked, version_ref

DOORS: tuple[Door, ...] = ("procedure", "cypher", "memory")
GRAPHS = 120
QUESTIONS = 4


def bare(rows: tuple[Expanded, ...]) -> list[Row]:
    return [(row.id, row.hop, row.relevance, row.path) for row in rows]


@pytest.fixture
def small(runner: Neo4jRunner, clean_stores: None) -> World:  # noqa: ARG001 - usefixtures does not reach fixtures
    """s -> a (.9) -> b (.8), s -> b (.5), s -> c (.5); late is alone."""
    scores = {("s", "a"): 0.9, ("a", "b"): 0.8, ("s", "b"): 0.5, ("s", "c"): 0.5}
    world = World(version_ref(1), dict.fromkeys(["s", "a", "b", "c", "late"], "topic"), ranked(scores))
    write(runner, [world])
    return world


@pytest.fixture
def other_user(connections: Connections, runner: Neo4jRunner) -> Iterator[Neo4jRunner]:
    """A second database user, as an analyst would be."""
    user, password = "second_reader", "second-reader-7"
    runner.auto_commit(query(f"CREATE USER {user} IF NOT EXISTS SET PASSWORD '{password}' CHANGE NOT REQUIRED"))
    theirs = Connections(
        connections.neo4j_uri, user, password, connections.neo4j_database, connections.database_url, False
    )
    with open_runner(theirs) as opened:
        yield opened
    runner.auto_commit(query(f"DROP USER {user}"))


@pytest.mark.usefixtures("clean_stores")
def test_every_door_equals_the_reference(runner: Neo4jRunner) -> None:
    graphs = [random_world(seed, prefix=f"{seed}/") for seed in range(GRAPHS)]
    weeks = [
        joined(graphs[: GRAPHS // 2], version_ref(1, "2026-W29")),
        joined(graphs[GRAPHS // 2 :], version_ref(2, "2026-W30")),
    ]
    write(runner, weeks)
    expander = Expander(runner)
    for number, graph in enumerate(graphs):
        world = weeks[number * 2 // GRAPHS]
        for asked in range(QUESTIONS):
            seeds, options = random_question(graph, 1000 * number + asked)
            wanted = reference(world, seeds, options)
            for door in DOORS:
                because = "a test" if options.sensitive else None
                rows = expander.expand(world.version, seeds, options, door=door, because=because)
                assert bare(rows) == wanted, (door, number, asked, seeds, options)
                assert all(row.name == f"name of {row.id}" and row.type == world.types[row.id] for row in rows)


@pytest.mark.parametrize("hops", [1, 2, 3, 4])
def test_the_files_run_as_they_are_on_disk(runner: Neo4jRunner, small: World, hops: int) -> None:
    options = ExpandOptions(hops=hops)
    values = {**options.as_parameters(), "seeds": ["s"], "relation_type": small.version.relation_type}
    rows = runner.read(load_query(f"entities/expand_{hops}"), values)
    found = [(row["id"], row["hop"], row["relevance"], tuple(row["path"])) for row in rows]
    assert found == reference(small, ["s"], options)


@pytest.mark.parametrize("door", DOORS)
def test_the_overlay_and_the_names_are_live(runner: Neo4jRunner, small: World, door: Door) -> None:
    def ids() -> list[str]:
        return [row.id for row in expand(runner, small.version, ["s"], ExpandOptions(), door=door)]

    assert ids() == ["a", "b", "c"]
    runner.write(query("MATCH (u {id: 'c'}), (v {id: 'late'}) CREATE (u)-[:CONFIRMED {score: 1.0}]->(v)"))
    assert ids() == ["a", "b", "c", "late"]
    runner.write(query("MATCH (u {id: 's'}), (v {id: 'a'}) CREATE (u)-[:REJECTED]->(v)"))
    assert ids() == ["b", "c", "late"]
    runner.write(
        query("MATCH (u {id: 's'}) CREATE (u)-[:CONFIRMED {score: 0.9}]->(:Entity {id: 'A', name: 'n', type: 't'})")
    )
    assert ids() == ["A", "b", "c", "late"]
    runner.write(query("MATCH (e {id: 'b'}) SET e.name = 'renamed', e.type = 'brand'"))
    rows = expand(runner, small.version, ["s"], ExpandOptions(types=("brand",)), door=door)
    assert [(row.id, row.name) for row in rows] == [("b", "renamed")]
    runner.write(query("MATCH (e {id: 'b'}) DETACH DELETE e"))
    assert ids() == ["A", "c", "late"]


@pytest.mark.parametrize("door", DOORS)
def test_sensitive_entities_are_hidden_live_and_let_in_with_a_reason_only(
    runner: Neo4jRunner, small: World, door: Door
) -> None:
    def ids(**options: Any) -> list[str]:
        how: dict[str, Any] = {"door": door, "because": "a test" if options else None}
        return [row.id for row in expand(runner, small.version, ["s"], ExpandOptions(**options), **how)]

    flag = query("MATCH (e:Entity {id: $id}) SET e.sensitive = $value")
    runner.write(flag, {"id": "a", "value": True})
    assert ids() == ["b", "c"]  # b by its own relation: not through a
    assert ids(sensitive=True) == ["a", "b", "c"]
    runner.write(flag, {"id": "a", "value": False})
    assert ids() == ["a", "b", "c"]
    runner.write(flag, {"id": "b", "value": "yes"})  # only true is true
    assert ids() == ["a", "b", "c"]
    runner.write(flag, {"id": "s", "value": True})
    with pytest.raises(SensitiveError, match="'s'") as error:
        ids()
    assert error.value.ids == ("s",)
    assert "sensitive_because" in str(error.value.hint)
    assert ids(sensitive=True) == ["a", "b", "c"]
    with pytest.raises(ConfigError, match="go together"):
        expand(runner, small.version, ["s"], ExpandOptions(sensitive=True), door=door, because=" ")


def test_the_server_log_tells_who_let_sensitive_entities_in(
    runner: Neo4jRunner, small: World, stack_home: Home
) -> None:
    runner.write(
        query("MATCH (v:RelationVersion {version: $v}) MERGE (c:Current {id: 'current'}) CREATE (c)-[:IS]->(v)"),
        {"v": small.version.version},
    )
    runner.write(query("MATCH (e:Entity {id: 's'}) SET e.sensitive = true"))
    with pytest.raises(QueryError, match="'s' is sensitive; ask with a reason"):
        runner.read(query("CALL audience.expand(['s'], {})"))
    with pytest.raises(QueryError, match=r"options\.sensitive and options\.because go together"):
        runner.read(query("CALL audience.expand(['s'], {sensitive: true})"))
    runner.read(query("CALL audience.expand(['s'], {sensitive: true, because: 'line one\\nline two of 7f3a'})"))
    if external_servers() is None:
        logs = "".join(path.read_text() for path in stack_home.path.rglob("*.log") if "neo4j" in str(path))
        assert "audience.expand: sensitive entities asked for by 'neo4j' because 'line one line two of 7f3a'" in logs


@pytest.mark.parametrize("door", DOORS)
def test_an_unknown_seed_is_named(runner: Neo4jRunner, small: World, door: Door) -> None:
    with pytest.raises(NotFoundError, match="'nowhere'"):
        expand(runner, small.version, ["s", "nowhere"], ExpandOptions(), door=door)


@pytest.mark.parametrize("door", DOORS)
def test_a_seed_without_relations_reaches_nothing(runner: Neo4jRunner, small: World, door: Door) -> None:
    assert expand(runner, small.version, ["late"], ExpandOptions(), door=door) == ()


def test_one_projection_serves_all_users_and_is_dropped_by_any(
    runner: Neo4jRunner, other_user: Neo4jRunner, small: World
) -> None:
    assert estimate(runner, small.version).relations == len(small.relations)
    made = project(other_user, small.version)
    assert made is not None
    assert made.username == "second_reader"
    assert bare(expand(runner, small.version, ["s"], ExpandOptions(), door="procedure")) == reference(
        small, ["s"], ExpandOptions()
    )
    assert [p for p in list_projections(runner) if p.name == small.version.relation_type] == [made]
    assert drop(runner, small.version) == 1
    assert drop(runner, small.version) == 0
    assert expand(other_user, small.version, ["s"], ExpandOptions(), door="procedure") != ()


def test_the_procedure_for_people_takes_names_and_the_current_release(runner: Neo4jRunner, small: World) -> None:
    runner.write(
        query("MATCH (v:RelationVersion {version: $v}) MERGE (c:Current {id: 'current'}) CREATE (c)-[:IS]->(v)"),
        {"v": small.version.version},
    )
    rows = runner.read(query("CALL audience.expand(['Name of S'], {hops: 2})"))
    assert [row["entity"] for row in rows] == ["a", "b", "c"]
    assert {row["version"] for row in rows} == {small.version.version}
    with pytest.raises(QueryError, match=r"options\.hops must be a whole number from 1 to 4, not 9"):
        runner.read(query("CALL audience.expand(['s'], {hops: 9})"))


@pytest.mark.usefixtures("clean_stores")
def test_both_exports_are_the_same_arrays(runner: Neo4jRunner) -> None:
    world = random_world(3)
    write(runner, [world])
    packed, pages = export_packed(runner, world.version), export_pages(runner, world.version)
    assert packed.ids == pages.ids
    for name in ("offsets", "targets", "scores", "ranks"):
        assert getattr(packed, name).tolist() == getattr(pages, name).tolist()


def test_a_forgotten_version_is_exported_again(runner: Neo4jRunner, small: World) -> None:
    walker = Walker(runner)
    before = walker.expand(small.version, ["s"], ExpandOptions())
    walker.forget(small.version)
    assert walker.expand(small.version, ["s"], ExpandOptions()) == before
