"""One sentence, one audience, on real servers: the three methods, plans, prompts, explanations, checked with numpy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from small_world import AS_OF, ENTITIES, WEEK, World, build

from audience_graph import release
from audience_graph.audience.ask import SentenceOptions
from audience_graph.client import AudienceGraph
from audience_graph.config import Connections
from audience_graph.entities.text_encoder import DIMS, MODEL, TextEncoder
from audience_graph.errors import ConfigError, NotFoundError, ReleaseError, RunError, StoreError
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.sentences.demand import read_demand
from audience_graph.sentences.rewrite import Rewritten
from audience_graph.user_text.graph_weight import GraphWeight, delete_weight, read_weight, write_weight
from audience_graph.user_text.prompts import Prompt, delete_prompt, find_prompt, write_prompt
from audience_graph.user_text.space import SentenceMap, TextSpace, read_map, read_spaces
from audience_graph.user_text.write import drop_space, open_space
from audience_graph.vectors.store import Store
from audience_graph.vectors.topk import user_keys

SPACE = "text_2026_w30_00c0ffee"
SAID = ("buys football shoes", "books a spa day", "tries on lipstick", "reads the news", "pays the rent")
SENTENCE = "people who will buy football shoes"
ENTITY_DIMS, ENTITY_WEIGHT = 8, 0.7
WIDTH = DIMS + ENTITY_DIMS
NAMED = ("e7", "e3", "e11", None, None)  # the entity whose name SAID holds


@pytest.fixture(scope="module")
def encode():
    return TextEncoder().encode_alone


@pytest.fixture(scope="module")
def turn() -> np.ndarray:
    """A rotation: the map of the space keeps cosines, and is not the identity."""
    return np.linalg.qr(np.random.default_rng(5).normal(size=(WIDTH, WIDTH)))[0].astype(np.float32)


@pytest.fixture(scope="module")
def entities() -> dict[str, np.ndarray]:
    """The unit vectors that texts take from the entities they name; e3 has none."""
    rows = np.random.default_rng(6).normal(size=(2, ENTITY_DIMS)).astype(np.float32)
    return dict(zip(("e7", "e11"), rows / np.linalg.norm(rows, axis=1, keepdims=True), strict=True))


@pytest.fixture(scope="module")
def place(encode, turn, entities):
    """Where texts that name one entity each lie in the space, written out in numpy."""

    def placed(texts, ids) -> np.ndarray:
        none = np.zeros(ENTITY_DIMS, np.float32)
        told = np.hstack([encode(list(texts)), ENTITY_WEIGHT * np.stack([entities.get(i, none) for i in ids])])
        found = told @ turn.T
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    return placed


@pytest.fixture(scope="module")
def vectors(place) -> dict[str, np.ndarray]:
    """Users u0..u259: near what they say, with noise. u260 and on have none."""
    rng = np.random.default_rng(11)
    base = place(SAID, NAMED)
    rows = {f"u{n}": base[n % len(SAID)] + 0.03 * rng.normal(size=WIDTH) for n in range(260)}
    return {user: (row / np.linalg.norm(row)).astype(np.float32) for user, row in rows.items()}


def space_row(name: str = SPACE, **changes) -> TextSpace:
    row = TextSpace(name, f"users-run-{name[-4:]}", WIDTH, WEEK, AS_OF, 14, {"payments": ["credit card"]})
    return replace(row, **changes)


def space_map(turn: np.ndarray) -> SentenceMap:
    bias = np.zeros(WIDTH, np.float32)
    return SentenceMap(MODEL, WIDTH, turn, bias, entity_dims=ENTITY_DIMS, entity_weight=ENTITY_WEIGHT)


def table(vectors: dict[str, np.ndarray], fingerprint: int = 1) -> pa.Table:
    return pa.table({"user_id": sorted(vectors), "fingerprint": pa.array([fingerprint] * len(vectors), pa.int64())})


@pytest.fixture(scope="module")
def world(runner: Neo4jRunner, store: Store) -> World:
    with store.transaction() as tx:
        for row in tx.rows(
            "SELECT tablename FROM pg_tables WHERE tablename ~ '^(user_vector|entity_vector|user_short)_text'"
        ):
            tx.execute(f"DROP TABLE {row['tablename']}")
    return build(runner, store)


@pytest.fixture(scope="module")
def staged(world: World, store: Store, vectors, turn, entities):  # noqa: ARG001 - built first
    seen: list[str] = []

    def embed(ids):
        seen.extend(ids)
        return np.stack([vectors[i] for i in ids])

    space, updated = release.stage_user_text(
        store, space_row(), space_map(turn), table(vectors), embed, entities=entities
    )
    assert (space.space, updated.users, updated.recomputed, len(seen)) == (SPACE, 260, 260, 260)
    return embed


@pytest.fixture(scope="module")
def ag(connections: Connections, staged) -> Iterator[AudienceGraph]:  # noqa: ARG001 - built first
    with AudienceGraph.connect(connections=connections) as client:
        yield client


IN = SentenceOptions(space=SPACE)


def cosines(ag_query, vectors) -> dict[str, float]:
    halves = {user: v.astype(np.float16).astype(np.float64) for user, v in vectors.items()}
    return {user: float(v @ ag_query) for user, v in halves.items()}


def test_by_the_sentence_is_the_exact_top_by_cosine(ag: AudienceGraph, vectors, place) -> None:
    best = ag.target(SENTENCE, 40, method="sentence", sentence=IN)
    query = place([SENTENCE], ["e7"])[0]
    assert np.allclose(best.query, query, atol=1e-3)
    want = cosines(best.query, vectors)
    assert np.allclose(best.scores, sorted(want.values(), reverse=True)[:40], atol=1e-5)
    assert all(int(user[1:]) % len(SAID) == 0 for user in best.user_ids)  # all of them buy football shoes
    assert (best.eligible, best.method, best.text_space, best.picked) == (260, "sentence", SPACE, ())


def test_the_shortlist_is_nearly_the_exact_top_and_says_so(ag: AudienceGraph) -> None:
    exact = ag.target(SENTENCE, 40, method="sentence", sentence=IN)
    near = ag.target(SENTENCE, 40, method="sentence", sentence=replace(IN, shortlist=True))
    assert len(set(exact.user_ids) & set(near.user_ids)) >= 39
    scores = dict(zip(exact.user_ids, exact.scores, strict=True))
    assert all(scores.get(u, s) == pytest.approx(s) for u, s in zip(near.user_ids, near.scores, strict=True))
    assert "nearly exact" in near.note
    assert near.eligible == exact.eligible
    fewer = ag.target(SENTENCE, 40, method="sentence", sentence=replace(IN, shortlist=True), exclude_users=["u0"])
    assert "u0" not in fewer.user_ids
    assert fewer.eligible == exact.eligible - 1


def test_both_is_the_fusion_of_the_two_ranks(ag: AudienceGraph, world: World, vectors) -> None:
    best = ag.target(SENTENCE, 50, method="both", sentence=IN)
    assert [p.id for p in best.picked][:1] == ["e7"]  # what the sentence names seeds the graph
    users = sorted(world.users)
    graph = np.array([world.users[u] @ best.query for u in users])
    near = cosines(best.sentence_query, vectors)
    sentence = np.array([near.get(u, -np.inf) for u in users])

    def ranks(scores: np.ndarray) -> np.ndarray:
        return np.array([(scores > s).sum() + ((scores == s).sum() + 1) / 2 for s in scores])

    n = len(users)
    want = -(0.6 * np.log(ranks(graph) / n) + 0.4 * np.log(ranks(sentence) / n)) / np.log(n)
    assert np.allclose(best.scores, np.sort(want)[::-1][:50], atol=1e-3)
    by_user = dict(zip(users, want, strict=True))
    assert np.allclose(best.scores, [by_user[u] for u in best.user_ids], atol=1e-3)
    assert best.eligible == n
    assert set(best.to_df()) == {"rank", "user_id", "score", "graph", "sentence"}
    one = SentenceOptions(space=SPACE, graph_weight=1.0)
    plain = ag.target("e7", 30, method="graph").user_ids
    assert ag.target("e7", 30, method="both", sentence=one).user_ids[:20] == plain[:20]


def test_the_fitted_weight_is_used_where_none_is_given(ag: AudienceGraph, store: Store) -> None:
    never = ag.target(SENTENCE, 30, method="both", sentence=IN)
    assert (never.weighing.weight, never.weighing.told) == (0.6, "default: never fitted for this space")
    with store.transaction() as tx:
        write_weight(tx, SPACE, GraphWeight("2026-W30-0a0b0c0d", None, 3, 1))
        write_weight(tx, SPACE, GraphWeight("2026-W30-0a0b0c0d", 0.9, 120, 2, {"grid": []}))  # in place of it
        assert read_weight(tx, SPACE) == GraphWeight("2026-W30-0a0b0c0d", 0.9, 120, 2, {"grid": []})
    best = ag.target(SENTENCE, 30, method="both", sentence=IN)
    given = ag.target(SENTENCE, 30, method="both", sentence=replace(IN, graph_weight=0.9))
    assert best.scores.tolist() == given.scores.tolist() != never.scores.tolist()
    assert (best.weighing.told, given.weighing.told) == ("fitted on 120 sentences of 2 windows", "given")
    assert "weight of the graph 0.9 (fitted on 120 sentences of 2 windows)" in repr(best)
    why = ag.explain(best.user_ids[0], SENTENCE, method="both", sentence=IN)
    assert why.weighing == best.weighing == ag.explain(best.user_ids[0], best).weighing
    assert "(weight of the graph 0.9" in repr(why)
    assert ag.explain(best.user_ids[0], SENTENCE, method="sentence", sentence=IN).weighing is None
    plan = ag.plan(SENTENCE, sentence=IN)
    assert plan.lines()[-1] == "both:      weight of the graph 0.9 (fitted on 120 sentences of 2 windows)"
    assert ag.plan(SENTENCE).weighing is None  # the release has no space yet
    with store.transaction() as tx:
        delete_weight(tx, SPACE)
    with pytest.raises(ConfigError, match="from 0 to 1"):
        ag.plan(SENTENCE, sentence=replace(IN, graph_weight=2.0))
    with pytest.raises(StoreError), store.transaction() as tx:
        write_weight(tx, SPACE, GraphWeight("v", 1.5, 1, 1))


def test_the_plan_says_what_is_known_and_what_is_not(ag: AudienceGraph) -> None:
    plan = ag.plan("people who will buy football shoes or zorgblats by credit card", sentence=IN)
    assert plan.entity_ids == ("e7",)
    assert plan.not_understood == ("zorgblats",)
    assert 0 < plan.coverage < 1
    assert plan.asked == (plan.sentence,)
    text = "\n".join(plan.lines())
    assert "zorgblats" in text
    assert "football shoes" in text
    reworded = ag.plan(SENTENCE, sentence=replace(IN, reword=True))
    assert reworded.asked == ("People who will buy football shoes in the next two weeks",)
    assert "rewritten: People who will buy football shoes" in repr(reworded)


def test_another_rewriter_may_word_the_sentence(ag: AudienceGraph) -> None:
    class Other:
        def rewrite(self, sentence, vocabulary, *, payments=(), days=14):
            assert (payments, days) == (("credit card",), 14)
            return Rewritten(read_demand(sentence, vocabulary), ("tries on lipstick",))

    ag._ways._speaker._rewriters["planted"] = Other()
    plan = ag.plan(SENTENCE, sentence=replace(IN, rewriter="planted"))
    assert plan.asked == ("tries on lipstick",)
    assert plan.entity_ids == ("e7",)
    with pytest.raises(RunError, match="no run of a rewriter"):
        ag.plan(SENTENCE, sentence=replace(IN, rewriter="/nowhere"))


def test_unknown_demand_is_said_and_not_guessed(ag: AudienceGraph) -> None:
    for method in ("sentence", "both"):
        with pytest.raises(NotFoundError, match="zorgblat"):
            ag.target("people who will zorgblat quuxes", 5, method=method, sentence=IN)
    guessed = ag.target("people who will zorgblat quuxes", 5, method="both", sentence=replace(IN, guess=True))
    assert guessed.method == "sentence"
    assert "by the sentence alone" in guessed.note
    assert len(guessed.user_ids) == 5


def test_a_release_without_a_space_answers_by_the_graph_alone(ag: AudienceGraph) -> None:
    assert ag.target("skin care", 5).method == "graph"
    with pytest.raises(NotFoundError, match="no user-text space"):
        ag.target("skin care", 5, method="sentence")
    with pytest.raises(NotFoundError, match="text_unknown"):
        ag.target("skin care", 5, method="sentence", sentence=SentenceOptions(space="text_unknown"))
    for wrong in ("guess", "", 3):
        with pytest.raises(ConfigError):
            ag.target("skin care", 5, method=wrong)  # type: ignore[arg-type]
    assert ag.plan("skin care").entity_ids == ("e1",)


@pytest.mark.parametrize("text", ["", "   ", "\0", "'; DROP TABLE user_key; --", "x" * 100_000, "🦄", "\ud800", "`})"])
def test_hostile_sentences_are_answered_or_refused(ag: AudienceGraph, text: str) -> None:
    with suppress(ConfigError, NotFoundError):
        assert ag.target(text, 3, method="sentence", sentence=replace(IN, guess=True)).user_ids


def test_a_prompt_is_used_by_its_name_and_leaves_its_seeds_out(ag: AudienceGraph, store: Store, vectors) -> None:
    toward = vectors["u1"]  # books a spa day
    with store.transaction() as tx:
        keys = {user: user_keys(tx, [user])[0] for user in ("u1", "u6", "u0")}
        prompt = Prompt("spa fans", SPACE, "people who will visit a spa", toward, {"reason": "5 seeds tell them apart"})
        write_prompt(tx, prompt, [keys["u1"], keys["u6"]], [keys["u0"]])
        write_prompt(tx, prompt, [keys["u1"], keys["u6"]], [keys["u0"]])  # again: replaced
    best = ag.target("spa fans", 30, method="sentence", sentence=IN)
    assert {int(user[1:]) % len(SAID) for user in best.user_ids} == {1}
    assert not {"u1", "u6", "u0"} & set(best.user_ids)
    assert best.eligible == 257
    kept = ag.target("spa fans", 30, method="sentence", sentence=replace(IN, keep_seeds=True))
    assert kept.user_ids[0] == "u1"
    assert ag.plan("spa fans", sentence=IN).lines()[0] == "prompt:    spa fans"
    with store.transaction() as tx:
        delete_prompt(tx, "spa fans")
        with pytest.raises(NotFoundError):
            delete_prompt(tx, "spa fans")


def test_a_prompt_brings_what_its_sentence_names_to_the_graph_too(ag: AudienceGraph, store: Store, vectors) -> None:
    with store.transaction() as tx:
        prompt = Prompt("skin care", SPACE, "people who will buy football shoes", vectors["u0"], {"reason": "tuned"})
        write_prompt(tx, prompt, [], [])  # named like another entity than its sentence names
    best = ag.target("skin care", 10, method="both", sentence=IN)
    assert best.plan.prompt is not None
    assert [p.id for p in best.picked][:1] == ["e7"]
    assert best.picked[0].phrase == "football shoes"
    with store.transaction() as tx:
        delete_prompt(tx, "skin care")


def test_two_spaces_are_compared_before_either_is_published(
    ag: AudienceGraph, store: Store, world: World, vectors, turn, entities
) -> None:
    other = "text_2026_w30_00beside"
    rng = np.random.default_rng(3)
    moved = {user: v + 0.05 * rng.normal(size=WIDTH).astype(np.float32) for user, v in vectors.items()}
    moved = {user: v / np.linalg.norm(v) for user, v in moved.items() if user != "u0"}
    release.stage_user_text(
        store, space_row(other), space_map(turn), table(moved), lambda ids: np.stack([moved[i] for i in ids]),
        entities=entities,
    )  # fmt: skip
    with store.transaction() as tx:
        measured = {"auc": {"graph": 0.7, "sentence": 0.8}}
        write_weight(tx, other, GraphWeight("2026-W30-0a0b0c0d", 0.9, 120, 2, measured))
        write_prompt(tx, Prompt("spa days", other, "people who will visit a spa", vectors["u1"], {}), [], [])
    found = ag.compare_spaces(SPACE, f"users-run-{other[-4:]}", SENTENCE, size=120)
    assert (found.a.space, found.b.space, found.a.users, found.b.users) == (SPACE, other, 260, 260)
    assert (found.a.auc, found.b.auc, found.release) == (None, 0.8, release.current(store).id)
    tops = [
        ag.target(SENTENCE, 120, method="sentence", sentence=SentenceOptions(space=s)).user_ids for s in (SPACE, other)
    ]
    both = len(set(tops[0]) & set(tops[1]))
    (change,) = found.changes
    assert change.both == ((both + 5) // 10 * 10 if both >= 100 else None)
    assert (change.only_a, change.left) == (None, ())  # under 100 users
    assert change.median_a == pytest.approx(cosine_median(ag, vectors, tops[0]), abs=2e-3)
    assert 0 < change.rank_correlation < 1

    suggested = [one.sentence for one in ag.compare_spaces(SPACE, other, size=100).changes]
    most = min(world.entities, key=lambda e: (-world.reach(e), e))
    assert suggested[0] == f"People who will buy {next(name for i, name, *_ in ENTITIES if i == most)}"
    assert suggested[-1] == "people who will visit a spa"  # what a prompt says
    assert len(suggested) == len(set(suggested)) == 1 + min(10, sum(world.reach(e) > 0 for e in world.entities))
    with pytest.raises(NotFoundError, match="zorgblat"):
        ag.compare_spaces(SPACE, other, "people who will zorgblat quuxes", size=100)
    with pytest.raises(ConfigError, match="beside itself"):
        ag.compare_spaces(SPACE, SPACE)
    with pytest.raises(NotFoundError, match="text_unknown"):
        ag.compare_spaces(SPACE, "text_unknown")
    with store.transaction() as tx:
        drop_space(tx, other)
        assert read_weight(tx, other) is None


def cosine_median(ag: AudienceGraph, vectors, users) -> float:
    query = ag.target(SENTENCE, 1, method="sentence", sentence=IN).query
    return float(np.median([cosines(query, vectors)[user] for user in users]))


def test_an_answer_of_a_staged_space_tells_its_day_and_is_explained(ag: AudienceGraph) -> None:
    best = ag.target(SENTENCE, 10, method="sentence", sentence=IN)  # no release names this space yet
    assert best.as_of == AS_OF
    why = ag.explain(best.user_ids[0], best)
    assert why.score == pytest.approx(best.scores[0], abs=1e-6)
    assert why.nearness.events
    assert why.chosen


def test_a_request_counts_no_users_but_those_it_answers_with(ag: AudienceGraph) -> None:
    told: list[str] = []
    traced = ag.traced(lambda name, text, parameters: told.append(text))  # noqa: ARG005
    traced.target(SENTENCE, 10, method="sentence", sentence=IN)
    assert sum("count(*)" in text for text in told) == 1  # those eligible


def test_an_explanation_gives_the_own_events_nearest_to_the_sentence(ag: AudienceGraph, place) -> None:
    best = ag.target(SENTENCE, 40, method="both", sentence=IN)
    user = best.user_ids[0]
    why = ag.explain(user, best)
    assert why.nearness is not None
    near = why.nearness.events
    assert [e.similarity for e in near] == sorted((e.similarity for e in near), reverse=True)
    want = place([near[0].text, SENTENCE], [None, "e7"])
    assert near[0].similarity == pytest.approx(float(want[0] @ want[1]), abs=2e-3)
    assert why.reasons
    assert "similarity" in why.to_df()
    alone = ag.explain(user, SENTENCE, method="sentence", sentence=IN)
    assert alone.reasons == ()
    assert alone.score == pytest.approx(best.sentence_scores[0], abs=1e-6)
    assert "without a vector" in ag.explain("u299", SENTENCE, method="sentence", sentence=IN).nearness.note
    with pytest.raises(NotFoundError):
        ag.explain("nobody", SENTENCE, method="sentence", sentence=IN)


def test_a_space_is_published_refreshed_and_retired(
    ag: AudienceGraph, runner: Neo4jRunner, store: Store, vectors, staged, turn
) -> None:
    before = release.current(store)
    now = release.publish_user_text(runner, store, "users-run-ffee")
    assert now.id > before.id
    assert (now.user_text_space, now.user_text_as_of, now.version) == (SPACE, AS_OF, before.version)
    assert release.publish_user_text(runner, store, SPACE).id == now.id  # again: nothing
    best = ag.target(SENTENCE, 10)
    assert (best.method, best.release) == ("both", now.id)
    assert ag.target(SENTENCE, 10, method="sentence").as_of == AS_OF
    with pytest.raises(ReleaseError, match="belongs to release"):
        release.retire_user_text(store, SPACE)

    fewer = {user: v for user, v in vectors.items() if user != "u7"}
    moved = table(fewer).to_pydict()
    moved["fingerprint"] = [2 if user == "u3" else 1 for user in moved["user_id"]]
    found = release.refresh_user_text(runner, store, pa.table(moved), staged, space=SPACE, as_of=AS_OF)
    assert (found.updated.recomputed, found.updated.dropped, found.updated.users) == (1, 1, 259)
    assert found.release.id > now.id
    again = release.refresh_user_text(runner, store, pa.table(moved), staged, space=SPACE, as_of=AS_OF)
    assert (again.release.id, again.updated.recomputed) == (found.release.id, 0)
    with pytest.raises(ReleaseError, match="would keep a vector"):
        release.refresh_user_text(runner, store, table({"u1": vectors["u1"]}), staged, space=SPACE, as_of=AS_OF)
    assert release.current(store).id == found.release.id

    other = "text_2026_w30_0badcafe"
    release.stage_user_text(store, space_row(other), space_map(turn), table(vectors), staged, entities={})
    beside = ag.target(SENTENCE, 10, method="sentence", sentence=SentenceOptions(space=other))
    assert (beside.text_space, beside.release) == (other, found.release.id)
    with store.transaction(read_only=True) as tx:
        assert {s.space for s in read_spaces(tx)} == {SPACE, other}
    release.publish_user_text(runner, store, other)
    release.retire_user_text(store, SPACE)
    with store.transaction(read_only=True) as tx:
        assert {s.space for s in read_spaces(tx)} == {other}
    with pytest.raises(NotFoundError):
        ag.target(SENTENCE, 10, method="sentence", sentence=IN)
    with pytest.raises(NotFoundError, match=SPACE):
        ag.explain("u5", best)  # an answer whose space is gone


def test_spaces_before_the_last_published_ones_are_retired(
    runner: Neo4jRunner, store: Store, vectors, staged, turn
) -> None:
    names = [f"text_2026_w30_000000{i}0" for i in range(5)]
    for name in names:
        release.stage_user_text(store, space_row(name), space_map(turn), table(vectors), staged, entities={})
    for name in names[:4]:
        release.publish_user_text(runner, store, name)
    with store.transaction() as tx:
        write_prompt(tx, Prompt("of the first", names[0], SENTENCE, vectors["u0"], {}), [], [])
        write_weight(tx, names[0], GraphWeight("v", 0.5, 40, 1))
    release.publish_user_text(runner, store, names[1])  # again: now it is the last one
    with store.transaction(read_only=True) as tx:
        assert release.published_spaces(tx)[:4] == (names[1], names[3], names[2], names[0])
    gone = release.retire_past_user_text(store, keep=2)
    assert names[2] in gone.spaces
    assert gone.held == {names[0]: ("of the first",)}  # seeds are dear: what was tuned is never lost by publishing
    with store.transaction() as tx:
        assert find_prompt(tx, "of the first") is not None
        assert read_weight(tx, names[0]) is not None
        delete_prompt(tx, "of the first")
    assert release.retire_past_user_text(store, keep=2) == release.RetiredText((names[0],), {})
    assert release.retire_past_user_text(store, keep=2) == release.RetiredText((), {})
    with store.transaction(read_only=True) as tx:
        left = {s.space for s in read_spaces(tx)}
        assert read_weight(tx, names[0]) is None
    assert left >= {names[1], names[3], names[4]}  # current, the one before, and the one that is only staged
    assert not left & {names[0], names[2]}
    assert release.retire_past_user_text(store, keep=0).spaces == (names[3],)  # never the current one
    assert release.current(store).user_text_space == names[1]


@pytest.mark.parametrize("way", ["map", "folder", "both"])
def test_every_way_to_read_a_sentence_is_kept(world: World, store: Store, turn, way: str) -> None:  # noqa: ARG001 - schema
    found = space_map(turn)
    if way == "folder":
        found = SentenceMap("users-run-0001", WIDTH, folder="users-run-0001/sentences")
    elif way == "both":
        found = replace(found, base="users-run-0001", folder="users-run-0001/sentences")
    space = f"text_2026_w30_kept_{way}"
    with store.transaction() as tx:
        open_space(tx, space_row(space), found)
        again = read_map(tx, space)
        drop_space(tx, space)
    for name in ("base", "width", "folder", "entity_dims", "entity_weight"):
        assert getattr(again, name) == getattr(found, name)
    for name in ("weight", "bias"):
        assert np.array_equal(getattr(again, name), getattr(found, name)) or getattr(found, name) is None
        assert (getattr(again, name) is None) == (getattr(found, name) is None)


def test_a_space_without_a_way_to_read_sentences_is_refused(world: World, store: Store) -> None:  # noqa: ARG001
    with pytest.raises(StoreError), store.transaction() as tx:
        open_space(tx, space_row("text_2026_w30_kept_none"), SentenceMap(MODEL, WIDTH))
