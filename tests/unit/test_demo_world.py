"""What a planted world promises to those who are judged on it."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from audience_graph.demo import AS_OF, FUTURE_DAYS, HISTORY_DAYS, write_world
from audience_graph.demo.evaluation import read_truth
from audience_graph.demo.lexicon import TYPES, load_topics
from audience_graph.demo.scenarios import SCENARIOS
from audience_graph.demo.sizes import size_of
from audience_graph.errors import ConfigError


def read(world: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(world / f"{name}.parquet")


def test_history_ends_before_the_future_begins(world: Path) -> None:
    as_of = pd.Timestamp(AS_OF)
    past, later = read(world, "events"), read(world, "truth/future_events")
    assert past["time"].max() < as_of <= later["time"].min()
    assert past["time"].min() >= as_of - pd.Timedelta(days=HISTORY_DAYS)
    assert later["time"].max() < as_of + pd.Timedelta(days=FUTURE_DAYS)
    assert not set(past["event_id"]) & set(later["event_id"])
    assert read(world, "users")["as_of"].max() <= as_of


def test_a_loader_gets_nothing_of_the_truth(world: Path) -> None:
    assert list(read(world, "events").columns) == [
        "event_id", "user_id", "time", "channel", "text", "entity_ids", "items", "merchant", "category", "amount",
        "status", "payment_channel",
    ]  # fmt: skip
    assert list(read(world, "entities").columns) == ["id", "name", "type", "aliases", "description", "sensitive"]


def test_entities_are_readable_unique_and_of_26_types(world: Path) -> None:
    entities = read(world, "entities")
    assert set(entities["type"]) == set(TYPES)
    assert len(TYPES) == 26
    assert not entities["name"].str.casefold().duplicated().any()
    aliases = entities["aliases"].explode().dropna()
    assert 8 <= aliases[aliases.duplicated(keep=False)].nunique() <= 8  # ambiguous on purpose
    assert entities["name"].str.contains("[一-鿿]").any()
    assert entities["sensitive"].any()
    assert entities["description"].isna().any()


def test_most_mentions_are_in_words_only(world: Path) -> None:
    events, mentions = read(world, "events"), read(world, "truth/history_mentions")
    names = read(world, "entities").set_index("id")["name"]
    tagged = events["entity_ids"].str.len() > 0
    assert 0.1 < tagged.mean() < 0.3
    both = events.merge(mentions, on="event_id", suffixes=("", "_true"))
    by_name = [
        any(names[e].casefold() in text.casefold() for e in ids)
        for text, ids in zip(both["text"], both["entity_ids_true"], strict=True)
    ]
    assert 0.5 < sum(by_name) / len(by_name) < 0.95  # the others use an alias, or are misspelt
    assert len(both) < len(events)


def test_relations_are_symmetric_graded_and_follow_wants(world: Path) -> None:
    relations = read(world, "truth/relations")
    assert set(relations["grade"]) == {0.5, 1.0}
    pairs = set(zip(relations["source_id"], relations["target_id"], strict=True))
    assert len(pairs) == len(relations)
    assert all((b, a) in pairs for a, b in pairs)
    assert all(a != b for a, b in pairs)
    members = read(world, "truth/memberships").query("since == 0 and until > 100")
    shared = members.merge(members, on="service").query("entity_id_x != entity_id_y")
    graded = relations.set_index(["source_id", "target_id"])["grade"]
    assert (graded.loc[list(zip(shared["entity_id_x"], shared["entity_id_y"], strict=True))] == 1.0).all()


def test_relations_drift_from_week_to_week(world: Path) -> None:
    members = read(world, "truth/memberships")
    lately = members[(members["since"] > 0) | (members["until"] < 100)]
    assert 5 <= len(lately) < 0.1 * len(members)
    assert lately["since"].max() < HISTORY_DAYS


def test_phrases_name_one_entity_each_and_have_newcomers(world: Path) -> None:
    phrases, entities = read(world, "truth/phrases"), read(world, "entities")
    writings = pd.concat(
        [entities[["id", "name"]], entities[["id", "aliases"]].explode("aliases").rename(columns={"aliases": "name"})]
    )
    assert len(phrases) == 20
    assert phrases["entity_id"].is_unique
    for row in phrases.itertuples():
        assert set(writings.loc[writings["name"].str.casefold() == row.phrase.casefold(), "id"]) == {row.entity_id}
    truth = read_truth(world)
    newcomers = [int((truth.acted[e] & ~truth.known[e]).sum()) for e in phrases["entity_id"]]
    assert min(newcomers) > 0


def test_thirteen_scenarios_over_three_domains_with_columns_and_labels(world: Path) -> None:
    scenarios, labels, users = read(world, "truth/scenarios"), read(world, "truth/labels"), read(world, "users")
    assert len(scenarios) == 13
    assert scenarios["domain"].value_counts().to_dict() == {"marketing": 5, "recommendation": 4, "security": 4}
    assert set(scenarios["columns"].explode()) <= set(users.columns)
    assert labels["scenario"].unique().tolist() == [s.name for s in SCENARIOS]
    rate = labels.groupby("scenario")["label"].mean()
    assert rate.between(0.001, 0.3).all()
    assert not (labels["hard_negative"] & (labels["label"] == 1)).any()


def test_first_time_scenarios_leave_out_those_who_did_it_before(world: Path) -> None:
    labels, users = read(world, "truth/labels"), read(world, "users")["user_id"].nunique()
    sizes = labels.groupby("scenario")["user_id"].nunique()
    assert sizes["first_baby_goods"] < users
    assert sizes["money_mules"] == users


def test_users_have_dated_columns_missing_values_and_consent_by_purpose(world: Path) -> None:
    users = read(world, "users")
    assert users.groupby("user_id")["as_of"].nunique().eq(2).all()
    assert users["income_band"].isna().mean() > 0.1
    consent = [c for c in users.columns if c.startswith("consent_")]
    assert len(consent) == 3
    assert 0.6 < users["consent_marketing"].mean() < 0.95


def test_columns_tell_of_interests_but_not_everything(world: Path) -> None:
    labels, users = read(world, "truth/labels"), read(world, "users").drop_duplicates("user_id", keep="last")
    mules = labels[labels["scenario"] == "money_mules"].merge(users, on="user_id")
    means = mules.groupby("label")["incoming_transfers_30d"].mean()
    assert 1.5 * means[0] < means[1]
    assert mules.loc[mules["label"] == 1, "incoming_transfers_30d"].min() <= 1


def test_world_json_is_written_last_and_says_what_it_is(world: Path) -> None:
    said = json.loads((world / "world.json").read_text(encoding="utf-8"))
    assert said["as_of"] == "2025-07-27"
    assert said["counts"]["events"] == len(read(world, "events"))
    newest = max(p.stat().st_mtime_ns for p in world.rglob("*.parquet"))
    assert (world / "world.json").stat().st_mtime_ns >= newest


def test_writing_over_another_world_leaves_nothing_of_it(world: Path, tmp_path: Path, tiny: object) -> None:
    write_world(tmp_path, tiny, 4)
    write_world(tmp_path, tiny, 3)
    assert (tmp_path / "events.parquet").read_bytes() == (world / "events.parquet").read_bytes()


def test_an_unknown_size_is_refused() -> None:
    with pytest.raises(ConfigError, match="no world of size 'huge'"):
        size_of("huge")


def test_the_lexicon_hangs_together() -> None:
    topics = load_topics()
    names = {topic.name for topic in topics}
    nouns = [noun for topic in topics for _, _, words in topic.services for noun in words]
    assert len(topics) >= 30
    assert all(set(topic.near) <= names - {topic.name} and set(topic.types) <= set(TYPES) for topic in topics)
    assert all(len(topic.services) == 5 and all(len(s[2]) == 6 for s in topic.services) for topic in topics)
    assert len(nouns) == len(set(nouns))
