"""The whole model on a small planted world: what users did and are told what they will do."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from audience_trainers.users.alignment.config import AlignConfig
from audience_trainers.users.behaviour.config import BehaviourConfig
from audience_trainers.users.config import UsersConfig
from audience_trainers.users.fit import train_users
from audience_trainers.users.histories import Moments, read_histories
from audience_trainers.users.measures import measure
from audience_trainers.users.pairs.build import PairsConfig
from audience_trainers.users.pairs.windows import WindowConfig, held_out
from audience_trainers.users.source import open_folder
from audience_trainers.users.tabular.config import TabularConfig
from audience_trainers.users.training import TrainOptions

pytestmark = pytest.mark.usefixtures("one_thread")

THINGS = ("coffee", "tea", "nappies", "guitars", "tents", "novels")
USERS, DAYS = 150, 40
START = datetime(2025, 3, 1, tzinfo=UTC)
CONFIG = UsersConfig(
    pairs=PairsConfig(windows=WindowConfig(horizon_days=10, step_days=10, warm_up_days=5, test_cuts=0)),
    behaviour=BehaviourConfig(dims=32, layers=1, heads=2, width=16, epochs=2, others=32, learning_rate=3e-3),
    tabular=TabularConfig(dims=16, layers=1, heads=2, generator_dims=8, epochs=2, learning_rate=3e-3),
    align=AlignConfig(dims=32, layers=2, batch=64, epochs=15, patience=15, learning_rate=3e-3),
)


def encode(texts):
    """Return a vector that says which things a text names."""
    found = np.array([[float(thing in text) for thing in THINGS] for text in texts], np.float32)
    return np.concatenate([found, np.full((len(texts), 1), 0.1, np.float32)], axis=1)


def write_world(folder, *, shuffled=False):
    """Write 150 users who each like one of six things and a column that says which half of them it is in.

    `shuffled`: from day 15 on, everybody's likes are another user's.
    """
    rng = np.random.default_rng(3)
    likes = rng.integers(len(THINGS), size=USERS)
    later = rng.permutation(likes) if shuffled else likes
    rows = []
    for user in range(USERS):
        for day in np.sort(rng.uniform(0, DAYS, 20)):
            thing = THINGS[(later if day >= 15 else likes)[user]] if rng.random() < 0.8 else rng.choice(THINGS)
            channel = rng.choice(["purchase", "search", "visit"])
            rows.append((f"u{user:03d}", START + timedelta(days=float(day)), channel, f"{thing} please", [thing]))
    events = pd.DataFrame(rows, columns=["user_id", "time", "channel", "text", "items"])
    events.insert(0, "event_id", [f"e{i}" for i in range(len(events))])
    events.to_parquet(folder / "events.parquet", index=False)
    half = np.array(["low", "high"], object)[(likes >= 3).astype(int)]
    users = pd.DataFrame({"user_id": [f"u{u:03d}" for u in range(USERS)], "half": half, "gap": np.nan})
    users.to_parquet(folder / "users.parquet", index=False)
    return later


def everyone_at(day):
    return Moments(np.arange(USERS), np.full(USERS, int((START + timedelta(days=day)).timestamp())))


def mean_auc(folder, likes):
    with open_folder(folder) as source:
        trained = train_users(source, CONFIG, encode, TrainOptions())
    users = trained.embed(everyone_at(DAYS))
    texts = trained.embed_sentences([f"Users who will buy {thing}" for thing in THINGS])
    return trained, np.mean([
        measure(users @ text, (likes == thing).astype(np.int64), cut=0.0)["auc"][0] for thing, text in enumerate(texts)
    ])  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    likes = write_world(folder)
    return folder, likes, *mean_auc(folder, likes)


def test_a_sentence_finds_those_who_like_it(world):
    *_, auc = world
    assert auc > 0.95


def test_columns_are_a_modality(world):
    """What a user is said to be in a column changes its vector; of whom no row is in force, nothing is read."""
    _, _, trained, _ = world
    known, moments = trained.known, everyone_at(DAYS)
    assert [column.name for column in known.schema.columns] == ["half"]
    before = trained.embed(moments)

    other = {"half": known.profiles.columns["half"][::-1].copy()}
    changed = replace(trained, known=replace(known, profiles=replace(known.profiles, columns=other)))
    moved = (known.profiles.rows(moments)["half"] != changed.known.profiles.rows(moments)["half"]).astype(bool)

    assert 0 < moved.sum() < USERS
    assert (np.abs(changed.embed(moments) - before).max(axis=1) > 1e-4).tolist() == moved.tolist()
    never = replace(known.profiles, since=known.profiles.since + 10**10)
    blank = replace(trained, known=replace(known, profiles=never)).embed(moments)
    assert (np.abs(blank - before).max(axis=1) > 1e-4).all()


def test_nothing_after_a_moment_changes_a_user(world, tmp_path):
    folder, _, trained, _ = world
    moment = everyone_at(20)
    before = trained.embed(moment)
    events = pd.read_parquet(folder / "events.parquet")
    late = events.time >= START + timedelta(days=20)
    events.loc[late, "text"] = "tents please"
    events.to_parquet(tmp_path / "events.parquet", index=False)
    (tmp_path / "users.parquet").write_bytes((folder / "users.parquet").read_bytes())
    with open_folder(tmp_path) as source:
        histories = read_histories(source)
    known = replace(trained.known, histories=histories, vectors=encode(histories.texts))
    assert np.array_equal(replace(trained, known=known).embed(moment), before)


def test_futures_of_other_users_teach_nothing(tmp_path):
    """Futures are somebody else's: what users held out do next is chance, or something leaks."""
    later = write_world(tmp_path, shuffled=True)
    windows = replace(CONFIG.pairs.windows, first="2025-03-16", last="2025-03-16", validation_share=0.5)
    config = replace(CONFIG, pairs=replace(CONFIG.pairs, windows=windows))
    with open_folder(tmp_path) as source:
        trained = train_users(source, config, encode, TrainOptions())
    at = int((START + timedelta(days=15)).timestamp())
    unseen = np.flatnonzero(held_out(trained.known.histories.user_ids, 0.5))
    users = trained.embed(Moments(unseen, np.full(len(unseen), at)))
    texts = trained.embed_sentences([f"Users who will buy {thing}" for thing in THINGS])
    aucs = [measure(users @ t, (later[unseen] == k).astype(np.int64), cut=0.0)["auc"][0] for k, t in enumerate(texts)]
    assert len(unseen) > 50
    assert abs(np.mean(aucs) - 0.5) < 0.12
