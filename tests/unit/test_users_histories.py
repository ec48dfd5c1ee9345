"""Histories and profiles: what lies before a moment, and that nothing later ever changes it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audience_graph.errors import ConfigError, InputError, NotFoundError
from audience_trainers.users.histories import Histories, Moments, last_events, last_texts, read_histories
from audience_trainers.users.profile_rows import profiles_of
from audience_trainers.users.profiles import Profiles, read_profiles
from audience_trainers.users.source import open_folder
from users.folders import EVENTS, day, event, seconds, write_folder


def read(folder: Path) -> tuple[Histories, Profiles]:
    with open_folder(folder) as source:
        histories = read_histories(source)
        return histories, read_profiles(source, histories)


def at(histories: Histories, *moments: tuple[str, float]) -> Moments:
    users = histories.users([user for user, _ in moments])
    return Moments(users, np.array([seconds(number) for _, number in moments], np.int64))


def told(histories: Histories, moments: Moments, width: int = 8) -> list[list[str]]:
    block = last_events(histories, moments, width)
    rows = zip(block.text.tolist(), block.length.tolist(), strict=True)
    return [[histories.texts[code] for code in row[:length]] for row, length in rows]


def test_an_event_in_the_second_of_t1_belongs_to_the_future(tmp_path: Path) -> None:
    tick = 1e-6 / 86_400
    histories, _ = read(write_folder(tmp_path, [
        event("u", 5 - 1.0 / 86_400, text="before"), event("u", 5, text="at"), event("u", 5 + tick, text="after"),
        event("u", 5 - 400_000 * tick, text="just before"),
    ]))  # fmt: skip
    assert told(histories, at(histories, ("u", 5))) == [["before", "just before"]]
    assert told(histories, at(histories, ("u", 6), ("u", 0))) == [["before", "just before", "at", "after"], []]


def test_the_last_events_come_oldest_first_and_padding_is_zero(tmp_path: Path) -> None:
    histories, _ = read(
        write_folder(tmp_path, [event("u", i, text=f"t{i}") for i in range(5)] + [event("v", 1, text="x")])
    )
    block = last_events(histories, at(histories, ("u", 4.5), ("v", 2), ("v", 0)), 3)
    assert block.length.tolist() == [3, 1, 0]
    assert [histories.texts[code] for code in block.text[0]] == ["t2", "t3", "t4"]
    assert block.text[1:, 1:].tolist() == block.time[1:, 1:].tolist() == [[0, 0], [0, 0]]
    assert block.time[2].tolist() == [0, 0, 0]


def test_an_event_says_its_text_else_its_items_else_its_entities(tmp_path: Path) -> None:
    histories, _ = read(write_folder(tmp_path, [
        event("u", 1, text="said", items=["i"], entity_ids=["a"]), event("u", 2, items=["i", "j"], entity_ids=["a"]),
        event("u", 3, entity_ids=["a", "nobody"]), event("u", 4, text="Skin care"), event("u", 5, entity_ids=["a"]),
    ], entities={"a": "Skin care"}))  # fmt: skip
    assert told(histories, at(histories, ("u", 9))) == [["said", "i, j", "Skin care, nobody", "Skin care", "Skin care"]]
    assert len(histories.texts) == 4


def test_nothing_later_changes_what_is_read_before_a_moment(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    past = [event(f"u{rng.integers(20)}", float(rng.random() * 10), text=f"t{rng.integers(40)}",
                  channel=["search", "visit", "buy"][rng.integers(3)]) for _ in range(400)]  # fmt: skip
    users = [{"user_id": f"u{i}", "as_of": day(2.0), "age": float(i), "job": "cook"} for i in range(20)]
    later = [event(f"u{i % 25}", 10 + i / 7, text=f"a new text {i}", channel="another") for i in range(200)]
    other = [{"user_id": f"u{i}", "as_of": day(10.5), "age": -1.0, "job": "none"} for i in range(25)]
    before, known = read(write_folder(tmp_path / "a", past, users=users))
    after, known_after = read(write_folder(tmp_path / "b", [*later, *past], users=[*other, *users]))
    moments = [(f"u{i}", t) for i in range(20) for t in (0.0, 3.3, 9.9, 10.0)]
    one, two = (last_events(found, at(found, *moments), 16) for found in (before, after))
    for name in ("text", "source", "time", "length"):
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes(), name
    assert told(before, at(before, *moments)) == told(after, at(after, *moments))
    assert last_texts(before, at(before, *moments), 5, ("search",)) == last_texts(
        after, at(after, *moments), 5, ("search",)
    )
    rows, rows_after = known.rows(at(before, *moments)), known_after.rows(at(after, *moments))
    assert rows["age"].tobytes() == rows_after["age"].tobytes()
    assert rows["job"].tolist() == rows_after["job"].tolist() == ([None] + ["cook"] * 3) * 20


def test_the_last_searches_are_of_their_channels_alone(tmp_path: Path) -> None:
    histories, _ = read(write_folder(tmp_path, [
        event("u", 1, "search", text="s1"), event("u", 2, "visit", text="v"), event("u", 3, "search", text="s2"),
        event("u", 4, "query", text="q"), event("v", 1, "visit", text="v"),
    ]))  # fmt: skip
    moments = at(histories, ("u", 9), ("u", 3), ("v", 9))
    assert last_texts(histories, moments, 2, ("search",)) == [["s1", "s2"], ["s1"], []]
    assert last_texts(histories, moments, 2, ("search", "query")) == [["s2", "q"], ["s1"], []]
    assert last_texts(histories, moments, 2, ("nothing",)) == [[], [], []]


def test_the_profile_in_force_is_the_latest_that_is_known(tmp_path: Path) -> None:
    histories, profiles = read(write_folder(
        tmp_path, [event("u", 1, text="x"), event("v", 1, text="x")],
        users=[{"user_id": "u", "as_of": day(5), "age": 2, "tier": "b"},
               {"user_id": "u", "as_of": day(3), "age": 1, "tier": "a"},
               {"user_id": "nobody", "as_of": day(3), "age": 9, "tier": "c"}],
    ))  # fmt: skip
    moments = at(histories, ("u", 2.9), ("u", 3), ("u", 5), ("v", 9))
    assert profiles.as_of(moments).tolist() == [-1, 0, 1, -1]
    rows = profiles.rows(moments)
    assert rows["age"].dtype == np.float64
    np.testing.assert_array_equal(rows["age"], [np.nan, 1, 2, np.nan])
    assert rows["tier"].tolist() == [None, "a", "b", None]


def test_a_row_without_a_date_is_known_from_the_start_and_consent_is_no_feature(tmp_path: Path) -> None:
    folder = write_folder(
        tmp_path, [event("u", 1, text="x")], users=[{"user_id": "u", "city": "Oslo", "consent_ads": True}]
    )
    histories, profiles = read(folder)
    assert profiles.as_of(at(histories, ("u", 0))).tolist() == [0]
    assert list(profiles.columns) == ["city"]


def test_users_without_a_file_have_no_profile(tmp_path: Path) -> None:
    histories, profiles = read(write_folder(tmp_path, [event("u", 1, text="x")]))
    assert profiles.as_of(at(histories, ("u", 9))).tolist() == [-1]
    assert profiles.rows(at(histories, ("u", 9))) == {}


def test_stored_profiles_are_typed_by_all_their_values() -> None:
    rows = [("u", 5, '{"age": 3, "job": "Bäcker 🥐", "rich": true}'), ("v", 6, '{"age": 2.5, "code": "007"}')]
    table = profiles_of(rows)
    assert table.schema.field("age").type == pa.float64()
    assert table.to_pylist() == [
        {"user_id": "u", "as_of": 5, "age": 3.0, "code": None, "job": "Bäcker 🥐", "rich": "true"},
        {"user_id": "v", "as_of": 6, "age": 2.5, "code": "007", "job": None, "rich": None},
    ]


def test_csv_and_json_lines_read_as_parquet_does(tmp_path: Path) -> None:
    rows = [event("u", 1, text='say "🎁", twice'), event("v", 2.25, "buy", items=["a|b"], amount=3.5),
            event("u", 3, entity_ids=["e1"])]  # fmt: skip
    plain, _ = read(write_folder(tmp_path / "parquet", rows))
    (tmp_path / "lines").mkdir()
    lines = [{**row, "time": row["time"].isoformat(), "event_id": f"e{i:06d}"} for i, row in enumerate(rows)]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in lines)
    (tmp_path / "lines" / "events.jsonl").write_text(text, encoding="utf-8")
    (tmp_path / "csv").mkdir()
    (tmp_path / "csv" / "events.csv").write_text(
        "event_id,user_id,time,channel,text,items,entity_ids,amount\n"
        f'e000000,u,{day(1).isoformat()},visit,"say ""🎁"", twice",,,\n'
        f'e000001,v,{day(2.25).isoformat()},buy,,"[""a|b""]",,3.5\ne000002,u,{day(3).isoformat()},visit,,,e1,\n',
        encoding="utf-8",
    )
    for folder in ("lines", "csv"):
        found, _ = read(tmp_path / folder)
        assert (found.user_ids, found.texts, found.sources) == (plain.user_ids, plain.texts, plain.sources), folder
        np.testing.assert_array_equal(found.time, plain.time)


def table(rows: Sequence[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), EVENTS)


def test_event_ids_that_repeat_count_once_or_are_refused(tmp_path: Path) -> None:
    same = {"event_id": "a", **event("u", 1, text="x")}
    nameless = {"event_id": None, **event("u", 2, text="again")}
    write_folder(tmp_path, [event("u", 1, text="x")])
    pq.write_table(table([same, same, nameless, nameless]), tmp_path / "events.parquet")
    histories, _ = read(tmp_path)
    assert told(histories, at(histories, ("u", 9))) == [["x", "again", "again"]]
    pq.write_table(table([same, {**same, "text": "y"}]), tmp_path / "events.parquet")
    with pytest.raises(InputError, match="come again with other content: 'a'"):
        read(tmp_path)


def test_gaps_are_named_by_row(tmp_path: Path) -> None:
    write_folder(tmp_path, [])
    pq.write_table(
        table([event("u", 1, text="x"), {**event("u", 1, text="x"), "user_id": None}]), tmp_path / "events.parquet"
    )
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    assert "row 2, column user_id" in str(caught.value.problems[0])


def test_what_is_no_source_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no events"):
        read(tmp_path / "nowhere")
    write_folder(tmp_path, [])
    with pytest.raises(InputError, match="cannot be loaded"):
        read(tmp_path)
    (tmp_path / "events.csv").write_text("user_id,time,channel,text\n")
    with pytest.raises(ConfigError, match=r"events\.parquet and events\.csv"):
        read(tmp_path)
    histories, _ = read(write_folder(tmp_path / "one", [event("u", 1, text="x")]))
    with pytest.raises(NotFoundError, match="no events of user 'v'"):
        histories.users(["v"])
