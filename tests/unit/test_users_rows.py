"""Rows of the evaluation that stand on the user model: one training for all of them, few-shot, probes, rewriting."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from planted_tasks import CUT, write_events, write_planted

from audience_graph.entities.dictionary import Dictionary, Entity
from audience_graph.errors import InputError
from audience_trainers.users.alignment.aligned import Aligned, new_head
from audience_trainers.users.entity_text import EntityText
from audience_trainers.users.evaluate import EvaluateOptions, choose_tasks, evaluate_users
from audience_trainers.users.few_shot import place_of, tower_of
from audience_trainers.users.measures import auc
from audience_trainers.users.modalities import modality_vectors
from audience_trainers.users.prepared import WITHOUT_EVENTS, Prepared, prepare_users
from audience_trainers.users.probe import fit_few, fit_probe
from audience_trainers.users.question import Question, read_question
from audience_trainers.users.scoring import MODELS, Asked, Options, Shared, choose_models
from audience_trainers.users.split import seed_users
from audience_trainers.users.tasks.history import History, read_history
from audience_trainers.users.tasks.source import open_source
from audience_trainers.users.zero_shot import read_vocabulary

pytestmark = pytest.mark.usefixtures("one_thread")

OURS = ("zero_shot", "zero_shot_rewritten", "few_shot", "probe_few", "probe", "probe_behaviour", "probe_tabular",
        "probe_search", "probe_concatenation")  # fmt: skip
SETTINGS = (
    "behaviour.dims=16", "behaviour.layers=1", "behaviour.heads=2", "behaviour.width=16", "behaviour.epochs=1",
    "tabular.dims=16", "tabular.layers=1", "tabular.heads=2", "tabular.generator_dims=8", "tabular.epochs=1",
    "align.dims=384", "align.layers=1", "align.epochs=2", "align.views=2", "pairs.windows.step_days=14",
)  # fmt: skip


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_planted(tmp_path_factory.mktemp("planted"), users=120)
    people = pd.read_parquet(folder / "users.parquet")
    silent = pd.DataFrame([{"user_id": "zz", "as_of": CUT - pd.Timedelta(days=9), "age": 50, "city": "city 1"}])
    pd.concat([people, silent]).to_parquet(folder / "users.parquet", index=False)  # known, but without events
    return folder


@pytest.fixture(scope="module")
def asked(planted: Path) -> tuple[History, Options, Question]:
    source = open_source(planted)
    task = choose_tasks(planted, "tea_buyers")[0]
    history = read_history(source, task.cut)
    return history, Options(planted, settings=SETTINGS), read_question(task, source, history)


@pytest.fixture(scope="module")
def prepared(asked: tuple[History, Options, Question]) -> Prepared:
    return prepare_users(*asked[:2])


def test_all_rows_of_a_cut_train_once(planted: Path) -> None:
    steps: list[tuple[str, int]] = []
    options = EvaluateOptions(
        seeds=2, replicates=20, settings=SETTINGS, progress=lambda step, done, _: steps.append((step, done))
    )
    found = evaluate_users(planted, choose_tasks(planted, None), choose_models(",".join(OURS)), options)
    assert steps.count(("alignment", 1)) == 1
    for judged in found.values():
        assert set(judged.models) == set(OURS)
        assert all(np.isfinite(judged.models[name]["auc"].mean) for name in OURS)
        assert judged.models["probe_search"]["auc"].mean == 0.5  # nobody searches here
        assert judged.models["probe"]["auc"].mean > 0.55
        assert judged.models["zero_shot"]["auc"].mean > 0.55


def test_what_is_shared_is_made_once_and_is_of_one_cut(planted: Path) -> None:
    made: list[int] = []
    shared = Shared()
    assert [shared.once("a", lambda: made.append(1) or len(made)) for _ in range(2)] == [1, 1]
    assert shared.once("b", lambda: 5) == 5

    def fail() -> int:
        made.append(2)
        raise InputError("nothing to learn from")

    for _ in range(2):
        with pytest.raises(InputError, match="nothing to learn from"):
            shared.once("c", fail)
    assert made.count(2) == 1
    assert Options(planted).shared is not Options(planted).shared


def test_data_that_a_model_cannot_learn_from_leave_it_out(tmp_path: Path) -> None:
    """Nothing that a user does is shared by another: no future can be described; baselines have numbers still."""
    rows = [
        {
            "user_id": f"u{u:02d}",
            "time": CUT + timedelta(days=day),
            "channel": "review",
            "text": f"odd{u} even{day + 40}",
        }
        for u in range(30)
        for day in (-38, -30, -20, -10, *([3] if u % 2 else []))
    ]
    write_events(tmp_path, rows)
    (tmp_path / "tasks.toml").write_text(
        'cut = 2024-03-01\nhorizon_days = 14\n[[task]]\nname = "a"\nsentence = "Who reviews?"\n'
        'truth = { channel = "review" }\n'
    )
    models = choose_models("zero_shot,few_shot,bm25")
    options = EvaluateOptions(seeds=1, replicates=20, settings=SETTINGS)
    found = evaluate_users(tmp_path, choose_tasks(tmp_path, None), models, options)["a"]
    assert set(found.models) == {"bm25"}
    assert "no user has both a history and a future" in found.left_out["zero_shot"]
    assert found.left_out["few_shot"] == found.left_out["zero_shot"]


def test_a_user_without_events_comes_last(asked: tuple[History, Options, Question], prepared: Prepared) -> None:
    history, options, question = asked
    row = int(np.flatnonzero(history.users == "zz")[0])
    assert prepared.place[row] == -1
    assert np.array_equal(prepared.row[prepared.place[prepared.row]], prepared.row)
    for name in ("zero_shot", "zero_shot_rewritten", "few_shot", "probe_few"):
        rows = question.told(MODELS[name], question.split(0).fitting, few=5, seed=0)
        told = Asked("t", question.task.sentence, question.matching, question.place[rows], question.found.y[rows], 0)
        scores = MODELS[name].load()(history, options)(told)
        assert scores.argmin() == row
        assert (np.delete(scores, row) > scores[row]).all()
    assert prepared.cosine(prepared.vectors[0])[row] == WITHOUT_EVENTS


def test_a_prompt_is_read_by_the_tower_that_was_aligned(prepared: Prepared) -> None:
    """An untuned sentence is that of zero-shot, up to the 16 bits in which texts are kept."""
    sentence = "People who will buy tea."
    wanted = prepared.trained.embed_sentences([sentence])[0]
    assert float(tower_of(prepared, prepared.trained.tower(), sentence).embed([sentence])[0] @ wanted) > 0.999


def test_a_prompt_keeps_what_the_entities_of_its_sentence_say(prepared: Prepared) -> None:
    dictionary = Dictionary.of([Entity("e1", "green tea", "product", (), None)])
    vectors = {"e1": np.array([0.6, 0.8, 0.0], np.float32)}
    texts = EntityText(prepared.trained.texts.base, dictionary, vectors, 3, 1.0)
    model = Aligned(prepared.trained.model.users, new_head(387, 384))
    named = replace(prepared, trained=replace(prepared.trained, texts=texts, model=model))
    words = named.trained.tower()
    for sentence, words_suffice in (("People who will buy green tea", False), ("People who will run", True)):
        wanted = named.trained.embed_sentences([sentence])[0]
        assert float(tower_of(named, words, sentence).embed([sentence])[0] @ wanted) > 0.999
        assert (float(words.embed([sentence])[0] @ wanted) > 0.999) == words_suffice


def test_few_shot_learns_from_its_seeds(asked: tuple[History, Options, Question], prepared: Prepared) -> None:
    """Of a sentence that says the opposite, enough seeds of tea drinkers make something better."""
    history, options, question = asked
    rows = question.told(MODELS["few_shot"], np.arange(len(question.found.y)), few=16, seed=0)
    told = Asked("t", "People who will buy coffee.", question.matching, question.place[rows], question.found.y[rows], 0)
    plain, tuned = (MODELS[name].load()(history, options)(told) for name in ("zero_shot", "few_shot"))
    rest = np.setdiff1d(question.split(0).evaluation, rows)
    before, after = (auc(score[question.place[rest]], question.found.y[rest]) for score in (plain, tuned))
    assert after > before
    assert np.array_equal(MODELS["few_shot"].load()(history, options)(told), tuned)
    assert len(place_of(prepared, told, 1)) == question.found.y[rows].sum() >= 5
    nobody = Asked("t", "Tea", question.matching, np.empty(0, np.int64), np.empty(0, np.int8), 0)
    assert np.allclose(
        *(MODELS[name].load()(history, options)(nobody) for name in ("zero_shot", "few_shot")), atol=1e-5
    )


def test_hard_users_are_some_of_the_negative_seeds() -> None:
    y = np.repeat([1, 0], [10, 90]).astype(np.int8)
    hard = np.zeros(100, np.bool_)
    hard[[10, 11, 12, 99]] = True
    fitting = np.arange(0, 99)
    rows = seed_users(y, fitting, positives=5, negatives=5, seed=3, hard=hard)
    assert y[rows].tolist() == [1] * 5 + [0] * 5
    assert hard[rows].sum() == 2
    assert len(set(rows)) == 10
    assert np.isin(rows, fitting).all()
    plain = seed_users(y, fitting, positives=5, negatives=5, seed=3)
    assert np.array_equal(seed_users(y, fitting, positives=5, negatives=5, seed=3, hard=np.zeros(100, bool)), plain)


def test_a_probe_is_fitted_on_what_it_was_told() -> None:
    rng = np.random.default_rng(0)
    features = rng.standard_normal((600, 20)).astype(np.float32) * 7 + 3
    truth = features[:, 0] - features[:, 1]
    y = (truth > np.median(truth)).astype(np.int64)
    told, rest = np.arange(150), np.arange(150, 600)
    found = fit_probe(features, told, y[told], seed=0)
    assert auc(found[rest], y[rest].astype(np.int8)) > 0.95
    noise = fit_probe(features, told, rng.permutation(y[told]), seed=0)
    assert abs(auc(noise[rest], y[rest].astype(np.int8)) - 0.5) < 0.15
    assert np.ptp(noise) < np.ptp(found)  # a smaller C is chosen where nothing can be learned


def test_a_few_seeds_give_the_regression_of_all_dimensions() -> None:
    """The fit in the span of the seeds is the fit in the whole space."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(1)
    vectors = rng.standard_normal((50, 30)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows, y = np.arange(10), np.repeat([1, 0], 5)
    found = fit_few(vectors, rows, y)
    near = [
        np.corrcoef(found, LogisticRegression(C=c, tol=1e-8).fit(vectors[rows], y).decision_function(vectors))[0, 1]
        for c in (0.1, 1.0, 10.0, 100.0)
    ]
    assert max(near) > 0.9999


def test_modalities_are_what_the_encoders_say(prepared: Prepared) -> None:
    known = modality_vectors(prepared.trained, prepared.moments)
    assert set(known) == {"behaviour", "search", "tabular"}
    assert not known["search"].any()
    encoder = prepared.trained.model.users.behaviour
    assert known["behaviour"].shape == (len(prepared.row), encoder.text.out_features)
    assert known["behaviour"].any(axis=1).all()
    assert len(np.unique(known["tabular"].round(5), axis=0)) > 2
    assert known["tabular"].shape[1] == 2 * encoder.text.out_features  # age and city, side by side


def test_a_sentence_is_rewritten_with_entities_and_columns(
    planted: Path, asked: tuple[History, Options, Question], tmp_path: Path
) -> None:
    history, options, _ = asked
    (tmp_path / "events.parquet").write_bytes((planted / "events.parquet").read_bytes())
    pd.DataFrame([{"id": "e1", "name": "green tea", "type": "product", "aliases": ["sencha"]}]).to_parquet(
        tmp_path / "entities.parquet"
    )
    named = replace(options, folder=tmp_path)  # the same model, and a folder with entities
    vocabulary, payments = read_vocabulary(history, named, prepare_users(history, options).trained.texts.base)
    assert payments == ()
    assert {value.text for value in vocabulary.values} == {"green tea", "sencha", "city 0", "city 1", "city 2"}
    plain, rewritten = (MODELS[name].load()(history, named) for name in ("zero_shot", "zero_shot_rewritten"))

    def told(sentence: str) -> Asked:
        return Asked("t", sentence, np.empty(0, bool), np.empty(0, np.int64), np.empty(0, np.int8), 0)

    unknown = told("People who will buy zorbs.")
    assert np.allclose(plain(unknown), rewritten(unknown), atol=1e-6)
    known = told("Whoever is about to purchase sencha this week")
    assert not np.allclose(plain(known), rewritten(known), atol=1e-3)
    assert np.allclose(rewritten(known), plain(told("People who will buy sencha in the next week")), atol=1e-6)
