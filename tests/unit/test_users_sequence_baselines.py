"""MSDP, One4all and the encoders alone: their targets written out, what they may see, and what they reach."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import torch
from planted_tasks import CUT, write_events, write_planted

from audience_graph.errors import ConfigError, InputError
from audience_trainers.run import resolve_config
from audience_trainers.users.baselines.from_history import behaviours, bins, commonest, first_mention, histories_of
from audience_trainers.users.baselines.linear_probe import probe, probe_few, unit
from audience_trainers.users.baselines.msdp import Msdp, MsdpConfig, draw_windows, spread_of
from audience_trainers.users.baselines.one4all import One4all, One4allConfig, attributes_of
from audience_trainers.users.baselines.user_mlp import user_mlp
from audience_trainers.users.behaviour.encoder import DAY, Events
from audience_trainers.users.measures import auc
from audience_trainers.users.scoring import MODELS, Asked, Options, model_settings
from audience_trainers.users.split import seed_users, split_users
from audience_trainers.users.tasks.history import History, read_history
from audience_trainers.users.tasks.labels import labels
from audience_trainers.users.tasks.parse import read_tasks
from audience_trainers.users.tasks.source import Source, open_source

pytestmark = pytest.mark.usefixtures("one_thread")
SMALL = (
    *("msdp.dims=16", "msdp.layers=1", "msdp.epochs=8", "one4all.dims=16", "one4all.layers=1", "one4all.epochs=6"),
    *("tabular.dims=16", "tabular.layers=1", "tabular.epochs=10", "tabular.batch=32", "tabular.learning_rate=0.005"),
)


def encode(texts: Sequence[str]) -> np.ndarray:
    """Stand in for MiniLM: a fixed random unit vector per text."""
    rows = [np.random.default_rng(sum(text.encode())).normal(size=12) for text in texts]
    return unit(np.array(rows, np.float32))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return open_source(write_planted(tmp_path_factory.mktemp("planted")))


@pytest.fixture(scope="module")
def history(source: Source) -> History:
    return read_history(source, int(CUT.timestamp()))


@pytest.fixture(scope="module")
def options(source: Source) -> Options:
    return Options(source.folder, encode=encode, settings=SMALL)


@pytest.mark.parametrize(
    ("name", "least"),
    [("msdp", 0.62), ("msdp_few", 0.55), ("one4all", 0.62), ("one4all_few", 0.55), ("tabular_alone", 0.55),
     ("text_alone", 0.65)],
)  # fmt: skip
def test_every_row_beats_chance(source: Source, history: History, options: Options, name: str, least: float) -> None:
    reached = []
    for task in read_tasks(source.folder).values():
        found = labels(task, source)
        scorer = MODELS[name].load()(history, options)
        for seed in range(3):
            split = split_users(found.y, seed=seed)
            rows = split.fitting
            if MODELS[name].labels == "few":
                rows = seed_users(found.y, split.fitting, positives=5, negatives=5, seed=seed)
            place = np.searchsorted(history.users, found.users)
            asked = Asked(task.name, task.sentence, np.zeros(len(history.user), bool), place[rows], found.y[rows], seed)
            score = scorer(asked)
            assert score.shape == (len(history.users),)
            assert np.array_equal(score, scorer(asked))
            reached.append(auc(score[place][split.evaluation], found.y[split.evaluation]))
    assert np.mean(reached) > least, reached


def test_two_rows_of_one_model_train_once(history: History, source: Source) -> None:
    steps: list[str] = []

    def tell(step: str, done: int, total: int) -> None:
        steps.append(f"{step} {done}/{total}")

    options = Options(source.folder, encode=encode, settings=SMALL, progress=tell)
    MODELS["msdp"].load()(history, options)
    trained = len(steps)
    MODELS["msdp_few"].load()(history, options)
    assert trained > 0
    assert len(steps) == trained


@pytest.mark.parametrize("name", ["msdp", "one4all"])
def test_one_user_is_too_few(tmp_path: Path, name: str) -> None:
    write_events(tmp_path, [{"user_id": "u", "time": CUT - timedelta(days=d), "channel": "visit"} for d in (9, 8)])
    history = read_history(open_source(tmp_path), int(CUT.timestamp()))
    with pytest.raises(InputError, match="fewer than two users"):
        MODELS[name].load()(history, Options(tmp_path, encode=encode, settings=SMALL))


def test_histories_are_those_of_the_cut(history: History) -> None:
    found = histories_of(history)
    u = 7
    own = history.user == u
    assert found.start[u + 1] - found.start[u] == own.sum()
    texts = [found.texts[code] for code in found.text[found.start[u] : found.start[u + 1]]]
    assert texts == [history.text.words[code] for code in history.text.code[own]]
    assert found.time.max() < history.cut


def test_windows_end_before_the_cut_and_begin_after_an_event(history: History) -> None:
    histories = histories_of(history)
    windows = draw_windows(histories, history.cut, MsdpConfig(draws=8), np.random.default_rng(0))
    assert (windows.moments.time + windows.length <= history.cut).all()
    assert (histories.before(windows.moments) > histories.start[windows.moments.user]).all()
    assert windows.length.min() >= DAY * 0.99
    assert len(np.unique(windows.length)) > 100  # many scales
    assert len(windows.moments) % 8 == 0


def test_the_spread_is_what_was_done_in_the_window(history: History) -> None:
    histories = histories_of(history)
    code, kinds = behaviours(history, 200)
    windows = draw_windows(histories, history.cut, MsdpConfig(draws=2), np.random.default_rng(1))
    spread = spread_of(histories, code, kinds, windows)
    assert spread.sum(axis=1) == pytest.approx(np.ones(len(spread)), abs=1e-5)
    for row in range(0, len(spread), 17):
        user, begin = windows.moments.user[row], windows.moments.time[row]
        own = (history.user == user) & (history.time >= begin) & (history.time < begin + windows.length[row])
        expected = np.bincount(code[own], minlength=kinds + 1) / max(1, own.sum())
        expected[kinds] = float(not own.any())
        assert spread[row] == pytest.approx(expected, abs=1e-6)


def test_the_window_is_a_prompt() -> None:
    """The same history has another vector for another window, and the SimSiam term takes part in the loss."""
    torch.manual_seed(0)
    events = Events(torch.randn(3, 5, 12), torch.zeros(3, 5, dtype=torch.long),
                    torch.arange(5).repeat(3, 1) * DAY, torch.tensor([5, 3, 1]))  # fmt: skip
    moment, short, code = torch.full((3,), 6 * DAY), torch.full((3,), DAY), torch.ones(3, 5, dtype=torch.long)
    for contrast in (0.0, 1.0):
        model = Msdp(12, 2, 4, MsdpConfig(dims=8, layers=1, contrast=contrast)).eval()
        assert not torch.allclose(model(events, code, moment, short), model(events, code, moment, 14 * short))
        model.loss(events, code, moment, short, torch.eye(5)[:3]).backward()
        assert (model.predictor[0].weight.grad is not None) == bool(contrast)


def test_masked_events_are_hidden_and_the_rest_of_the_history_is_seen() -> None:
    torch.manual_seed(0)
    model = One4all(12, 3, [4], One4allConfig(dims=8, layers=1, dropout=0.0)).eval()
    events = Events(torch.randn(2, 4, 12), torch.tensor([[0, 1, 2, 0], [1, 1, 0, 0]]),
                    torch.arange(4).repeat(2, 1) * DAY, torch.tensor([4, 2]))  # fmt: skip
    hidden = torch.zeros(2, 4, dtype=torch.bool)
    hidden[0, 1] = True
    codes = [torch.tensor([[0, 3, -1, 1], [2, 2, 0, 0]])]
    others = [torch.tensor([[0, 1, -1, 1], [2, 2, 0, 0]])]  # of the hidden event
    changed = events.vectors.clone()
    changed[0, 1] += 1.0
    same = Events(changed, events.source, events.time, events.length)
    assert torch.equal(model(events, codes, hidden)[0], model(same, others, hidden)[0])
    assert not torch.allclose(model(events, codes)[0], model(events, others)[0])
    changed[0, 3] += 1.0  # a later event is seen by the one before it
    assert not torch.allclose(model(events, codes, hidden)[0, 1], model(same, codes, hidden)[0, 1])
    changed[1, 3] += 1.0  # padding is not
    assert torch.allclose(model.pooled(events, codes)[1], model.pooled(same, codes)[1])


def test_pretext_tasks_are_what_the_data_has(history: History) -> None:
    names = [attribute.name for attribute in attributes_of(history, 1_000)]
    assert names == ["channel", "item", "weekday", "day", "gap"]  # no categories, and one amount only
    gap = attributes_of(history, 1_000)[-1]
    firsts = np.unique(history.user, return_index=True)[1]
    assert (gap.code[firsts] == -1).all()


def test_codes() -> None:
    code, kinds = commonest(np.array([5, 5, 9, -1, 9, 5, 2]), 2)
    assert (code.tolist(), kinds) == ([0, 0, 1, -1, 1, 0, -1], 2)
    code, kinds = commonest(np.array([5, 5, 9, 9, 5, 2]), 1, rest=np.array([0, 0, 1, 1, 0, 1]))
    assert (code.tolist(), kinds) == ([0, 0, 2, 2, 0, 2], 3)
    assert bins(np.array([1.0, np.nan, 2.0, 3.0, 4.0]), 2).tolist() == [0, -1, 0, 1, 1]


def test_the_first_mention_counts(history: History) -> None:
    code = first_mention(history)
    event = int(history.mention_event[5])
    assert code[event] == history.mention.code[np.flatnonzero(history.mention_event == event)[0]]


@pytest.mark.parametrize("make", [probe, probe_few, user_mlp])
def test_probes_learn_from_seeds_only(make: object) -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(300, 6)).astype(np.float32)
    y = (features[:, 0] > 0).astype(np.int8)
    rows = np.concatenate([np.flatnonzero(y == 1)[:20], np.flatnonzero(y == 0)[:20]])
    scorer = make(features)  # type: ignore[operator]
    score = scorer(Asked("t", "s", np.zeros(0, bool), rows, y[rows], 0))
    rest = np.setdiff1d(np.arange(300), rows)
    assert auc(score[rest], y[rest]) > 0.9
    alone = scorer(Asked("t", "s", np.zeros(0, bool), rows[:5], y[rows[:5]], 0))
    assert (alone == 0).all()


def test_settings_of_a_row_stay_out_of_the_user_model(tmp_path: Path) -> None:
    options = Options(tmp_path, settings=("msdp.epochs=2", "behaviour.layers=1", "one4all.mask=0.3"))
    assert model_settings(options) == ("behaviour.layers=1",)
    assert options.own("msdp") == ("epochs=2",)
    with pytest.raises(ConfigError, match="does not divide"):
        resolve_config(One4allConfig, ("dims=30",))
    with pytest.raises(ConfigError, match="shortest_days"):
        resolve_config(MsdpConfig, ("shortest_days=40",))
