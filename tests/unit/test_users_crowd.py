"""A crowd of unlabelled users leans a prompt: by how much, which way, and what seeds of chance cannot do."""

from dataclasses import replace

import numpy as np
import pytest
from tiny_towers import tiny_tower

from audience_trainers.users.measures import auc
from audience_trainers.users.prompt import choose
from audience_trainers.users.prompt.config import PromptConfig
from audience_trainers.users.prompt.crowd import RIDGE, USUAL, read_crowd
from audience_trainers.users.prompt.tune import tune_prompt

SENTENCE = "people who will buy tea"
CONFIG = PromptConfig(steps=4)
DIMS = 16

pytestmark = pytest.mark.usefixtures("one_thread")


def world(seed, plain, *, said=1.0, users=1_500):
    """Users who differ most in a few directions; a tenth are positives: the sentence says a part of why."""
    rng = np.random.default_rng(seed)
    width = np.geomspace(3.0, 0.3, DIMS)
    f = rng.standard_normal((users, DIMS)) * width
    hidden = rng.standard_normal(DIMS) / width
    own, other = f @ plain, f @ hidden
    score = said * own / own.std() + other / other.std() + rng.standard_normal(users)
    f /= np.linalg.norm(f, axis=1, keepdims=True)
    return f.astype(np.float32), score > np.quantile(score, 0.9)


def seeds_of(y, shots, seed):
    rng = np.random.default_rng(seed)
    return (rng.permutation(np.flatnonzero(y == label))[:shots] for label in (True, False))


def test_of_the_way_of_the_seeds_counts_what_the_vector_does_not_say():
    rng = np.random.default_rng(0)
    users = (rng.standard_normal((300, 5)) * [3, 1, 1, 0.5, 0.2] + 1).astype(np.float32)
    plain = np.array([0.6, 0.8, 0, 0, 0], np.float32)
    crowd = read_crowd(users)
    s = np.cov(users.T.astype(np.float64))
    s += RIDGE * np.trace(s) / 5 * np.eye(5)
    np.testing.assert_allclose(crowd.covariance, s, atol=1e-6)
    np.testing.assert_allclose(crowd.whitening @ s @ crowd.whitening, np.eye(5), atol=1e-6)

    p, q = users[:4].astype(np.float64), users[4:13].astype(np.float64)
    way = crowd.whitening @ (p.mean(axis=0) - USUAL * users.mean(axis=0) - (1 - USUAL) * q.mean(axis=0))
    way -= plain * (way @ s @ plain) / (plain @ s @ plain)
    assert way @ s @ plain == pytest.approx(0.0, abs=1e-9)
    wanted = plain / np.sqrt(plain @ s @ plain) + 0.3 * np.sqrt(4) * way / np.sqrt(way @ s @ way)
    found = crowd.lean(plain, users[:4], users[4:13], 0.3)
    np.testing.assert_allclose(found, wanted / np.linalg.norm(wanted), atol=1e-5)

    most = crowd.lean(plain, users[:4], users[4:13], 0.5)
    np.testing.assert_allclose(crowd.lean(plain, users[:4], users[4:13], 9.0), most, atol=1e-6)  # never over 1
    none = np.zeros((0, 5), np.float32)
    usual = crowd.mean[None].astype(np.float32).repeat(9, axis=0)
    wanted = crowd.lean(plain, users[:4], usual, 0.3)
    np.testing.assert_allclose(crowd.lean(plain, users[:4], none, 0.3), wanted, atol=1e-5)
    assert crowd.lean(plain, crowd.mean[None].astype(np.float64), none, 0.3).tolist() == plain.tolist()


def test_the_gain_does_not_fall_with_more_seeds():
    plain = np.random.default_rng(9).standard_normal(DIMS).astype(np.float32)
    plain /= np.linalg.norm(plain)
    gains = {shots: [] for shots in (1, 2, 4, 8, 16)}
    for seed in range(20):
        users, y = world(seed, plain)
        crowd = read_crowd(users)
        before = auc((users @ plain).astype(float), y.astype(np.int8))
        for shots, found in gains.items():
            positive, negative = seeds_of(y, shots, seed)
            leaned = crowd.lean(plain, users[positive], users[negative], CONFIG.lean)
            rest = np.delete(np.arange(len(y)), [*positive, *negative])
            found.append(auc((users[rest] @ leaned).astype(float), y[rest].astype(np.int8)) - before)
    medians = [float(np.median(found)) for found in gains.values()]
    assert medians == sorted(medians)
    assert medians[0] >= 0.0
    assert medians[-1] > 0.02


def test_a_tuned_prompt_is_leaned_and_judged_as_it_is_used():
    tower = tiny_tower("bert", tune="head")
    plain = tower.embed([SENTENCE])[0]
    users, y = world(1, plain, said=0.0)
    crowd = read_crowd(users)
    positive, negative = (users[part] for part in seeds_of(y, 60, 0))
    found = tune_prompt(tower, SENTENCE, positive, negative, CONFIG, crowd=crowd)
    alone = tune_prompt(tower, SENTENCE, positive, negative, replace(CONFIG, lean=0), crowd=crowd)
    assert (found.verdict.kind, found.leaned) == ("seeds separate", True)
    assert found.verdict.auc > found.verdict.plain + 0.05
    assert found.verdict.auc > alone.verdict.auc
    assert not alone.leaned
    same = tune_prompt(tower, SENTENCE, positive, negative, CONFIG)
    assert np.array_equal(same.vector, alone.vector)
    one = tune_prompt(tower, SENTENCE, positive[:1], negative[:1], CONFIG, crowd=crowd)
    assert (one.leaned, one.weight) == (True, 0.0)
    np.testing.assert_allclose(one.vector, crowd.lean(plain, positive[:1], negative[:1], CONFIG.lean), atol=1e-6)


def test_seeds_of_chance_do_not_lean():
    tower = tiny_tower("bert", tune="head")
    users, _ = world(2, tower.embed([SENTENCE])[0])
    found = tune_prompt(tower, SENTENCE, users[:40], users[40:80], CONFIG, crowd=read_crowd(users))
    assert found.verdict.kind == "seeds do not separate"
    assert not found.leaned
    np.testing.assert_allclose(found.vector, found.plain, atol=1e-6)


def test_a_sentence_that_many_seeds_contradict_is_left(monkeypatch):
    tower = tiny_tower("bert", tune="head")
    plain = tower.embed([SENTENCE])[0]
    users, y = world(3, plain, said=-2.0)
    positive, negative = (users[part] for part in seeds_of(y, 20, 0))
    found = tune_prompt(tower, SENTENCE, positive, negative, CONFIG)
    after, before = (auc((users @ v).astype(float), y.astype(np.int8)) for v in (found.vector, plain))
    assert before < 0.3
    assert after > before + 0.2
    assert tune_prompt(tower, SENTENCE, positive[:2], negative[:2], CONFIG).weight < 0.2  # that may be chance
    monkeypatch.setattr(choose, "DOUBTED", 0.0)
    assert tune_prompt(tower, SENTENCE, positive, negative, CONFIG).weight < found.weight
