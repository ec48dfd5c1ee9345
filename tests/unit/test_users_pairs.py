"""Pairs: the past never sees the future, sentences say what the facts say, and the command that writes them."""

from __future__ import annotations

import json
import re
import string
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from audience_graph.errors import ConfigError, InputError
from audience_graph.sentences.demand import FAMILIES
from audience_graph.sentences.templates import PEOPLE, TEMPLATES
from audience_graph.sentences.wording import clean, horizon_words, method_words
from audience_trainers.users.histories import Histories, last_events, read_histories
from audience_trainers.users.pairs.build import Pairs, PairsConfig, build_pairs
from audience_trainers.users.pairs.describe import DescribeConfig
from audience_trainers.users.pairs.futures import KINDS
from audience_trainers.users.pairs.values import words_of
from audience_trainers.users.pairs.windows import DAY, SPLITS, WindowConfig, held_out
from audience_trainers.users.source import open_folder
from audience_trainers.users_command import users
from users.folders import event, seconds, write_folder

WINDOWS = WindowConfig(horizon_days=5, step_days=3, history_days=10, warm_up_days=2, validation_share=0.2)
CONFIG = PairsConfig(WINDOWS, least_users=1)


GOODS = ("tea", "pen", "lamp", "chair", "cup")


def build(folder: Path, config: PairsConfig = CONFIG) -> tuple[Histories, Pairs]:
    with open_folder(folder) as source:
        histories = read_histories(source)
        return histories, build_pairs(source, histories, config)


def shop(days: int = 30, people: int = 30, seed: int = 1) -> list[dict[str, Any]]:
    """Return the events of a small shop: searches, visits, orders with items and amounts."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(people * days):
        user, at, thing = f"u{rng.integers(people):02d}", float(rng.random() * days), GOODS[rng.integers(5)]
        channel = ["search", "visit", "order", "click"][rng.integers(4)]
        if channel == "order":
            told = {"text": f"order of {thing}", "items": [thing], "amount": float(rng.integers(1, 900))}
            rows.append(event(user, at, channel, status="ok", payment_channel="credit_card", **told))
        else:
            rows.append(event(user, at, channel, text=f"{channel} {thing}", category=thing))
    return rows


def keyed(histories: Histories, pairs: Pairs) -> dict[tuple[str, int], tuple[str, Counter[str]]]:
    """Return split and values of each pair by user and t1."""
    found = {}
    for i in range(len(pairs)):
        a, b = pairs.facts.start[i : i + 2]
        values = Counter(pairs.facts.values[v] for v in pairs.facts.value[a:b])
        key = (histories.user_ids[pairs.moments.user[i]], int(pairs.moments.time[i]))
        found[key] = (SPLITS[pairs.split[i]], values)
    return found


def test_facts_lie_in_the_future_and_histories_in_the_past(tmp_path: Path) -> None:
    rows = shop()
    histories, pairs = build(write_folder(tmp_path, rows))
    found = keyed(histories, pairs)
    assert len(found) == len(pairs) > 60
    for (user, t1), (_, values) in found.items():
        own = [(row, int(row["time"].timestamp())) for row in rows if row["user_id"] == user]
        future = {row.get("category") or row["items"][0] for row, t in own if t1 <= t < t1 + 5 * DAY}
        assert {value for value in values if value in GOODS} == future
        assert any(t1 - 10 * DAY <= t < t1 for _, t in own)
    block = last_events(histories, pairs.moments, 8)
    there = np.arange(8) < block.length[:, None]
    assert (block.length > 0).all()
    assert (block.time < pairs.moments.time[:, None])[there].all()


def test_no_window_of_training_overlaps_one_of_the_test_of_any_user(tmp_path: Path) -> None:
    histories, pairs = build(write_folder(tmp_path, shop()))
    end = pairs.moments.time + pairs.windows.horizon
    test, other = pairs.rows("test"), np.concatenate([pairs.rows("train"), pairs.rows("validation")])
    assert len(test) > 20
    assert len(other) > 40
    assert end[other].max() <= pairs.moments.time[test].min()
    held = held_out(histories.user_ids, 0.2)
    assert held[pairs.moments.user[pairs.rows("validation")]].all()
    assert not held[pairs.moments.user[pairs.rows("train")]].any()
    assert end.max() <= histories.time.max() + 1


def test_a_user_without_a_recent_past_is_no_pair(tmp_path: Path) -> None:
    rows = [event("here", i, "order", items=["tea"]) for i in range(30)]
    rows += [event("new", 20, "order", items=["tea"]), event("long gone", 1, text="x")]
    rows += [event("long gone", i, "order", items=["tea"]) for i in (20, 25)]
    windows = WindowConfig(horizon_days=5, history_days=10, test_cuts=0, validation_share=0.0)
    windows = replace(windows, first="2026-01-21", last="2026-01-21")
    write_folder(tmp_path, rows)
    histories, pairs = build(tmp_path, PairsConfig(windows, least_users=1))
    assert set(keyed(histories, pairs)) == {("here", seconds(20))}


def test_what_happens_in_the_test_window_changes_nothing_in_training(tmp_path: Path) -> None:
    rows = shop()
    histories, pairs = build(write_folder(tmp_path / "a", rows))
    t1 = int(pairs.moments.time[pairs.rows("test")].min())
    kept = [row for row in rows if int(row["time"].timestamp()) < t1]
    last = max(rows, key=lambda row: row["time"])
    future = [(row["user_id"], (row["time"].timestamp() - seconds(0)) / DAY) for row in rows if row not in kept]
    other = [event(user, at, "order", items=["boat"]) for user, at in future]
    changed, changed_pairs = build(write_folder(tmp_path / "b", [*kept, *other, {**last, "event_id": "z"}]))
    train, changed_train = pairs.rows("train"), changed_pairs.rows("train")
    assert histories.user_ids == changed.user_ids
    assert pairs.moments[train].time.tobytes() == changed_pairs.moments[changed_train].time.tobytes()
    one = last_events(histories, pairs.moments[train], 8)
    two = last_events(changed, changed_pairs.moments[changed_train], 8)
    assert all(getattr(one, n).tobytes() == getattr(two, n).tobytes() for n in ("text", "source", "time", "length"))
    sentences = pairs.sample(train, np.random.default_rng(3))
    assert sentences == changed_pairs.sample(changed_train, np.random.default_rng(3))
    assert not any("boat" in sentence for sentence in sentences)


def test_present_pairs_describe_the_history_in_the_same_words(tmp_path: Path) -> None:
    rows = [*(event("u", i, "order", items=[f"day {i} thing"]) for i in range(1, 20))]
    folder = write_folder(tmp_path, rows)
    for present in (False, True):
        windows = WindowConfig(horizon_days=3, history_days=4, test_cuts=0, validation_share=0.0, present=present)
        histories, pairs = build(folder, PairsConfig(windows, least_users=1))
        for (_, t1), (_, values) in keyed(histories, pairs).items():
            day = (t1 - seconds(0)) // DAY
            told = range(day - 4, day) if present else range(day, day + 3)
            assert set(values) == {f"day {i} thing" for i in told if i >= 1}
        assert any(" will " in sentence for sentence in pairs.sample([0] * 20, np.random.default_rng(0)))


def test_a_description_is_fresh_each_time_and_the_same_for_a_seed(tmp_path: Path) -> None:
    _, pairs = build(write_folder(tmp_path, shop()))
    rows = np.arange(len(pairs))
    one, again = (pairs.sample(rows, np.random.default_rng(5)) for _ in range(2))
    assert one == again
    rng = np.random.default_rng(5)
    first, second = pairs.sample(rows, rng), pairs.sample(rows, rng)
    assert sum(a != b for a, b in zip(first, second, strict=True)) > 0.8 * len(rows)


def test_sentences_say_what_the_facts_say(tmp_path: Path) -> None:
    rows = [row for row in shop(people=20) if row["channel"] == "order"]
    histories, pairs = build(write_folder(tmp_path, rows))
    facts, rng, said = pairs.facts, np.random.default_rng(1), Counter[str]()
    for pair in range(len(pairs)):
        user, t1 = histories.user_ids[pairs.moments.user[pair]], int(pairs.moments.time[pair])
        own = [(row["items"][0], int(row["time"].timestamp()), row["amount"]) for row in rows if row["user_id"] == user]
        future = {thing for thing, t, _ in own if t1 <= t < t1 + 5 * DAY}
        known = {thing for thing, t, _ in own if t < t1}
        for sentence in pairs.sample([pair] * 5, rng):
            named = {thing for thing in GOODS if re.search(rf"\b{thing}\b", sentence)}
            assert named <= future
            if re.search("first|New|never|try", sentence) and "spend" not in sentence:
                said["first"] += 1
                assert not named & known or " and " in sentence  # the other family may know it
            amount = re.search(r"(?:over|more than|at least) ([\d,]+)", sentence)
            if amount is not None:
                said["amount"] += 1
                spent = sum(cents for thing, t, cents in own if t1 <= t < t1 + 5 * DAY)
                assert int(amount[1].replace(",", "")) < spent
            said["card"] += "a credit card" in sentence
            said["when"] += "5 days" in sentence
            said["two"] += len(named) == 2
    assert facts.first.any()
    assert not facts.first.all()
    assert len(said) == 5
    assert min(said.values()) > 10, said


def test_rarer_values_are_preferred(tmp_path: Path) -> None:
    rows = [event(f"u{i:02d}", at, "order", items=[thing]) for i in range(40)
            for at, thing in ((1, "bread"), (9, "bread"), (10, "caviar" if i < 4 else "bread"))]  # fmt: skip
    rows += [event("u00", 30, text="x")]
    windows = WindowConfig(horizon_days=14, test_cuts=0, validation_share=0.0, last="2026-01-09")
    _, pairs = build(write_folder(tmp_path, rows), PairsConfig(windows, DescribeConfig(0, 0)))
    rng = np.random.default_rng(0)
    both = [row for row in range(len(pairs)) if np.diff(pairs.facts.start)[row] == 2]
    sentences = pairs.sample(np.repeat(both, 200), rng)
    share = np.mean(["caviar" in sentence for sentence in sentences])
    assert 0.7 < share < 0.85  # ln(1 + 40 / 4) : ln(1 + 40 / 40) is 2.4 : 0.69


def test_a_value_of_one_user_alone_is_left_out(tmp_path: Path) -> None:
    rows = [*shop(), *(event("u01", i + 0.5, "order", items=["her own secret"]) for i in range(30))]
    folder = write_folder(tmp_path, rows)
    assert "her own secret" in build(folder)[1].facts.values
    _, pairs = build(folder, PairsConfig(WINDOWS, least_users=2))
    assert "her own secret" not in {pairs.facts.values[v] for v in pairs.facts.value}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_form_has_five_paraphrases_with_known_places(family: str) -> None:
    for form, ways in TEMPLATES[family].items():
        assert len(set(ways)) == len(ways) >= 5, form
        for way in ways:
            places = {name for _, name, _, _ in string.Formatter().parse(way) if name}
            assert places <= {"who", "what", "how", "amount", "verb"}
            assert ("what" in places) == (form != "any"), way
            assert ("amount" in places) == ("amount" in form or (form, family) == ("any", "purchase")), way
            assert ("how" in places) == ("method" in form or (form, family) == ("any", "payment")), way
            assert ("verb" in places) == form.startswith("verb"), way


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("  ASSORTED COLOUR MUG ", "assorted colour mug"), ("UEFA", "UEFA"), ("lip_gloss", "lip gloss"),
        ("Amadeus (1984)", "Amadeus (1984)"), ("(used) car (", "used) car"), ("85123A", None), ("film:349", None),
        ("store 402", "store 402"), ("Sony X70", "Sony X70"),
        ("order 123456-7 of tea", "order of tea"), ("see https://x.y/z?a=b now", "see now"), ("4711", None),
        ("🎁🎁", None), ('"quoted"', "quoted"), ("a\nb\x00c", "a b c"), ("spa 🎁 day", "spa 🎁 day"),
        ("川薇园艺", "川薇园艺"), ("", None),
        ("one two three four five six seven eight nine", "one two three four five six seven eight"),
    ],
)  # fmt: skip
def test_values_are_cleaned(value: str, said: str | None) -> None:
    assert clean(value) == said


def test_words_of_entities_channels_and_horizons() -> None:
    kinds = [KINDS.index(kind) for kind in ("entity", "entity", "entity", "any", "item", "text")]
    assert words_of(["e1", "genre:sci-fi", "ent9", "", "e1", "so " * 17], kinds, {"e1": "Skin care"}) == [
        "Skin care", "sci-fi", None, "", "Skin care", None
    ]  # fmt: skip
    assert [method_words(m) for m in ("credit_card", "balance", "bank_transfer", "UPI", "e_wallet")] == [
        "a credit card", "their account balance", "a bank transfer", "UPI", "an e wallet"
    ]  # fmt: skip
    assert "in the next two weeks" in horizon_words(14)
    assert "within a month" in horizon_words(30)
    assert "in the next 3 months" in horizon_words(91)
    assert horizon_words(10) == ("over the next 10 days", "in the next 10 days", "within 10 days")


def test_braces_quotes_and_emoji_stay_values(tmp_path: Path) -> None:
    names = ["{who}", "{what} {how}", 'it\'s "here" 🎁', "100 % {0} cotton"]
    rows = [event(f"u{i % 4}", at, "order", items=[name], payment_channel="{how}") for i in range(8) for name in names
            for at in (1, 9)]  # fmt: skip
    windows = WindowConfig(horizon_days=5, test_cuts=0, validation_share=0.0, warm_up_days=4, last="2026-01-06")
    _, pairs = build(write_folder(tmp_path, [*rows, event("u0", 20, text="x")]), PairsConfig(windows))
    sentences = pairs.sample(np.repeat(np.arange(len(pairs)), 100), np.random.default_rng(0))
    assert any("{0} cotton" in sentence for sentence in sentences)
    assert any('it\'s "here" 🎁' in sentence for sentence in sentences)
    assert all(sentence.startswith((*PEOPLE, "F", "S", "N", "C", "B", "Us", "Pe", "{")) for sentence in sentences)


def test_too_little_is_said(tmp_path: Path) -> None:
    one = write_folder(tmp_path / "one", [event("u", 1, text="x")])
    with pytest.raises(ConfigError, match="leave no training window"):
        build(one)
    apart = write_folder(tmp_path / "apart", [event("a", i, text="x") for i in range(3)] + [event("b", 20, text="x")])
    with pytest.raises(InputError, match="both a history and a future"):
        build(apart)
    single = write_folder(tmp_path / "single", [event("u", i, "order", items=["tea"]) for i in range(30)])
    histories, pairs = build(single)
    assert histories.user_ids == ("u",)
    assert len(pairs) > 3


def test_the_command_writes_and_shows_pairs(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "shop", shop())
    options = ["pairs", str(folder), "--horizon", "5", "--step", "3", "--set", "windows.warm_up_days=2"]
    written = CliRunner().invoke(users, [*options, "--out", str(tmp_path / "out"), "--show", "3", "--json"])
    assert written.exit_code == 0, written.output
    found = json.loads(written.stdout)
    table = pq.read_table(tmp_path / "out" / "pairs.parquet")
    assert table.column_names == ["user_id", "t1", "t2", "split", "description", "facts"]
    assert sum(found["pairs"].values()) == table.num_rows > 60
    assert len(found["shown"]) == 3
    row = table.to_pylist()[0]
    assert (row["t2"] - row["t1"]).days == 5
    assert set(row["facts"][0]) == {"family", "way", "outcome", "kind", "value", "count", "amount", "first"}
    assert "finding facts" in written.stderr
    again = CliRunner().invoke(users, [*options, "--out", str(tmp_path / "out"), "--show", "3", "--json"])
    assert again.stdout == written.stdout
    assert pq.read_table(tmp_path / "out" / "pairs.parquet").equals(table)
    present = CliRunner().invoke(users, [*options, "--present", "--show", "2"])
    assert present.exit_code == 0
    assert len(present.stdout.splitlines()) == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--horizon", "0"], "horizon_days is 0"),
        (["--last", "2026-01-30"], "ends after the last event"),
        (["--family", "x=y"], "no family 'y'"),
        (["--set", "windows.pace=3"], "unknown setting 'pace'"),
        (["--out", "/dev/null/x"], "is no folder"),
    ],
)
def test_the_command_explains_what_it_cannot_do(tmp_path: Path, options: list[str], said: str) -> None:
    folder = write_folder(tmp_path, shop(days=32))
    result = CliRunner().invoke(users, ["pairs", str(folder), "--horizon", "5", *options])
    assert isinstance(result.exception, ConfigError)
    assert said in str(result.exception)


def test_many_users_are_read_in_parts_and_give_the_same_pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_folder(tmp_path, [*shop(), *(event("U big", i / 9, text="spa") for i in range(200))])
    _, whole = build(folder)
    monkeypatch.setattr("audience_trainers.users.pairs.find.PART_EVENTS", 97)
    _, parts = build(folder)
    assert parts.moments.time.tobytes() == whole.moments.time.tobytes()
    for name in ("start", "family", "outcome", "kind", "value", "count", "cents", "first", "weight"):
        assert getattr(parts.facts, name).tobytes() == getattr(whole.facts, name).tobytes(), name
    rows = np.arange(len(whole))
    assert parts.sample(rows, np.random.default_rng(1)) == whole.sample(rows, np.random.default_rng(1))


def test_articles_are_told_by_their_name_else_by_the_text(tmp_path: Path) -> None:
    rows = [event(f"u{i % 3}", at, "order", text="white mug", items=["85123A"]) for i in range(9) for at in (1, 9)]
    rows += [event(f"u{i % 3}", at, "order", text="a pen, ink", items=["pen:17"]) for i in range(9) for at in (1, 9)]
    windows = WindowConfig(horizon_days=5, test_cuts=0, validation_share=0.0, last="2026-01-06", warm_up_days=4)
    folder = write_folder(tmp_path, [*rows, event("u0", 20, text="x")], entities={"pen:17": "fountain pen"})
    _, pairs = build(folder, PairsConfig(windows))
    assert {pairs.facts.values[v] for v in pairs.facts.value} == {"white mug", "fountain pen", "a pen, ink"}
