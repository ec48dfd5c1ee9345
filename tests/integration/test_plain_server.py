"""On a Neo4j without our jar and without GDS, as hosted ones are, every door that needs neither answers the same."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from audience_world import build_audience_world
from plain_server import plain_servers
from saved_cases import CASES, build_saved_world, names_nobody
from small_world import OLD_WEEK, cypher
from test_own_cypher import READ
from typed_world import encode

from audience_graph import release, schema
from audience_graph.audience.audience import column, event
from audience_graph.client import AudienceGraph
from audience_graph.config import Connections, Home, external_servers
from audience_graph.errors import QueryError
from audience_graph.graph.expand import Expander
from audience_graph.graph.expansion import ExpandOptions
from audience_graph.graph.projection import installed_procedures, list_projections
from audience_graph.graph.runner import Neo4jRunner, open_runner
from audience_graph.local import doctor
from audience_graph.saved.definition import saved_query
from audience_graph.vectors.store import Store, open_store
from emptied import wipe
from releases.runs import World, load_entities, write_run

pytestmark = pytest.mark.skipif(external_servers() is not None, reason="a server without plugins is started embedded")
SEEDS = (["e1"], ["e5"], ["e1", "e5"], ["skin care", "women's football"], ["e9"])
OPTIONS = [ExpandOptions(hops=hops) for hops in (1, 2, 3, 4)] + [
    ExpandOptions(reverse=True),
    ExpandOptions(damping=0.7),
    ExpandOptions(fan_out=1, hops=3),
    ExpandOptions(types=("product",)),
    ExpandOptions(limit=1),
    ExpandOptions(week=OLD_WEEK),
]
PHRASES = ("e4", "skincare", "women's (football", "morgan", "C++", "spa", "football", "like e8")


@pytest.fixture(scope="module")
def plain(connections: Connections, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connections]:
    with plain_servers(connections, tmp_path_factory.mktemp("plain")) as found:
        schema.migrate(found)
        yield found


@pytest.fixture(scope="module")
def plain_runner(plain: Connections) -> Iterator[Neo4jRunner]:
    with open_runner(plain) as opened:
        yield opened


@pytest.fixture(scope="module")
def both(
    connections: Connections, runner: Neo4jRunner, store: Store, plain: Connections, plain_runner: Neo4jRunner
) -> Iterator[tuple[AudienceGraph, AudienceGraph]]:
    """A client of the server with our jar and one of the plain server, over the same world."""
    for at, graph, vectors in ((connections, runner, store), (plain, plain_runner, open_store(plain))):
        schema.migrate(at)
        build_audience_world(graph, vectors)
        build_saved_world(at, graph, vectors)
        with_rows(vectors)
        at_one_time(graph)
    with (
        AudienceGraph.connect(connections=connections, actor="mia") as jar,
        AudienceGraph.connect(connections=plain, actor="mia") as bare,
    ):
        jar._encoder = bare._encoder = encode
        yield jar, bare


def at_one_time(graph: Neo4jRunner) -> None:
    """Let all that was written have been written at the same moment on both servers."""
    graph.write(cypher("MATCH (v:RelationVersion) SET v.created_at = datetime('2026-07-26')"))
    graph.write(cypher("MATCH ()-[r:CONFIRMED|REJECTED|PICKED]->() SET r.at = datetime('2026-07-26')"))


def with_rows(store: Store) -> None:
    """Give users a row each, as far as `size` asks for it."""
    with store.transaction() as tx:
        tx.execute(
            "INSERT INTO user_profile (key, as_of, columns, latest) SELECT key, '2026-07-26',"
            " jsonb_build_object('age', 18 + substr(user_id, 2)::int % 60), true FROM user_key"
            " WHERE user_id ~ '^u[0-9]+$' ON CONFLICT DO NOTHING"
        )


def plainly(answer: Any) -> Any:
    """Return an answer's rows, or its fields, without the numbers of its release."""
    if hasattr(answer, "rows"):
        return list(answer.rows())
    if dataclasses.is_dataclass(answer):
        return {f.name: getattr(answer, f.name) for f in dataclasses.fields(answer) if f.name != "release"}
    return answer


def same(both: tuple[AudienceGraph, AudienceGraph], ask: Any) -> Any:
    """Ask both clients, look that they answer the same, and return that."""
    with_jar, bare = (plainly(ask(ag)) for ag in both)
    assert bare == with_jar
    return bare


def test_the_plain_server_has_neither(both: Any, plain_runner: Neo4jRunner, runner: Neo4jRunner) -> None:  # noqa: ARG001
    names = [row["name"] for row in plain_runner.read(cypher("SHOW PROCEDURES YIELD name RETURN name"))]
    assert not [name for name in names if name.startswith(("gds.", "audience.", "apoc."))]
    assert "audience.expand" in installed_procedures(runner)
    assert not Expander(plain_runner).installed()
    assert list_projections(plain_runner) == ()


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: f"{o.hops} hops {o.types or ''}{o.week or ''}")
def test_expansions_are_the_same(both: Any, options: ExpandOptions) -> None:
    found = [same(both, lambda ag, s=seeds: ag.expand(s, options=options)) for seeds in SEEDS]
    assert any(found)


def test_decisions_and_what_is_sensitive_are_laid_over(
    both: Any, runner: Neo4jRunner, plain_runner: Neo4jRunner
) -> None:
    before = same(both, lambda ag: ag.expand("e5"))
    flag = cypher("MATCH (e:Entity {id: 'e6'}) SET e.sensitive = $value")
    for one in (runner, plain_runner):
        one.write(flag, {"value": True})
    assert same(both, lambda ag: ag.expand("e5")) != before
    assert same(both, lambda ag: ag.expand("e5", sensitive_because="a test")) == before
    for one in (runner, plain_runner):
        one.write(flag, {"value": None})
    try:
        for ag in both:
            ag.decisions.confirm("e5", "e9")
            ag.decisions.reject("e5", "e6")
        assert [row["id"] for row in same(both, lambda ag: ag.expand("e5", hops=1))] == ["e9", "e7"]
    finally:
        for ag in both:
            ag.decisions.withdraw("e5", "e9")
            ag.decisions.withdraw("e5", "e6")
    assert same(both, lambda ag: ag.expand("e5")) == before


@pytest.mark.parametrize("name", CASES)
def test_saved_queries_are_the_same(both: Any, plain_runner: Neo4jRunner, name: str) -> None:
    saved = saved_query(name)
    for given, columns, expected in CASES[name]:
        as_it_is = plain_runner.read(saved.query, saved.check(given))
        assert [tuple(row[c] for c in columns) for row in as_it_is] == expected
        if not names_nobody(given):
            assert same(both, lambda ag, g=given: ag.query(name, **g)) == as_it_is


def test_kept_queries_are_the_same(both: Any, tmp_path: Path) -> None:
    for n, ag in enumerate(both):
        ag.queries.save_as("near_spa", "similar_services", {"phrase": "e1", "limit": 1}, title="Near spa")
        for kind in ("browser", "neodash", "bloom"):
            assert ag.queries.export(kind, tmp_path / f"{kind}.{n}") > 0
    assert same(both, lambda ag: ag.query("near_spa"))
    assert same(both, lambda ag: [(kept.query, kept.by) for kept in ag.queries.list()])
    for ag in both:
        ag.queries.remove("near_spa")


@pytest.mark.parametrize("phrase", PHRASES)
def test_phrases_mean_the_same(both: Any, phrase: str) -> None:
    assert same(both, lambda ag: ag.resolve(phrase))


def test_users_are_the_same(both: Any, runner: Neo4jRunner, plain_runner: Neo4jRunner) -> None:
    best = same(both, lambda ag: ag.target("skin care", 50))
    assert len(best) == 50
    assert same(both, lambda ag: ag.explain(best[0]["user_id"], "skin care"))
    asked = column("age") >= 30
    sizes = same(both, lambda ag: (ag.audience("skin care", size=200).where(asked) - event("e8")).size())
    assert sizes
    assert same(both, lambda ag: ag.audience("skin care", size=200).explain(best[0]["user_id"]).to_json())
    for ag in both:
        ag.audience("skin care", size=200).take("summer")
        ag.decisions.confirm_picks("summer")
    assert same(both, lambda ag: ag.query("audience_picks", audience="summer"))
    for graph in (runner, plain_runner):
        at_one_time(graph)


@pytest.mark.parametrize("text", [t for t in READ if "audience." not in t and "LIMIT" not in t])
def test_own_cypher_is_the_same(both: Any, text: str) -> None:
    def ask(ag: AudienceGraph) -> list[str]:
        found = ag.cypher(text, {"x": "spa"} if "$x" in text else {})
        return sorted(json.dumps(row, sort_keys=True) for row in found.rows())

    same(both, ask)


def test_a_procedure_that_is_not_there_is_told_so(both: Any) -> None:
    with pytest.raises(QueryError, match=r"no procedure.*audience\.expand") as error:
        both[1].cypher("CALL audience.expand(['spa'])")
    assert "ag.expand" in str(error.value.hint)


def test_the_doctor_says_what_is_missing(plain: Connections, tmp_path: Path) -> None:
    env = {"NEO4J_URI": plain.neo4j_uri, "NEO4J_USERNAME": plain.neo4j_username, "NEO4J_PASSWORD": plain.neo4j_password,
           "NEO4J_DATABASE": plain.neo4j_database, "DATABASE_URL": plain.database_url}  # fmt: skip
    found = {check.name: check for check in doctor(Home(tmp_path), env=env)}
    for name in ("gds", "procedures"):
        assert found[name].verdict == "warning"
        assert "works without" in str(found[name].advice)


def test_releases_are_staged_published_and_retired_there(
    plain: Connections,
    plain_runner: Neo4jRunner,
    tmp_path: Path,
    both: Any,  # noqa: ARG001 - the last to use the world
) -> None:
    store = open_store(plain)
    wipe(plain_runner, store)
    older, newer = World(week="2026-W29", seed=2), World()
    load_entities(plain_runner, newer.ids)
    for name, world in (("older", older), ("newer", newer)):
        staged = release.stage(plain_runner, store, write_run(tmp_path / name, world))
        found = release.publish(plain_runner, store, staged, terms=release.Terms(reason="a test"))
        assert release.current(store).version == found.version == staged.version
    with AudienceGraph.connect(connections=plain) as ag:
        assert len(ag.expand(newer.ids[0])) > 0
        assert release.rollback(plain_runner, store).week == "2026-W29"
        assert ag.expand(newer.ids[0]).week == "2026-W29"
    assert release.retire(plain_runner, store, staged.version) is not None
