"""ARALLM: sentences to tag queries, and users by the tags that they hold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from planted_tasks import CUT, write_events, write_planted

from audience_graph.sentences.demand import FAMILIES
from audience_graph.sentences.vocabulary import Found, Value, Vocabulary
from audience_trainers.users.baselines.arallm import language_model
from audience_trainers.users.baselines.arallm.grammar import read_query, tags_of
from audience_trainers.users.baselines.arallm.language_model import (
    ArallmConfig,
    fine_tune,
    library_of,
    prompt,
    read_answer,
)
from audience_trainers.users.baselines.arallm.query import TagQuery, parse_query
from audience_trainers.users.baselines.arallm.tags import Tags
from audience_trainers.users.evaluate import EvaluateOptions, choose_tasks, evaluate_users
from audience_trainers.users.measures import auc
from audience_trainers.users.rewriter.causal import CausalModel, random_causal
from audience_trainers.users.rewriter.config import StageConfig
from audience_trainers.users.rewriter.talk import Turn
from audience_trainers.users.scoring import MODELS, Asked, Options, choose_models
from audience_trainers.users.tasks.history import read_history
from audience_trainers.users.tasks.labels import labels
from audience_trainers.users.tasks.parse import read_tasks
from audience_trainers.users.tasks.source import open_source
from audience_trainers.users.training import TrainOptions

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning"),
]
QUERIES = [
    TagQuery(("coffee",), ("purchase",)),
    TagQuery(("coffee", "fried chicken"), ("purchase", "search"), (("has_car", "yes"), ("gender", "f"))),
    TagQuery((), ("browse",)),
    TagQuery((), (), (("city", "St AND OR Louis"),)),
]


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_is_text_and_back(query: TagQuery) -> None:
    assert parse_query(str(query), ("has_car", "gender", "city")) == query


@pytest.mark.parametrize(
    "text",
    ["", "coffee", 'thing = coffee', 'thing = "coffee" AND', 'colour = "red"', 'behaviour = "steal"', "People who buy",
     'thing = "!!"', 'thing = "coffee" XOR thing = "tea"'],
)  # fmt: skip
def test_what_is_no_query_is_refused(text: str) -> None:
    assert parse_query(text, ("city",)) is None


@pytest.fixture
def tags(tmp_path: Path) -> Tags:
    def event(user: str, days: float, channel: str, **rest: object) -> dict[str, object]:
        return {"user_id": user, "time": CUT - pd.Timedelta(days=days), "channel": channel, **rest}

    write_events(tmp_path, [
        event("bought", 1, "purchase", entity_ids=["e1"]),
        event("bought_long_ago", 90, "purchase", entity_ids=["e1"]),
        event("looked", 1, "visit", text="where to get Espresso today"),
        event("other", 1, "purchase", items=["tea pot"]),
        event("other", 2, "purchase", items=["tea pot"]),
        event("quiet", 3, "visit", text="nothing of note"),
    ])  # fmt: skip
    pd.DataFrame({"user_id": ["bought", "other"], "as_of": CUT - pd.Timedelta(days=9), "city": ["Rome", "Bern"],
                  "has_car": [0, 1]}).to_parquet(tmp_path / "users.parquet")  # fmt: skip
    pd.DataFrame({"id": ["e1"], "name": ["Coffee"], "type": ["drink"], "aliases": [["espresso"]]}).to_parquet(
        tmp_path / "entities.parquet"
    )
    history = read_history(open_source(tmp_path), int(CUT.timestamp()))
    return tags_of(history, Options(tmp_path))


def order(tags: Tags, query: TagQuery) -> list[str]:
    score = tags.score(query)
    return [str(tags.history.users[i]) for i in np.argsort(-score, kind="stable")]


def test_tags_are_entities_items_and_channels(tags: Tags) -> None:
    assert set(tags.things) == {"coffee", "tea pot"}  # a whole text is no tag beside a dictionary
    assert {FAMILIES[family] for family in tags.family} == {"purchase", "browse"}
    assert set(tags.profile) == {("city", "Rome"), ("city", "Bern"), ("has_car", "yes")}


def test_who_did_it_lately_comes_first(tags: Tags) -> None:
    found = order(tags, TagQuery(("coffee",), ("purchase",)))
    assert found[:3] == ["bought", "looked", "bought_long_ago"]
    assert found[3] == "other"  # of those without a match the most active
    assert order(tags, TagQuery(("coffee",), ()))[0] in {"bought", "looked"}
    assert order(tags, TagQuery(("tea pot",), ()))[0] == "other"
    assert order(tags, TagQuery((), (), (("city", "Rome"),)))[0] == "bought"
    assert order(tags, TagQuery())[0] == "other"


def test_rules_read_a_query(tags: Tags) -> None:
    vocabulary = Vocabulary(tags.values())
    query = read_query("People in Rome with coffee who will buy a tea pot", vocabulary)
    assert query == TagQuery(("coffee", "tea pot"), ("purchase",), (("city", "Rome"),))
    assert str(query) == '(thing = "coffee" OR thing = "tea pot") AND behaviour = "purchase" AND city = "Rome"'
    assert read_query("People who have a car", vocabulary).profile == ()
    assert read_query("has car", vocabulary).profile == (("has_car", "yes"),)
    assert read_query("something else entirely", vocabulary) == TagQuery()


def test_the_row_beats_chance(tmp_path: Path) -> None:
    def encode(texts: Sequence[str]) -> np.ndarray:
        rows = [np.random.default_rng(sum(text.encode())).normal(size=12) for text in texts]
        return np.array(rows, np.float32)

    source = open_source(write_planted(tmp_path))
    entities = pd.DataFrame({"id": ["c", "t"], "name": ["coffee", "tea"], "type": "drink",
                             "aliases": [["espresso machine"], ["teapot"]]})  # fmt: skip
    entities.to_parquet(tmp_path / "entities.parquet")
    history = read_history(source, int(CUT.timestamp()))
    scorer = MODELS["arallm_grammar"].load()(history, Options(tmp_path, encode=encode))
    for task in read_tasks(tmp_path).values():
        found = labels(task, source)
        nobody, nothing = np.zeros(0, np.int64), np.zeros(0, np.int8)
        asked = Asked(task.name, task.sentence, np.zeros(len(history.user), bool), nobody, nothing, 0)
        assert auc(scorer(asked)[np.searchsorted(history.users, found.users)], found.y) > 0.65


class Says(CausalModel):
    """Answers what it was told to, and remembers what it was asked."""

    def __init__(self, said: str) -> None:
        super().__init__(torch.nn.Linear(1, 1), None)
        object.__setattr__(self, "said", said)
        object.__setattr__(self, "asked", [])

    def answer(self, questions: Sequence[str], **_: Any) -> list[str]:
        self.asked.extend(questions)  # type: ignore[attr-defined]
        return [self.said] * len(questions)  # type: ignore[attr-defined]


def hashed(texts: Sequence[str]) -> np.ndarray:
    rows = [np.random.default_rng(sum(text.encode())).normal(size=12) for text in texts]
    found = np.array(rows, np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_an_answer_is_read_by_its_first_line(tags: Tags) -> None:
    vocabulary = Vocabulary(
        tags.values(), near=lambda phrase: (Found(phrase, Value("coffee", "thing"), "meaning", 0.9),)
    )
    answer = 'thing = "java" AND behaviour = "purchase"\nDemand: more'
    assert read_answer(answer, tags, vocabulary) == TagQuery(("coffee",), ("purchase",))
    assert read_answer('thing = "tea pot"', tags, vocabulary) == TagQuery(("tea pot",))
    assert read_answer("I cannot say", tags, vocabulary) == TagQuery()


def test_the_prompted_model_sees_like_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = open_source(write_planted(tmp_path))
    history = read_history(source, int(CUT.timestamp()))
    model = Says('thing = "a bag of tea"')
    monkeypatch.setattr(language_model, "open_causal", lambda _: model)
    settings = (f"arallm.folder={tmp_path}", "arallm.stage.examples=50", "arallm.examples=3", "arallm.device=cpu")
    options = Options(tmp_path, encode=hashed, settings=settings)
    library = library_of(history, options, 50)
    scorer = MODELS["arallm"].load()(history, options)
    sentence = library[4].question
    nobody, nothing = np.zeros(0, np.int64), np.zeros(0, np.int8)
    score = scorer(Asked("t", sentence, np.zeros(len(history.user), bool), nobody, nothing, 0))
    asked = model.asked[0]  # type: ignore[attr-defined]
    assert asked.count("Demand: ") == 4
    assert f"Demand: {sentence}\nQuery: {library[4].answer}" in asked  # the most like one is the same
    assert asked.endswith(f"Demand: {sentence}\nQuery:")
    bought = np.unique(history.user[[text == "fresh tea" for text in np.array(history.text.words)[history.text.code]]])
    assert set(np.argsort(-score)[: len(bought)]) == set(bought)


def test_fine_tuning_teaches_the_form_of_queries() -> None:
    library = [
        Turn(f"{lead} who will {verb} {thing}.", f'thing = "{thing}" AND behaviour = "{family}"')
        for lead in ("People", "Those", "Customers")
        for verb, family in (("buy", "purchase"), ("look for", "search"))
        for thing in ("coffee", "tea", "tents", "shoes")
    ]
    asked = [prompt(turn.question, (), ()) for turn in library]
    causal = random_causal("tiny", [*asked, *(turn.answer for turn in library)], seed=1, vocabulary=400)
    assert not any(answer.startswith('thing = "') for answer in causal.answer(asked[:6], limit=8))
    stage = StageConfig(epochs=10, batch=8, patience=10, learning_rate=5e-3)
    tuned = fine_tune(causal, library, ArallmConfig(rank=32, alpha=64.0, stage=stage), TrainOptions())
    answers = tuned.answer(asked, limit=24)
    assert all(answer.startswith('thing = "') and "behaviour" in answer for answer in answers), answers[:4]


def test_without_a_folder_the_row_is_left_out_with_its_reason(tmp_path: Path) -> None:
    folder = write_planted(tmp_path)
    options = EvaluateOptions(seeds=1, replicates=20)
    found = evaluate_users(folder, choose_tasks(folder, "tea_buyers"), choose_models("popularity,arallm"), options)
    assert "arallm.folder=FOLDER" in found["tea_buyers"].left_out["arallm"]
    assert set(found["tea_buyers"].models) == {"popularity"}
