"""Files that break the input contract, each with what its error must say."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

Row = dict[str, Any]
FORMATS = ("csv", "jsonl", "parquet")
MEGABYTES = 10_000_000

GOOD: dict[str, list[Row]] = {
    "entities": [
        {"id": "e1", "name": "Skin care", "type": "service", "aliases": "护肤|skincare", "description": "creams",
         "sensitive": "false"},
        {"id": "e2", "name": "Spa", "type": "service", "aliases": "hot spring", "description": "", "sensitive": "no"},
        {"id": "e3", "name": "Running", "type": "hobby", "aliases": "", "description": "", "sensitive": ""},
    ],
    "events": [
        {"event_id": "v1", "user_id": "u1", "time": "2026-01-05T10:00:00Z", "channel": "search", "text": "skin care",
         "entity_ids": "", "amount": "12.5"},
        {"event_id": "v2", "user_id": "u2", "time": "2026-01-06", "channel": "visit", "text": "a spa",
         "entity_ids": "e2|e1", "amount": ""},
        {"event_id": "v3", "user_id": "u1", "time": "2026-01-07 08:00:00+02:00", "channel": "click", "text": "run",
         "entity_ids": "", "amount": "0"},
    ],
    "users": [
        {"user_id": "u1", "as_of": "2026-01-01", "consent_marketing": "true", "age": "31"},
        {"user_id": "u2", "as_of": "2026-01-01", "consent_marketing": "false", "age": "52"},
        {"user_id": "u3", "as_of": "", "consent_marketing": "", "age": ""},
    ],
    "corpus": [
        {"doc_id": "d1", "text": "Skin care is a service.", "entity_ids": "e1"},
        {"doc_id": "d2", "text": "A spa is warm.", "entity_ids": "e2"},
        {"doc_id": "d3", "text": "Running is free.", "entity_ids": ""},
    ],
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """`make` writes the file into a folder and returns its path; `says` must all stand in the message."""

    name: str
    what: str
    make: Callable[[Path], Path]
    says: tuple[str, ...]


def write(path: Path, rows: list[Row], fmt: str) -> Path:
    """Write rows of text in one of the formats."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    if fmt == "jsonl":
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        return path
    table = pa.table({name: pa.array([row.get(name) for row in rows], pa.string()) for name in columns})
    if fmt == "csv":
        pacsv.write_csv(table, path)
    else:
        pq.write_table(table, path)
    return path


def good(what: str) -> list[Row]:
    """Return rows that are good, to be broken."""
    return [dict(row) for row in GOOD[what]]


# name -> value, what the message says
_ID = {
    "spaces": (" x1", "no space around it"),
    "tab": ("x1\t", "no space around it"),
    "long": ("x" * 600, "at most 512 bytes"),
    "nul": ("a\0b", "text without NUL"),
}
_EMPTY = {"empty": ("", "a value"), "blank": ("   ", "a value")}
_TIME = {
    "word": ("yesterday", "ISO 8601"),
    "no_such_day": ("2024-02-30", "ISO 8601"),
    "no_such_month": ("2024-13-01", "ISO 8601"),
    "no_such_hour": ("2024-01-01T25:00:00Z", "ISO 8601"),
    "slashes": ("01/02/2024", "ISO 8601"),
    "epoch": ("1719400000", "ISO 8601"),
    "no_such_zone": ("2024-01-01T00:00:00+99:00", "ISO 8601"),
    "nan": ("NaN", "ISO 8601"),
    "infinity": ("infinity", "ISO 8601"),
    "backticks": ("`2024-01-01`", "ISO 8601"),
    "emoji": ("🕐", "ISO 8601"),
    "future": ("2999-01-01", "not in the future"),
    "ancient": ("1989-12-31T23:59:59Z", "since 1990"),
    "year_one": ("0001-01-01", "since 1990"),
}
_AMOUNT = {
    "word": ("twelve", "a number"),
    "nan": ("nan", "a finite number"),
    "inf": ("-inf", "a finite number"),
    "overflow": ("1e400", "a finite number"),
    "underscore": ("1_000", "a number"),
    "comma": ("1,000", "a number"),
    "hex": ("0x10", "a number"),
    "currency": ("€5", "a number"),
}
_LIST = {
    "open_bracket": ('["a"', "a list"),
    "not_text": ('["a", null]', "a list without empty values"),
    "empty_value": ("a||b", "a list without empty values"),
    "empty_in_json": ('["a", ""]', "a list without empty values"),
}
_FLAG = {"word": ("maybe", "true or false"), "number": ("2", "true or false")}
_TEXT = {"10_mb": ("x" * MEGABYTES, "at most 1,000,000 bytes"), "nul": ("a\0b", "text without NUL")}
CELLS: tuple[tuple[str, str, dict[str, tuple[str, str]]], ...] = (
    ("entities", "id", _EMPTY | _ID),
    ("entities", "name", _EMPTY),
    ("entities", "type", _EMPTY),
    ("entities", "aliases", _LIST),
    ("entities", "description", _TEXT),
    ("entities", "sensitive", _FLAG),
    ("events", "user_id", _EMPTY | _ID),
    ("events", "time", {"empty": ("", "a value")} | _TIME),
    ("events", "channel", _EMPTY),
    ("events", "text", {"empty": ("", "entity_ids")} | _TEXT),
    ("events", "amount", _AMOUNT),
    ("events", "entity_ids", _LIST),
    ("users", "user_id", _EMPTY | _ID),
    ("users", "as_of", {name: _TIME[name] for name in ("word", "no_such_day", "future", "ancient")}),
    ("users", "consent_marketing", _FLAG),
    ("corpus", "doc_id", _ID),
    ("corpus", "text", _EMPTY | _TEXT),
)


def cell_cases() -> Iterator[Case]:
    """One broken cell, in row 3, in each format."""
    for what, column, kinds in CELLS:
        for kind, (value, says) in kinds.items():
            for fmt in FORMATS:
                rows = good(what)
                rows[2][column] = value
                # An apostrophe and a semicolon beside the fault: they belong to a value, never to a statement.
                rows[0]["'; DROP TABLE user_key; --"] = "`"
                name = f"{what}-{column}-{kind}.{fmt}"

                def make(folder: Path, name: str = name, rows: list[Row] = rows, fmt: str = fmt) -> Path:
                    return write(folder / name, rows, fmt)

                yield Case(name, what, make, (name, "row 3", f"column {column}", "expected ", says, "found "))


IDS = {"entities": "id", "events": "event_id", "users": "user_id", "corpus": "doc_id"}
OTHER = {"entities": "name", "events": "text", "users": "age", "corpus": "text"}
NEEDED = {"entities": ("id", "name", "type"), "events": ("user_id", "time", "channel"), "users": ("user_id",),
          "corpus": ("text",)}  # fmt: skip


def row_cases() -> Iterator[Case]:
    """Ids that come again with other content, inside the file and against the store; columns that are not there."""
    for what in GOOD:
        for fmt in FORMATS:
            twice = good(what)
            twice.append({**twice[0], OTHER[what]: "something else"})
            yield _rows_case(f"{what}-twice.{fmt}", what, twice, fmt, ("row 4", IDS[what], "again with other content"))
        for column in NEEDED[what]:
            for fmt in FORMATS:
                rows = [{k: v for k, v in row.items() if k != column} for row in good(what)]
                says = ("row 1", column, "expected a value") if fmt == "jsonl" else (column, "in the header")
                if (what, fmt) == ("users", "jsonl"):
                    says = (column, "in the header")
                yield _rows_case(f"{what}-without_{column}.{fmt}", what, rows, fmt, says)
    for column, says in (
        ("User_ID", "user_id once"), ("AS_OF", "as_of once"), ("consent_Marketing", "each purpose once"),
        ("CONSENT_calls", "in small letters"),
    ):  # fmt: skip
        for fmt in FORMATS:
            rows = [{**row, column: "true"} for row in good("users")]
            yield _rows_case(f"users-{column}.{fmt}", "users", rows, fmt, (f"column {column}", says))
    both = good("users")
    both[1] |= {"consent": {"marketing": True}}
    yield _rows_case("users-both_forms.jsonl", "users", both, "jsonl", ("row 2", "consent_marketing", "purpose once"))
    for what in ("events", "corpus"):
        for fmt in FORMATS:
            rows = good(what)
            rows[1]["text"] = "not what is stored"
            yield _rows_case(f"{what}-changed.{fmt}", what, rows, fmt, ("row 2", IDS[what], "with other content"))


def _rows_case(name: str, what: str, rows: list[Row], fmt: str, says: tuple[str, ...]) -> Case:
    return Case(name, what, lambda folder: write(folder / name, rows, fmt), (name, *says))


def bytes_case(name: str, what: str, content: bytes, *says: str) -> Case:
    """A file of exactly these bytes."""

    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return Case(name, what, make, (name, *says))


_EVENT = b"user_id,time,channel,text\n"
_LINE = b'{"user_id": "u9", "time": "2026-01-05", "channel": "search", "text": "spa"}\n'
_ZIP = b"PK\x03\x04" + b"\0" * 40


def text_cases() -> Iterator[Case]:
    """CSV and JSON lines that are broken as text."""
    for what in GOOD:
        for fmt in FORMATS:
            yield bytes_case(f"{what}-empty.{fmt}", what, b"", "an empty file")
        yield bytes_case(f"{what}-blank.csv", what, b"\n\n", "header line", "blank lines")
        yield bytes_case(f"{what}-blank.jsonl", what, b"\n \n", "rows", "blank lines")
        header = ",".join(GOOD[what][0]).encode()
        yield bytes_case(f"{what}-header_only.csv", what, header + b"\n", "expected rows", "without rows")
        first = next(iter(GOOD[what][0])).encode()
        yield bytes_case(f"{what}-column_twice.csv", what, header + b"," + first + b"\n1\n", first.decode(), "twice")
    row = b"u1,2026-01-05,search,"
    yield bytes_case("latin1.csv", "events", _EVENT + row + b"spa\n" + row + b"caf\xe9\n", "UTF-8", "0xe9", "line 3")
    yield bytes_case("latin1.jsonl", "events", _LINE + _LINE.replace(b"spa", b"caf\xe9"), "UTF-8", "0xe9", "line 2")
    yield bytes_case("cut_letter.csv", "events", _EVENT + row + "é".encode()[:1], "UTF-8", "0xc3", "line 2")
    yield bytes_case("latin1_header.csv", "events", b"user_id,time,channel,text,caf\xe9\n", "UTF-8", "line 1")
    yield bytes_case("utf16.csv", "events", (_EVENT + row).decode().encode("utf-16"), "UTF-16", "save it as UTF-8")
    yield bytes_case("utf16.jsonl", "events", _LINE.decode().encode("utf-16"), "UTF-16", "save it as UTF-8")
    yield bytes_case("few_cells.csv", "events", _EVENT + row + b"spa\nu1,2026-01-05\n", "row 2", "4 cells", "2 in")
    yield bytes_case("many_cells.csv", "events", _EVENT + row + b"a,b\n", "row 1", "4 cells", "5 in")
    yield bytes_case("open_quote.csv", "events", _EVENT + row + b'"spa\n' + row + b"x\n", "row 1", "quote", "line 2")
    yield bytes_case("two_open.csv", "events", _EVENT + row + b'"a\n' + row + b"x\n" + row + b'"b\n', "row 1", "quote")
    yield bytes_case("after_quote.csv", "events", _EVENT + row + b'"a"b\n', "row 1", "quote")
    yield bytes_case("open_in_header.csv", "events", b'user_id,"time,channel\n' + row, "header")
    yield bytes_case(
        "semicolons.csv", "events", _EVENT.replace(b",", b";") + row.replace(b",", b";"), "user_id", "comma"
    )
    yield bytes_case("tabs.csv", "events", _EVENT.replace(b",", b"\t") + row.replace(b",", b"\t"), "user_id", "comma")
    yield bytes_case("nul_header.csv", "events", b"user_id\0,time,channel,text\n" + row, "header", "NUL")
    yield bytes_case(
        "no_name.csv", "events", b"user_id,time,channel,text,\n" + row + b"a,b\n", "empty name", "position 5"
    )
    yield bytes_case("binary.csv", "events", bytes(range(256)) * 4, "binary.csv")
    yield bytes_case("huge_row.csv", "events", _EVENT + row + b"x" * (40 << 20) + b"\n", "MB")
    yield bytes_case("cut.jsonl", "events", _LINE + _LINE[:30], "row 2", "one JSON object")
    yield bytes_case("array.jsonl", "events", b'["u1"]\n', "one JSON object", "row 1")
    yield bytes_case("word.jsonl", "events", _LINE + b"hello\n", "row 2", "one JSON object")
    yield bytes_case("null.jsonl", "events", _LINE + b"null\n", "row 2", "a value")
    yield bytes_case("number.jsonl", "events", _LINE + b"17\n", "row 2", "one JSON object")
    yield bytes_case("two_in_a_line.jsonl", "events", _LINE + _LINE[:-1] + _LINE, "row 2", "one JSON object")
    yield bytes_case("pretty.jsonl", "events", json.dumps(json.loads(_LINE), indent=1).encode(), "one JSON object")
    yield bytes_case("deep.jsonl", "events", _LINE + b"[" * 100_000 + b"\n", "row 2", "one JSON object")
    yield bytes_case("key_twice.jsonl", "events", _LINE + b'{"text": "a", ' + _LINE[1:], "row 2", "'text' twice")
    yield bytes_case("surrogate.jsonl", "events", _LINE + _LINE.replace(b"spa", b"\\ud83d"), "row 2", "surrogate")
    yield bytes_case("csv_in_jsonl.jsonl", "events", _EVENT + row + b"spa\n", "one JSON object")
    yield bytes_case("jsonl_in_csv.csv", "events", _LINE + _LINE, "jsonl_in_csv.csv")
    for column, value, says in (
        ("user_id", "true", "text"), ("user_id", "1.5", "text"), ("user_id", "{}", "text"),
        ("user_id", '["a"]', "text"),
        ("time", "{}", "ISO 8601"), ("text", '{"a": 1}', "text"), ("text", "[1]", "text"), ("amount", "NaN", "finite"),
        ("amount", "-Infinity", "finite"), ("amount", "[5]", "a number"), ("amount", "true", "a number"),
        ("items", '{"a": 1}', "a list"), ("items", '["a", ["b"]]', "a list"), ("entity_ids", "[true]", "a list"),
    ):  # fmt: skip
        line = json.dumps({k: v for k, v in json.loads(_LINE).items() if k != column})[:-1]
        broken = f'{line}, "{column}": {value}}}\n'.encode()
        name = f"json_{column}_{sum(broken)}.jsonl"
        yield bytes_case(name, "events", _LINE + broken, "row 2", f"column {column}", says)


def _parquet(table: pa.Table, folder: Path, name: str) -> Path:
    pq.write_table(table, folder / name)
    return folder / name


def parquet_cases() -> Iterator[Case]:
    """Parquet files that are cut off or hold other types."""
    whole = {"user_id": ["u1", "u2"], "time": ["2026-01-05"] * 2, "channel": ["visit"] * 2, "text": ["a", "b"]}
    wrong: dict[str, tuple[str, pa.Array]] = {
        "time_number": ("time", pa.array([1, 2], pa.int64())),
        "time_boolean": ("time", pa.array([True, False])),
        "user_double": ("user_id", pa.array([1.0, 2.0])),
        "user_list": ("user_id", pa.array([["a"], ["b"]])),
        "text_bytes": ("text", pa.array([b"a", b"b"])),
        "text_struct": ("text", pa.array([{"a": 1}, {"a": 2}])),
        "amount_boolean": ("amount", pa.array([True, False])),
        "items_lists": ("items", pa.array([[["a"]], [["b"]]])),
        "items_number": ("items", pa.array([1, 2])),
    }
    for kind, (column, values) in wrong.items():
        name = f"{kind}.parquet"
        table = pa.table({**whole, column: values})
        yield Case(name, "events", lambda f, t=table, n=name: _parquet(t, f, n),
                   (name, f"column {column}", "expected", "found"))  # fmt: skip
    values: dict[str, tuple[str, pa.Array, str]] = {
        "nan": ("amount", pa.array([1.0, float("nan")]), "a finite number"),
        "infinite": ("amount", pa.array([1.0, float("inf")]), "a finite number"),
        "future": ("time", pa.array([1767225600, 32503680000], pa.timestamp("s")), "not in the future"),
        "ancient": ("time", pa.array([1767225600, 0], pa.timestamp("s", "UTC")), "since 1990"),
        "year_10000": ("time", pa.array([1767225600, 253402300800], pa.timestamp("s")), "the years 1 to 9999"),
        "wraps": ("time", pa.array([1767225600000, 2**61 + 1767225600000], pa.timestamp("ms")), "the years 1 to 9999"),
        "past_dates": ("time", pa.array([20454, 2**31 - 1], pa.date32()), "the years 1 to 9999"),
        "null": ("time", pa.array([1767225600, None], pa.timestamp("s")), "a value"),
        "null_user": ("user_id", pa.array(["a", None]), "a value"),
        "null_in_list": ("items", pa.array([["a"], ["b", None]]), "a list without empty values"),
        "not_utf8": ("text", pa.array([b"a", b"caf\xe9"]).view(pa.string()), "UTF-8"),
    }
    for kind, (column, given, says) in values.items():
        name = f"cell_{kind}.parquet"
        table = pa.table({**whole, column: given})
        yield Case(name, "events", lambda f, t=table, n=name: _parquet(t, f, n),
                   (name, "row 2", f"column {column}", says))  # fmt: skip

    def cut(folder: Path, keep: float, name: str) -> Path:
        path = _parquet(pa.table({k: v * 500 for k, v in whole.items()}), folder, name)
        content = path.read_bytes()
        path.write_bytes(content[: max(6, int(len(content) * keep))])
        return path

    for keep in (0.0, 0.3, 0.7, 0.99):
        name = f"cut_{keep}.parquet"
        yield Case(name, "events", lambda f, k=keep, n=name: cut(f, k, n), (name, "a whole Parquet file"))
    empty = pa.table({name: pa.array([], pa.string()) for name in whole})
    yield Case(
        "no_rows.parquet", "events", lambda f: _parquet(empty, f, "no_rows.parquet"), ("no_rows", "without rows")
    )
    yield bytes_case("text.parquet", "events", _EVENT, "a Parquet file, as its name says")
    yield bytes_case("magic.parquet", "events", b"PAR1" + b"\0" * 100 + b"PAR1", "a whole Parquet file")
    yield Case("parquet.csv", "events", lambda f: _parquet(empty, f, "parquet.csv"), ("parquet.csv", "a Parquet file"))


def path_cases() -> Iterator[Case]:
    """Paths that name no file that can be loaded."""
    good_csv = _EVENT + b"u1,2026-01-05,search,spa\n"
    zipped = gzip.compress(good_csv * 100)
    yield bytes_case("events.csv.gz", "events", zipped[:-20], "a whole gzip file")
    yield bytes_case("events.jsonl.gz", "events", good_csv, "a gzip file, as its name says")
    yield bytes_case("zipped.csv", "events", zipped, "a gzip file")
    yield bytes_case("excel.csv", "events", _ZIP, "a zip or Excel file")
    for name in ("events.xlsx", "events.txt", "events", ".csv", "events.parquet.gz", "events.gz"):
        yield bytes_case(name, "events", good_csv, "a name that ends in")
    for fmt in FORMATS:
        yield Case(f"missing.{fmt}", "events", lambda f, n=f"missing.{fmt}": f / n, (f"missing.{fmt}", "nothing of"))
        yield Case(f"folder.{fmt}", "events", lambda f, n=f"folder.{fmt}": _folder(f / n), ("folder", "a folder"))
        yield Case(f"dangling.{fmt}", "events", lambda f, n=f"dangling.{fmt}": _link(f / n, f / "gone.csv"),
                   ("dangling", "a link to", "not there"))  # fmt: skip
    yield Case(
        "to_folder.csv", "events", lambda f: _link(f / "to_folder.csv", f), ("to_folder.csv", "a link to a folder")
    )
    yield Case(
        "to_device.csv", "events", lambda f: _link(f / "to_device.csv", Path("/dev/zero")), ("a link to a device",)
    )
    yield Case("loop.csv", "events", lambda f: _link(f / "loop.csv", f / "loop.csv"), ("loop.csv", "symbolic links"))
    yield Case("pipe.csv", "events", lambda f: _pipe(f / "pipe.csv"), ("pipe.csv", "a pipe"))
    yield Case("under_file.csv", "events", lambda f: _folder(f / "a") / ".." / "b.csv" / "c.csv", ("c.csv",))
    yield Case("long.csv", "events", lambda f: f / ("x" * 300 + ".csv"), ("a readable file",))


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def _link(path: Path, target: Path) -> Path:
    path.symlink_to(target)
    return path


def _pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


def all_cases() -> list[Case]:
    """Return every case; names are unique."""
    return [*cell_cases(), *row_cases(), *text_cases(), *parquet_cases(), *path_cases()]
