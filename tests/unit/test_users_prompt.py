"""Prompt tuning: the triplet loss as printed, what a few seeds can and cannot do, and prompts kept by name."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_towers import tiny_tower

from audience_graph.errors import ConfigError
from audience_trainers.users.measures import auc
from audience_trainers.users.prompt.config import PromptConfig
from audience_trainers.users.prompt.folds import draw_folds, held_out_loss, held_out_wins
from audience_trainers.users.prompt.soft_prompt import SoftPrompt
from audience_trainers.users.prompt.triplet import triplet_loss
from audience_trainers.users.prompt.tune import tune_prompt
from audience_trainers.users.prompt.verdict import judge_seeds, wilson_interval

SENTENCE = "people who will buy tea"
CONFIG = PromptConfig(steps=8)

pytestmark = pytest.mark.usefixtures("one_thread")


def plain_triplet(query, positive, negative, margin):
    """Write eq. 14 out, pair by pair."""
    total = 0.0
    for near in positive:
        for far in negative:
            total += max(0.0, float(((query - near) ** 2).sum() - ((query - far) ** 2).sum()) + margin)
    return total


def test_the_triplet_loss_is_equation_14():
    rng = np.random.default_rng(0)
    queries, positive, negative = (rng.standard_normal((n, 5)) for n in (2, 3, 4))
    given = [torch.from_numpy(part) for part in (queries, positive, negative)]
    wanted = [plain_triplet(query, positive, negative, 0.7) for query in queries]
    assert triplet_loss(*given, 0.7).tolist() == pytest.approx(wanted, abs=1e-5)
    assert float(triplet_loss(given[0][0], *given[1:], 0.7)) == pytest.approx(wanted[0], abs=1e-5)
    kept = torch.ones(2, 3, 4, dtype=torch.bool)
    kept[0, 2], kept[1, :, 1:] = False, False
    found = triplet_loss(*given, 0.7, kept=kept).tolist()
    assert found[0] == pytest.approx(plain_triplet(queries[0], positive[:2], negative, 0.7), abs=1e-5)
    assert found[1] == pytest.approx(plain_triplet(queries[1], positive, negative[:1], 0.7), abs=1e-5)


@pytest.mark.parametrize("name", ["albert", "bert", "qwen2"])
def test_tokens_stand_in_front_of_the_sentence(name):
    tower = tiny_tower(name).eval()
    prompt = SoftPrompt(tower, SENTENCE)
    assert prompt.lead == (1 if name in {"albert", "bert"} else 0)
    with torch.no_grad():
        none = prompt.read(torch.zeros(1, 0, prompt.embeddings.shape[1]))
        words = prompt.start(3, "will buy", torch.Generator())
        found = prompt.read(words.expand(2, -1, -1))
    np.testing.assert_allclose(none.numpy(), tower.embed([SENTENCE]), atol=1e-5)
    assert torch.equal(found[0], found[1])
    if name != "qwen2":  # its letters, not its words, are tokens
        np.testing.assert_allclose(found[:1].numpy(), tower.embed(["will buy will " + SENTENCE]), atol=1e-5)
    noise = [prompt.start(3, " ", torch.Generator().manual_seed(i)) for i in (1, 1, 2)]
    assert torch.equal(noise[0], noise[1])
    assert not torch.equal(noise[0], noise[2])
    long = SoftPrompt(tower, "tea " * 500)
    assert long.read(torch.zeros(1, 30, long.embeddings.shape[1])).shape == (1, 16)  # still fits the encoder


def audience(tower, seed, *, noise=0.6, users=400):
    """Users half of whom lie on a hidden side of the sentence's own direction; returns vectors and labels."""
    rng = np.random.default_rng(seed)
    dims = tower.config.dims
    hidden = rng.standard_normal(dims)
    y = rng.random(users) < 0.5
    plain = tower.embed([SENTENCE])[0].astype(np.float64)
    hidden = 0.35 * plain + 0.9 * hidden / np.linalg.norm(hidden)
    f = np.where(y[:, None], hidden, -hidden) + noise * rng.standard_normal((users, dims))
    return (f / np.linalg.norm(f, axis=1, keepdims=True)).astype(np.float32), y


def gain(tower, seed, shots, config=CONFIG):
    users, y = audience(tower, seed)
    rng = np.random.default_rng(seed)
    positive, negative = (rng.permutation(np.flatnonzero(y == label))[:shots] for label in (True, False))
    prompt = tune_prompt(tower, SENTENCE, users[positive], users[negative], config)
    rest = np.ones(len(y), bool)
    rest[positive] = rest[negative] = False
    after, before = (
        auc((users[rest] @ v).astype(float), y[rest].astype(np.int8)) for v in (prompt.vector, prompt.plain)
    )
    return after - before, prompt


def test_more_seeds_help_more_and_a_few_do_no_harm():
    tower = tiny_tower("bert", tune="head")
    gains = {shots: np.array([gain(tower, seed, shots)[0] for seed in range(8)]) for shots in (1, 2, 4, 16)}
    medians = [float(np.median(found)) for found in gains.values()]
    assert medians[0] >= 0.0
    assert gains[1].mean() >= 0.0
    assert gains[2].mean() >= -0.005
    assert medians == sorted(medians)
    assert medians[-1] > 0.05


def test_the_tower_stays_as_it_is_and_the_answer_repeats_itself():
    tower = tiny_tower("bert").train()
    before = {name: value.clone() for name, value in tower.state_dict().items()}
    found = [gain(tower, 1, 5)[1] for _ in range(2)]
    assert all(torch.equal(value, before[name]) for name, value in tower.state_dict().items())
    assert all(p.grad is None for p in tower.parameters())
    assert tower.training
    assert np.array_equal(found[0].vector, found[1].vector)
    assert np.array_equal(found[0].tokens, found[1].tokens)
    assert float(np.linalg.norm(found[0].vector)) == pytest.approx(1.0, abs=1e-5)
    assert found[0].tokens.shape == (8, 24)


def test_seeds_of_chance_leave_the_sentence_and_it_is_said():
    tower = tiny_tower("bert", tune="head")
    rng = np.random.default_rng(3)
    users = rng.standard_normal((80, 16)).astype(np.float32)
    users /= np.linalg.norm(users, axis=1, keepdims=True)
    prompt = tune_prompt(tower, SENTENCE, users[:40], users[40:], CONFIG)
    assert prompt.verdict.kind == "seeds do not separate"
    assert "no better than chance" in prompt.verdict.reason
    assert f"{prompt.verdict.auc:.2f}" in prompt.verdict.reason
    assert prompt.weight == 0.0
    np.testing.assert_allclose(prompt.vector, prompt.plain, atol=1e-6)


def test_verdicts_name_the_measured_reason():
    tower = tiny_tower("bert", tune="head")
    one = gain(tower, 0, 1)[1]
    assert one.verdict.kind == "too few seeds"
    assert "1 positive and 1 negative" in one.verdict.reason
    assert np.isnan(one.verdict.auc)
    assert one.weight == 0.0
    many = gain(tower, 0, 20)[1].verdict
    assert many.kind == "seeds separate"
    assert many.low > 0.5
    assert many.auc > many.plain
    assert judge_seeds(3, 3, auc=0.9, plain=0.5).kind == "too few seeds"
    assert judge_seeds(300, 300, auc=0.52, plain=0.5).kind == "seeds do not separate"
    low, high = wilson_interval(1.0, 5)
    assert (round(low, 3), high) == (0.566, 1.0)


def test_folds_leave_seeds_out_of_their_training_alone():
    rng = np.random.default_rng(0)
    for positives, negatives in ((2, 2), (2, 7), (5, 5), (40, 3)):
        folds = draw_folds(positives, negatives, 8, rng)
        assert not folds.positive[0].any()
        assert not folds.negative[0].any()
        assert folds.positive[1:].any(axis=1).all()
        assert folds.trained().any(axis=(1, 2)).all()
        assert not (folds.trained() & folds.compared()).any()
    assert len(draw_folds(1, 9, 8, rng).positive) == 1
    folds = draw_folds(2, 2, 1, rng)
    positive, negative = np.zeros((2, 2)), np.zeros((2, 2))
    held = folds.positive[1].argmax(), folds.negative[1].argmax()
    positive[1, held[0]], negative[1, held[1]] = 0.3, 0.1
    assert held_out_wins(positive, negative, folds)[0].tolist() == [0.0, 1.0]
    assert held_out_loss(positive[None], negative[None], folds)[0, 1] == pytest.approx(np.log1p(np.exp(-1.0)))


def test_unlabelled_users_near_the_sentence_stand_in_for_negatives():
    tower = tiny_tower("bert", tune="head")
    users, y = audience(tower, 2)
    none = np.zeros((0, 16), np.float32)
    with pytest.raises(ConfigError, match="3 positive and 0 negative"):
        tune_prompt(tower, SENTENCE, users[y][:3], none, CONFIG, unlabelled=users)
    config = replace(CONFIG, hard=4)
    prompt = tune_prompt(tower, SENTENCE, users[y][:3], none, config, unlabelled=users[~y])
    near = users[~y][np.argsort(-(users[~y] @ prompt.plain))[:4]]
    assert (near @ (prompt.vector - prompt.plain)).mean() < 0  # the prompt went away from them
    with pytest.raises(ConfigError, match=r"users of shape \(2, 5\)"):
        tune_prompt(tower, SENTENCE, users[:2], users[:2, :5], CONFIG)
    with pytest.raises(ConfigError, match="setting margin"):
        PromptConfig(margin=0)
