"""The whole of train_users with models that read texts: sentences and searches, by an encoder and by a decoder."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from test_users_fit import CONFIG, THINGS, USERS, encode, everyone_at, write_world
from tiny_towers import byte_tokenizer, shape_of

from audience_graph.errors import ConfigError, RunError
from audience_trainers.run import resolve_config
from audience_trainers.users.config import UsersConfig
from audience_trainers.users.fit import train_users
from audience_trainers.users.histories import Moments
from audience_trainers.users.measures import measure
from audience_trainers.users.source import open_folder
from audience_trainers.users.text_tower.architecture import random_model
from audience_trainers.users.text_tower.config import TowerConfig
from audience_trainers.users.training import TrainOptions

pytestmark = pytest.mark.usefixtures("one_thread")

SENTENCES = [f"Users who will buy {thing}" for thing in THINGS]
ALIGN = replace(CONFIG.align, batch=64, chunk=24, epochs=6, patience=6, learning_rate=1e-2, views=1)


def write_model(folder, name):
    """Write a Hugging Face folder of a few random weights that reads bytes."""
    shape, tokenizer = shape_of(name), byte_tokenizer()
    shape.vocab_size, shape.max_position_embeddings = 257, 128
    tokenizer.model_max_length = 128
    torch.manual_seed(0)
    random_model(shape).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def config_of(folder, tune, **changes):
    reads = TowerConfig(folder=folder, tune=tune, rank=4, targets="all", max_tokens=96)
    return replace(CONFIG, align=replace(ALIGN, **changes), tower=reads, search_text=reads)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    return folder, write_world(folder)


def fit(folder, config, options=None):
    with open_folder(folder) as source:
        return train_users(source, config, encode, TrainOptions() if options is None else options)


@pytest.mark.parametrize(("name", "tune"), [("albert", "full"), ("qwen2", "lora")])
def test_a_tower_and_an_encoder_of_searches_are_trained_with_the_users(world, tmp_path, name, tune):
    folder, likes = world
    trained = fit(folder, config_of(write_model(tmp_path, name), tune, pairs=200, epochs=12, learning_rate=3e-3))

    assert trained.tower().reader.decoder == (name == "qwen2")
    assert trained.tower() is trained.model.tower
    texts = trained.embed_sentences(SENTENCES)
    assert np.array_equal(texts, trained.tower().embed(SENTENCES))
    users = trained.embed(everyone_at(40))
    aucs = [measure(users @ t, (likes == k).astype(np.int64), cut=0.0)["auc"][0] for k, t in enumerate(texts)]
    assert np.mean(aucs) > 0.75
    moved = [name for name, p in trained.model.named_parameters() if p.requires_grad and "reader" in name]
    assert any(name.startswith("tower.") for name in moved)
    assert any(name.startswith("users.search.") for name in moved)
    assert any("lora_B" in name for name in moved) == (tune == "lora")


def test_what_a_user_searched_for_is_read(world, tmp_path):
    folder, _ = world
    trained = fit(folder, config_of(write_model(tmp_path, "albert"), "lora", epochs=1))
    moments = everyone_at(40)
    before = trained.embed(moments)
    asked = []
    trained.model.users.search.register_forward_hook(lambda module, given, found: asked.extend(given[0]))  # noqa: ARG005
    assert np.array_equal(trained.embed(moments), before)
    assert len(asked) == USERS
    assert {text for said in asked for text in said} <= {f"{thing} please" for thing in THINGS}
    nobody = replace(trained, known=replace(trained.known, channels=()))
    assert (np.abs(nobody.embed(moments) - before).max(axis=1) > 1e-5).mean() > 0.9


def test_a_killed_training_goes_on_to_the_same_end(world, tmp_path):
    folder, _ = world
    config = config_of(write_model(tmp_path / "model", "albert"), "lora", epochs=3, pairs=100)

    class Stopped(Exception):
        pass

    def stop(step, done, total):  # noqa: ARG001
        if step == "alignment" and done == 2:
            raise Stopped

    whole = fit(folder, config)
    with pytest.raises(Stopped):
        fit(folder, config, TrainOptions(folder=tmp_path / "kept", progress=stop))
    steps = []
    again = fit(
        folder,
        config,
        TrainOptions(folder=tmp_path / "kept", progress=lambda step, done, total: steps.append((step, done))),  # noqa: ARG005
    )
    assert [done for step, done in steps if step == "alignment"] == [3]  # the first two epochs are kept
    assert not [done for step, done in steps if step == "behaviour"]
    assert again.curves == whole.curves
    assert np.array_equal(again.embed_sentences(SENTENCES), whole.embed_sentences(SENTENCES))
    assert np.array_equal(again.embed(everyone_at(40)), whole.embed(everyone_at(40)))

    with pytest.raises(RunError, match="of other data or settings"):
        fit(folder, replace(config, align=replace(config.align, views=2)), TrainOptions(folder=tmp_path / "kept"))


def test_two_processes_train_the_whole_model_as_one(world, tmp_path):
    folder, _ = world
    path = write_model(tmp_path / "model", "albert")
    alone = fit(folder, two_processes(path))
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    subprocess.run(
        [*launch, __file__, str(folder), path, str(tmp_path / "two.npz")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])},
        check=True,
        capture_output=True,
        timeout=300,
    )
    found = np.load(tmp_path / "two.npz")
    values = [value for _, name, value in alone.curves if name in ("loss", "valid_loss")]
    np.testing.assert_allclose(found["losses"], values, rtol=1e-4)
    kept = sorted(file.relative_to(tmp_path).as_posix() for file in tmp_path.glob("two/*/*"))
    assert kept == [f"two/{part}/checkpoint.pt" for part in ("alignment", "behaviour", "tabular")]
    np.testing.assert_allclose(found["users"], alone.embed(everyone_at(40)), atol=2e-3)
    np.testing.assert_allclose(found["texts"], alone.embed_sentences(SENTENCES), atol=2e-3)


def two_processes(path):
    return config_of(path, "lora", epochs=2, pairs=100)


def test_one_loop_trains_a_head_and_a_tower_alike(world, tmp_path):
    """A frozen encoder read by a tower, and its vectors behind a head: the same thing said twice."""
    folder, _ = world
    path = write_model(tmp_path, "albert")
    config = replace(CONFIG, align=replace(ALIGN, epochs=2, chunk=0, anchor=False, dims=24))
    by_tower = fit(folder, replace(config, tower=TowerConfig(folder=path, max_tokens=96)))
    assert not any(p.requires_grad for p in by_tower.model.tower.reader.parameters())
    by_tower.model.tower.reader._kept.clear()
    vectors = by_tower.model.tower.reader(SENTENCES).numpy()
    head = by_tower.model.embed_texts(vectors)
    np.testing.assert_allclose(by_tower.embed_sentences(SENTENCES), head, atol=1e-6)
    assert [value for _, name, value in by_tower.curves if name == "loss"][1] < np.log(64)


def test_settings_are_read_from_the_command_line_and_checked(world):
    found = resolve_config(UsersConfig, ["tower.tune=lora", "tower.rank=4", "align.bf16=true", "search_text.tune=full"])
    assert found.tower.reads
    assert (found.tower.tune, found.tower.rank, found.align.bf16) == ("lora", 4, True)
    assert found.search_text.tune == "full"
    assert not UsersConfig().tower.reads
    with pytest.raises(ConfigError, match=r"setting tower.dims: expected 1,024, as align.dims, found 64"):
        resolve_config(UsersConfig, ["tower.dims=64"])
    with pytest.raises(ConfigError, match=r"search_text.dims: expected 32"):
        replace(CONFIG, search_text=TowerConfig(dims=64))
    folder, _ = world
    with pytest.raises(ConfigError, match="does not fit"):  # these vectors are not MiniLM's
        fit(folder, replace(CONFIG, align=replace(CONFIG.align, epochs=1))).tower()


def test_bf16_trains_a_tower(world, tmp_path):
    folder, _ = world
    trained = fit(folder, config_of(write_model(tmp_path, "qwen2"), "lora", epochs=2, bf16=True, pairs=100))
    assert np.isfinite([value for _, _, value in trained.curves]).all()
    assert np.isfinite(trained.embed(Moments(np.arange(2), np.full(2, 2_000_000_000)))).all()


def main(folder, path, out):
    from torch import distributed as dist

    torch.set_num_threads(1)
    trained = fit(Path(folder), two_processes(path), TrainOptions(folder=Path(out).with_suffix("")))
    if dist.get_rank() == 0:
        losses = [value for _, name, value in trained.curves if name in ("loss", "valid_loss")]
        users, texts = trained.embed(everyone_at(40)), trained.embed_sentences(SENTENCES)
        np.savez(out, losses=losses, users=users, texts=texts)
    dist.destroy_process_group()


if __name__ == "__main__":  # under torchrun
    main(*sys.argv[1:])
