"""Skip-gram vectors: what counts as a pair, one step against its derivative, planted groups, equal runs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from audience_trainers.relations import skipgram
from audience_trainers.relations.behaviour import Behaviour
from audience_trainers.relations.skipgram import BLOCK, NEVER, SkipGram, read_blocks, skip_gram, train
from audience_trainers.relations.topn import centred, top_n, unit_rows

GROUPS, SIZE = 10, 6
N = GROUPS * SIZE


def planted(users: int = 600, seed: int = 0) -> Behaviour:
    rng = np.random.default_rng(seed)
    group = rng.integers(0, GROUPS, (users, 1))
    entity = group * SIZE + rng.integers(0, SIZE, (users, 12))
    return Behaviour(entity.ravel().astype(np.int64), np.arange(users + 1) * 12, N + 1)


def random_step(seed: int = 0) -> skipgram._Step:
    rng = np.random.default_rng(seed)
    entity = rng.integers(0, 9, (3, BLOCK))
    user = np.sort(rng.integers(NEVER, 4, (3, BLOCK)), axis=1).astype(np.int32)
    reach = rng.integers(1, 6, (3, BLOCK), dtype=np.int8)
    return skipgram._Step(*(torch.from_numpy(a) for a in (entity, user, reach, rng.integers(0, 9, 5))))


def test_a_pair_is_two_entities_of_one_user_inside_the_reach_of_the_centre() -> None:
    step = random_step()
    expected = np.zeros((3, BLOCK, BLOCK), bool)
    for b in range(3):
        for i in range(BLOCK):
            for j in range(BLOCK):
                expected[b, i, j] = (
                    step.user[b, i] == step.user[b, j]
                    and step.user[b, i] != NEVER
                    and abs(i - j) <= int(step.reach[b, i])
                    and step.entity[b, i] != step.entity[b, j]
                )
    assert expected.any()
    np.testing.assert_array_equal(step.pairs().numpy(), expected)


def test_a_step_climbs_the_derivative_of_the_objective() -> None:
    step, weight = random_step(1), 0.5
    generator = torch.Generator().manual_seed(0)
    w, v = (torch.randn(9, 4, generator=generator, dtype=torch.float64).requires_grad_() for _ in range(2))
    pairs = step.pairs()
    inner = w[step.entity] @ v[step.entity].transpose(1, 2)
    away = torch.nn.functional.logsigmoid(-(w[step.entity] @ v[step.noise].T))  # (b, 32, k)
    gain = torch.nn.functional.logsigmoid(inner)[pairs].sum() + weight * (away * pairs.sum(2)[:, :, None]).sum()
    gain.backward()
    rows = [skipgram._Rows.of(m.detach().clone(), "cpu") for m in (w, v)]
    skipgram._learn(*rows, step, weight=weight, rate=0.1)
    for matrix, moved in zip((w, v), rows, strict=True):
        assert matrix.grad is not None
        scale = 0.1 / (1e-8 + matrix.grad.square().mean(dim=1)).sqrt()
        torch.testing.assert_close(moved.value - matrix.detach(), matrix.grad * scale[:, None])


@pytest.mark.parametrize("seed", range(3))
def test_blocks_hold_every_mention_once_and_rare_entities_stay(seed: int) -> None:
    behaviour, rng = planted(40), np.random.default_rng(seed)
    count = np.bincount(behaviour.entity, minlength=behaviour.entities)
    entity, user = read_blocks(behaviour, count, 1.0, rng)
    real = user.ravel() != NEVER
    np.testing.assert_array_equal(entity.ravel()[real], behaviour.entity)
    np.testing.assert_array_equal(user.ravel()[real], behaviour.user())
    often = Behaviour(np.repeat(np.array([0, 1]), [9_000, 10]), np.array([0, 9_010]), 2)
    read, owner = read_blocks(often, np.array([9_000, 10]), 1e-2, rng)
    kept = np.bincount(read[owner != NEVER], minlength=2)
    assert kept[1] == 10
    assert 500 < kept[0] < 1_500  # sqrt(.01) + .01 of them


def test_planted_groups_are_neighbours_and_an_unseen_entity_has_no_vector() -> None:
    vectors = skip_gram(planted(), dims=16, window=5, epochs=8, seed=3)
    assert not vectors[N].any()
    assert vectors[:N].any(axis=1).all()
    source, target = top_n(unit_rows(centred(vectors)), SIZE - 1)
    assert len(source) == N * (SIZE - 1)
    assert (source // SIZE == target // SIZE).mean() > 0.95


def test_parts_and_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    how = SkipGram(dims=8, window=3, epochs=2)
    first = train(planted(100), how, seed=1)
    np.testing.assert_array_equal(first, train(planted(100), how, seed=1))
    assert not np.array_equal(first, train(planted(100), how, seed=2))
    monkeypatch.setattr(skipgram, "MENTIONS_PER_PART", 200)
    in_parts = train(planted(100), how, seed=1)
    assert np.isfinite(in_parts).all()
    assert not np.array_equal(first, in_parts)
    nothing = Behaviour(np.zeros(0, np.int64), np.zeros(1, np.int64), 4)
    assert train(nothing, how, seed=1).tolist() == [[0.0] * 8] * 4
