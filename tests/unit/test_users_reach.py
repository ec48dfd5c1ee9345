"""Sentences to users: the loss written out, its optimum, who is idle, and what activity is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_users_fit import CONFIG, DAYS, everyone_at, write_world

from audience_trainers.users.activity import FEATURES, WINDOWS, read_activity
from audience_trainers.users.alignment.info_nce import info_nce
from audience_trainers.users.alignment.reach import Deeds, reach_loss
from audience_trainers.users.histories import Moments, read_histories
from audience_trainers.users.pairs.build import PairsConfig, build_pairs
from audience_trainers.users.pairs.idle import idle_moments
from audience_trainers.users.source import open_folder

pytestmark = pytest.mark.usefixtures("one_thread")
SCALE = torch.tensor(7.0)


def unit(rng, *shape):
    found = rng.standard_normal(shape)
    return torch.from_numpy((found / np.linalg.norm(found, axis=-1, keepdims=True)).astype(np.float32))


def test_it_is_the_other_direction_of_info_nce_where_everybody_does_a_thing_of_its_own():
    rng = np.random.default_rng(0)
    users, texts = unit(rng, 6, 5), unit(rng, 6, 5)
    alone = {"done": torch.eye(6, dtype=torch.bool), "partly": torch.zeros(6, 6, dtype=torch.bool)}
    found = reach_loss(texts, users, SCALE, offset=torch.zeros(6), **alone)
    assert float(found) == pytest.approx(float(info_nce(texts, users, SCALE)), abs=1e-5)


def test_users_who_do_it_idle_users_and_offsets_are_the_formula():
    rng = np.random.default_rng(1)
    users, texts = unit(rng, 5, 4), unit(rng, 3, 4)
    done = torch.tensor([[1, 0, 1], [0, 1, 0], [0, 1, 1]], dtype=torch.bool)
    partly = torch.tensor([[0, 0, 0], [1, 0, 0], [0, 0, 0]], dtype=torch.bool)
    offset = torch.tensor([0.0, 0, 0, 0.7, 0.7])
    total = 0.0
    for j in range(3):
        logits = [7.0 * float(texts[j] @ users[i]) + float(offset[i]) for i in range(5)]
        kept = [logits[i] for i in range(5) if i > 2 or not partly[j, i]]
        total += np.mean([np.log(np.exp(kept).sum()) - logits[i] for i in range(3) if done[j, i]])
    told = {"done": done, "partly": partly, "offset": offset}
    found = reach_loss(texts, users, SCALE, **told)
    assert float(found) == pytest.approx(total / 3, abs=1e-5)
    parts = [reach_loss(texts, users, SCALE, **told, mine=slice(k, None, 2)) for k in (0, 1)]
    assert float(sum(parts)) == pytest.approx(float(found), abs=1e-6)


def test_the_optimum_is_how_likely_a_user_does_it():
    """Kinds of user do each of 1, 4, 0 things with chance .9; what is learned of one of these things are the chances.

    From one description a pair, users who do more count less; who does nothing is not told from the others.
    """
    rng = np.random.default_rng(2)
    things = np.array([1, 4, 0])

    def learn(*, corrected):
        level = torch.zeros(3, requires_grad=True)
        optimizer = torch.optim.Adam([level], lr=0.05)
        for _ in range(300):
            kind = rng.integers(3, size=60)
            did = (rng.random((60, 4)) < 0.9) & (np.arange(4) < things[kind][:, None])
            pair = np.flatnonzero(did.any(axis=1))
            idle = np.flatnonzero(~did.any(axis=1)) if corrected else pair[:0]
            said = np.array([rng.choice(np.flatnonzero(row)) for row in did[pair]])
            whole = did[pair][:, said].T if corrected else np.eye(len(pair), dtype=bool)
            row = torch.from_numpy(np.flatnonzero(said == 0))  # descriptions of the first thing
            logit = level[torch.from_numpy(kind[np.concatenate([pair, idle])])]
            own = torch.from_numpy(np.pad(whole, ((0, 0), (0, len(idle)))))[row]
            lost = torch.logsumexp(logit, 0) - (own * logit).sum(dim=1) / own.sum(dim=1)
            optimizer.zero_grad()
            lost.mean().backward()
            optimizer.step()
        return level.detach().numpy()

    plain, found = learn(corrected=False), learn(corrected=True)
    assert abs(found[0] - found[1]) < 0.2
    assert found[0] - found[2] > 2
    assert plain[0] - plain[1] > 1
    assert abs(plain[2]) < 0.2


def test_who_does_what_a_description_says(world):
    """Taken from sentences and facts: all of it, some of it, or none."""
    _, pairs, _ = build(world)
    deeds = pairs.facts.deeds()
    rows = np.arange(0, len(pairs), 7)
    told = pairs.tell(rows, np.random.default_rng(0))
    assert [said for said, _ in told] == pairs.sample(rows, np.random.default_rng(0))
    whole, partly = Deeds(deeds.done[rows], (deeds.of([facts for _, facts in told]),)).shared(np.arange(len(rows)), 3)
    facts = pairs.facts
    parts = np.stack([facts.family, facts.outcome, facts.kind, facts.way, facts.value], axis=1).tolist()

    def does(row):
        return {tuple(parts[i]) for i in range(facts.start[row], facts.start[row + 1])}

    for j, (_, chosen) in enumerate(told):
        said = {tuple(parts[i]) for i in chosen}
        assert said <= does(rows[j])
        assert whole[j].tolist() == [said <= does(row) for row in rows]
        assert partly[j].tolist() == [bool(said & does(row)) and not said <= does(row) for row in rows]
    assert whole.sum() > 2 * len(rows)
    assert partly.any()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    write_world(folder)
    return folder


def build(folder, **windows):
    """Return the histories, the pairs and the settings of their windows."""
    config = replace(CONFIG.pairs.windows, **windows)
    with open_folder(folder) as source:
        histories = read_histories(source)
        return histories, build_pairs(source, histories, PairsConfig(windows=config)), config


@pytest.fixture(scope="module")
def built(world):
    return build(world, horizon_days=1, step_days=5)


def test_idle_moments_have_a_past_and_no_described_future(built):
    histories, pairs, windows = built
    idle = idle_moments(pairs, histories, windows, most=10_000, seed=0)
    assert len(idle.moments) > 50
    paired = set(zip(pairs.moments.user.tolist(), pairs.moments.time.tolist(), strict=True))
    here = list(zip(idle.moments.user.tolist(), idle.moments.time.tolist(), strict=True))
    assert len(set(here)) == len(here)
    assert not paired & set(here)
    end = histories.before(idle.moments)
    assert (histories.time[end - 1] >= idle.moments.time - windows.history_days * 86_400).all()
    assert (histories.before(idle.moments) > histories.start[idle.moments.user]).all()
    later = histories.before(Moments(idle.moments.user, idle.moments.time + 86_400))
    assert (later == end).mean() > 0.9  # some did what nobody else did, which is not described
    assert idle.rate[0] == pytest.approx(len(idle.rows("train")) / len(pairs.rows("train")))
    few = idle_moments(pairs, histories, windows, most=7, seed=0)
    assert len(few.rows("train")) == 7
    assert few.rate == idle.rate


def test_users_held_out_are_held_out_of_the_idle_too(built):
    histories, pairs, windows = built
    idle = idle_moments(pairs, histories, windows, most=10_000, seed=0)
    held, taught = (set(idle.moments.user[idle.rows(split)].tolist()) for split in ("validation", "train"))
    assert held
    assert not held & taught
    assert not held & set(pairs.moments.user[pairs.rows("train")].tolist())


def test_activity_counts_what_lies_before(built):
    histories, *_ = built
    moment = everyone_at(20)
    found = read_activity(histories, moment)
    assert found.shape == (len(moment), FEATURES)
    for row in (0, 7, 99):
        own = histories.time[histories.start[row] : histories.start[row + 1]]
        past = own[own < moment.time[row]]
        ago = (moment.time[row] - past) / 86_400
        wanted = [*((ago <= days).sum() for days in WINDOWS), len(past), ago.min(), ago.max()]
        assert np.allclose(found[row], np.log1p(wanted) / np.log1p(1_000.0), atol=1e-5)
    before = Moments(moment.user, np.full(len(moment), int(histories.time.min())))
    assert not read_activity(histories, before).any()
    assert (read_activity(histories, everyone_at(DAYS))[:, 5] >= found[:, 5]).all()
