"""Baselines: each against a formula written out, and each better than chance on a small planted folder."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from planted_tasks import CUT, write_planted

from audience_graph.errors import ConfigError
from audience_trainers.users.baselines.columns import read_columns
from audience_trainers.users.baselines.item_knn import nearness
from audience_trainers.users.baselines.logistic import design
from audience_trainers.users.baselines.user_text import user_texts
from audience_trainers.users.baselines.words import words_of
from audience_trainers.users.measures import auc
from audience_trainers.users.scoring import MODELS, Asked, Options, choose_models
from audience_trainers.users.split import seed_users, split_users
from audience_trainers.users.tasks.history import History, read_history
from audience_trainers.users.tasks.labels import labels
from audience_trainers.users.tasks.parse import read_tasks
from audience_trainers.users.tasks.source import Source, open_source
from audience_trainers.users.tasks.task import Task
from audience_trainers.users.tasks.truth import Window, matching_rows

pytestmark = pytest.mark.usefixtures("one_thread")

KINDS = ("coffee", "espresso", "roasted", "tea", "teapot", "porcelain")


def encode(texts: Sequence[str]) -> np.ndarray:
    """Stand in for MiniLM: one dimension for words of coffee, one for words of tea, one for the rest."""
    rows = []
    for text in texts:
        words = words_of(text)
        row = [sum(w in KINDS[:3] for w in words), sum(w in KINDS[3:] for w in words), 0.5]
        rows.append(np.array(row) / np.linalg.norm(row))
    return np.array(rows, np.float32)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return open_source(write_planted(tmp_path_factory.mktemp("planted")))


@pytest.fixture(scope="module")
def history(source: Source) -> History:
    return read_history(source, int(CUT.timestamp()))


TINY = (
    *("behaviour.dims=16", "behaviour.layers=1", "behaviour.epochs=1", "tabular.dims=8", "tabular.epochs=1"),
    *("align.dims=16", "align.layers=1", "align.epochs=1", "align.views=1"),
    *("msdp.dims=16", "msdp.layers=1", "msdp.epochs=1", "one4all.dims=16", "one4all.layers=1", "one4all.epochs=1"),
)


def ask(source: Source, history: History, task: Task, name: str, seed: int = 0) -> tuple[float, np.ndarray]:
    """Return the AUC on the evaluation part, and the scores of everybody eligible."""
    found = labels(task, source)
    split = split_users(found.y, seed=seed)
    rows = {"none": split.fitting[:0], "fitting": split.fitting}.get(
        MODELS[name].labels, seed_users(found.y, split.fitting, positives=5, negatives=5, seed=seed)
    )
    place = np.searchsorted(history.users, found.users)
    matching = np.isin(history.row, matching_rows(source, task.truth, Window(None, task.cut)))
    scorer = MODELS[name].load()(history, Options(source.folder, encode=encode, settings=TINY))
    score = scorer(Asked(task.name, task.sentence, matching, place[rows], found.y[rows], seed))
    assert score.shape == (len(history.users),)
    return auc(score[place][split.evaluation], found.y[split.evaluation]), score[place]


@pytest.mark.parametrize(
    ("name", "least"),
    [("bm25", 0.65), ("text_mean", 0.65), ("popularity", 0.58), ("popularity_matching", 0.6), ("item_knn", 0.6),
     ("item_knn_few", 0.6), ("boosting", 0.65), ("logistic", 0.6)],
)  # fmt: skip
def test_every_baseline_beats_chance(source: Source, history: History, name: str, least: float) -> None:
    reached = [ask(source, history, task, name)[0] for task in read_tasks(source.folder).values()]
    assert min(reached) > least


def test_random_is_chance_and_repeats_itself(source: Source, history: History) -> None:
    task = read_tasks(source.folder)["tea_buyers"]
    scores = [ask(source, history, task, "random", seed=seed) for seed in range(20)]
    assert 0.4 < np.mean([reached for reached, _ in scores]) < 0.6
    assert np.array_equal(scores[3][1], ask(source, history, task, "random", seed=3)[1])
    assert not np.array_equal(scores[3][1], scores[4][1])


def test_all_but_random_say_the_same_twice(source: Source, history: History) -> None:
    task = read_tasks(source.folder)["coffee_buyers"]
    others = ("few_shot", "probe", "zero_shot_rewritten")  # on the model of zero_shot: test_users_rows
    for name, model in MODELS.items():
        if name.startswith(others) or model.needs == "language model":
            continue
        assert np.array_equal(ask(source, history, task, name)[1], ask(source, history, task, name)[1]), name


def test_bm25_is_the_formula_written_out(source: Source, history: History) -> None:
    task = read_tasks(source.folder)["coffee_buyers"]
    texts: dict[str, list[str]] = {user: [] for user in history.users}
    for user, text in zip(history.user, history.text.code, strict=True):
        texts[history.users[user]] += words_of(history.text.words[text])
    mean = np.mean([len(words) for words in texts.values()])
    written = {}
    for user, words in texts.items():
        count, total = Counter(words), 0.0
        for word in words_of(task.sentence):
            holders = sum(word in other for other in texts.values())
            idf = math.log(1 + (len(texts) - holders + 0.5) / (holders + 0.5))
            total += idf * count[word] * 2.2 / (count[word] + 1.2 * (0.25 + 0.75 * len(words) / mean))
        written[user] = total
    found = ask(source, history, task, "bm25")[1]
    assert max(written.values()) > 0
    assert found == pytest.approx([written[user] for user in labels(task, source).users], abs=1e-12)


def test_item_knn_is_the_sum_of_cosines() -> None:
    rng = np.random.default_rng(0)
    owned = (rng.random((30, 12)) < 0.3).astype(float)
    owned[:, 0] = 1.0
    wanted = rng.normal(size=12)
    lengths = np.linalg.norm(owned, axis=0)
    cosine = (owned.T @ owned) / np.outer(lengths, lengths)
    import scipy.sparse as sp

    found = nearness(sp.csr_matrix(owned), sp.csr_matrix(owned / lengths), wanted)
    assert found == pytest.approx(owned @ (cosine @ wanted), abs=1e-12)


def test_text_mean_is_the_cosine_with_the_mean_vector(source: Source, history: History) -> None:
    task = read_tasks(source.folder)["tea_buyers"]
    found = ask(source, history, task, "text_mean")[1]
    users = labels(task, source).users
    query = encode([task.sentence])[0]
    for at in (0, 7, 100):
        own = history.text.code[history.user == np.searchsorted(history.users, users[at])]
        mean = encode([history.text.words[code] for code in own]).mean(0)
        assert found[at] == pytest.approx(float(mean @ query / np.linalg.norm(mean)), abs=1e-6)


def test_without_events_a_profile_is_said_in_words(tmp_path: Path) -> None:
    cells = {"user_id": [f"u{i:02d}" for i in range(40)], "as_of": CUT, "has_car": [1, 0] * 20, "spend": range(40),
             "city_tier": ["big", None] * 20}  # fmt: skip
    pd.DataFrame(cells).to_parquet(tmp_path / "users.parquet")
    history = read_history(open_source(tmp_path), int(CUT.timestamp()))
    said, texts = user_texts(history)
    assert [[texts[i] for i in said[user].indices] for user in (0, 39)] == [
        ["city tier big", "has car", "spend lowest"],
        ["spend highest"],
    ]
    scorer = MODELS["bm25"].load()(history, Options(tmp_path))
    nothing = np.zeros(0, np.int64)
    score = scorer(Asked("t", "Who has a car?", np.zeros(0, bool), nothing, nothing.astype(np.int8), 0))
    assert (score[::2] > 0).all()
    assert (score[1::2] == 0).all()


def test_words_are_small_singular_and_chinese_by_character() -> None:
    assert words_of("Glasses, CANDLES & t-lights: babies; 水疗Spa bus 3x") == [
        "glasse", "candle", "t", "light", "baby", "水", "疗", "spa", "bus", "3x",
    ]  # fmt: skip
    assert words_of("cookies") == words_of("cookie") or re.match("cook", words_of("cookies")[0])


def test_columns_are_numbers_or_categories_and_missing_is_said() -> None:
    profile = {
        "age": np.array([10, None, 30], object),
        "city": np.array(["x", None, "y"], object),
        "flag": np.array([True, False, True], object),
    }
    found = read_columns(profile, 3)
    assert found.numbers[:, 0].tolist()[::2] == [10.0, 30.0]
    assert np.isnan(found.numbers[1, 0])
    assert found.categories[:, 0].tolist() == [0, -1, 1]
    assert found.sizes == (2, 2)
    assert design(found)[:, :2].tolist() == [[-1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]


def test_unknown_models_are_named() -> None:
    assert set(choose_models("all")) == set(MODELS)
    assert list(choose_models("random, bm25")) == ["random", "bm25"]
    with pytest.raises(ConfigError, match="'bm26'"):
        choose_models("bm26")
    with pytest.raises(ConfigError, match="unknown model ''"):
        choose_models("")
