"""Audiences on real servers: exact sets, what filters mean, snapshots, sizes step by step, what is never shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from audience_world import build_audience_world, row_of
from small_world import World, cypher

from audience_graph import schema
from audience_graph.audience.audience import Audience, column, event, users
from audience_graph.audience.safety.disclosure import show_sizes
from audience_graph.client import AudienceGraph
from audience_graph.config import Connections
from audience_graph.errors import ConfigError, NotFoundError, QueryError, StoreError, StoreUnavailable
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.vectors.store import Store

PLACES = range(300)


@pytest.fixture(scope="module")
def world(connections: Connections, runner: Neo4jRunner, store: Store) -> World:
    schema.migrate(connections)
    return build_audience_world(runner, store)


@pytest.fixture
def ag(connections: Connections, world: World, store: Store) -> Iterator[AudienceGraph]:  # noqa: ARG001 - built first
    with store.transaction() as tx:
        tx.execute("TRUNCATE audience, disclosed RESTART IDENTITY CASCADE")
    with AudienceGraph.connect(connections=connections, actor="ann") as client:
        yield client


def ids(ag: AudienceGraph, audience: Audience) -> list[str]:
    """Return who is in an audience, in order, whatever its size."""
    desk = ag.audiences.of(audience).desk
    assert desk is not None
    with desk.evaluation() as evaluation:
        members, _ = evaluation.members(audience.definition)
        known = {row["key"]: row["user_id"] for row in evaluation.request.tx.rows("SELECT key, user_id FROM user_key")}
    return [known[key] for key in members.keys.tolist()]


def where(condition: Callable[[dict[str, object]], bool]) -> set[str]:
    return {f"u{n}" for n in PLACES if condition(row_of(n))}


def test_a_ranking_takes_whom_target_takes_in_the_same_order(ag: AudienceGraph) -> None:
    best = ag.target("skin care", size=120, method="graph")
    assert ids(ag, ag.audience("skin care", size=120)) == list(best.user_ids)
    least = float(best.scores[49])
    assert ids(ag, ag.audience("skin care", min_score=least)) == list(best.user_ids[:50])


@pytest.mark.parametrize(
    ("audience", "condition"),
    [
        (column("age") >= 30, lambda row: row["age"] >= 30),
        (column("age") < 30, lambda row: row["age"] < 30),
        (column("age") == 30, lambda row: row["age"] == 30),
        (column("age") != 30, lambda row: row["age"] != 30),
        (column("spend") > 10.5, lambda row: row["spend"] > 10.5),
        (column("vip") == True, lambda row: row["vip"]),  # noqa: E712 - it makes an audience
        (column("city") == "Lyon", lambda row: row.get("city") == "Lyon"),
        (column("city") != "Lyon", lambda row: row.get("city", "Lyon") != "Lyon"),
        (column("city") > "Lyon", lambda row: row.get("city", "") > "Lyon"),
        (column("city") == 'O\'Fallon "x" `y` 💄', lambda row: row.get("city", "").startswith("O'")),
        (column("city").one_of("Lyon", "Nice"), lambda row: row.get("city") in ("Lyon", "Nice")),
        (column("city").known(), lambda row: "city" in row),
        (~column("city").known(), lambda row: "city" not in row),
        (column("age") >= "30", lambda _: False),  # a text is no number
        (column("age").one_of(), lambda _: False),
    ],
)  # fmt: skip
def test_filters_over_columns_read_the_newest_row(ag: AudienceGraph, audience: Audience, condition) -> None:
    quiet = {"quiet"} if audience == ~column("city").known() else set()
    assert set(ids(ag, audience)) == where(condition) | quiet


def test_one_of_many_values_is_equality_with_any_of_them_whatever_their_types(ag: AudienceGraph, store: Store) -> None:
    told = ['["a", 2]', '["b"]', '"a"', "2", "2.0", '"2"', "true", "null", '{"a": 1}', "[[2]]"]
    set_row = "UPDATE user_profile SET columns = columns || jsonb_build_object('tags', %s::jsonb) WHERE latest AND key = (SELECT key FROM user_key WHERE user_id = %s)"  # noqa: E501
    with store.transaction() as tx:
        for place, value in enumerate(told):
            tx.execute(set_row, (value, f"u{place}"))
    try:
        for values, users in (
            (("a",), "u0 u2"),
            ((2,), "u0 u3 u4"),
            (("a", 2, "x", *range(100, 110)), "u0 u2 u3 u4"),
            (("2", "b"), "u1 u5"),
            ((True, 7), "u6"),
        ):
            assert set(ids(ag, column("tags").one_of(*values))) == set(users.split())
            each = column("tags") == values[0]
            for value in values[1:]:
                each = each | (column("tags") == value)
            assert set(ids(ag, each)) == set(users.split())
    finally:
        with store.transaction() as tx:
            tx.execute("UPDATE user_profile SET columns = columns - 'tags'")


def test_a_column_that_nobody_has_is_an_error_that_names_those_there_are(ag: AudienceGraph) -> None:
    with pytest.raises(ConfigError, match="no user has a column 'agee'") as caught:
        ids(ag, column("agee") >= 3)
    assert "age, city" in str(caught.value.hint)


def test_filters_over_events_count_those_of_the_window(ag: AudienceGraph, world: World) -> None:
    mentioned = {u for u, found in world.mentions.items() if "e2" in found}
    assert set(ids(ag, event("face mask"))) == mentioned
    assert set(ids(ag, event("e2", channels=["search"]))) == mentioned
    assert set(ids(ag, event(["face mask", "massage"]))) == mentioned | {
        u for u, found in world.mentions.items() if "e8" in found
    }
    often = {u for u, found in world.mentions.items() if len({n // 2 for n, i in enumerate(found) if i == "e2"}) >= 2}
    assert often
    assert set(ids(ag, event("face mask", at_least=2))) == often
    # the newest event of a user is on the last day, one hour earlier each further event: all on that day
    assert set(ids(ag, event("face mask", days=1))) == mentioned


def test_filters_over_events_refuse_what_is_not_kept(ag: AudienceGraph) -> None:
    with pytest.raises(ConfigError, match="the last 31 days are asked for, but 30 are kept"):
        ids(ag, event("face mask", days=31))
    with pytest.raises(ConfigError, match="no event has the channel 'telepathy'"):
        ids(ag, event("face mask", channels=["telepathy"]))
    with pytest.raises(NotFoundError):
        ids(ag, event("qwertyuiop zxcvbnm"))


def test_a_filter_before_the_cut_and_one_after_it(ag: AudienceGraph) -> None:
    fans, adults = ag.audience("skin care", size=100), column("age") >= 40
    order = ids(ag, ag.audience("skin care", size=300))
    grown = where(lambda row: row["age"] >= 40)
    assert ids(ag, fans.where(adults)) == [u for u in order if u in grown][:100]
    assert ids(ag, fans & adults) == [u for u in order[:100] if u in grown]
    assert ids(ag, fans - adults) == [u for u in order[:100] if u not in grown]


def test_members_come_in_the_order_of_the_rankings_that_bring_them(ag: AudienceGraph) -> None:
    first, second = ag.audience("skin care", size=30), ag.audience("women's football", size=30)
    a, b = ids(ag, first), ids(ag, second)
    assert ids(ag, first | second | users(["quiet", "u0"])) == [
        *a,
        *(u for u in b if u not in a),
        *sorted({"quiet", "u0"} - {*a, *b}, key=lambda u: (u == "quiet", u)),
    ]


def test_widths_are_shares_of_those_who_can_be_ranked(ag: AudienceGraph) -> None:
    found = ag.audiences.widths(ag.audience("skin care"))
    assert list(found.columns["width"]) == ["narrow", "balanced", "broad"]
    assert list(found.columns["users"]) == [None, None, None]  # 3, 15 and 45 users
    assert len(ids(ag, ag.audience("skin care", width="broad"))) == 45
    scores = list(found.columns["score_at_cut"])
    assert scores == sorted(scores, reverse=True)


def test_a_lookalike_is_nearest_to_its_seeds_and_leaves_them_out(ag: AudienceGraph, world: World) -> None:
    seeds = ids(ag, ag.audience("women's football", size=5))
    found = ids(ag, ag.lookalike(seeds, size=295, method="graph"))
    assert set(found) == set(world.users) - set(seeds)
    direction = np.mean([world.users[u] for u in seeds], axis=0) - np.mean(list(world.users.values()), axis=0)
    scores = [float(world.users[u] @ direction) for u in found]
    assert np.all(np.diff(scores) <= 2e-2)  # the direction is rounded to halves
    assert set(seeds) <= set(ids(ag, ag.lookalike(seeds, size=300, method="graph", keep_seeds=True)))
    same = ag.lookalike(ag.audience("women's football", size=5), size=100, method="graph")
    assert ids(ag, same) == found[:100]


def test_seeds_without_a_vector_are_an_error(ag: AudienceGraph) -> None:
    with pytest.raises(NotFoundError, match="no seed user has a vector"):
        ids(ag, ag.lookalike(["quiet", "nobody"], size=10, method="graph"))


def test_the_waterfall_adds_up_and_hides_small_groups(ag: AudienceGraph) -> None:
    found = (ag.audience("skin care", size=120).where(column("age") >= 30) - users(["u1"])).size()
    steps = [(s.kind, s.step, s.users, s.lost) for s in found.steps if s.kind != "entity"]
    everybody, grown = 300, 10 * round(len(where(lambda row: row["age"] >= 30)) / 10)
    assert grown == 240
    assert steps == [
        ("everyone", "everyone", everybody, None),
        ("filter", "age >= 30", everybody, None),  # it loses 60: under 100, so nothing moves
        ("eligible", "can be ranked", everybody, None),
        ("cut", "best 120 for 'skin care'", 120, 120),
        ("exclusion", "without 1 named users", 120, None),
    ]
    assert found.users == 120
    assert {s.step for s in found.steps if s.kind == "entity"} >= {"skin care", "face mask"}
    assert all(s.users is None or s.users >= 100 for s in found.steps)


@pytest.mark.usefixtures("ag")
def test_audiences_that_differ_in_few_users_show_one_number(store: Store) -> None:
    base = np.zeros(2000, np.bool_)
    base[:1000] = True
    one_less, other, small = base.copy(), base.copy(), np.zeros(2000, np.bool_)
    one_less[:60] = False
    other[:150] = False
    small[:99] = True
    assert show_sizes(store, [base, one_less, other, small]) == [1000, 1000, 850, None]
    assert show_sizes(store, [one_less, base[:1200], other]) == [1000, 1000, 850]


def test_a_preview_shows_nobody_of_a_small_audience(ag: AudienceGraph) -> None:
    small = ag.audience("skin care", size=99).preview()
    assert (small.users, small.user_ids) == (None, ())
    found = ag.audience("skin care", size=100).preview(3)
    assert found.users == 100
    assert len(found.user_ids) == 3
    for count in (0, 101, 2.5, True):
        with pytest.raises(ConfigError, match="a preview shows 1 to 100 users"):
            ag.audience("skin care", size=200).preview(count)  # type: ignore[arg-type]
    assert found.scores[0] >= found.scores[1]


def test_a_snapshot_keeps_members_scores_release_and_what_explains_them(ag: AudienceGraph, store: Store) -> None:
    taken = ag.audience("skin care", size=120).take("spring", note="first")
    best = ag.target("skin care", size=120, method="graph")
    assert (taken.revision, taken.users, taken.release) == (1, 120, best.release)
    with store.transaction(read_only=True) as tx:
        rows = tx.rows(
            "SELECT user_id, place, score, question FROM audience_member JOIN user_key USING (key) "
            "WHERE snapshot_id = %s ORDER BY place",
            (taken.snapshot,),
        )
        question = tx.rows("SELECT questions FROM audience_snapshot")[0]["questions"][0]
        log = [(row["who"], row["action"]) for row in tx.rows("SELECT who, action FROM audit_log ORDER BY id")]
    assert [row["user_id"] for row in rows] == list(best.user_ids)
    assert [row["score"] for row in rows] == best.scores.tolist()
    assert question["kind"] == "graph"
    assert question["score_at_cut"] == best.score_at_cut
    assert [p["id"] for p in question["picked"]] == [p.id for p in best.picked]
    assert log[-2:] == [("ann", "save"), ("ann", "snapshot")]
    assert ids(ag, ag.audiences.snapshot(taken.snapshot)) == sorted(best.user_ids, key=lambda u: int(u[1:]))


def test_saving_the_same_again_writes_no_revision(ag: AudienceGraph) -> None:
    spring = ag.audience("skin care", size=120)
    assert [spring.save("spring").number, spring.save("spring").number] == [1, 1]
    assert spring.cut(size=130).save("spring", note="wider").number == 2
    assert ag.audiences.diff("spring", 1) == ["- best 120 for 'skin care'", "+ best 130 for 'skin care'"]
    table = ag.audiences.revisions("spring")
    assert list(table.columns["number"]) == [2, 1]
    assert ag.audiences.approve("spring", 1).status == "approved"
    ag.audiences.archive("spring")
    assert len(ag.audiences.list()) == 0
    assert len(ag.audiences.list(archived=True)) == 1


def test_audiences_made_of_audiences(ag: AudienceGraph) -> None:
    ag.audience("skin care", size=120).save("fans")
    spring = ag.audiences.get("fans") - (column("age") >= 40)
    spring.save("spring")
    order = ids(ag, ag.audience("skin care", size=120))
    assert ids(ag, ag.audiences.get("spring")) == [u for u in order if row_of(int(u[1:]))["age"] < 40]
    with pytest.raises(NotFoundError, match="no audience 'autumn'"):
        ag.audiences.get("autumn")
    ag.audiences.get("spring").save("fans")  # fans -> spring -> fans
    with pytest.raises(ConfigError, match="made of itself: spring of fans of spring"):
        ids(ag, ag.audiences.get("spring"))


def test_changes_and_overlap(ag: AudienceGraph) -> None:
    first = ag.audience("skin care", size=200).take("spring")
    second = ag.audience("women's football", size=200).take("spring")
    a, b = ids(ag, ag.audiences.snapshot(first.snapshot)), ids(ag, ag.audiences.snapshot(second.snapshot))
    found = ag.audiences.changes(first.snapshot, second.snapshot)
    added = len(set(b) - set(a))
    shown = dict(zip(found.columns["change"], found.columns["users"], strict=True))
    assert shown["added"] is None if added < 100 else abs(shown["added"] - added) <= 5
    assert shown["before"] == 200
    table = ag.audiences.overlap([ag.audience("skin care", size=200), ag.audience("skin care", size=210)])
    assert list(table.columns["near_duplicate"]) == [True]
    assert list(table.columns["jaccard"]) == [1.0]


def test_composition_finds_what_an_audience_was_made_of(ag: AudienceGraph) -> None:
    found = (column("vip") == False) & (column("age") >= 20)  # noqa: E712 - it makes an audience
    table = ag.audiences.of(found).composition(["vip"])
    assert next(iter(table.columns["value"])) == "false"
    assert abs(table.columns["lift"][0] - 1.25) < 0.08
    assert all(low <= lift <= high for low, lift, high in
               zip(*(table.columns[c] for c in ("low", "lift", "high")), strict=True))  # fmt: skip


def test_definitions_survive_json(ag: AudienceGraph) -> None:
    given = (ag.audience("skin care", size=50, hops=1).where(event("massage", days=3), column("vip") == True)  # noqa: E712
             | ag.lookalike(["u1", "u2"], width="narrow")) - users(["💄", "'"])  # fmt: skip
    assert ag.audiences.from_json(given.to_json()) == given


def test_the_audit_log_only_grows(ag: AudienceGraph, store: Store) -> None:
    ag.audience("skin care", size=120).save("spring")
    for statement in ("DELETE FROM audit_log", "UPDATE audit_log SET who = 'bob'", "TRUNCATE audit_log"):
        with pytest.raises(StoreError, match="only grows"), store.transaction() as tx:
            tx.execute(statement)


def test_the_window_of_events_ends_with_the_day_of_the_release(ag: AudienceGraph, store: Store) -> None:
    with store.transaction() as tx:
        key = tx.rows("SELECT key FROM user_key WHERE user_id = 'quiet'")[0]["key"]
        end = tx.rows("SELECT max(time) AS last FROM user_event")[0]["last"]
        tx.execute("INSERT INTO user_event VALUES (%s, 'x', %s, 'buy', 'x', %s)", [key, end, ["e9"]])
        tx.execute(
            "INSERT INTO user_event VALUES (%s, 'y', %s, 'buy', 'x', %s)", [key, end - timedelta(days=9), ["e9"]]
        )
    try:
        assert ids(ag, event("e9", days=7)) == []  # one is of after the release, the other nine days old
        assert ids(ag, event("e9", days=10)) == ["quiet"]
        assert ids(ag, event("e9", days=10, at_least=2)) == []
    finally:
        with store.transaction() as tx:
            tx.execute("DELETE FROM user_event WHERE event_id IN ('x', 'y')")


def picked(runner: Neo4jRunner, name: str) -> list[tuple[str, int]]:
    text = "MATCH (:Audience {name: $name})-[p:PICKED]->(e:Entity) RETURN e.id AS id, p.hop AS hop ORDER BY hop, id"
    return [(row["id"], row["hop"]) for row in runner.read(cypher(text), {"name": name})]


def test_the_graph_knows_what_the_newest_snapshot_was_picked_by(ag: AudienceGraph, runner: Neo4jRunner) -> None:
    runner.write(cypher("MATCH (a:Audience) DETACH DELETE a"))
    taken = ag.audience("skin care", size=150, method="graph").take("spring")
    assert taken.notes == ()
    expected = [(p.id, p.hop) for p in ag.target("skin care", 5, method="graph").picked]
    assert picked(runner, "spring") == sorted(expected, key=lambda one: (one[1], one[0]))
    assert next(ag.query("audience_picks", audience="spring").rows())["id"] == "e1"
    ag.audience("e5", size=150, method="graph").take("spring")
    assert ("e5", 0) in picked(runner, "spring")
    assert ("e1", 0) not in picked(runner, "spring")
    ag.audiences.of(column("age") >= 20).take("grown")
    assert picked(runner, "grown") == []
    assert ag.query("audience_picks", audience="grown").notes == ()


class Deaf:
    """A runner whose server takes no writes."""

    def __init__(self, runner: Neo4jRunner, said: StoreError) -> None:
        self.runner, self.said = runner, said

    def __getattr__(self, name: str) -> Any:
        return getattr(self.runner, name)

    def write(self, *_: Any) -> list[dict[str, Any]]:
        raise self.said


@pytest.mark.parametrize("said", [StoreUnavailable("Neo4j does not answer"), QueryError("the disk is full")])
def test_a_snapshot_is_there_whole_when_the_graph_cannot_be_told(
    ag: AudienceGraph, runner: Neo4jRunner, store: Store, said: StoreError
) -> None:
    with_deaf = AudienceGraph(Deaf(runner, said), store, actor="ann")  # type: ignore[arg-type]
    taken = with_deaf.audience("skin care", size=150, method="graph").take("spring")
    assert f"the graph does not know of it yet: {said.message}" in taken.notes[0]
    assert len(ids(ag, ag.audiences.snapshot(taken.snapshot))) == 150
