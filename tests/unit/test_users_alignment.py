"""Fusion of modalities, the contrastive loss as printed, and a training that aligns users with sentences."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from audience_graph.errors import ConfigError
from audience_trainers.users.alignment.aligned import Described, join_sides
from audience_trainers.users.alignment.config import AlignConfig
from audience_trainers.users.alignment.info_nce import Temperature, info_nce
from audience_trainers.users.alignment.train import Material, align
from audience_trainers.users.behaviour.batches import Reading
from audience_trainers.users.behaviour.config import BehaviourConfig
from audience_trainers.users.behaviour.encoder import DAY, BehaviourEncoder
from audience_trainers.users.fusion import Concatenation, Fusion, drop_modalities
from audience_trainers.users.histories import EventBlock
from audience_trainers.users.inputs import UserInputs
from audience_trainers.users.training import TrainOptions

pytestmark = pytest.mark.usefixtures("one_thread")

BEHAVIOUR = BehaviourConfig(dims=16, layers=1, heads=2, width=4, dropout=0.0)
SMALL = AlignConfig(dims=8, layers=1, drop=0.0, views=2, batch=16, epochs=4, learning_rate=3e-3, warm=0.1)
TEXTS = 6


def plain_info_nce(users, texts, scale, same):
    """Write eq. 13 out, pair by pair."""
    total = 0.0
    for i, user in enumerate(users):
        s = [scale * float(user @ text) / (np.linalg.norm(user) * np.linalg.norm(text)) for text in texts]
        against = [math.exp(v) for j, v in enumerate(s) if j == i or same[j] != same[i]]
        total -= math.log(math.exp(s[i]) / sum(against))
    return total / len(users)


@pytest.mark.parametrize("block", [0, 1, 3, 100])
@pytest.mark.parametrize("same", [[0, 1, 2, 3, 4, 5, 6], [0, 1, 0, 3, 3, 3, 6]])
def test_info_nce_is_equation_13_whatever_the_block(block, same):
    rng = np.random.default_rng(1)
    users, texts = rng.standard_normal((2, 7, 5))
    wanted = plain_info_nce(users, texts, 4.0, same)
    back = plain_info_nce(texts, users, 4.0, same)
    given = (torch.from_numpy(users), torch.from_numpy(texts), torch.tensor(4.0))
    options = {"same": torch.tensor(same), "block": block}

    assert float(info_nce(*given, **options)) == pytest.approx(wanted, abs=1e-5)
    assert float(info_nce(*given, **options, both=True)) == pytest.approx((wanted + back) / 2, abs=1e-5)


def test_blocks_give_the_gradients_of_the_whole():
    torch.manual_seed(0)
    found = []
    values = torch.randn(2, 9, 4)
    for block in (0, 4):
        users, texts = (v.clone().requires_grad_() for v in values)
        scale = torch.tensor(10.0, requires_grad=True)
        info_nce(users, texts, scale, both=True, block=block).backward()
        found.append(torch.cat([users.grad.flatten(), texts.grad.flatten(), scale.grad.view(1)]))
    assert torch.allclose(*found, atol=1e-6)


def test_blocks_keep_a_fraction_of_the_logits():
    """What is saved for the gradient, counted: the dense loss keeps b x b logits, a blocked one none."""

    def saved(block):
        count = 0

        def pack(tensor):
            nonlocal count
            count += tensor.numel() if tensor.numel() >= 64 * 1024 else 0
            return tensor

        users, texts = torch.randn(2, 1_024, 8, requires_grad=True)
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            loss = info_nce(users, texts, torch.tensor(10.0), block=block)
        return count, float(loss.detach())

    torch.manual_seed(0)
    dense, loss = saved(0)
    torch.manual_seed(0)
    blocked, same_loss = saved(64)
    assert blocked <= dense / 8
    assert dense >= 1_024**2
    assert same_loss == pytest.approx(loss, abs=1e-3)


def test_the_scale_is_clamped():
    temperature = Temperature(0.07)
    assert float(temperature().detach()) == pytest.approx(1 / 0.07)
    with torch.no_grad():
        temperature.log_scale.fill_(20.0)
    assert float(temperature().detach()) == 100.0


def parts_of(b=5, d=16):
    torch.manual_seed(2)
    return [torch.randn(b, 2, d), torch.randn(b, 1, d), torch.randn(b, 3, d)]


@pytest.mark.parametrize("kind", [Fusion, Concatenation])
def test_a_missing_modality_is_never_read(kind):
    fusion = kind(3, 16, 8).eval()
    parts = parts_of()
    present = [torch.tensor(row) for row in ([1, 1, 1, 0, 0], [1, 0, 1, 1, 0], [1, 1, 0, 0, 0])]
    present = [row.bool() for row in present]
    other = [
        torch.where(has.view(-1, 1, 1), part, 1e3 * torch.ones_like(part))
        for part, has in zip(parts, present, strict=True)
    ]

    found, again = fusion(parts, present), fusion(other, present)

    assert torch.equal(found, again)
    assert torch.isfinite(found).all()  # the last user has nothing at all
    assert not torch.allclose(found[0], found[1])


def test_modalities_hear_each_other():
    fusion = Fusion(3, 16, 8, layers=2).eval()
    parts, everybody = parts_of(), [torch.ones(5, dtype=torch.bool)] * 3
    changed = [parts[0], torch.randn_like(parts[1]), parts[2]]
    heard = [
        fusion.layers[0](torch.cat(p, dim=1), fusion.nothing.expand(5, 1, -1), seen_by_others(p))
        for p in (parts, changed)
    ]
    assert not torch.allclose(heard[0][:, :2], heard[1][:, :2])
    assert not torch.allclose(fusion(parts, everybody), fusion(changed, everybody))


def seen_by_others(parts):
    owner = torch.repeat_interleave(torch.arange(len(parts)), torch.tensor([p.shape[1] for p in parts]))
    return (owner.unsqueeze(0) != owner.unsqueeze(1)).unsqueeze(0).expand(len(parts[0]), -1, -1)


def test_dropping_leaves_a_user_something():
    torch.manual_seed(0)
    present = torch.tensor([[True, True, True], [True, False, False], [False, False, False]]).repeat(200, 1)
    kept = drop_modalities(present, 0.5)
    assert (kept <= present).all()
    assert (kept.any(dim=1) == present.any(dim=1)).all()
    assert 0.4 < kept[0::3].float().mean() < 0.65


def material_of(p=96, seed=0):
    """Users whose events are of one text, described by a sentence about that text."""
    rng = np.random.default_rng(seed)
    likes = rng.integers(TEXTS, size=p)
    time = 1_700_000_000 + np.cumsum(rng.integers(60, DAY, (p, 4)), axis=1)
    block = EventBlock(np.tile(likes[:, None], (1, 4)), np.zeros((p, 4), np.int64), time, rng.integers(0, 5, p))
    vectors = np.eye(TEXTS, dtype=np.float32)
    searched = (rng.random(p) < 0.5) | (block.length == 0)
    search = np.where(searched[:, None], vectors[likes], 0).astype(np.float32)
    inputs = UserInputs(Reading(block, time.max(axis=1) + DAY, vectors), search, searched)
    sentences = [[f"people who buy {text}", f"buyers of {text}"] for text in likes]
    described = Described.of(sentences, lambda texts: vectors[[int(text.split()[-1]) for text in texts]])
    return Material(inputs, described, np.arange(p - 32), np.arange(p - 32, p)), likes


def model_of(config=SMALL, seed=0):
    torch.manual_seed(seed)
    return join_sides(BehaviourEncoder(TEXTS, 1, BEHAVIOUR), None, config, text_dims=TEXTS)


def test_before_anything_is_learned_users_lie_by_what_they_read_about():
    material, likes = material_of()
    config = replace(SMALL, dims=32)
    model = model_of(config)
    users, texts = model.users.embed(material.inputs), model.embed_texts(np.eye(TEXTS, dtype=np.float32))
    read = material.inputs.reading.block.length > 0
    assert ((users @ texts.T).argmax(axis=1) == likes)[read].mean() > 0.99
    assert model_of(replace(config, anchor=False)).users.anchor is None


@pytest.mark.parametrize("fusion", ["attention", "concatenation"])
def test_users_come_to_lie_by_the_sentences_about_them(fusion):
    material, likes = material_of(256)
    config = replace(SMALL, fusion=fusion, epochs=40, patience=40, learning_rate=1e-2)
    trained = align(model_of(config), material, config, TrainOptions())

    users = trained.model.users.embed(material.inputs)
    texts = trained.model.embed_texts(np.eye(TEXTS, dtype=np.float32))

    assert np.allclose(np.linalg.norm(users, axis=1), 1.0, atol=1e-5)
    assert ((users @ texts.T).argmax(axis=1) == likes).mean() > 0.99  # of users held out too


def test_embedding_does_not_depend_on_the_batch():
    material, _ = material_of()
    users = model_of().users
    assert np.allclose(users.embed(material.inputs, batch=7), users.embed(material.inputs, batch=96), atol=1e-5)


class Stopped(Exception):
    pass


def test_a_stopped_training_goes_on_to_the_same_end(tmp_path):
    material, _ = material_of()

    def stop(step, done, total):  # noqa: ARG001
        if done == 2:
            raise Stopped

    whole = align(model_of(), material, SMALL, TrainOptions())
    with pytest.raises(Stopped):
        align(model_of(), material, SMALL, TrainOptions(folder=tmp_path, progress=stop))
    again = align(model_of(seed=3), material, SMALL, TrainOptions(folder=tmp_path))

    assert again.curves == whole.curves
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, again.model.state_dict()[name])


def test_equal_sentences_are_encoded_once():
    asked = []

    def encode(texts):
        asked.extend(texts)
        return np.zeros((len(texts), 3), np.float32)

    described = Described.of([["a", "b"], ["b", "c"]], encode)
    assert asked == ["a", "b", "c"]
    assert described.text.tolist() == [[0, 1], [1, 2]]
    assert described.sentences == ("a", "b", "c")


def test_too_few_pairs_and_wrong_settings_are_refused():
    material, _ = material_of()
    with pytest.raises(ConfigError, match="1 pairs to train"):
        replace(material, training=np.arange(1))
    for wrong in ({"fusion": "sum"}, {"batch": 1}, {"drop": 1.0}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            replace(SMALL, **wrong)
