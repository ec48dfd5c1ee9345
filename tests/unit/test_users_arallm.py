"""ARALLM: sentences to tag queries, and users by the tags that they hold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from planted_tasks import CUT, write_events, write_planted

from audience_graph.sentences.demand import FAMILIES
from audience_graph.sentences.vocabulary import Vocabulary
from audience_trainers.users.baselines.arallm.grammar import read_query, tags_of
from audience_trainers.users.baselines.arallm.query import TagQuery, parse_query
from audience_trainers.users.baselines.arallm.tags import Tags
from audience_trainers.users.measures import auc
from audience_trainers.users.scoring import MODELS, Asked, Options
from audience_trainers.users.tasks.history import read_history
from audience_trainers.users.tasks.labels import labels
from audience_trainers.users.tasks.parse import read_tasks
from audience_trainers.users.tasks.source import open_source

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
