"""The whole pipeline on a planted toy world, without stores: finds what was planted, repeats itself."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
import zlib
from collections.abc import Sequence
from typing import get_type_hints

import numpy as np
import numpy.typing as npt
import pytest

from audience_graph.errors import ConfigError, RunError
from audience_trainers.relations.behaviour import Behaviour, Entities
from audience_trainers.relations.config import RANGES, MineConfig
from audience_trainers.relations.metrics import relation_accuracy
from audience_trainers.relations.pipeline import Mined, Overlay, mine_behaviour
from audience_trainers.run import resolve_config

CLUSTERS, SIZE = 12, 6
N = CLUSTERS * SIZE
CONFIG = MineConfig(dims_co=16, dims=16, top_co=12)


def toy_world(seed: int = 0) -> tuple[Entities, Behaviour]:
    rng = np.random.default_rng(seed)
    sequences = []
    for _ in range(800):
        likes = rng.choice(CLUSTERS, 2, replace=False)
        row: list[int] = []
        for _ in range(rng.integers(2, 9)):
            row += (rng.choice(likes) * SIZE + rng.integers(0, SIZE, 2)).tolist()
            row += rng.integers(0, N, 1).tolist() if rng.random() < 0.3 else []
        sequences.append(row)
    start = np.concatenate(([0], np.cumsum([len(s) for s in sequences])))
    names = tuple(f"thing {i}" for i in range(N))
    entities = Entities(tuple(f"e{i:03d}" for i in range(N)), names, ("thing",) * N, ("",) * N)
    return entities, Behaviour(np.concatenate(sequences).astype(np.int64), start, N)


def encode(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    rows = [np.random.default_rng(zlib.crc32(t.encode())).standard_normal(8) for t in texts]
    return (np.array(rows) / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def mined(seed: int = 7, overlay: Overlay | None = None) -> Mined:
    entities, behaviour = toy_world()
    return mine_behaviour(entities, behaviour, CONFIG, seed=seed, encode=encode, overlay=overlay)


def pairs(result: Mined) -> set[tuple[int, int]]:
    return set(zip(result.relations.source.tolist(), result.relations.target.tolist(), strict=True))


def test_planted_relations_are_found() -> None:
    result = mined()
    planted = {(u, v) for u in range(N) for v in range(N) if u != v and u // SIZE == v // SIZE}
    accuracy = relation_accuracy(pairs(result), planted)
    assert accuracy.precision >= 0.9
    assert accuracy.recall >= 0.9
    assert result.metrics["relations"] == accuracy.found
    assert result.metrics["held_out_auc"] > 0.85
    products = result.entity_vectors @ result.entity_vectors.T
    same = np.equal.outer(np.arange(N) // SIZE, np.arange(N) // SIZE)
    assert products[same].mean() > 0.7
    assert abs(products[~same].mean()) < 0.15


def test_decisions_of_people_hold() -> None:
    free = pairs(mined())
    rejected = frozenset(sorted(free)[:5])
    confirmed = frozenset({(0, N - 1), (1, N - 2)}) | {min(rejected)}
    result = mined(overlay=Overlay(confirmed, rejected))
    assert not pairs(result) & rejected
    assert confirmed - rejected <= pairs(result)


def fingerprint() -> str:
    result = mined()
    parts = [result.relations.source, result.relations.score, result.relations.logit, result.relations.margin]
    parts += [result.entity_vectors, result.verdict.thresholds, result.verdict.candidates.co]
    return ",".join(str(zlib.crc32(np.ascontiguousarray(p).tobytes())) for p in parts)


def test_same_seed_same_data_same_result_in_any_process() -> None:
    found = set()
    for hash_seed in ("1", "2"):
        code = "from test_relation_mining import fingerprint; print(fingerprint())"
        here = os.path.dirname(__file__)
        env = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": here}
        found.add(subprocess.run([sys.executable, "-c", code], check=True, env=env, capture_output=True).stdout)
    assert len(found) == 1
    assert mined(seed=8).verdict.candidates.co.tobytes() != mined(seed=7).verdict.candidates.co.tobytes()


def test_nothing_to_mine_is_said() -> None:
    entities, _ = toy_world()
    empty = Behaviour(np.zeros(0, np.int64), np.zeros(1, np.int64), N)
    with pytest.raises(RunError, match="nothing to mine"):
        mine_behaviour(entities, empty, CONFIG, seed=1, encode=encode)


def cut(behaviour: Behaviour, users: int) -> Behaviour:
    return Behaviour(behaviour.entity[: behaviour.start[users]], behaviour.start[: users + 1], behaviour.entities)


@pytest.mark.parametrize(
    ("config", "message", "hint"),
    [
        (MineConfig(dims_co=16, top_co=0, top_se=0), "no relation.*: 0 candidates from ", "--set min_co=0.1"),
        (MineConfig(dims_co=16, cut_floor=0.999, days=45), "no relation.* in 45 days", "--set days=90.*cut_score=0.2"),
    ],
)
def test_a_world_without_relations_ends_before_the_vectors(config: MineConfig, message: str, hint: str) -> None:
    entities, behaviour = toy_world()
    said: list[str] = []
    with pytest.raises(RunError, match=message) as refused:
        mine_behaviour(
            entities,
            cut(behaviour, 20),
            config,
            seed=1,
            encode=encode,
            progress=lambda step, _done, _total: said.append(step),
        )
    assert "by 20 users" in refused.value.message
    assert re.search(hint, refused.value.hint or "") is not None
    assert "entity vectors" not in said


@pytest.mark.parametrize(
    "override",
    [
        "model=magic", "days=0", "days=100000", "device=tpu", "dims_co=0", "window=0", "epochs=0", "top_co=-1",
        "top_se=-1", "popularity=pmi", "text_weight=1.5", "texts_per_entity=-1", "held_out=1", "review_minimum=2",
        "min_co=-0.1", "min_co=nan", "min_se=1", "pair_window=0", "shift=-1", "prior=-1",
        "semantic_weight=inf", "cut_score=0", "cut_score=1", "cut_floor=0", "cut_floor=1", "source_weight=-1",
        "dims=0", "dims=20000", "power=-1", "power=nan",
    ],
)  # fmt: skip
def test_a_setting_out_of_range_is_refused_by_name(override: str) -> None:
    name, _, value = override.partition("=")
    with pytest.raises(ConfigError, match=rf"setting {name}: expected .* found .*{re.escape(value)}"):
        resolve_config(MineConfig, [override])


def test_every_setting_has_a_range() -> None:
    named = {"model", "device", "popularity", "review", "plots", "alpc", "ensemble"}
    assert {f.name for f in dataclasses.fields(MineConfig)} == {*RANGES, *named}


@pytest.mark.parametrize("end", ["low", "high"])
def test_the_ends_of_a_range_are_allowed_unless_they_are_open(end: str) -> None:
    for name, limits in RANGES.items():
        kind = get_type_hints(MineConfig)[name]
        value = kind(getattr(limits, end))
        if getattr(limits, f"open_{end}"):
            with pytest.raises(ConfigError):
                MineConfig(**{name: value})
        else:
            assert getattr(MineConfig(**{name: value}), name) == value


def test_mining_loads_no_torch() -> None:
    code = "import sys, audience_trainers.relations.pipeline; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
