"""The client on real servers: resolve, expand, target, explain, saved queries, on a world checked with numpy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from small_world import (
    AS_OF,
    EVIL,
    OLD_VERSION,
    OLD_WEEK,
    VERSION,
    WEEK,
    World,
    build,
    cypher,
    text_vector,
)

from audience_graph.audience.pick import PickRule
from audience_graph.client import AudienceGraph
from audience_graph.config import Connections
from audience_graph.errors import AmbiguousError, ConfigError, NotFoundError
from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.vectors.store import Store
from audience_graph.vectors.topk import plan_of_top

HOSTILE = [
    "'",
    '"',
    "`",
    "\\",
    "}) DETACH DELETE e //",
    "' OR 1=1; DROP TABLE user_key; --",
    "women's (football",
    "a AND OR NOT",
    '+ - && || ! ( ) { } [ ] ^ " ~ * ? : \\ /',
    "*",
    "name:*",
    "[* TO *]",
    "🦄🦄",
    "\u202eabc",
    "null",
    "$param",
    "%(key)s %s",
    "x" * 500,
    "\0",
    "a\0b",
    "\n",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "\ud800",
    "",
    "   ",
    "x" * 100_000,
]


@pytest.fixture(scope="module")
def world(runner: Neo4jRunner, store: Store) -> World:
    return build(runner, store)


@pytest.fixture(scope="module")
def ag(connections: Connections, world: World) -> Iterator[AudienceGraph]:  # noqa: ARG001 - built first
    with AudienceGraph.connect(connections=connections) as client:
        client._encoder = encode
        yield client


def encode(texts):  # type: ignore[no-untyped-def]
    """`like eN` lies near entity N, `between` half way between two, the rest nowhere."""
    vectors = []
    for text in texts:
        if text.startswith("like "):
            vectors.append(text_vector(text.removeprefix("like ")))
        elif text == "qqbetween":
            vectors.append([a + b for a, b in zip(text_vector("e1"), text_vector("e2"), strict=True)])
        else:
            vectors.append([0.0] * 383 + [1.0])
    return vectors


@pytest.mark.parametrize(
    ("phrase", "entity", "matched"),
    [
        ("e4", "e4", "id"),
        ("skin care", "e1", "name"),
        ("  SKIN   Care ", "e1", "name"),
        ("ｓｋｉｎ ｃａｒｅ", "e1", "name"),
        ("skincare", "e1", "alias"),
        ("护肤", "e1", "alias"),
        ("women's football", "e5", "name"),
        ("women's (football", "e5", "text"),
        ("morgan", "e6", "text"),
        (EVIL, "e10", "name"),
        ("💄 lipstick", "e11", "name"),
        ("C++", "e11", "alias"),
        ("=cmd()", "e10", "alias"),
        ("like e8", "e8", "meaning"),
    ],
)
def test_a_phrase_means_one_entity(ag: AudienceGraph, phrase: str, entity: str, matched: str) -> None:
    found = ag.resolve(phrase)
    assert (found.ids, found.resolved[0].match.matched) == ((entity,), matched)  # type: ignore[union-attr]
    assert (found.version, found.week) == (VERSION, WEEK)


@pytest.mark.parametrize(
    ("phrase", "ids"), [("spa", {"e3", "e4"}), ("football", {"e5", "e7"}), ("qqbetween", {"e1", "e2"})]
)
def test_an_ambiguous_phrase_shows_its_choices(ag: AudienceGraph, phrase: str, ids: set[str]) -> None:
    found = ag.resolve(phrase)
    assert found.resolved[0].match is None
    assert {m.id for m in found.resolved[0].choices} == ids
    with pytest.raises(AmbiguousError) as error:
        ag.expand(phrase)
    assert set(error.value.choices) == ids


def test_types_and_ids_settle_an_ambiguous_phrase(ag: AudienceGraph) -> None:
    assert ag.resolve("spa", types=["brand"]).ids == ("e4",)
    assert [s.id for s in ag.expand(["e3", "e4"]).seeds] == ["e3", "e4"]


def test_an_unknown_phrase_names_the_nearest(ag: AudienceGraph) -> None:
    with pytest.raises(NotFoundError) as error:
        ag.resolve("fotball boots")
    assert "football" in (error.value.hint or "")


@pytest.mark.parametrize("phrase", HOSTILE)
def test_hostile_phrases_find_nothing_and_change_nothing(ag: AudienceGraph, runner: Neo4jRunner, phrase: str) -> None:
    count = cypher("MATCH (n) RETURN count(n) AS n")
    before = runner.read(count)
    for ask in (
        ag.resolve,
        ag.expand,
        ag.target,
        lambda p: ag.explain("u1", p),
        lambda p: ag.query("similar_services", phrase=p),
    ):
        try:
            ask(phrase)
        except (NotFoundError, ConfigError):
            continue
    assert runner.read(count) == before


@pytest.mark.parametrize("user", HOSTILE)
def test_hostile_user_ids_are_not_found(ag: AudienceGraph, user: str) -> None:
    with pytest.raises(NotFoundError):
        ag.explain(user, "skin care")
    assert len(ag.target("skin care", 5, exclude_users=[user]).user_ids) == 5


def test_expand_names_its_release_and_paths(ag: AudienceGraph) -> None:
    near = ag.expand("skin care", hops=2)
    assert [(e.id, e.hop, round(e.relevance, 6), e.path) for e in near.entities] == [
        ("e2", 1, 0.9, ("e1", "e2")),
        ("e11", 2, 0.72, ("e1", "e2", "e11")),
        ("e3", 1, 0.6, ("e1", "e3")),
        ("e8", 2, 0.42, ("e1", "e3", "e8")),
    ]
    assert (near.version, near.week) == (VERSION, WEEK)
    assert "skin care -> face mask -> 💄 lipstick" in repr(near)
    assert list(ag.expand("skin care", 1, types=["product"]).to_df()["id"]) == ["e2"]


def test_a_kept_week_is_read_as_of_then(ag: AudienceGraph) -> None:
    old = ag.expand("skin care", week=OLD_WEEK)
    assert (old.version, [e.id for e in old.entities]) == (OLD_VERSION, ["e3", "e4"])
    with pytest.raises(NotFoundError, match="2020-W01"):
        ag.expand("skin care", week="2020-W01")
    with pytest.raises(ConfigError):
        ag.expand("skin care", week="'; DROP TABLE release")


def brute_force(world: World, weights: dict[str, float]) -> tuple[np.ndarray, dict[str, float]]:
    total = sum(weights.values())
    q = sum(w * world.entities[i] for i, w in weights.items()) / total
    q = q.astype(np.float16).astype(np.float64)
    return q, {u: float(v @ q) for u, v in world.users.items()}


@pytest.mark.parametrize("weights", ["relevance", "plain"])
def test_target_is_the_exact_top_k(ag: AudienceGraph, world: World, weights: str) -> None:
    rule = PickRule(top=2, min_relevance=0.5, weights=weights)  # type: ignore[arg-type]
    best = ag.target("skin care", 50, rule=rule)
    assert [p.id for p in best.picked] == ["e1", "e2", "e11"]
    relevances = (1.0, 0.9, 0.9 * 0.8) if weights == "relevance" else (1.0, 1.0, 1.0)
    q, scores = brute_force(world, dict(zip(("e1", "e2", "e11"), relevances, strict=True)))
    np.testing.assert_array_equal(best.query, q)
    expected = sorted(scores, key=lambda u: (-np.float32(scores[u]), int(u[1:])))[:50]
    np.testing.assert_allclose(best.scores, [scores[u] for u in best.user_ids], rtol=0, atol=2e-6)
    np.testing.assert_allclose(best.scores, [scores[u] for u in expected], rtol=0, atol=2e-6)
    assert set(best.user_ids[:45]) <= set(expected)
    assert best.eligible == 300
    assert best.score_at_cut == best.scores[-1]
    assert best.to_df().attrs == {"release": best.release, "version": VERSION, "week": WEEK}


def test_ties_go_to_the_smaller_key(ag: AudienceGraph) -> None:
    users = ag.target("skin care", 300).user_ids
    assert users.index("u299") == users.index("u298") + 1


def test_threshold_exclusion_and_seeds_without_vector(ag: AudienceGraph) -> None:
    whole = ag.target("skin care", 300)
    cut = float(whole.scores[99])
    above = ag.target("skin care", 300, min_score=cut)
    assert above.user_ids == whole.user_ids[: len(above.user_ids)]
    assert above.score_at_cut == cut
    rest = ag.target("skin care", 300, exclude_users=whole.user_ids[:10])
    assert (rest.user_ids, rest.eligible) == (whole.user_ids[10:], 290)
    none = ag.target("skin care", 10, min_score=1e6)
    assert (none.user_ids, none.score_at_cut, none.eligible) == ((), None, 300)
    mixed = ag.target(["skin care", "never mentioned"], 10)
    assert mixed.without_vector == ("e9",)
    with pytest.raises(NotFoundError, match="vector"):
        ag.target("never mentioned")


def test_entities_can_be_picked_one_by_one(ag: AudienceGraph) -> None:
    best = ag.target("skin care", 10, rule=PickRule(ids=("e8",)))
    assert [(p.id, p.path) for p in best.picked] == [("e8", ("e1", "e3", "e8"))]
    with pytest.raises(NotFoundError, match="e6"):
        ag.target("skin care", 10, rule=PickRule(ids=("e6",)))


def test_every_user_is_explained_by_parts_that_add_up(ag: AudienceGraph, world: World) -> None:
    best = ag.target("skin care", 100)
    scores = dict(zip(best.user_ids, best.scores, strict=True))
    for user in world.users:
        why = ag.explain(user, best)
        mean = sum(float(world.entities[i] @ best.query) for i in world.mentions[user]) / len(world.mentions[user])
        parts = sum(r.part for r in why.reasons)
        assert parts == pytest.approx(float(world.users[user] @ best.query), abs=1e-12)  # of the stored vector
        assert parts == pytest.approx(mean, abs=float(np.abs(world.users[user] * best.query).sum()) * 2.0**-11)
        assert why.adds_up
        assert why.score is not None
        assert parts + why.rounding == why.score  # exactly
        assert abs(why.rounding) <= why.rounding_bound < 1e-5, why.note
        assert sum(r.share or 0 for r in why.reasons) == pytest.approx(1)
        assert sum(r.mentions for r in why.reasons) == len(world.mentions[user])
        assert why.chosen is (user in scores)
        if why.chosen:
            assert why.score == scores[user]
        else:
            assert why.below_cut == pytest.approx(float(best.scores[-1]) - why.score)


def test_a_reason_names_phrase_path_and_events(ag: AudienceGraph, world: World) -> None:
    user = next(u for u, ids in world.mentions.items() if "e11" in ids)
    why = ag.explain(user, "skin care", rule=PickRule(ids=("e11",)))
    reason = next(r for r in why.reasons if r.id == "e11")
    assert (reason.name, reason.phrase, reason.path_names) == (
        "💄 lipstick",
        "skin care",
        ("skin care", "face mask", "💄 lipstick"),
    )
    assert all(e[1] == "search" for e in reason.events)
    assert "&lt;b&gt;" in why._repr_html_()


def test_users_without_events_get_an_answer_and_strangers_an_error(ag: AudienceGraph) -> None:
    quiet = ag.explain("quiet", "skin care")
    assert (quiet.score, quiet.reasons) == (None, ())
    assert str(AS_OF) in quiet.note
    with pytest.raises(NotFoundError, match="nobody"):
        ag.explain("nobody", "skin care")


def test_a_mirror_behind_is_repaired_and_the_list_names_the_current_one(ag: AudienceGraph, runner: Neo4jRunner) -> None:
    runner.write(cypher("MATCH (c:Current) SET c.release_id = 0"))
    assert ag.expand("skin care").release == ag.releases().release
    mirror = runner.read(cypher("MATCH (c:Current)-[:IS]->(v) RETURN c.release_id AS id, v.version AS version"))
    assert mirror == [{"id": ag.releases().release, "version": VERSION}]
    assert list(ag.releases().to_df()["week"]) == [WEEK, OLD_WEEK]


def test_a_request_stays_on_its_release_while_another_is_published(ag: AudienceGraph, store: Store) -> None:
    with store.transaction() as tx:
        old = tx.rows("SELECT min(id) AS id FROM release")[0]["id"]
    with ag._request(None) as request:
        with store.transaction() as tx:
            now = tx.rows("SELECT release_id FROM current_release")[0]["release_id"]
            tx.execute("UPDATE current_release SET release_id = %s", [old])
        assert request.tx.rows("SELECT release_id FROM current_release")[0]["release_id"] == now
    assert ag.resolve("skin care").version == OLD_VERSION
    with store.transaction() as tx:
        tx.execute("UPDATE current_release SET release_id = %s", [now])


def test_saved_queries(ag: AudienceGraph) -> None:
    near = ag.query("similar_services", phrase="skincare", limit=1)
    assert list(near.rows()) == [{"id": "e2", "name": "face mask", "type": "product", "score": 0.9, "confirmed": False}]
    assert list(ag.query("new_this_week", phrase="skin care").to_df()["id"]) == ["e2"]
    path = next(ag.query("path_between", phrase="women football", other="football shoes").rows())
    assert (path["ids"], path["hops"], path["relevance"]) == (["e5", "e6", "e7"], 2, 0.95 * 0.9)
    assert len(ag.query("path_between", phrase="skin care", other="Alex Morgan")) == 0


def test_a_saved_query_prefers_the_id_to_an_equal_name(ag: AudienceGraph, runner: Neo4jRunner) -> None:
    runner.write(
        cypher(
            "MATCH (a:Entity {id: 'e2'}), (b:Entity {id: 'e7'})"
            " SET a.old = a.name, a.name = 'e1', b.old = b.name, b.name = 'e8'"
        )
    )
    try:
        assert [r["id"] for r in ag.query("similar_services", phrase="e1").rows()] == ["e2", "e3"]
        assert list(ag.query("new_this_week", phrase="e1").to_df()["id"]) == ["e2"]
        path = next(ag.query("path_between", phrase="e1", other="e8").rows())
        assert path["ids"] == ["e1", "e3", "e8"]
        values = {"phrase": "women's football", "limit": 9}
        assert [r["id"] for r in runner.read(load_query("saved/similar_services"), values)] == ["e6", "e7"]
    finally:
        runner.write(cypher("MATCH (e:Entity) WHERE e.old IS NOT NULL SET e.name = e.old REMOVE e.old"))


def test_types_are_chosen_before_the_best_are_cut(ag: AudienceGraph, runner: Neo4jRunner) -> None:
    runner.write(
        cypher(
            "UNWIND range(1, 200) AS n CREATE (e:Entity:Crowd {id: 'crowd' + n, name: 'zither', type: 'topic'})"
            " CREATE (e)-[:HAS_VECTOR]->(:EntityVector:TextVector:Crowd {space: 'text', vector: $vector})"
        ),
        {"vector": text_vector("e8")},
    )
    runner.write(
        cypher("CREATE (:Entity:Crowd {id: 'rare', name: 'a zither of a long and winding name', type: 'brand'})")
    )
    try:
        assert ag.resolve("zither", types=["brand"]).ids == ("rare",)
        assert ag.resolve("like e8", types=["service"]).ids == ("e8",)
    finally:
        runner.write(cypher("MATCH (e:Crowd) DETACH DELETE e"))


def test_saved_queries_lay_confirmed_over_and_hide_rejected(ag: AudienceGraph, runner: Neo4jRunner) -> None:
    confirm = "MATCH (a:Entity {id: 'e1'}), (b:Entity {id: 'e6'}) CREATE (a)-[:CONFIRMED {score: 0.4}]->(b)"
    reject = "MATCH (a:Entity {id: 'e1'}), (b:Entity {id: 'e2'}) CREATE (a)-[:REJECTED]->(b)"
    runner.write(cypher(confirm))
    runner.write(cypher(reject))
    try:
        rows = list(ag.query("similar_services", phrase="skin care").rows())
        assert [(r["id"], r["confirmed"]) for r in rows] == [("e3", False), ("e6", True)]
        path = next(ag.query("path_between", phrase="skin care", other="e7").rows())
        assert (path["ids"], path["relevance"]) == (["e1", "e6", "e7"], 0.4 * 0.9)
        assert [e.id for e in ag.expand("skin care", 1).entities] == ["e3", "e6"]
    finally:
        runner.write(cypher("MATCH ()-[r:CONFIRMED|REJECTED]->() DELETE r"))


def test_the_scan_is_parallel_on_a_large_table(store: Store) -> None:
    with store.transaction() as tx:
        tx.execute("CREATE TABLE user_vector_plan (key bigint PRIMARY KEY, vector halfvec(64))")
        tx.execute(
            "INSERT INTO user_vector_plan"
            " SELECT n, array_fill(n % 100, ARRAY[64])::real[]::halfvec FROM generate_series(1, 80000) n"
        )
        tx.execute("ANALYZE user_vector_plan")
        plan = plan_of_top(tx, "plan", np.ones(64), 10)
        tx.execute("DROP TABLE user_vector_plan")
    assert "Parallel Seq Scan" in plan
