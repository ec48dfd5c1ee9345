"""Columns of the user's own: any name is stored under its name, or refused in words."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audience_graph.errors import InputError
from audience_graph.ingest.contract import EVENTS, USERS
from audience_graph.ingest.reading import LoadOptions, reading

HOSTILE = ("row", "codes", "Age", "age", "ROW", "c0", "c1", "r0", "v0", "batch", 'a "quoted" name', "select", "Größe")


def rows_of(path: Path, **mapping: str) -> list[dict[str, Any]]:
    """Return the rows of a users file as they were checked, under the names of the plan."""
    with reading(path, USERS, LoadOptions(mapping=mapping)) as found:
        assert list(found.checked.cells) == list(found.plan.names)
        cells = found.checked.db.execute("SELECT * EXCLUDE (row, codes) FROM good ORDER BY row").fetchall()
        return [dict(zip(found.plan.names, values, strict=True)) for values in cells]


def users(path: Path, rows: list[dict[str, Any]]) -> Path:
    names = list(dict.fromkeys(name for row in rows for name in row))
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif path.suffix == ".parquet":
        pq.write_table(pa.table([[row.get(name) for row in rows] for name in names], names=names), path)
    else:
        quoted = [['"' + str(cell).replace('"', '""') + '"' for cell in line]
                  for line in (names, *([row.get(name, "") for name in names] for row in rows))]  # fmt: skip
        path.write_text("".join(",".join(line) + "\n" for line in quoted))
    return path


@pytest.mark.parametrize("fmt", ["csv", "jsonl", "parquet"])
def test_any_name_is_kept_beside_the_others(tmp_path: Path, fmt: str) -> None:
    row = {"user_id": "u1", **{name: f"is {name}" for name in HOSTILE}}
    other = {"user_id": "u2", **{name: f"of {name}" for name in HOSTILE}}
    assert rows_of(users(tmp_path / f"u.{fmt}", [row, other])) == [row, other]


def test_lines_may_spell_a_key_in_two_ways(tmp_path: Path) -> None:
    found = rows_of(users(tmp_path / "u.jsonl", [{"user_id": "u1", "age": 31}, {"user_id": "u2", "Age": 32}]))
    assert found == [{"user_id": "u1", "age": "31", "Age": None}, {"user_id": "u2", "age": None, "Age": "32"}]


@pytest.mark.parametrize("fmt", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize(
    ("names", "column", "says"),
    [
        (("user_id", "User_ID"), "User_ID", "user_id once, written so"),
        (("user_id", "AS_OF"), "AS_OF", "as_of once, written so"),
        (("user_id", "consent_ads", "consent_Ads"), "consent_Ads", "each purpose once"),
        (("user_id", "Consent_ads"), "Consent_ads", "in small letters"),
    ],
)
def test_names_that_only_look_like_the_contract_are_refused(
    tmp_path: Path, fmt: str, names: tuple[str, ...], column: str, says: str
) -> None:
    path = users(tmp_path / f"u.{fmt}", [dict.fromkeys(names, "true")])
    with pytest.raises(InputError, match="does not match the contract of users") as refused:
        rows_of(path)
    assert [says in problem.expected for problem in refused.value.problems if problem.column == column] == [True]


def test_a_mapping_names_them(tmp_path: Path) -> None:
    path = users(tmp_path / "u.csv", [{"User_ID": "u1", "AS_OF": "2026-01-01", "Consent_Ads": "yes"}])
    found = rows_of(path, user_id="User_ID", as_of="AS_OF", consent_ads="Consent_Ads")
    assert found == [{"user_id": "u1", "as_of": datetime(2026, 1, 1, tzinfo=UTC), "consent_ads": True}]


@pytest.mark.parametrize(
    ("names", "mapping"), [(("user_id", "age", "years"), {"age": "years"}), (("user_id", "who"), {"user_id": "who"})]
)
def test_a_mapping_onto_a_name_that_is_there_is_refused(
    tmp_path: Path, names: tuple[str, ...], mapping: dict[str, str]
) -> None:
    with pytest.raises(InputError, match="does not match the contract of users"):
        rows_of(users(tmp_path / "u.csv", [dict.fromkeys(names, "1")]), **mapping)


@pytest.mark.parametrize("first", ["true", "false"])
def test_a_purpose_in_both_forms_refuses_the_row(tmp_path: Path, first: str) -> None:
    path = tmp_path / "u.jsonl"
    path.write_text(
        '{"user_id": "u1", "consent": {"ads": true}}\n'
        f'{{"user_id": "u2", "consent": {{"ads": {first}, "mail": true}}, "consent_ads": false}}\n'
        '{"user_id": "u3", "consent": {"ads": true}, "consent_mail": false}\n'
    )
    with pytest.raises(InputError) as refused:
        rows_of(path)
    (problem,) = refused.value.problems
    assert (problem.row, problem.column, problem.expected) == (2, "consent_ads", "each purpose once")


def test_a_purpose_in_both_forms_refuses_a_parquet_file(tmp_path: Path) -> None:
    table = pa.table({"user_id": ["u1"], "consent": [{"ads": True}], "consent_ads": [False]})
    pq.write_table(table, tmp_path / "u.parquet")
    with pytest.raises(InputError) as refused:
        rows_of(tmp_path / "u.parquet")
    assert [(p.column, p.expected) for p in refused.value.problems] == [("consent_ads", "each column once")]


_DAY = 86_400
_AWAY = [
    ("s", 253_402_300_800), ("ms", 253_402_300_800_000), ("ms", 2**63 - 1), ("ms", -(2**63)),
    ("us", 253_402_300_800_000_000), ("us", -62_135_596_800_000_001), ("us", 2**63 - 1),
    # Multiplied by a thousand and cut to 64 bits, this is the first day of 2026.
    ("ms", 2**61 + 1_767_225_600_000),
]  # fmt: skip


@pytest.mark.parametrize(("unit", "moment"), _AWAY)
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo"])
def test_a_moment_out_of_the_calendar_is_a_bad_row(tmp_path: Path, unit: str, moment: int, zone: str | None) -> None:
    good = 1_767_225_600 * {"s": 1, "ms": 1_000, "us": 1_000_000}[unit]
    found = times_of(tmp_path / "e.parquet", pa.array([good, moment, None, good], pa.timestamp(unit, zone)))
    assert found == [(1, datetime(2026, 1, 1, tzinfo=UTC)), (4, datetime(2026, 1, 1, tzinfo=UTC))]
    bad = [json.loads(line) for line in (tmp_path / "bad.jsonl").read_text().splitlines()]
    assert [row["reject_row"] for row in bad] == [2, 3]
    assert bad[0]["reject_reasons"].startswith("time: expected a time in the years 1 to 9999, found ")


def test_dates_and_nanoseconds_are_read(tmp_path: Path) -> None:
    first = datetime(2026, 1, 1, tzinfo=UTC)
    days = pa.array([20_454, 2**31 - 1], pa.date32())
    assert times_of(tmp_path / "e.parquet", days) == [(1, first)]
    thousandths = pa.array([20_454 * _DAY * 1_000, 2**62 // (_DAY * 1_000) * _DAY * 1_000], pa.date64())
    assert times_of(tmp_path / "e.parquet", thousandths) == [(1, first)]
    assert times_of(tmp_path / "e.parquet", pa.array([1_767_225_600 * 10**9 + 999], pa.timestamp("ns"))) == [(1, first)]


def times_of(path: Path, times: pa.Array) -> list[tuple[int, datetime]]:
    """Return (row, time) of the good rows of an events file; the bad ones go to `bad.jsonl`."""
    table = pa.table({"user_id": ["u"] * len(times), "time": times, "channel": ["c"] * len(times)})
    pq.write_table(table.append_column("text", pa.array(["spa"] * len(times))), path, store_schema=True)
    options = LoadOptions(reject_to=path.with_name("bad.jsonl"), now=datetime(2026, 6, 1, tzinfo=UTC))
    with reading(path, EVENTS, options) as found:
        return found.checked.db.execute(f"SELECT row, {found.checked.cells['time']} FROM good ORDER BY row").fetchall()


def test_other_columns_hold_any_timestamp_as_text(tmp_path: Path) -> None:
    table = pa.table({"user_id": ["u1", "u2"], "seen": pa.array([0, 253_402_300_800_000_000], pa.timestamp("us"))})
    pq.write_table(table, tmp_path / "u.parquet")
    assert rows_of(tmp_path / "u.parquet")[0]["seen"] == "1970-01-01 00:00:00.000000"
