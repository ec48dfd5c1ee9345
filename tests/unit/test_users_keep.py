"""A user model that is kept and opened again in another process: equal vectors of users and of sentences."""

import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_users_fit import CONFIG, THINGS, encode, everyone_at, write_world
from test_users_fit_text import SENTENCES, config_of, fit, write_model

from audience_graph.errors import RunError
from audience_graph.sentences.demand import read_demand
from audience_graph.sentences.named import Named, named_in
from audience_graph.user_text.encoder import SpaceEncoder
from audience_trainers.run import create_run, open_run
from audience_trainers.users.keep import entity_vectors, load_users, save_users, sentence_map
from audience_trainers.users.prompt.in_space import tower_of
from audience_trainers.users.source import open_folder

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    write_world(folder)
    return folder


def kept(runs, trained, config):
    run = create_run(runs, kind="users", week="2025-W15", as_of=date(2025, 4, 10), config=config, seed=7)
    save_users(run, trained, config)
    run.finish()
    return run


@pytest.mark.parametrize("kind", ["head", "lora", "full", "decoder", "entities", "head with entities"])
def test_a_kept_model_gives_equal_vectors_in_a_new_process(world, tmp_path, kind):
    if "entities" in kind:
        world = with_entities(world, tmp_path)
    if "head" in kind:
        config = replace(CONFIG, align=replace(CONFIG.align, epochs=1))
    else:
        path = write_model(tmp_path / "model", "qwen2" if kind == "decoder" else "albert")
        config = config_of(path, "full" if kind == "full" else "lora", epochs=2, pairs=100)
    trained = fit(world, config)
    run = kept(tmp_path / "runs", trained, config)
    if "head" not in kind:
        for file in (tmp_path / "model").iterdir():  # all that is needed lies in the run
            file.unlink()

    subprocess.run(
        [sys.executable, __file__, str(run.path), str(world), str(tmp_path / "found.npz")],
        env={"PYTHONPATH": f"{Path(__file__).parent}:{':'.join(sys.path)}", "OMP_NUM_THREADS": "1", "HOME": "/nowhere"},
        check=True,
        capture_output=True,
        timeout=120,
    )
    found = np.load(tmp_path / "found.npz")
    np.testing.assert_allclose(found["users"], trained.embed(everyone_at(40)), atol=2e-6)
    np.testing.assert_allclose(found["texts"], trained.embed_sentences(SENTENCES), atol=2e-6)

    told, vectors = sentence_map(run), entity_vectors(run)
    assert (told.entity_dims > 0) == ("entities" in kind)
    named = [Named({}) for _ in SENTENCES]
    if told.entity_dims:
        named = [named_in(read_demand(text, trained.texts._vocabulary())) for text in SENTENCES]
        assert all(one.weights for one in named)
    base = None if told.folder else encode
    asked = SpaceEncoder(told, base=base, runs=run.path.parent)  # as the client asks
    texts = asked.encode(SENTENCES, named, lambda ids: {one: vectors[one] for one in ids})
    np.testing.assert_allclose(texts, found["texts"], atol=1e-5)
    if told.folder:
        tower = tower_of(told, runs=run.path.parent)  # by words alone
        np.testing.assert_allclose(tower.embed(SENTENCES), trained.tower().embed(SENTENCES), atol=1e-5)


def with_entities(world, folder):
    """Return the world again, with a dictionary of its six things."""
    found = folder / "entities"
    shutil.copytree(world, found)
    rows = [(f"e_{thing}", thing) for thing in THINGS]
    pd.DataFrame(rows, columns=["id", "name"]).assign(type="product").to_parquet(found / "entities.parquet")
    return found


def test_a_changed_tower_is_another_model_and_a_damaged_one_is_refused(world, tmp_path):
    path = write_model(tmp_path / "model", "albert")
    config = config_of(path, "lora", epochs=1, pairs=100)
    trained = fit(world, config)
    run = kept(tmp_path / "runs", trained, config)
    first = run.read_json("model")["content_hash"]
    next(p for name, p in trained.model.named_parameters() if "lora_B" in name).data += 0.1
    other = kept(tmp_path / "runs", trained, config)
    assert other.read_json("model")["content_hash"] != first

    open_run(run.path, verify=True)
    weights = run.path / "sentences" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    with pytest.raises(RunError, match=r"sentences/model.safetensors is missing or changed"):
        open_run(run.path, verify=True)


def main(path, folder, out):
    import torch

    torch.set_num_threads(1)
    with open_folder(Path(folder)) as source:
        found = load_users(open_run(Path(path)), source, encode)
    np.savez(out, users=found.embed(everyone_at(40)), texts=found.embed_sentences(SENTENCES))


if __name__ == "__main__":
    main(*sys.argv[1:])
