"""ALPC as a whole on a small planted graph: it learns, resumes, repeats itself, and never sees what it predicts."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from audience_graph.errors import RunError
from audience_trainers.relations.alpc.config import AlpcConfig
from audience_trainers.relations.alpc.edge_folds import course_from_edges
from audience_trainers.relations.alpc.encode import encode_all, score_pairs
from audience_trainers.relations.alpc.fit import fit_alpc
from audience_trainers.relations.alpc.hops import Hop
from audience_trainers.relations.alpc.train import Trained, TrainOptions, train_alpc
from audience_trainers.relations.linkpred.ranking import area_under_curve
from audience_trainers.relations.linkpred.task import FitOptions, Training

SMALL = AlpcConfig(
    dims=16, attention_dims=4, text_dims=8, walk_dims=32, hidden=16, folds=3, batch=64, epochs=6, patience=6, anchors=32
)


def planted(seed: int = 1, n: int = 90) -> Training:
    """Return a graph of three groups, a tenth of its edges held for validation, with noisy features of the groups."""
    rng = np.random.default_rng(seed)
    group = np.arange(n) % 3
    u, v = np.triu_indices(n, 1)
    edge = rng.random(len(u)) < np.where(group[u] == group[v], 0.5, 0.01)
    shuffled = rng.permutation(np.flatnonzero(edge))
    held = len(shuffled) // 10
    strangers = rng.permutation(np.flatnonzero(~edge))[:held]
    features = (np.eye(3)[group] + rng.normal(0, 0.8, (n, 3))).astype(np.float32)
    pairs = np.stack([u, v])
    return Training(n, pairs[:, shuffled[held:]], pairs[:, shuffled[:held]], pairs[:, strangers], features)


def train(config: AlpcConfig, folder: Path | None = None, seed: int = 3) -> Trained:
    course, _ = course_from_edges(planted(), config, seed=seed)
    return train_alpc(course, config, TrainOptions(seed, folder=folder, key="test"))


def weights(trained: Trained) -> dict[str, torch.Tensor]:
    return dict(trained.model.state_dict())


def assert_equal(first: Trained, second: Trained) -> None:
    assert first.curves == second.curves
    for name, value in weights(first).items():
        assert torch.equal(value, weights(second)[name]), name


@pytest.mark.parametrize(
    "setting",
    [
        {},
        {"lazy": False},
        {"scoring": "inner"},
        {"scoring": "bilinear"},
        {"fanout": 4},
        {"structure": True},
        {"hard_share": 0.3},
        {"precision": "bf16"},
    ],
    ids=str,
)
def test_it_finds_the_planted_groups(setting: dict[str, object]) -> None:
    training = planted()
    scorer = fit_alpc(training, {**_differences(SMALL), **setting}, FitOptions(seed=3))
    pairs = np.concatenate([training.valid_positive, training.valid_negative], axis=1)
    labels = np.repeat([1.0, 0.0], training.valid_positive.shape[1])
    assert area_under_curve(scorer(pairs), labels) > 0.8
    assert scorer.margins(pairs).shape == labels.shape


def _differences(config: AlpcConfig) -> dict[str, object]:
    usual = AlpcConfig()
    names = AlpcConfig.__slots__
    return {name: getattr(config, name) for name in names if getattr(config, name) != getattr(usual, name)}


def test_the_same_seed_gives_the_same_weights() -> None:
    assert_equal(train(SMALL), train(SMALL))
    assert train(SMALL).curves != train(SMALL, seed=4).curves


@pytest.mark.filterwarnings("ignore:The .grad attribute")
def test_a_compiled_scoring_function_trains_to_the_same_end() -> None:
    plain, compiled = train(SMALL), train(replace(SMALL, compile="eager"))
    assert compiled.valid_auc == pytest.approx(plain.valid_auc, abs=1e-3)
    assert plain.model.state_dict().keys() == compiled.model.state_dict().keys()


def test_a_lesson_never_shows_the_pairs_that_it_asks_for() -> None:
    config = replace(SMALL, structure=True)
    training = planted()
    course, _ = course_from_edges(training, config, seed=3)
    asked = []
    for place in range(course.lessons):
        lesson = course.lesson(place)
        shown = set(map(tuple, lesson.view.graph.all_edges(lesson.view.hidden).T.tolist()))
        pairs = list(map(tuple, lesson.positive.T.tolist()))
        assert shown.isdisjoint(pairs)
        assert shown.isdisjoint((v, u) for u, v in pairs)
        asked += pairs
    assert sorted(asked) == sorted(map(tuple, training.edges.T.tolist()))


def test_what_a_lesson_reads_does_not_depend_on_the_pairs_that_it_asks_for() -> None:
    """Replace the edges of one fold by others: inputs, messages and pair features of that lesson stay as they were."""
    config = replace(SMALL, structure=True)
    training = planted()
    course, material = course_from_edges(training, config, seed=3)
    fold = material.fold == 0
    others = training.edges.copy()
    others[:, fold] = np.roll(others[:, fold], 1, axis=1)[:, : fold.sum()]
    others[1, fold] = (others[1, fold] + 1) % training.n
    changed, _ = course_from_edges(replace(training, edges=others), config, seed=3)
    first, second = course.lesson(0).view, changed.lesson(0).view
    assert np.array_equal(first.x, second.x)
    assert np.array_equal(
        np.sort(first.graph.all_edges(first.hidden), axis=1), np.sort(second.graph.all_edges(second.hidden), axis=1)
    )
    assert not np.array_equal(course.examination.view.x, changed.examination.view.x)  # the whole graph did change


def test_all_nodes_in_blocks_are_encoded_as_in_one_piece() -> None:
    for lazy in (False, True):
        config = replace(SMALL, lazy=lazy)
        course, _ = course_from_edges(planted(), config, seed=3)
        model = train_alpc(course, replace(config, epochs=1), TrainOptions(3)).model
        lesson = course.lesson(0)
        for view in (course.examination.view, lesson.view):
            edges = Hop(torch.from_numpy(view.graph.all_edges(view.hidden)), view.graph.n, view.graph.n)
            whole = model.encode(torch.from_numpy(view.x), [edges] * config.layers)
            torch.testing.assert_close(encode_all(model, view, edges_per_block=50), whole)


def test_a_killed_training_goes_on_to_the_same_end(tmp_path: Path) -> None:
    whole = train(SMALL)
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "import test_alpc_training as t\n"
        "from audience_trainers.relations.alpc.train import TrainOptions, train_alpc\n"
        "def die(step, done, total):\n"
        "    if done == 3: os.kill(os.getpid(), signal.SIGKILL)\n"
        "course, _ = t.course_from_edges(t.planted(), t.SMALL, seed=3)\n"
        "train_alpc(course, t.SMALL, TrainOptions(3, folder=Path(sys.argv[1]), key='test', progress=die))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert_equal(train(SMALL, tmp_path), whole)


def test_a_checkpoint_of_other_data_or_a_broken_one_is_refused(tmp_path: Path) -> None:
    train(replace(SMALL, epochs=1), tmp_path)
    course, _ = course_from_edges(planted(), SMALL, seed=3)
    with pytest.raises(RunError, match="other data or settings"):
        train_alpc(course, SMALL, TrainOptions(3, folder=tmp_path, key="another"))
    for broken in (b"half a file", pickle.dumps(Path(), protocol=2)):
        (tmp_path / "checkpoint.pt").write_bytes(broken)
        with pytest.raises(RunError, match="damaged"):
            train(SMALL, tmp_path)


def test_two_processes_train_as_one(tmp_path: Path) -> None:
    config = replace(SMALL, epochs=2)
    alone = train(config)
    code = (
        "import sys, torch; torch.set_num_threads(1)\n"
        "import test_alpc_training as t\n"
        "from dataclasses import replace\n"
        "trained = t.train(replace(t.SMALL, epochs=2))\n"
        "from torch import distributed as dist\n"
        "if dist.get_rank() == 0: torch.save((trained.curves, trained.model.state_dict()), sys.argv[1])\n"
        "dist.destroy_process_group()\n"
    )
    script, out = tmp_path / "two.py", tmp_path / "two.pt"
    script.write_text(code, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc_per_node=2",
        str(script),
        str(out),
    ]
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=300)
    curves, kept = torch.load(out, weights_only=True)
    for (epoch, name, value), (other_epoch, other_name, other) in zip(alone.curves, curves, strict=True):
        assert (epoch, name) == (other_epoch, other_name)
        assert value == pytest.approx(other, rel=1e-4, abs=1e-5), (epoch, name)
    for name, value in weights(alone).items():
        torch.testing.assert_close(kept[name], value, rtol=1e-3, atol=1e-4)


def test_a_pair_scores_alike_from_both_ends() -> None:
    course, _ = course_from_edges(planted(), SMALL, seed=3)
    model = train_alpc(course, replace(SMALL, epochs=1), TrainOptions(3)).model
    z = encode_all(model, course.examination.view)
    pairs = course.examination.pairs
    np.testing.assert_allclose(score_pairs(model, z, pairs), score_pairs(model, z, pairs[::-1]), rtol=1e-5, atol=1e-6)
