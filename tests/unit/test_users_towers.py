"""Large-batch alignment: the gradient cache, shares of a loss, towers that train alike on any number of processes."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from tiny_alignment import CONFIG, LIKES, align, material_of, towers

from audience_graph.errors import ConfigError
from audience_trainers.processes import Processes
from audience_trainers.users.alignment.aligned import Described
from audience_trainers.users.alignment.gradient_cache import Chunk, embed_in_chunks, seeded
from audience_trainers.users.alignment.info_nce import info_nce
from audience_trainers.users.alignment.reach import Deeds
from audience_trainers.users.alignment.retrieval import retrieval_measures
from audience_trainers.users.alignment.train import Step
from audience_trainers.users.training import TrainOptions

pytestmark = pytest.mark.usefixtures("one_thread")


def users_of(model):
    """Return what embeds the users of some rows, and 24 rows."""
    material = material_of()
    return lambda rows: model.users(material.inputs, rows), material.training[:24]


def gradients(model, loss):
    model.zero_grad()
    loss.backward()
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.requires_grad and p.grad is not None])


@pytest.mark.parametrize("name", ["bert", "qwen2"])
def test_the_cache_gives_the_gradients_of_the_plain_pass(name):
    material = material_of()
    model = towers(name=name).eval()  # no dropout
    step = Step(model, material, CONFIG, TrainOptions(), Processes())
    batch = material.training[:24]
    cached = step.loss(batch, 0)
    found = gradients(model, cached)

    said = [material.described.sentences[i] for i in material.described.text[batch, 0]]
    same = torch.tensor([sorted(set(said)).index(sentence) for sentence in said])
    users = model.users(material.inputs, batch)
    plain = info_nce(users, model.tower(said), model.temperature(), same=same, both=True)
    wanted = gradients(model, plain)

    assert float(cached.detach()) == pytest.approx(float(plain.detach()), abs=1e-5)
    assert float(wanted.abs().max()) > 1e-3
    assert torch.allclose(found, wanted, atol=1e-5)


def test_both_passes_draw_the_same_dropout():
    model = towers(dropout=0.5).train()
    embed, rows = users_of(model)
    chunks = [Chunk(part, 100 + i) for i, part in enumerate(np.array_split(rows, 3))]
    seen = []
    model.users.net[2].register_forward_hook(lambda module, given, found: seen.append(found.detach()))  # noqa: ARG005
    state = torch.random.get_rng_state()
    cached = embed_in_chunks(embed, chunks, dims=16, device="cpu")
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.rand(5)  # somebody else draws between the passes
    found = gradients(model, (cached * torch.arange(16)).pow(2).sum())
    assert len(seen) == 6
    assert not torch.equal(seen[0] == 0, seen[1] == 0)  # each chunk has a draw of its own
    assert all(torch.equal(first, second) for first, second in zip(seen[:3], seen[3:], strict=True))
    assert 0.3 < float((seen[0] == 0).float().mean()) < 0.7

    parts = []
    for chunk in chunks:
        with seeded(chunk.seed, "cpu"):
            parts.append(embed(chunk.part))
    wanted = gradients(model, (torch.cat(parts) * torch.arange(16)).pow(2).sum())
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-3)  # of sums of some thousands


def test_the_first_pass_keeps_no_activations():
    embed, rows = users_of(towers())
    kept = []
    chunks = [Chunk(part, i) for i, part in enumerate(np.array_split(rows, 3))]
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()) or t, lambda t: t):
        embed_in_chunks(embed, chunks, dims=16, device="cpu")
        assert kept == []
        embed(rows)
        assert sum(kept) > 24 * 32


def test_bf16_reaches_both_passes():
    model = towers(dropout=0.0)
    embed, rows = users_of(model)
    types = []
    model.users.net[0].register_forward_hook(lambda module, given, found: types.append(found.dtype))  # noqa: ARG005
    chunks = [Chunk(rows, 0)]
    found = []
    for half in (True, False):
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            cached = embed_in_chunks(embed, chunks, dims=16, device="cpu")
        found.append(gradients(model, cached.pow(2).sum()))
    assert types == [torch.bfloat16] * 2 + [torch.float32] * 2
    assert float(torch.cosine_similarity(*found, dim=0)) > 0.999


@pytest.mark.parametrize("block", [0, 3])
def test_shares_add_up_to_the_loss_and_its_gradients(block):
    torch.manual_seed(0)
    values = torch.randn(2, 11, 4)
    options = {"same": torch.tensor([0, 1, 2, 0, 4, 5, 6, 7, 8, 1, 10]), "both": True}
    found = []
    for slices in ([slice(None)], [Processes(i, 12).mine(11) for i in range(12)]):
        users, texts, scale = (v.clone().requires_grad_() for v in (*values, torch.tensor(5.0)))
        size = 0 if len(slices) == 1 else block
        loss = sum(info_nce(users, texts, scale, **options, block=size, mine=mine) for mine in slices)
        loss.backward()
        found.append(torch.cat([loss.detach().view(1), users.grad.ravel(), texts.grad.ravel(), scale.grad.view(1)]))
    assert torch.allclose(*found, atol=1e-6)


def test_the_loss_stays_exact_under_autocast():
    torch.manual_seed(0)
    users, texts = torch.randn(2, 32, 8)
    with torch.autocast("cpu", torch.bfloat16):
        halves = [float(info_nce(users, texts, torch.tensor(100.0), block=block)) for block in (0, 5)]
    assert halves == pytest.approx([float(info_nce(users, texts, torch.tensor(100.0)))] * 2, rel=1e-6)


def test_retrieval_and_auc_are_those_of_the_scores():
    users = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [1.0, 0.2]])
    texts = torch.eye(2)
    found = retrieval_measures([(users, texts, torch.tensor([0, 0, 1, 1]))])
    assert found["retrieval"] == pytest.approx(0.75)  # the last user lies by the wrong text
    assert found["auc"] == pytest.approx(1.0)  # and yet each text ranks its own users first
    assert np.isnan(retrieval_measures([(users, texts[:1], torch.zeros(4, dtype=torch.long))])["auc"])


def test_users_and_sentences_find_each_other_and_a_sentence_is_read_once():
    material = material_of()
    rows = material.training[:24]
    _, texts, place = Step(towers(), material, CONFIG, TrainOptions(), Processes()).vectors(rows, 0)
    assert len(texts) <= len(LIKES) < len(rows)
    said = material.described.text[rows, 0]
    assert ((place.unsqueeze(0) == place.unsqueeze(1)).numpy() == (said[:, None] == said)).all()

    trained = align(epochs=25, patience=25)
    last = {name: value for epoch, name, value in trained.curves if epoch == 25}
    assert last["retrieval"] > 0.99
    assert last["auc"] > 0.99
    users, texts, place = Step(trained.model, material, CONFIG, TrainOptions(), Processes()).vectors(rows, 0)
    assert retrieval_measures([(users, texts, place)])["retrieval"] > 0.99
    before, after = towers().state_dict(), trained.model.state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert any("lora_A" in name for name in moved)
    assert any(name.startswith("users.") for name in moved)
    assert not any("base_layer" in name for name in moved)


def test_the_same_seed_gives_the_same_weights_and_a_killed_run_goes_on(tmp_path):
    whole = align()
    ended = subprocess.run(command("kill", tmp_path), env=environment(), check=False)
    assert ended.returncode == -signal.SIGKILL
    kept = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert not any("base_layer" in name for name in kept["model"])  # frozen weights are not kept
    again = align(folder=tmp_path)
    assert again.curves == whole.curves
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, again.model.state_dict()[name]), name


def test_two_processes_train_as_one_with_dropout_too(tmp_path):
    alone = align()
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    subprocess.run(
        launch + command("two", tmp_path)[1:], env=environment(), check=True, capture_output=True, timeout=300
    )
    curves, weights = torch.load(tmp_path / "two.pt", weights_only=True)
    for (epoch, name, value), (other_epoch, other_name, other) in zip(alone.curves, curves, strict=True):
        assert (epoch, name) == (other_epoch, other_name)
        assert value == pytest.approx(other, rel=1e-4, abs=1e-4), (epoch, name)
    for name, value in alone.model.state_dict().items():
        torch.testing.assert_close(weights[name], value, rtol=1e-3, atol=1e-4)


def command(*arguments: object) -> list[str]:
    return [sys.executable, str(Path(__file__).with_name("tiny_alignment.py")), *map(str, arguments)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}


def test_training_in_bf16_finds_them_too():
    trained = align(bf16=True, epochs=20, patience=20)
    assert np.isfinite([value for _, _, value in trained.curves]).all()
    assert trained.curves[-1][2] > 0.9  # auc


def test_wrong_settings_and_too_few_rows_are_refused():
    for wrong in ({"batch": 1}, {"chunk": -1}, {"warm": 2}, {"pairs": -1}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            replace(CONFIG, **wrong)
    with pytest.raises(ConfigError, match="1 pairs to train"):
        replace(material_of(), training=np.arange(1))
    with pytest.raises(ConfigError, match="2 processes share a batch by its chunks"):
        Step(towers(), material_of(), replace(CONFIG, chunk=0), TrainOptions(), Processes(0, 2))


def test_a_batch_of_one_chunk_is_read_once_and_gives_the_same():
    material, counts = material_of(), []
    losses = []
    for chunk in (7, 24, 1_000, 0):
        model = towers(dropout=0.0).train()
        model.users.register_forward_hook(lambda module, given, found: counts.append(len(found)))  # noqa: ARG005
        step = Step(model, material, replace(CONFIG, chunk=chunk), TrainOptions(), Processes())
        loss = step.loss(material.training[:24], 1)
        losses.append((float(loss.detach()), *gradients(model, loss).tolist()))
    assert counts == [7, 7, 7, 3] * 2 + [24] * 3
    np.testing.assert_allclose(losses, np.tile(losses[-1], (4, 1)), atol=1e-5)


def test_equal_descriptions_are_negatives_only_if_asked():
    material = material_of()
    losses = []
    for mask in (True, False):
        step = Step(towers().eval(), material, replace(CONFIG, mask_equal=mask), TrainOptions(), Processes())
        losses.append(float(step.loss(material.training[:24], 0).detach()))
    assert losses[0] < losses[1] - 0.1


def test_the_search_for_users_is_a_part_of_the_loss():
    material = material_of()
    likes = sp.csr_matrix(np.eye(len(LIKES), dtype=np.float32)[material.inputs.argmax(dim=1).numpy()])
    material = replace(material, deeds=Deeds(likes, (likes,)))

    def loss(**changes):
        step = Step(towers().eval(), material, replace(CONFIG, **changes), TrainOptions(), Processes())
        return float(step.loss(material.training[:24], 0).detach())

    own, search, mixed = loss(reach=0.0), loss(reach=1.0), loss(reach=0.25)
    assert own == pytest.approx(loss(both=False), abs=1e-6)
    assert abs(own - search) > 0.01
    assert mixed == pytest.approx(0.75 * own + 0.25 * search, abs=1e-5)
    assert loss() == pytest.approx(0.15 * own + 0.85 * search, abs=1e-5)


def test_an_epoch_may_take_some_of_the_pairs_each_time_others(monkeypatch):
    taken = []
    monkeypatch.setattr(Step, "loss", lambda self, rows, epoch: taken.append(rows) or self.model.temperature() * 0)  # noqa: ARG005
    align(pairs=10, epochs=2)
    first, second = taken[0], taken[2]  # a held-out batch lies between
    assert len(first) == len(set(first.tolist())) == len(second) == 10
    assert set(first.tolist()) != set(second.tolist())
    assert max(taken[0].max(), taken[2].max()) < 48


def test_descriptions_without_vectors_need_a_tower():
    model = towers()
    model.tower = None
    with pytest.raises(ValueError, match="need vectors"):
        model.read(Described.of([["tea"]]), np.arange(1))
