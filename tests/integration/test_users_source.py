"""A home gives the same histories, profiles and pairs as the folder that was loaded into it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from audience_graph.config import Connections, Home
from audience_graph.errors import InputError
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.ingest import load_entities, load_events, load_users
from audience_graph.vectors.store import Store
from audience_trainers.users.histories import Moments, read_histories
from audience_trainers.users.pairs.build import PairsConfig, build_pairs
from audience_trainers.users.pairs.windows import WindowConfig
from audience_trainers.users.profiles import read_profiles
from audience_trainers.users.source import Source, open_folder, open_home
from users.folders import day, event, seconds, write_folder

pytestmark = pytest.mark.usefixtures("clean_stores")


def rows(seed: int) -> list[dict[str, object]]:
    rng = np.random.default_rng(seed)
    said = ["read about Spa", "green tea 🍵", 'a "quoted" line\nand more', "Spa and Skin care"]
    return [
        {"event_id": f"{seed}-{i}", **event(f"user {rng.integers(25)}", float(rng.random() * 40),
         ["visit", "search", "order"][rng.integers(3)], text=said[rng.integers(4)] if i % 5 else None,
         items=["tea cup"] if i % 7 == 0 else [], entity_ids=["e1", "e2"] if i % 5 == 0 else [], amount=float(i % 300))}
        for i in range(700)
    ]  # fmt: skip


def told(source: Source) -> tuple[object, ...]:
    histories = read_histories(source)
    profiles = read_profiles(source, histories)
    pairs = build_pairs(source, histories, PairsConfig(WindowConfig(horizon_days=7)))
    moments = Moments(np.arange(len(histories.user_ids)), np.full(len(histories.user_ids), seconds(20)))
    known = {name: values.tolist() for name, values in sorted(profiles.rows(moments).items())}
    sentences = pairs.sample(np.arange(len(pairs)), np.random.default_rng(1))
    arrays = (histories.start, histories.time, histories.source, histories.text, pairs.moments.user, pairs.facts.cents)
    return (
        histories.user_ids,
        histories.sources,
        histories.texts,
        [a.tolist() for a in arrays],
        repr(known),
        sentences,
    )


def test_a_home_gives_what_its_folder_gives(
    tmp_path: Path, home: Home, connections: Connections, runner: Neo4jRunner, store: Store
) -> None:
    users = [
        {"user_id": f"user {i}", "as_of": day(at), "age": float(i) if i % 3 else None, "job": f"job, '{i}'\n🎁",
         "vip": i > 9}
        for i in range(25) for at in (10 - 1e-5, 20, 20.5)
    ]  # fmt: skip
    names = {"e1": "Skin care", "e2": "Spa"}
    folder = write_folder(tmp_path / "all", [*rows(1), *rows(2)], users=users, entities=names)
    for seed in (1, 2):
        load_events(write_folder(tmp_path / str(seed), rows(seed)) / "events.parquet", home=home)
    load_users(folder / "users.parquet", store=store)
    load_entities(folder / "entities.parquet", runner=runner)
    with open_folder(folder) as source:
        wanted = told(source)
    assert "Skin care, Spa" in str(wanted[2])
    assert "job" in str(wanted[4])
    with open_home(home, connections) as source:
        assert told(source) == wanted


def test_an_empty_home_is_said(home: Home, connections: Connections) -> None:
    with pytest.raises(InputError, match="holds no events"), open_home(home, connections):
        pass
