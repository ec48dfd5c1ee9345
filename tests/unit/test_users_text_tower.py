"""The text tower: pooling, LoRA, frozen vectors, and the folder that sentence-transformers opens."""

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from tiny_towers import SMALL, shape_of, tiny_tower, tokenizer_of

from audience_graph.entities.text_encoder import TextEncoder
from audience_graph.errors import ConfigError
from audience_trainers.users.search_text.encoder import SearchText, join_searches
from audience_trainers.users.text_tower.architecture import is_decoder, lora_targets, random_model
from audience_trainers.users.text_tower.config import TowerConfig
from audience_trainers.users.text_tower.pooling import last_token_pool, mean_pool
from audience_trainers.users.text_tower.tower import TextTower

SENTENCES = ["people who will buy tea", "shoes", "people who pay with card for the first time in may", ""]
ARCHITECTURES = ("albert", "bert", "qwen2", "gpt2")

pytestmark = pytest.mark.usefixtures("one_thread")


def trained(tower: TextTower, steps: int = 3) -> TextTower:
    """Move every weight that may move."""
    optimizer = torch.optim.SGD([p for p in tower.parameters() if p.requires_grad], lr=0.5)
    for _ in range(steps):
        optimizer.zero_grad()
        tower.train()(SENTENCES)[:, 0].sum().backward()
        optimizer.step()
    return tower.eval()


def test_pooling_reads_no_padding_on_either_side():
    states = torch.arange(24.0).view(2, 4, 3)
    mask = torch.tensor([[1, 1, 0, 0], [0, 0, 1, 1]])
    assert torch.equal(last_token_pool(states, mask), torch.stack([states[0, 1], states[1, 3]]))
    assert torch.equal(mean_pool(states, mask), torch.stack([states[0, :2].mean(0), states[1, 2:].mean(0)]))
    assert torch.equal(mean_pool(states, torch.zeros(2, 4)), torch.zeros(2, 3))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_vector_does_not_depend_on_company_or_on_the_side_of_the_padding(name):
    tower = tiny_tower(name).eval()
    alone = torch.cat([tower([sentence]) for sentence in SENTENCES])
    assert torch.allclose(tower(SENTENCES), alone, atol=1e-5)
    assert torch.allclose(tower(SENTENCES).norm(dim=1), torch.ones(4), atol=1e-5)
    assert tower.reader.pooling == ("last" if name in {"qwen2", "gpt2"} else "mean")
    if is_decoder(tower.reader.model.config):
        tower.reader.tokenizer.padding_side = "left"
        assert torch.allclose(tower(SENTENCES), alone, atol=1e-5)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_saved_folder_gives_the_same_vectors_without_the_trainers(name, tmp_path):
    tower = trained(tiny_tower(name))
    sentences = SENTENCES[:-1]  # sentence-transformers itself reads no empty text with a decoder
    before = tower.embed(sentences)
    tower.save(tmp_path / "tower")
    again = SentenceTransformer(str(tmp_path / "tower"), device="cpu", local_files_only=True)
    np.testing.assert_allclose(again.encode(sentences, show_progress_bar=False), before, atol=1e-5)
    np.testing.assert_array_equal(tower.embed(sentences), before)  # LoRA was merged into a copy
    assert np.abs(tiny_tower(name).embed(sentences) - before).max() > 1e-3  # and something was learned
    tower.save(tmp_path / "tower")  # a second time over the first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tower"]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_lora_changes_attention_alone_and_head_the_projection_alone(name):
    def moving(tower):
        return {key for key, p in tower.named_parameters() if p.requires_grad}

    lora, head, full = (moving(tiny_tower(name, tune=tune)) for tune in ("lora", "head", "full"))
    assert head == {"project.weight", "project.bias"}
    assert {key for key in lora if "lora_" not in key} == head
    assert all("attn" in key or "attention" in key for key in lora - head)
    assert not any("lora_" in key for key in full)
    assert len(full) > len(head) + 5
    model = random_model(shape_of(name))
    assert set(lora_targets(model, "attention")) < set(lora_targets(model, "all"))


def test_frozen_vectors_are_read_once_and_the_head_learns():
    tower = tiny_tower("bert", tune="head")
    calls = []
    tower.reader.model.register_forward_hook(lambda *_: calls.append(1))
    first = tower.train()(SENTENCES)
    assert torch.equal(first, tower(SENTENCES))  # no dropout, although the mode is training
    assert len(calls) == 1
    assert first.requires_grad
    tower.reader.keep(["shoes"], torch.ones(1, 24))
    assert not torch.allclose(tower(["shoes"]), first[1])


@pytest.mark.parametrize(("name", "tune"), [("bert", "full"), ("bert", "lora"), ("qwen2", "lora")])
def test_checkpointing_gives_the_same_gradients(name, tune):
    found = []
    for checkpointing in (False, True):
        torch.manual_seed(0)
        tower = tiny_tower(name, checkpointing=checkpointing, tune=tune).train()
        for module in tower.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        tower(SENTENCES)[:, 0].sum().backward()
        found.append(torch.cat([p.grad.flatten() for p in tower.parameters() if p.grad is not None]))
    assert torch.allclose(*found, atol=1e-6)


def test_minilm_is_the_default_and_says_what_the_client_says():
    tower = TextTower(TowerConfig(dims=384, tune="head"))
    sentences = ["people who will buy baby food", "hikers"]
    np.testing.assert_allclose(tower.reader(sentences).numpy(), TextEncoder().encode(sentences), atol=1e-5)
    first, second = tower.embed(sentences)
    assert float(first @ second) == pytest.approx(
        float(np.prod(TextEncoder().encode(sentences), axis=0).sum()), abs=1e-4
    )  # an orthogonal projection keeps cosines


def test_what_does_not_fit_is_refused(tmp_path):
    for wrong in ({"tune": "some"}, {"rank": 0}, {"pooling": "max"}, {"targets": "mlp"}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            TowerConfig(**wrong)
    with pytest.raises(ConfigError, match="is not a folder"):
        TextTower(TowerConfig(folder=str(tmp_path / "none")))
    with pytest.raises(ConfigError, match="cannot be opened"):
        TextTower(TowerConfig(folder=str(tmp_path)))
    with pytest.raises(ConfigError, match="needs a tokenizer"):
        TextTower(SMALL, shape=shape_of("bert"))
    with pytest.raises(ConfigError, match="albert does not support it"):
        tiny_tower("albert", checkpointing=True)
    with pytest.raises(ConfigError, match="does not fit"):
        TextTower(SMALL, shape=shape_of("bert"), tokenizer=tokenizer_of(wrapped=True), head=torch.nn.Linear(3, 16))


def test_searches_are_read_newest_first_and_nobody_is_no_token():
    assert join_searches(["tea", " ", "shoes", "tea"]) == "tea; shoes"
    torch.manual_seed(0)
    search = SearchText(SMALL, shape=shape_of("albert"), tokenizer=tokenizer_of(wrapped=True)).eval()
    tokens, present = search([["tea", "shoes"], [], ["shoes", "tea"], ["tea", "shoes"]])
    assert tokens.shape == (4, 1, 16)
    assert present.tolist() == [True, False, True, True]
    assert torch.equal(tokens[0], tokens[3])
    assert not torch.allclose(tokens[0], tokens[2])
    assert not tokens[1].any()
    assert not search([[], []])[0].any()
    search.train()([["tea"], []])[0].sum().backward()
    assert all(p.grad is not None for p in search.parameters() if p.requires_grad)
