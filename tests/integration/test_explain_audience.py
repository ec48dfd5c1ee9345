"""Why a user is in an audience or not, on real servers: every step, shares that add up, what holds sending back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from audience_world import build_audience_world, row_of
from small_world import AS_OF, SPACE, WEEK, World

from audience_graph import release, schema
from audience_graph.audience.ask import SentenceOptions
from audience_graph.audience.audience import Audience, column, event, users
from audience_graph.audience.send.arms import arms_of
from audience_graph.audience.send.holdout import read_holdout, set_holdout
from audience_graph.audience.why.many import explain_many
from audience_graph.client import AudienceGraph
from audience_graph.config import Connections
from audience_graph.entities.text_encoder import DIMS, MODEL, TextEncoder
from audience_graph.errors import ConfigError, NotFoundError
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.user_text.prompts import Prompt, delete_prompt, write_prompt
from audience_graph.user_text.space import SentenceMap, TextSpace
from audience_graph.vectors.store import Store

TEXT = "text_2026_w30_0e0e0e0e"
SAID = ("buys face masks", "plays football", "reads the news")


@pytest.fixture(scope="module")
def world(connections: Connections, runner: Neo4jRunner, store: Store) -> Iterator[World]:
    """The audience world with a user-text space, in which users u0..u249 have a vector, in its release."""
    schema.migrate(connections)
    with store.transaction() as tx:
        tx.execute(f"DROP TABLE IF EXISTS user_vector_{TEXT}, entity_vector_{TEXT}")
    built = build_audience_world(runner, store)
    rng = np.random.default_rng(3)
    base = TextEncoder().encode_alone(list(SAID))
    rows = {f"u{n}": base[n % len(SAID)] + 0.03 * rng.normal(size=DIMS) for n in range(250)}
    vectors = {user: (row / np.linalg.norm(row)).astype(np.float32) for user, row in rows.items()}
    told = pa.table({"user_id": sorted(vectors), "fingerprint": pa.array([1] * len(vectors), pa.int64())})
    space = TextSpace(TEXT, "users-run-0e0e", DIMS, WEEK, AS_OF, 14, {})
    read = SentenceMap(MODEL, DIMS, np.eye(DIMS, dtype=np.float32), np.zeros(DIMS, np.float32))
    release.stage_user_text(store, space, read, told, lambda ids: np.stack([vectors[i] for i in ids]), entities={})
    release.publish_user_text(runner, store, TEXT)
    yield built
    with store.transaction() as tx:
        tx.execute(f"DROP TABLE IF EXISTS user_vector_{TEXT}, entity_vector_{TEXT}")


@pytest.fixture
def ag(connections: Connections, world: World, store: Store) -> Iterator[AudienceGraph]:  # noqa: ARG001 - built first
    with store.transaction() as tx:
        tx.execute("TRUNCATE audience, disclosed, suppression RESTART IDENTITY CASCADE")
    with AudienceGraph.connect(connections=connections, actor="ann") as client:
        yield client


def skin(ag: AudienceGraph, size: int = 120) -> Audience:
    return ag.audience("skin care", size=size, method="graph")


def keys_of(store: Store) -> dict[str, int]:
    with store.transaction(read_only=True) as tx:
        return {row["user_id"]: row["key"] for row in tx.rows("SELECT user_id, key FROM user_key")}


def members_of(store: Store, snapshot: int) -> dict[str, float]:
    query = "SELECT user_id, score FROM audience_member JOIN user_key USING (key) WHERE snapshot_id = %s ORDER BY place"
    with store.transaction(read_only=True) as tx:
        return {row["user_id"]: row["score"] for row in tx.rows(query, (snapshot,))}


@contextmanager
def vector_of(store: Store, user: str, space: str) -> Iterator[None]:
    """Give a user another vector for a while, as a daily run does."""
    key = keys_of(store)[user]
    with store.transaction() as tx:
        before = tx.rows(f"SELECT vector FROM user_vector_{space} WHERE key = %s", (key,))[0]["vector"]
        tx.execute(f"UPDATE user_vector_{space} SET vector = vector + vector WHERE key = %s", (key,))
    yield
    with store.transaction() as tx:
        tx.execute(f"UPDATE user_vector_{space} SET vector = %s WHERE key = %s", (before, key))


QUESTIONS = {
    "graph": lambda ag: skin(ag),
    "sentence": lambda ag: ag.audience("people who will buy a face mask", size=120, method="sentence"),
    "both": lambda ag: ag.audience("people who will buy a face mask", size=120, method="both"),
    "alike": lambda ag: ag.lookalike(["u1", "u2", "u3"], size=120, method="graph"),
    "alike both": lambda ag: ag.lookalike(["u1", "u2", "u3"], size=120, method="both").where(column("age") >= 30),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_shares_of_every_user_add_up_to_the_score_of_the_ranking(ag: AudienceGraph, name: str) -> None:
    audience = QUESTIONS[name](ag)
    assert audience.desk is not None
    with audience.desk.evaluation() as evaluation:
        chosen = evaluation.chosen(audience.definition)
        population = evaluation.universe.of_keys(chosen.eligible_keys)
        everybody = np.flatnonzero(evaluation.universe.base)
        many = explain_many(evaluation.scorer(), chosen.question, everybody, population)
    scores = dict(zip(many.keys.tolist(), many.scores.tolist(), strict=True))
    wanted = dict(zip(chosen.eligible_keys.tolist(), chosen.eligible_scores.tolist(), strict=True))
    assert len(wanted) >= 200
    assert {key: scores[key] for key in wanted} == pytest.approx(wanted, abs=1e-12)
    if many.shares is not None:
        assert np.allclose(many.shares.graph + many.shares.sentence, many.shares.scores, atol=1e-12, equal_nan=True)
        assert np.nanmax(many.shares.graph) > 0.4
    if many.split is not None:
        split = many.split
        ranked = ~np.isnan(split.scores)
        sums = np.bincount(split.user, split.parts, len(split.keys))
        assert split.whole[ranked].all()
        assert np.all(np.abs(split.scores - sums)[ranked] <= split.bound[ranked])
        assert np.allclose((sums + split.rounding)[ranked], split.scores[ranked], rtol=1e-12)
        assert np.allclose(sums[ranked], split.scores[ranked], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", QUESTIONS)
def test_one_user_is_explained_with_the_stored_score(ag: AudienceGraph, store: Store, name: str) -> None:
    audience = QUESTIONS[name](ag)
    taken = audience.take(name)
    stored = members_of(store, taken.snapshot)
    user = list(stored)[7]
    for about in (audience, ag.audiences.get(name), ag.audiences.snapshot(taken.snapshot)):
        why = ag.explain(user, about)
        standing = why.standings[0]
        assert (why.status, why.reason, standing.note, standing.taken) == ("in", None, "", True)
        assert why.score == standing.score == stored[user]
        if standing.graph_share is not None:
            assert standing.graph_share + standing.sentence_share == pytest.approx(stored[user], rel=1e-9)
        elif standing.graph is not None:
            told = sum(r.part for r in standing.graph.reasons) + standing.graph.rounding
            assert told == pytest.approx(stored[user], rel=1e-12)
            assert sum(r.share or 0 for r in standing.graph.reasons) == pytest.approx(1)
        else:
            assert standing.sentence.score == stored[user]
        assert len(why.to_df()) == len(why)
        assert why.audience in repr(why)
        json.dumps(why.to_json())


def test_a_likeness_speaks_of_own_entities_and_names_the_seeds(ag: AudienceGraph) -> None:
    why = ag.explain("u9", QUESTIONS["alike"](ag))
    reason = why.standings[0].graph.reasons[0]
    assert reason.path_names == (reason.name,) == (reason.picked_name,)
    assert reason.phrase == "like 3 named users"


def test_below_the_cut_by_how_much(ag: AudienceGraph, store: Store) -> None:
    taken = skin(ag, 290).take("spring")
    stored = members_of(store, taken.snapshot)
    out = next(u for u in world_users() if u not in stored)
    for about in (skin(ag, 290), ag.audiences.snapshot(taken.snapshot)):
        why = ag.explain(out, about)
        standing = why.standings[0]
        assert why.status == "out"
        assert standing.below_cut == pytest.approx(min(stored.values()) - standing.score)
        assert f"below the cut by {standing.below_cut:.4g} (score {standing.score:.4g}, cut " in why.reason
        assert sum(r.part for r in standing.graph.reasons) + standing.graph.rounding == pytest.approx(standing.score)


def test_places_are_shown_as_sizes_are(ag: AudienceGraph) -> None:
    best = ag.target("skin care", 300, method="graph").user_ids
    assert "about place 300 of 300 who can be ranked" in ag.explain(best[298], skin(ag, 150)).reason
    assert "among the first 100 of 300 who can be ranked" in ag.explain(best[20], skin(ag, 150)).because[0]
    near = ag.explain(best[155], skin(ag, 150)).standings[0]
    assert (near.place, near.ranked) == (150, 300)  # not told apart from the audience itself
    few = skin(ag, 10).where(users(best[:50]))
    assert "of under 100 who can be ranked" in ag.explain(best[49], few).reason
    assert (ag.explain(best[49], few).standings[0].place, ag.explain(best[49], few).standings[0].ranked) == (None, None)


def world_users() -> list[str]:
    return [f"u{n}" for n in range(300)]


def test_below_the_least_score(ag: AudienceGraph) -> None:
    best = ag.target("skin care", 300, method="graph")
    least = float(best.scores[50]) + 1e-9
    why = ag.explain(best.user_ids[200], ag.audience("skin care", min_score=least, method="graph"))
    assert f"below the least score by {least - best.scores[200]:.4g}" in why.reason


def test_a_tie_at_the_cut_is_told(ag: AudienceGraph) -> None:
    best = ag.target("skin care", 300, method="graph")
    place = best.user_ids.index("u298") + 1
    assert best.user_ids[place] == "u299"  # the same mentions
    why = ag.explain("u299", skin(ag, place))
    assert "at the cut with the last ones taken" in why.reason


def test_filters_tell_the_own_value(ag: AudienceGraph) -> None:
    user = next(u for u in world_users() if row_of(int(u[1:]))["age"] == 25)
    why = ag.explain(user, skin(ag, 300).where(column("age") >= 30, column("vip") == row_of(int(user[1:]))["vip"]))
    assert (why.reason, why.standings, why.score) == ("not age >= 30 (age is 25)", (), None)
    assert why.because[1].startswith("vip = ")
    assert len(why.because) == 2  # who is not chosen from has no place
    nowhere = next(u for u in world_users() if "city" not in row_of(int(u[1:])))
    assert ag.explain(nowhere, ag.audiences.everyone().where(column("city") == "Lyon")).reason == (
        "not city = 'Lyon' (no city is known)"
    )
    assert ag.explain(nowhere, ag.audiences.everyone().where(column("city").known())).reason == "city is not known"
    assert ag.explain(nowhere, ag.audiences.everyone().where(column("city") != "Lyon")).reason == "city is not known"
    lyon = next(u for u in world_users() if row_of(int(u[1:])).get("city") == "Lyon")
    assert ag.explain(lyon, ag.audiences.everyone().where(column("city") != "Lyon")).reason == (
        "left out: city = 'Lyon' (city is 'Lyon')"
    )
    assert ag.explain(lyon, ag.audiences.everyone()).because == ("every known user is in it",)


def test_filters_over_events_count_the_own_ones(ag: AudienceGraph, world: World) -> None:
    without = next(u for u, found in world.mentions.items() if "e2" not in found)
    having = next(u for u, found in world.mentions.items() if found.count("e2") == 1)
    everybody = ag.audiences.everyone()
    assert ag.explain(without, everybody.where(event("face mask", days=7))).reason == (
        "no events for 'face mask' in the last 7 days"
    )
    often = everybody.where(event("face mask", at_least=2))
    assert ag.explain(having, often).reason == (
        "too few events for 'face mask' in the release's window, at least 2 times (has 1)"
    )
    assert ag.explain(having, everybody - event("face mask")).reason == (
        "left out: events for 'face mask' in the release's window (has 1)"
    )
    assert ag.explain(without, everybody - event("face mask")).because == (
        "not left out: no events for 'face mask' in the release's window",
    )


def test_who_cannot_be_ranked_is_told_why(ag: AudienceGraph, store: Store) -> None:
    quiet = ag.explain("quiet", skin(ag))
    assert quiet.reason == (
        f"best 120 for 'skin care': no event linked to an entity in the 30 days to {AS_OF}: cannot be ranked"
    )
    sentence, both = QUESTIONS["sentence"](ag), QUESTIONS["both"](ag)
    assert "no vector in the user-text space: cannot be ranked" in ag.explain("u299", sentence).reason
    assert "no event linked" in ag.explain("quiet", both).reason
    assert "and no vector in the user-text space" in ag.explain("quiet", both).reason
    half = ag.explain("u299", both).standings[0]
    assert "without a vector" in half.sentence.note
    assert half.graph_share + half.sentence_share == pytest.approx(half.score)
    assert "one of the seeds" in ag.explain("u2", QUESTIONS["alike"](ag)).reason
    key = keys_of(store)["u5"]
    with store.transaction() as tx:
        prompt = Prompt("runners", TEXT, "people who will run", np.ones(DIMS, np.float32), {})
        write_prompt(tx, prompt, positives=[key], negatives=[])
    try:
        for method in ("sentence", "both"):
            audience = ag.audience("runners", size=100, method=method)
            assert "a seed of prompt 'runners'" in ag.explain("u5", audience).reason
            kept = ag.audience("runners", size=100, method=method, sentence=SentenceOptions(keep_seeds=True))
            assert "a seed" not in "".join(ag.explain("u5", kept).because)
    finally:
        with store.transaction() as tx:
            delete_prompt(tx, "runners")


def test_audiences_inside_audiences_tell_what_lost_the_user(ag: AudienceGraph) -> None:
    best = ag.target("skin care", 300, method="graph").user_ids
    skin(ag).save("fans")
    fans = ag.audiences.get("fans")
    inside, outside = best[3], best[250]
    assert ag.explain(inside, fans).audience == "audience 'fans'"
    told = ag.explain(outside, ag.audiences.everyone() & fans).reason
    assert told.startswith("not in audience 'fans' (best 120 for 'skin care': below the cut by")
    assert ag.explain(inside, ag.audiences.everyone() - fans).reason == "left out: in audience 'fans'"
    assert ag.explain(inside, skin(ag) - users([inside])).reason == "left out: the user named"
    assert ag.explain(inside, skin(ag) - users([inside])).score == pytest.approx(ag.explain(inside, fans).score)
    several = ag.explain(outside, fans | users(["u0", "nobody"]) | (column("age") > 100))
    assert several.reason.startswith("in none of them: not in audience 'fans' (best 120")
    assert "; not one of the users named; not age > 100 (age is" in several.reason
    assert ag.explain(inside, fans | users([inside])).because == ("in audience 'fans' and the user named",)


def test_who_is_out_always_hears_a_reason_and_who_is_in_none(ag: AudienceGraph, world: World, store: Store) -> None:
    skin(ag).save("fans")
    fans, old, masks = ag.audiences.get("fans"), column("age") >= 40, event("face mask")
    shoes = ag.audience("women's football", size=60, method="graph").where(old)
    made = [fans & old, fans - old, (fans | shoes) - masks, ~(fans & old), ag.lookalike(fans, size=50), shoes & masks,
            (fans & (old | masks)) - shoes, ~fans, users(["u1"]) | shoes]  # fmt: skip
    keys = keys_of(store)
    for audience in made:
        desk = ag.audiences.of(audience).desk
        assert desk is not None
        with desk.evaluation() as evaluation:
            mask = evaluation.mask(audience.definition)
        for user in [*list(world.users)[:12], "quiet"]:
            why = ag.explain(user, ag.audiences.of(audience))
            assert why.status == ("in" if mask[keys[user]] else "out")
            assert (why.reason is None) == (why.status == "in")
            assert why.reason is None or why.reason in why.because
            assert all(why.because)


def test_a_snapshot_says_so_when_vectors_have_moved_since(
    ag: AudienceGraph, store: Store, connections: Connections
) -> None:
    for name, space in (("graph", SPACE), ("sentence", TEXT), ("both", SPACE)):
        taken = QUESTIONS[name](ag).take(name)
        stored = members_of(store, taken.snapshot)
        user = list(stored)[60]
        with vector_of(store, user, space), AudienceGraph.connect(connections=connections) as fresh:
            why = fresh.explain(user, fresh.audiences.snapshot(taken.snapshot))
        standing = why.standings[0]
        assert (why.status, why.score) == ("in", stored[user])
        assert "have changed since" in standing.note
        assert standing.note in repr(why)
        assert (standing.graph, standing.sentence, standing.graph_share) == (None, None, None)
        assert [p.path for p in standing.picked][:1] == ([] if name == "sentence" else [(standing.picked[0].id,)])


def test_a_snapshot_whose_space_is_gone_keeps_the_stored_score(ag: AudienceGraph, store: Store) -> None:
    taken = skin(ag).take("spring")
    stored = members_of(store, taken.snapshot)
    with store.transaction() as tx:
        told = tx.rows("SELECT questions FROM audience_snapshot WHERE id = %s", (taken.snapshot,))[0]["questions"]
        gone = [{**told[0], "space": "pref_2026_w01_00000000"}]
        tx.execute("UPDATE audience_snapshot SET questions = %s::jsonb", (json.dumps(gone),))
    user = next(iter(stored))
    why = ag.explain(user, ag.audiences.snapshot(taken.snapshot))
    assert (why.status, why.score) == ("in", stored[user])
    assert "is gone" in why.standings[0].note
    assert {p.id for p in why.standings[0].picked} >= {"e1", "e2"}
    other = next(u for u in world_users() if u not in stored)
    out = ag.explain(other, ag.audiences.snapshot(taken.snapshot))
    assert (out.status, out.score) == ("out", None)
    assert any("is gone" in line for line in out.because)


def test_a_snapshot_whose_seeds_were_erased_says_so(ag: AudienceGraph, store: Store) -> None:
    taken = QUESTIONS["alike"](ag).take("alike")
    stored = members_of(store, taken.snapshot)
    with store.transaction() as tx:
        told = tx.rows("SELECT questions FROM audience_snapshot WHERE id = %s", (taken.snapshot,))[0]["questions"]
        blank = [{**told[0], "query": [0.0] * len(told[0]["query"]), "erased": True}]
        tx.execute("UPDATE audience_snapshot SET questions = %s::jsonb", (json.dumps(blank),))
    user = next(iter(stored))
    why = ag.explain(user, ag.audiences.snapshot(taken.snapshot))
    assert (why.score, why.standings[0].note.split(":")[0]) == (stored[user], "its seeds were erased")
    other = next(u for u in world_users() if u not in stored)
    assert "its seeds were erased" in ag.explain(other, ag.audiences.snapshot(taken.snapshot)).because[1]


def test_a_snapshot_tells_what_its_definition_says_today(ag: AudienceGraph, store: Store) -> None:
    taken = (skin(ag, 300) - (column("age") >= 40)).take("spring")
    stored = members_of(store, taken.snapshot)
    other = next(u for u in world_users() if u not in stored)
    why = ag.explain(other, ag.audiences.snapshot(taken.snapshot))
    assert why.because[0].startswith("not one of the users of the snapshot of 20")
    assert "not kept out by the cut" in why.because[1]
    assert why.reason.startswith("today: left out: age >= 40 (age is ")
    with store.transaction() as tx:
        tx.execute("DELETE FROM audience_member WHERE key = %s", (keys_of(store)[next(iter(stored))],))
    gone = ag.explain(next(iter(stored)), ag.audiences.snapshot(taken.snapshot))
    assert gone.because[-1] == "today: would be taken, by a new snapshot"
    assert gone.reason == gone.because[0]


def test_a_member_whom_nothing_ranks_has_no_score(ag: AudienceGraph) -> None:
    taken = ag.audiences.everyone().where(column("age") >= 20).take("grown")
    why = ag.explain("u5", ag.audiences.snapshot(taken.snapshot))
    assert (why.status, why.score, why.standings) == ("in", None, ())
    assert "no score" in why.because[0]


def test_suppression_and_consent_are_told(ag: AudienceGraph, store: Store) -> None:
    everybody = ag.audiences.everyone()
    assert ag.explain("u1", everybody).sendable is None
    given = ag.explain("u1", everybody, purpose="marketing")
    assert (given.sendable, given.because[-1]) == (True, "consent for 'marketing': given on 2026-07-01")
    refused = ag.explain("u10", everybody, purpose="marketing")
    assert (refused.status, refused.sendable) == ("in", False)
    assert refused.because[-1] == "no consent for 'marketing': refused on 2026-07-01"
    never = ag.explain("quiet", everybody, purpose="marketing")
    assert (never.sendable, never.because[-1]) == (False, "no consent for 'marketing': never asked")
    for purpose in ("telepathy", "x\0y", "'; DROP TABLE consent; --"):
        with pytest.raises(NotFoundError, match="nobody may be sent"):
            ag.explain("u1", everybody, purpose=purpose)
    with store.transaction() as tx:
        tx.execute("INSERT INTO suppression (key, reason, made_by) VALUES (%s, %s, 'ann')",
                   (keys_of(store)["u1"], "asked \x1b[31mnot to"))  # fmt: skip
    why = ag.explain("u1", everybody, purpose="marketing")
    assert why.sendable is False
    assert why.because[-2].startswith("suppressed since 20")
    assert "\x1b" not in repr(why)


def test_exports_tell_the_arm_and_who_was_held_out(ag: AudienceGraph, store: Store) -> None:
    taken = skin(ag).take("spring")
    sent, held, neither = list(members_of(store, taken.snapshot))[:3]
    keys = keys_of(store)
    with store.transaction() as tx:
        number = tx.rows("INSERT INTO export (snapshot_id, purpose, destination, format, mode, status, made_by) VALUES "
                         "(%s, 'marketing', 'spring.csv', 'csv', 'replace', 'done', 'ann') RETURNING id",
                         (taken.snapshot,))[0]["id"]  # fmt: skip
        for user, arm, was in ((sent, "treatment", True), (held, "holdout", False)):
            tx.execute("INSERT INTO export_member (export_id, key, arm, sent) VALUES (%s, %s, %s, %s)",
                       (number, keys[user], arm, was))  # fmt: skip
    for about in (ag.audiences.get("spring"), ag.audiences.snapshot(taken.snapshot)):
        assert f"sent by export {number} of 20" in ag.explain(sent, about).because[-1]
        assert ag.explain(sent, about).because[-1].endswith("to spring.csv, in arm 'treatment'")
        why = ag.explain(held, about, purpose="marketing")
        assert why.status == "in"
        assert f"held out of export {number} of " in why.because[-1]
        assert f"not sent by export {number} of " in ag.explain(neither, about).because[-1]
    assert "export" not in "".join(ag.explain(sent, skin(ag)).because)  # of no name: nothing was sent
    assert "export" not in "".join(ag.explain(sent, ag.audiences.get("spring"), purpose="marketing").because[:-1])


def test_the_arm_of_the_next_export_is_told(ag: AudienceGraph, store: Store) -> None:
    taken = skin(ag, 300).take("spring")
    with store.transaction() as tx:
        set_holdout(tx, "ann", "spring", (("treatment", 0.7), ("holdout", 0.3)))
        split = read_holdout(tx, 1)
    users_there = [user for user in members_of(store, taken.snapshot) if int(user[1:]) % 10]  # all of them consented
    arms = dict(zip(users_there, arms_of(split.arms, users_there).tolist(), strict=True))
    for arm, sendable, said in (
        ("holdout", False, "held out: in arm 'holdout' of the audience, which is never sent"),
        ("treatment", True, "in arm 'treatment' of the audience"),
    ):
        user = next(u for u, found in arms.items() if found == arm)
        why = ag.explain(user, ag.audiences.get("spring"), purpose="marketing")
        assert (why.status, why.sendable, why.because[-1]) == ("in", sendable, said)


@pytest.mark.parametrize(
    "user", ["nobody", "", "x\0y", "\ud800", "' OR 1=1 --", "`}) DETACH DELETE e", "💄", "u" * 10_000]
)
def test_unknown_users_are_an_answer(ag: AudienceGraph, store: Store, user: str) -> None:
    taken = skin(ag).take("spring")
    for about in (skin(ag), ag.audiences.get("spring"), ag.audiences.snapshot(taken.snapshot)):
        why = ag.explain(user, about, purpose="marketing")
        assert (why.status, why.score, why.standings, why.sendable, len(why)) == ("unknown user", None, (), None, 0)
        assert "No user has this id" in repr(why)
    with store.transaction(read_only=True) as tx:
        log = tx.rows("SELECT what FROM audit_log WHERE action = 'explain' ORDER BY id DESC LIMIT 3")
    assert all("user_id" not in row["what"] for row in log)  # it may be one that was erased


def test_an_unknown_user_is_told_of_one_written_otherwise(ag: AudienceGraph) -> None:
    assert "there is 'u12'" in ag.explain(" U12 ".strip(), skin(ag)).because[0]
    assert "there is 'u12'" in ag.explain(" u12", skin(ag)).because[0]


def test_each_look_at_a_person_is_in_the_audit_log(ag: AudienceGraph, store: Store) -> None:
    taken = skin(ag).take("spring")
    ag.explain("u1", ag.audiences.get("spring"), purpose="marketing")
    ag.explain("u1", ag.audiences.snapshot(taken.snapshot))
    ag.explain("u1", skin(ag))
    with store.transaction(read_only=True) as tx:
        log = tx.rows("SELECT who, object, what FROM audit_log WHERE action = 'explain' ORDER BY id DESC LIMIT 3")
    assert [(row["who"], row["object"], row["what"]) for row in reversed(log)] == [
        ("ann", "audience spring", {"user_id": "u1", "snapshot": None, "purpose": "marketing"}),
        ("ann", "audience spring", {"user_id": "u1", "snapshot": taken.snapshot, "purpose": None}),
        ("ann", "unsaved audience: the audience best 120 for 'skin care'",
         {"user_id": "u1", "snapshot": None, "purpose": None}),
    ]  # fmt: skip


def test_no_answer_without_a_line_in_the_log(ag: AudienceGraph, store: Store) -> None:
    with store.transaction() as tx:
        tx.execute("ALTER TABLE audit_log ADD CONSTRAINT closed CHECK (action <> 'explain') NOT VALID")
    try:
        with pytest.raises(Exception, match="closed"):
            ag.explain("u1", skin(ag))
    finally:
        with store.transaction() as tx:
            tx.execute("ALTER TABLE audit_log DROP CONSTRAINT closed")


def test_what_does_not_go_together_is_refused(ag: AudienceGraph) -> None:
    with pytest.raises(ConfigError, match="a user id is text"):
        ag.explain(7, skin(ag))  # type: ignore[call-overload]
    with pytest.raises(ConfigError, match="says itself how it is ranked"):
        ag.explain("u1", skin(ag), method="graph")  # type: ignore[call-overload]
    with pytest.raises(ConfigError, match="asked about an audience"):
        ag.explain("u1", "skin care", purpose="marketing")  # type: ignore[call-overload]
    with pytest.raises(NotFoundError, match="no snapshot 99"):
        ag.audiences.snapshot(99)
    taken = skin(ag).take("spring")
    with pytest.raises(NotFoundError, match="one of audience 'spring', not of 'autumn'"):
        ag.audiences.snapshot(taken.snapshot, "autumn")


def test_phrases_that_mean_nothing_stay_an_error(ag: AudienceGraph) -> None:
    with pytest.raises(NotFoundError):
        ag.explain("u1", ag.audience("qwertyuiop zxcvbnm", size=10, method="graph"))


def test_a_standing_tells_only_what_it_has() -> None:
    from audience_graph import Standing

    bare = Standing("best 1", "graph", 0.25, 0.5, False, None, None, ())
    assert bare.below_cut == 0.25
    assert replace(bare, taken=True).below_cut is None
