"""Slow means of what events were about: right numbers, nothing of the future, and what a sequence forgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from audience_trainers.run import resolve_config
from audience_trainers.users.config import UsersConfig
from audience_trainers.users.fit import train_users
from audience_trainers.users.histories import Moments, read_histories
from audience_trainers.users.inputs import Known
from audience_trainers.users.source import open_folder
from audience_trainers.users.standing import fingerprints
from audience_trainers.users.taste import HALF_LIVES, TasteTokens
from audience_trainers.users.taste import Taste as OfEvents
from audience_trainers.users.training import TrainOptions
from users.folders import event, seconds, write_folder

WORDS = ("tea", "tents", "novels", "spa")


def known_of(folder: Path, events: list[dict[str, object]]) -> tuple[Known, Moments]:
    with open_folder(write_folder(folder, events)) as source:
        histories = read_histories(source)
    vectors = np.random.default_rng(1).normal(size=(len(histories.texts), 5)).astype(np.float32)
    users = np.arange(len(histories.user_ids))
    return Known(histories, vectors, 2, 5, ()), Moments(users, np.full(len(users), seconds(20)))


def drawn_events(rng: np.random.Generator) -> list[dict[str, object]]:
    return [event(f"u{rng.integers(5)}", rng.uniform(0, 30), text=str(rng.choice(WORDS))) for _ in range(80)] + [
        event("v_later", 25, text="tea")
    ]


def test_means_weigh_events_by_age_and_read_nothing_from_the_moment_on(tmp_path: Path) -> None:
    known, moments = known_of(tmp_path, drawn_events(np.random.default_rng(2)))
    found = OfEvents.of(known.histories, moments, known.vectors).means(np.array([3, 0, len(moments) - 1]))
    for row, user in zip(found, (3, 0, len(moments) - 1), strict=True):
        a, b = known.histories.start[user : user + 2]
        there = [i for i in range(a, b) if known.histories.time[i] < seconds(20)]
        for mean, half in zip(row, HALF_LIVES, strict=True):
            weight = np.array([0.5 ** ((seconds(20) - known.histories.time[i]) / 86_400 / half) for i in there])
            said = known.vectors[known.histories.text[there]]
            wanted = (weight[:, None] * said).sum(axis=0) / weight.sum() if there else np.zeros(5)
            np.testing.assert_allclose(mean, wanted, atol=1e-5)
    assert not found[2].any()  # all of this user lies behind the moment


def test_means_of_somebody_long_gone_are_finite(tmp_path: Path) -> None:
    known, _ = known_of(tmp_path, [event("u", 0, text="tea"), event("u", 1, text="spa")])
    later = Moments(np.array([0]), np.array([seconds(20_000)]))
    found = OfEvents.of(known.histories, later, known.vectors).means(np.array([0]))
    assert np.isfinite(found).all()
    assert np.abs(found).sum() > 0


def test_only_the_last_events_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known, moments = known_of(tmp_path, [event("u", day, text=WORDS[day % 4]) for day in range(10)])
    monkeypatch.setattr("audience_trainers.users.taste.MOST", 3)
    taste = OfEvents.of(known.histories, moments, known.vectors)
    wanted = known.vectors[known.histories.text[7:10]].mean(axis=0)
    np.testing.assert_allclose(taste.means(np.array([0]))[0, -1], wanted, atol=1e-6)


def test_a_fingerprint_moves_with_events_that_only_the_taste_reads(tmp_path: Path) -> None:
    old = [event("u", day, text="tea") for day in range(8)]
    known, moments = known_of(tmp_path / "a", old)
    other, _ = known_of(tmp_path / "b", [event("u", 0, text="spa"), *old[1:]])
    assert known.width == 2
    assert fingerprints(known, moments) != fingerprints(other, moments)
    assert fingerprints(known, moments) == fingerprints(known_of(tmp_path / "c", old)[0], moments)


def test_the_mixture_starts_even_and_is_left_out_where_vectors_are_of_two_kinds() -> None:
    means, last = torch.randn(3, len(HALF_LIVES), 5), torch.randn(3, 5)
    tokens, mean = TasteTokens(5, 8)(means, last)
    assert tokens.shape == (3, len(HALF_LIVES), 8)
    torch.testing.assert_close(mean, torch.cat([means, last[:, None]], dim=1).mean(dim=1))
    assert TasteTokens(5, 8, mixed=False)(means, last)[1] is last


@pytest.mark.usefixtures("one_thread")
def test_users_who_differ_long_ago_alone_differ(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    events = [event(f"u{i:02}", at, text=str(rng.choice(WORDS))) for i in range(30) for at in range(0, 40, 3)]
    for user, old in (("x", "tea"), ("y", "spa")):
        events += [event(user, at, text=old) for at in range(10)] + [
            event(user, 30 + at, text="novels") for at in (1, 2)
        ]
    config = resolve_config(UsersConfig, (
        *("behaviour.dims=8", "behaviour.layers=1", "behaviour.heads=2", "behaviour.epochs=1", "behaviour.width=2"),
        *("align.dims=8", "align.layers=1", "align.epochs=1", "align.views=1", "pairs.windows.horizon_days=5"),
    ))  # fmt: skip

    def encode(texts: Sequence[str]) -> npt.NDArray[np.float32]:
        drawn = [np.random.default_rng(sum(map(ord, text))).normal(size=6) for text in texts]
        return np.array(drawn, np.float32)

    for taste in (True, False):
        chosen = replace(config, align=replace(config.align, taste=taste, activity=False))
        with open_folder(write_folder(tmp_path / str(taste), events)) as source:
            trained = train_users(source, chosen, encode, TrainOptions(seed=1))
        place = {user: i for i, user in enumerate(trained.known.histories.user_ids)}
        x, y = trained.embed(Moments(np.array([place["x"], place["y"]]), np.full(2, seconds(33))))
        assert (np.abs(x - y).max() > 1e-4) == taste
