"""ALPC as the scorer of a mining run: planted relations, decisions of people, events and sessions, explored pairs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from test_relation_mining import CLUSTERS, CONFIG, SIZE, N, encode, toy_world

from audience_graph.config import Home
from audience_graph.errors import RunError
from audience_trainers.relations.alpc.evidence import aligned, gather_evidence
from audience_trainers.relations.alpc.explore import EXPLORED, with_explored
from audience_trainers.relations.alpc.matched_negatives import matched
from audience_trainers.relations.alpc.user_folds import Heard, SkipGram, course_from_users, near_strangers
from audience_trainers.relations.behaviour import Behaviour
from audience_trainers.relations.candidates import Candidates
from audience_trainers.relations.config import MineAlpc
from audience_trainers.relations.cooccurrence import at, count_pairs
from audience_trainers.relations.ensemble.config import EnsembleConfig
from audience_trainers.relations.ensemble.pairs import TRAIN
from audience_trainers.relations.judge import Learning
from audience_trainers.relations.linkpred.task import pair_key
from audience_trainers.relations.metrics import relation_accuracy
from audience_trainers.relations.mine import learning_of, write_mined
from audience_trainers.relations.pipeline import Mined, Overlay, mine_behaviour
from audience_trainers.relations.propose import propose
from audience_trainers.relations.score import semantic_edges
from audience_trainers.relations.together import Closeness, count_together
from audience_trainers.relations.topn import top_n, unit_rows
from audience_trainers.run import create_run, silent

LEARNED = replace(
    CONFIG,
    model="alpc",
    alpc=MineAlpc(
        dims=16, attention_dims=4, text_dims=8, walk_dims=16, hidden=16, epochs=15, batch=128, patience=15, explore=16
    ),
)


def learned(overlay: Overlay | None = None, seed: int = 7) -> Mined:
    entities, behaviour = toy_world()
    return mine_behaviour(entities, behaviour, LEARNED, seed=seed, encode=encode, overlay=overlay)


@pytest.fixture(scope="module")
def result() -> Mined:
    return learned()


def pairs(result: Mined) -> set[tuple[int, int]]:
    return set(zip(result.relations.source.tolist(), result.relations.target.tolist(), strict=True))


def test_planted_relations_are_found(result: Mined) -> None:
    true = {(c * SIZE + i, c * SIZE + j) for c in range(CLUSTERS) for i in range(SIZE) for j in range(SIZE) if i != j}
    candidates, logit = result.verdict.candidates, result.verdict.logit
    best = np.argsort(-logit, kind="stable")[: len(true)]
    found = set(zip(candidates.source[best].tolist(), candidates.target[best].tolist(), strict=True))
    assert relation_accuracy(found, true).precision > 0.95
    assert relation_accuracy(pairs(result), true).recall > 0.95
    assert result.metrics["validation_auc"] == result.metrics["alpc"]["valid_auc"] > 0.8


def test_a_higher_cut_leaves_fewer_and_better_relations(result: Mined) -> None:
    entities, behaviour = toy_world()
    strict = mine_behaviour(entities, behaviour, replace(LEARNED, alpc_cut=0.9), seed=7, encode=encode)
    assert pairs(strict) < pairs(result)


def test_the_same_seed_gives_the_same_relations(result: Mined) -> None:
    again = learned()
    assert again.relations.logit.tolist() == result.relations.logit.tolist()
    assert again.verdict.z is not None
    assert result.verdict.z is not None
    assert again.verdict.z.tobytes() == result.verdict.z.tobytes()


def test_unknown_pairs_near_in_z_are_explored_and_marked() -> None:
    wide = replace(LEARNED, alpc=replace(LEARNED.alpc, explore=3 * SIZE, epochs=2))
    result = mine_behaviour(*toy_world(), wide, seed=7, encode=encode)
    candidates = result.verdict.candidates
    explored = candidates.provenance == EXPLORED
    proposed = result.proposal.candidates
    known = set(zip(proposed.source.tolist(), proposed.target.tolist(), strict=True))
    found = set(zip(candidates.source[explored].tolist(), candidates.target[explored].tolist(), strict=True))
    assert found
    assert found.isdisjoint(known)
    assert np.bincount(candidates.source[explored]).max() <= 3 * SIZE
    told = result.metrics["alpc"]["explored"]
    assert told["candidates"]["pairs"] > 0
    assert 0.0 < told["candidates"]["borne_out"] <= 1.0
    assert told["discount"] >= 0.0
    assert result.metrics["alpc"]["explored_pairs"] == len(found)
    assert np.all(np.diff(candidates.source * N + candidates.target) > 0)


def test_an_entity_explores_what_lies_behind_its_candidates() -> None:
    _, behaviour = toy_world()
    rng = np.random.default_rng(1)
    z = np.abs(rng.normal(size=(N, 8))).astype(np.float32)
    z[5] = 0.0
    grid = np.stack(top_n(unit_rows(z), 12))
    nothing, text = np.zeros((2, 0), np.int64), rng.normal(size=(N, 4)).astype(np.float32)
    kinds = np.zeros(grid.shape[1], np.int8)
    order = np.argsort(grid[0] * N + grid[1])
    flat = np.zeros(grid.shape[1], np.float32)
    candidates = Candidates(grid[0][order], grid[1][order], flat, flat, kinds)
    rejected = np.array([[0, 1], [40, 50]])
    heard = Heard(behaviour, candidates, z, text, sp.csr_matrix((N, N)), nothing, rejected)
    found = with_explored(heard, z, 4)
    explored = found.provenance == EXPLORED
    source, target = found.source[explored], found.target[explored]
    assert np.bincount(source, minlength=N).tolist() == [0 if u == 5 else 4 for u in range(N)]
    asked = set(zip(source.tolist(), target.tolist(), strict=True))
    assert asked.isdisjoint(zip(*grid.tolist(), strict=True))
    assert asked.isdisjoint({(0, 40), (1, 50)})
    assert np.all(np.diff(found.source * N + found.target) > 0)


def test_confirmed_pairs_are_kept_and_rejected_ones_never_return() -> None:
    overlay = Overlay(confirmed=frozenset({(0, 71)}), rejected=frozenset({(0, 1), (2, 3)}))
    found = pairs(learned(overlay))
    assert (0, 71) in found
    assert found.isdisjoint(overlay.rejected)


def test_every_confirmed_pair_trains_and_none_is_held_out() -> None:
    entities, behaviour = toy_world()
    asked = frozenset((u, N - 1 - u) for u in range(N // 2 - 1))
    short = replace(LEARNED, alpc=replace(LEARNED.alpc, epochs=1))
    found = mine_behaviour(entities, behaviour, short, seed=7, encode=encode, overlay=Overlay(confirmed=asked))
    told = found.verdict.pairs
    assert told is not None
    ends = [frozenset(pair) for pair in zip(told.source.tolist(), told.target.tolist(), strict=True)]
    rows = [place for place, pair in enumerate(ends) if tuple(sorted(pair)) in asked]
    positive = [place for place in rows if told.label[place] > 0.5]
    assert len(positive) == 2 * len(asked), "one row for each lesson"
    assert set(told.weight[positive].tolist()) == {LEARNED.alpc.confirmed_weight}
    assert set(told.split[rows].tolist()) == {TRAIN}
    listed = zip(found.relations.source.tolist(), found.relations.target.tolist(), strict=True)
    provenance = dict(zip(listed, found.relations.provenance.to_pylist(), strict=True))
    assert asked <= set(provenance)
    assert provenance[(0, N - 1)] == "confirmed"


def test_without_a_borne_out_pair_nothing_is_learned_and_the_error_says_what_to_do() -> None:
    entities, behaviour = toy_world()
    alone = Behaviour(behaviour.entity, np.array([0, len(behaviour.entity)]), N)
    with pytest.raises(RunError, match="nothing to learn") as told:
        mine_behaviour(entities, alone, LEARNED, seed=7, encode=encode)
    assert "model=walk" in (told.value.hint or "")


def test_one_half_of_the_users_may_be_silent() -> None:
    entities, behaviour = toy_world()
    lengths = np.diff(behaviour.start)
    even = behaviour.of_users(np.arange(behaviour.users) % 2 == 0)
    both = np.zeros(2 * even.users, np.int64)
    both[0::2] = lengths[0::2][: even.users]
    quiet = Behaviour(even.entity, np.concatenate([[0], np.cumsum(both)]), N)
    short = replace(LEARNED, alpc=replace(LEARNED.alpc, epochs=1))
    found = mine_behaviour(entities, quiet, short, seed=7, encode=encode)
    assert np.isfinite(found.verdict.logit).all()
    assert found.metrics["validation_auc"] is None
    assert found.metrics["alpc"]["valid_auc"] is None


def test_a_source_may_have_an_offset_of_its_own(result: Mined) -> None:
    own = mine_behaviour(
        *toy_world(), replace(LEARNED, alpc=replace(LEARNED.alpc, source_ridge=2.0)), seed=7, encode=encode
    )
    assert own.verdict.logit.tolist() == result.verdict.logit.tolist()
    moved = own.verdict.thresholds - result.verdict.thresholds
    assert 0.02 < moved.std() < 2.0
    assert abs(moved.mean()) < 1e-4, "whose relations there are, not how many"


def test_near_strangers_are_taught_once_and_are_nobodys_candidates() -> None:
    entities, behaviour = toy_world()
    found = propose(entities, behaviour, LEARNED, seed=7, encode=encode)
    rejected = np.array([[0], [N - 1]])
    edges = semantic_edges(found.candidates, N, LEARNED)
    heard = Heard(behaviour, found.candidates, found.co_vectors, found.se_vectors, edges, rejected[:, :0], rejected)
    closeness = Closeness(4, 1.0, 4.0, 1.0, 5.0)
    evidence = gather_evidence(behaviour, edges, found.co_vectors, found.se_vectors, closeness)
    near = near_strangers(evidence, heard, 40)
    key = pair_key(near, N)
    assert len(key) > 0
    assert len(np.unique(key)) == len(key)
    known = np.concatenate([np.stack([found.candidates.source, found.candidates.target]), rejected], axis=1)
    assert not np.isin(key, pair_key(known, N)).any()
    course, material = course_from_users(heard, LEARNED.alpc, closeness, SkipGram(LEARNED.dims_co, 4, 1), seed=7)
    pool, _ = course.lesson(0).draw_negatives(1 << 40, np.random.default_rng(0))
    half = material.halves[0]
    strangers = near_strangers(half.evidence, heard, LEARNED.alpc.explore)
    false = strangers[:, ~half.told.borne_out(*strangers)]
    assert np.isin(pair_key(false, N), pair_key(pool, N)).mean() > 0.2


def test_no_negative_of_a_lesson_is_a_pair_of_the_examination() -> None:
    entities, behaviour = toy_world()
    found = propose(entities, behaviour, LEARNED, seed=7, encode=encode)
    nothing = np.zeros((2, 0), np.int64)
    edges = semantic_edges(found.candidates, N, LEARNED)
    heard = Heard(behaviour, found.candidates, found.co_vectors, found.se_vectors, edges, nothing, nothing)
    skip = SkipGram(LEARNED.dims_co, LEARNED.window, epochs=1)
    course, _ = course_from_users(heard, LEARNED.alpc, Closeness(4, 1.0, 4.0, 1.0, 5.0), skip, seed=7)
    for place in range(course.lessons):
        lesson = course.lesson(place)
        negative, _ = lesson.draw_negatives(1 << 40, np.random.default_rng(0))
        assert negative.shape[1] == 3 * lesson.positive.shape[1]
        for pairs in (negative, lesson.positive):
            assert not np.isin(pair_key(pairs, course.n), pair_key(course.examination.pairs, course.n)).any()


def test_a_cut_that_nothing_passes_names_the_setting_of_the_model() -> None:
    entities, behaviour = toy_world()
    strict = replace(LEARNED, alpc_cut=1 - 1e-12, alpc=replace(LEARNED.alpc, epochs=1))
    with pytest.raises(RunError) as told:
        mine_behaviour(entities, behaviour, strict, seed=7, encode=encode)
    assert "alpc_cut=0.5" in (told.value.hint or "")


def test_halves_of_the_users_share_nobody_and_keep_events_and_sessions() -> None:
    entity, start = np.array([0, 1, 2, 0, 3]), np.array([0, 2, 4, 5])
    event, session = np.array([0, 0, 1, 2, 3]), np.array([0, 0, 1, 1, 2])
    behaviour = Behaviour(entity, start, 4, event, session)
    even, odd = behaviour.half(0), behaviour.half(1)
    assert even.entity.tolist() == [0, 1, 3]
    assert odd.entity.tolist() == [2, 0]
    assert even.event is not None
    assert even.event.tolist() == [0, 0, 3]
    assert odd.session is not None
    assert odd.session.tolist() == [1, 1]


def test_meeting_in_one_event_session_or_window_is_counted_once_a_user() -> None:
    entity = np.array([0, 1, 2, 0, 1, 0, 1])
    behaviour = Behaviour(
        entity, np.array([0, 5, 7]), 3, np.array([0, 0, 1, 2, 2, 3, 4]), np.array([0, 0, 0, 1, 1, 2, 3])
    )
    together = count_together(behaviour, window=1)
    places = (np.array([0, 0, 1]), np.array([1, 2, 2]))
    assert at(together.event, *places).tolist() == [1, 0, 0]  # twice by the first user
    assert at(together.session, *places).tolist() == [1, 1, 1]
    assert at(together.window, *places).tolist() == [2, 1, 1]  # the second user's mentions lie in two sessions
    assert (together.session != together.session.T).nnz == 0
    unknown = count_together(Behaviour(behaviour.entity, behaviour.start, 3), window=1)
    assert unknown.event.nnz == unknown.session.nnz == 0
    for kind, counted in (("session", together.session), ("event", together.event)):
        blocks = count_pairs(behaviour, window=9, within=kind, mentions_per_block=1)  # type: ignore[arg-type]
        assert (blocks != counted).nnz == 0
    assert together.borne_out(*places).tolist() == [True, False, False]


def test_pair_features_do_not_depend_on_the_order_of_the_question() -> None:
    _, behaviour = toy_world()
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(N, 8)).astype(np.float32)
    nothing = sp.csr_matrix((N, N))
    evidence = gather_evidence(behaviour, nothing, vectors, vectors, Closeness(4, 1.0, 4.0, 1.0, 5.0))
    asked = rng.integers(N, size=(2, 50))
    asked[1, asked[0] == asked[1]] += 1
    asked %= N
    order = rng.permutation(50)
    np.testing.assert_allclose(evidence.features(asked)[order], evidence.features(asked[:, order]), rtol=1e-5)
    np.testing.assert_allclose(evidence.features(asked), evidence.features(asked[::-1]), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(evidence.exposure(asked), evidence.exposure(asked[::-1]))
    assert evidence.spectral is evidence.spectral, "what is read of the whole sample is worked out once"
    assert evidence.information is evidence.information


def test_negatives_are_met_as_often_as_the_positives() -> None:
    rng = np.random.default_rng(1)
    like = rng.normal(2.0, 0.5, size=(400, 2)).astype(np.float32)
    pool = np.concatenate([rng.normal(0.0, 0.5, size=(4000, 2)), rng.normal(2.0, 0.6, size=(600, 2))]).astype(
        np.float32
    )
    drawn = pool[matched(pool, like, 1200, rng)]
    assert drawn.shape == (1200, 2)
    np.testing.assert_allclose(drawn.mean(axis=0), like.mean(axis=0), atol=0.1)
    assert pool.mean() < 0.5
    assert len(matched(like + 50, like, 30, rng)) == 30  # nothing alike: drawn evenly


def test_a_turned_space_is_turned_back() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(30, 5)).astype(np.float32)
    turn, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    np.testing.assert_allclose(aligned((vectors @ turn).astype(np.float32), vectors), vectors, atol=1e-4)


def test_a_killed_mining_run_goes_on_from_its_last_epoch(tmp_path: Path, result: Mined) -> None:
    entities, behaviour = toy_world()
    seen: list[int] = []

    def stop(step: str, done: int, total: int) -> None:  # noqa: ARG001 - the shape of a progress
        if step == "alpc":
            seen.append(done)
            if done == 2 and seen == [1, 2]:
                raise KeyboardInterrupt

    for _ in range(2):
        learning = Learning(folder=tmp_path, progress=stop)
        try:
            again = mine_behaviour(entities, behaviour, LEARNED, seed=7, encode=encode, learning=learning)
        except KeyboardInterrupt:
            assert [p.name for p in tmp_path.glob("*/*")] == ["checkpoint.pt"]
    assert seen == list(range(1, 16))
    assert again.relations.logit.tolist() == result.relations.logit.tolist()
    assert list(tmp_path.iterdir()) == []


def test_the_weeks_that_runs_keep_decide_together_with_this_one(tmp_path: Path, result: Mined) -> None:
    """Week 29 is on disk; week 30 reads its vectors and pairs, trains no old week again, and publishes the ensemble."""
    home, (entities, behaviour) = Home(tmp_path), toy_world()
    config = replace(LEARNED, ensemble=EnsembleConfig(weeks=3, dims=16, hidden=16, epochs=6), device="cpu")
    old = create_run(home.runs, kind="mine", week="2026-W29", as_of=date(2026, 7, 19), config=config, seed=7)
    old.write_table("entities", entities.to_table())
    write_mined(old, entities, result)
    old.finish()
    now = create_run(home.runs, kind="mine", week="2026-W30", as_of=date(2026, 7, 26), config=config, seed=8)
    steps: list[str] = []
    learning = learning_of(home, now, entities, config, lambda step, done, total: steps.append(step))  # noqa: ARG005
    mined = mine_behaviour(entities, behaviour, config, seed=8, encode=encode, learning=learning)
    assert steps.count("alpc") == 15, "one training, of this week; the old one is read"
    assert 0.8 < mined.metrics["ensemble"]["validation_auc"] <= 1.0
    assert mined.metrics["validation_auc"] == mined.metrics["ensemble"]["validation_auc"], "of the stage that decides"
    assert (mined.metrics["validation_of"], result.metrics["validation_of"]) == ("ensemble", "alpc")
    assert mined.metrics["ensemble"]["weeks_scored"] == [True, True]
    assert mined.verdict.stage_two is not None
    assert mined.verdict.stage_two.held is not None
    assert not np.allclose(mined.verdict.stage_two.pairs.logit, mined.verdict.logit)
    assert mined.entity_vectors.shape == (N, 2 * 16)  # weeks 29 and 30
    alone = replace(config, ensemble=replace(config.ensemble, weeks=1))
    learning = learning_of(home, now, entities, alone, silent)
    single = mine_behaviour(entities, behaviour, alone, seed=8, encode=encode, learning=learning)
    assert "ensemble" not in single.metrics
    np.testing.assert_array_equal(single.verdict.logit, mined.verdict.stage_two.pairs.logit)
