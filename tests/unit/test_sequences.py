"""Sequences: window, explicit ids, order; equal tables on DuckDB and on Spark. Never skipped."""

from __future__ import annotations

import csv
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from audience_graph.config import Home
from audience_graph.entities import Dictionary, Entity
from audience_graph.errors import ConfigError
from audience_graph.ingest import Sequences, arrays_per_user, build_sequences, load_events, sequences

DICTIONARY = Dictionary.of(
    [Entity("care", "Skin care", "t", ("护肤",)), Entity("spa", "Spa", "t"), Entity("run", "Running", "t")]
)
AS_OF = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "a home")


def load(home: Home, rows: list[dict[str, Any]]) -> None:
    names = ["event_id", "user_id", "time", "channel", "text", "entity_ids", "items"]
    path = home.path.parent / f"events{len(list(home.path.parent.iterdir()))}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
    load_events(path, home=home)


def event(
    id_: str, at: datetime, text: str = "spa", user: str = "u1", ids: str = "", items: str = ""
) -> dict[str, Any]:
    return {"event_id": id_, "user_id": user, "time": at.isoformat(), "channel": "visit", "text": text,
            "entity_ids": ids, "items": items}  # fmt: skip


def mentions(table: pa.Table) -> list[tuple[str, str]]:
    return [(row["event_id"], row["entity_id"]) for row in table.to_pylist()]


def test_the_window_is_open_at_its_start_and_closed_at_its_end(home: Home) -> None:
    tick = timedelta(microseconds=1)
    load(home, [
        event("after", AS_OF + tick), event("end", AS_OF), event("first", AS_OF - timedelta(days=30) + tick),
        event("start", AS_OF - timedelta(days=30)), event("before", AS_OF - timedelta(days=31)),
    ])  # fmt: skip
    assert mentions(sequences(home, DICTIONARY, AS_OF)) == [("first", "spa"), ("end", "spa")]
    assert mentions(sequences(home, DICTIONARY, AS_OF, days=31)) == [("start", "spa"), ("first", "spa"), ("end", "spa")]


def test_a_date_means_its_whole_day(home: Home) -> None:
    load(
        home,
        [event("in", datetime(2026, 1, 30, 23, 59, 59, tzinfo=UTC)), event("out", datetime(2026, 1, 31, tzinfo=UTC))],
    )
    assert mentions(sequences(home, DICTIONARY, date(2026, 1, 30))) == [("in", "spa")]


def test_explicit_ids_win_and_unknown_ones_are_counted(home: Home) -> None:
    load(home, [
        event("a", AS_OF, "spa", ids="care|nobody"), event("b", AS_OF, "spa", ids="nobody|stranger"),
        event("c", AS_OF, "a spa and 护肤品", items="running|a spa"), event("d", AS_OF, "nothing"),
    ])  # fmt: skip
    found = build_sequences(home, DICTIONARY, AS_OF)
    assert mentions(found.table) == [("a", "care"), ("c", "care"), ("c", "run"), ("c", "spa")]
    assert (found.events, found.linked_events, found.unknown_ids, found.users) == (4, 2, 2, 1)


def test_rows_are_sorted_by_user_time_event_and_entity(home: Home) -> None:
    load(home, [
        event("3", AS_OF, user="ü"), event("2", AS_OF, user="u1"), event("1", AS_OF, user="u1", text="spa running"),
        event("4", AS_OF - timedelta(days=1), user="u1"), event("5", AS_OF, user="B"),
    ])  # fmt: skip
    table = sequences(home, DICTIONARY, AS_OF)
    assert table.column_names == ["user_id", "entity_id", "event_id", "time", "channel"]
    assert table.schema.field("time").type == pa.timestamp("us", "UTC")
    assert mentions(table) == [("5", "spa"), ("4", "spa"), ("1", "run"), ("1", "spa"), ("2", "spa"), ("3", "spa")]


def test_no_events_give_an_empty_table(home: Home) -> None:
    table = sequences(home, DICTIONARY, AS_OF)
    assert table.num_rows == 0
    assert arrays_per_user(table).num_rows == 0


def test_wrong_windows_and_engines_are_named(home: Home) -> None:
    for days in (0, -1, 36_501, 9_999_999, 10**30):
        with pytest.raises(ConfigError, match=f"no window of {days:,} days"):
            sequences(home, DICTIONARY, AS_OF, days=days)
    with pytest.raises(ConfigError, match="begin before the year 1"):
        sequences(home, DICTIONARY, date(1, 1, 20))
    with pytest.raises(ConfigError, match="no time in UTC"):
        sequences(home, DICTIONARY, datetime.fromisoformat("0001-01-01T00:00:00+14:00"))
    assert sequences(home, DICTIONARY, AS_OF, days=36_500).num_rows == 0
    load(home, [event("a", AS_OF)])
    with pytest.raises(ConfigError, match="no engine 'flink'"):
        sequences(home, DICTIONARY, AS_OF, engine="flink")  # type: ignore[arg-type]


def test_duckdb_and_spark_give_equal_tables(home: Home) -> None:
    rng = random.Random(5)
    texts = ["spa", "skin care, spa", "running shoes", "护肤品 spa", "nothing", "SPA & Ｓkin care"]
    for batch in range(2):
        load(home, [
            event(f"{batch}-{i}", AS_OF - timedelta(seconds=rng.randrange(-90_000, 40 * 86_400), microseconds=i),
                  rng.choice(texts), user=rng.choice(["u1", "u2", "Ü", "用户", "a b"]),
                  ids=rng.choice(["", "", "", "care|run", "nobody"]), items=rng.choice(["", "", "spa|running"]))
            for i in range(600)
        ])  # fmt: skip
    duck = build_sequences(home, DICTIONARY, AS_OF)
    spark = build_sequences(home, DICTIONARY, AS_OF, engine="spark")
    assert duck.table.num_rows > 500
    assert spark.table.equals(duck.table)
    assert _counts(spark) == _counts(duck)
    assert arrays_per_user(spark.table, engine="spark").equals(arrays_per_user(duck.table))


def _counts(found: Sequences) -> tuple[int, int, int, int]:
    return found.events, found.linked_events, found.unknown_ids, found.users


def test_arrays_per_user_are_in_time_order(home: Home) -> None:
    load(home, [event("b", AS_OF, "running"), event("a", AS_OF - timedelta(days=2)), event("c", AS_OF, user="u2")])
    arrays = arrays_per_user(sequences(home, DICTIONARY, AS_OF)).to_pylist()
    assert [(row["user_id"], row["entity_ids"]) for row in arrays] == [("u1", ["spa", "run"]), ("u2", ["spa"])]
    assert arrays[0]["times"] == [AS_OF - timedelta(days=2), AS_OF]
