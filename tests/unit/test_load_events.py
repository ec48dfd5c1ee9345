"""Loading events and corpus: every format, repeats, overlaps, rejects, mapping; whole or not at all."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audience_graph.config import Home
from audience_graph.errors import ConfigError, InputError, StoreError
from audience_graph.ingest import LoadOptions, load_corpus, load_events
from audience_graph.ingest.warehouse import Warehouse, warehouse

HOSTILE = [
    "'; DROP TABLE user_key; --", "`MATCH (n) DETACH DELETE n`", 'say "hi"', "a;b", "a,b", "line\nbreak", "tab\there",
    "🧖‍♀️ spa", "护肤品", "ﬁancée", "\u202ertl", "{{x}}", "${x}", "%s %d", "\\N", "NULL", "NaN", "=1+1", "null",
    "x" * 999_999, "  lead and trail  ", "back\\slash", "\x01control", "zero\u200bwidth",
]  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "a home")


def events(home: Home) -> list[dict[str, Any]]:
    """Return all rows of the warehouse."""
    found = [row for path in warehouse(home).batches("events") for row in pq.read_table(path).to_pylist()]
    return sorted(found, key=lambda row: row["event_id"])


def event(**cells: Any) -> dict[str, Any]:
    return {"user_id": "u1", "time": "2026-01-05T10:00:00Z", "channel": "search", "text": "spa", **cells}


def write_csv(path: Path, rows: list[dict[str, Any]], **options: Any) -> Path:
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, **options)
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    if path.suffix == ".csv":
        return write_csv(path, rows)
    if path.suffix == ".jsonl":
        return write_jsonl(path, rows)
    names = list(dict.fromkeys(name for row in rows for name in row))
    pq.write_table(pa.table({name: [row.get(name) for row in rows] for name in names}), path)
    return path


@pytest.mark.parametrize("fmt", ["csv", "jsonl", "parquet"])
def test_valid_but_hostile_text_is_stored_unharmed(tmp_path: Path, home: Home, fmt: str) -> None:
    rows = [event(event_id=f"e{i:02}", text=text) for i, text in enumerate(HOSTILE)]
    report = load_events(write(tmp_path / f"events.{fmt}", rows), home=home)
    assert (report.read, report.written, report.unchanged, report.rejected) == (len(rows), len(rows), 0, 0)
    assert [row["text"] for row in events(home)] == HOSTILE


def test_the_same_rows_have_the_same_ids_in_every_format(tmp_path: Path, home: Home) -> None:
    rows = [event(), event(text="run", amount=12.5), event(), event(entity_ids=["a", "b"])]
    flat = [{**row, "entity_ids": "|".join(row.get("entity_ids", []))} for row in rows]
    assert load_events(write_csv(tmp_path / "e.csv", flat), home=home).written == 4
    assert load_events(write_jsonl(tmp_path / "e.jsonl", rows), home=home).written == 0
    typed = [{**row, "time": datetime(2026, 1, 5, 10, tzinfo=UTC)} for row in rows]
    assert load_events(write(tmp_path / "e.parquet", typed), home=home).written == 0
    assert len(warehouse(home).batches("events")) == 1


def test_real_repeats_stay_and_reloads_do_not_double(tmp_path: Path, home: Home) -> None:
    twice = write_csv(tmp_path / "twice.csv", [event(), event()])
    assert load_events(twice, home=home).written == 2
    assert load_events(twice, home=home).written == 0
    thrice = write_csv(tmp_path / "thrice.csv", [event(), event(), event(text="new"), event()])
    report = load_events(thrice, home=home)
    assert (report.written, report.unchanged) == (2, 2)
    assert len(events(home)) == 4
    assert len({row["event_id"] for row in events(home)}) == 4


def test_columns_and_types_of_a_batch(tmp_path: Path, home: Home) -> None:
    load_events(
        write_csv(tmp_path / "e.csv", [event(time="2026-01-05 12:00+02:00"), event(time="2026-01-04")]), home=home
    )
    table = pq.read_table(warehouse(home).batches("events")[0])
    assert table.column_names == [
        "event_id", "user_id", "time", "channel", "text", "entity_ids", "items", "merchant", "category", "amount",
        "status", "payment_channel",
    ]  # fmt: skip
    assert table.schema.field("time").type == pa.timestamp("us", "UTC")
    assert table.schema.field("amount").type == pa.float64()
    assert pa.types.is_list(table.schema.field("entity_ids").type)
    assert table.column("time").to_pylist() == [datetime(2026, 1, 4, tzinfo=UTC), datetime(2026, 1, 5, 10, tzinfo=UTC)]
    assert table.column("entity_ids").to_pylist() == [[], []]


def test_mapping_names_the_columns_of_the_file(tmp_path: Path, home: Home) -> None:
    rows = [{"customer": "u1", "when": "2026-01-05", "channel": "visit", "text": "spa", "store": 3}]
    path = write_csv(tmp_path / "e.csv", rows)
    with pytest.raises(InputError) as missing:
        load_events(path, home=home)
    assert {p.column for p in missing.value.problems} == {"user_id", "time"}
    report = load_events(path, home=home, options=LoadOptions(mapping={"user_id": "customer", "time": "when"}))
    assert report.written == 1
    assert report.notes == ("columns not of the contract, ignored: store",)
    with pytest.raises(ConfigError, match="'user' is not a column"):
        load_events(path, home=home, options=LoadOptions(mapping={"user": "customer"}))


@pytest.mark.parametrize("fmt", ["csv", "jsonl"])
def test_bad_rows_go_to_the_reject_file_and_come_back_corrected(tmp_path: Path, home: Home, fmt: str) -> None:
    rows = [event(text="a"), event(text="b", time="never"), event(text="c", user_id=""), event(text="d")]
    rejects = tmp_path / f"bad.{fmt}"
    report = load_events(write_csv(tmp_path / "e.csv", rows), home=home, options=LoadOptions(reject_to=rejects))
    assert (report.read, report.written, report.rejected) == (4, 2, 2)
    with rejects.open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file)) if fmt == "csv" else [json.loads(line) for line in file]
    assert [int(row["reject_row"]) for row in found] == [2, 3]
    assert "time: expected a time in ISO 8601" in found[0]["reject_reasons"]
    assert found[0]["time"] == "never"
    corrected = [{**row, "time": "2026-01-06", "user_id": "u2"} for row in found]
    report = load_events(write_csv(tmp_path / "corrected.csv", corrected), home=home)
    assert report.written == 2


def test_all_problems_are_counted_and_20_shown(tmp_path: Path, home: Home) -> None:
    rows = [event(time="never", amount="much") for _ in range(1000)]
    with pytest.raises(InputError) as refused:
        load_events(write_csv(tmp_path / "e.csv", rows), home=home)
    assert len(refused.value.problems) == 20
    assert refused.value.count == 2000
    first = refused.value.problems[0]
    assert (first.row, first.column, first.found) == (1, "time", "'never'")
    assert not (home.warehouse / "events").exists()


def test_row_numbers_hold_across_blocks_and_blank_lines(tmp_path: Path, home: Home) -> None:
    line = "u1,2026-01-05,search," + "x" * 90 + "\n"
    path = tmp_path / "e.csv"
    path.write_text("user_id,time,channel,text\n" + line * 200_000 + "\n\n" + "u1,never,search,spa\n" + "u1,2026\n")
    with pytest.raises(InputError) as refused:
        load_events(path, home=home)
    assert [(p.row, p.column) for p in refused.value.problems] == [(200_001, "time"), (200_002, None)]


@pytest.mark.parametrize("suffix", [".csv.gz", ".jsonl.gz"])
def test_gzip_files_load(tmp_path: Path, home: Home, suffix: str) -> None:
    import gzip

    plain = write(tmp_path / f"e{suffix.removesuffix('.gz')}", [event(), event(text="run")])
    zipped = tmp_path / f"zipped{suffix}"
    zipped.write_bytes(gzip.compress(plain.read_bytes()))
    assert load_events(zipped, home=home).written == 2
    assert load_events(plain, home=home).written == 0


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path, home: Home) -> None:
    path = tmp_path / "e.csv"
    path.write_bytes(b'\xef\xbb\xbfuser_id,time,channel,text\r\nu1,2026-01-05,search,spa 12" x\r\n')
    assert load_events(path, home=home).written == 1
    assert events(home)[0]["text"] == 'spa 12" x'


def test_a_link_to_a_regular_file_is_followed(tmp_path: Path, home: Home) -> None:
    link = tmp_path / "link.csv"
    link.symlink_to(write_csv(tmp_path / "e.csv", [event()]))
    assert load_events(link, home=home).written == 1


def test_a_dry_run_writes_nothing(tmp_path: Path, home: Home) -> None:
    rejects = tmp_path / "bad.csv"
    rows = [event(), event(time="never")]
    options = LoadOptions(dry_run=True, reject_to=rejects)
    report = load_events(write_csv(tmp_path / "e.csv", rows), home=home, options=options)
    assert (report.written, report.rejected, report.dry_run) == (1, 1, True)
    assert not rejects.exists()
    assert not home.path.exists()


def test_an_id_with_other_content_is_refused_or_rejected(tmp_path: Path, home: Home) -> None:
    load_events(write_csv(tmp_path / "a.csv", [event(event_id="v1")]), home=home)
    path = write_csv(tmp_path / "b.csv", [event(event_id="v1", text="other"), event(event_id="v2")])
    with pytest.raises(InputError, match="1 problem in 1 row"):
        load_events(path, home=home)
    report = load_events(path, home=home, options=LoadOptions(reject_to=tmp_path / "bad.csv"))
    assert (report.written, report.rejected) == (1, 1)
    assert [row["text"] for row in events(home)] == ["spa", "spa"]


def test_the_same_id_with_the_same_content_counts_once(tmp_path: Path, home: Home) -> None:
    report = load_events(write_csv(tmp_path / "a.csv", [event(event_id="v1")] * 3), home=home)
    assert (report.written, report.unchanged) == (1, 2)


def test_corpus(tmp_path: Path, home: Home) -> None:
    rows = [{"text": "A spa is warm.", "entity_ids": "e1|e2"}, {"text": "Skin."}]
    path = write_csv(tmp_path / "corpus.csv", rows)
    assert load_corpus(path, home=home).written == 2
    assert load_corpus(path, home=home).written == 0
    table = pq.read_table(warehouse(home).batches("corpus")[0])
    assert table.column_names == ["doc_id", "text", "entity_ids"]


def test_progress_reaches_the_whole_file(tmp_path: Path, home: Home) -> None:
    seen: list[tuple[int, int]] = []
    path = write_csv(tmp_path / "e.csv", [event()])
    load_events(path, home=home, options=LoadOptions(progress=lambda done, total: seen.append((done, total))))
    assert seen[-1] == (path.stat().st_size, path.stat().st_size)


_LOAD = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would leave it ignored
from pathlib import Path
from audience_graph.config import Home
from audience_graph.ingest import load_events
print(load_events(sys.argv[1], home=Home(Path(sys.argv[2]))).written, flush=True)
"""


def test_concurrent_loads_of_one_file_load_it_once(tmp_path: Path, home: Home) -> None:
    path = write_csv(tmp_path / "e.csv", [event(text=f"text {i}") for i in range(2000)])
    command = [sys.executable, "-c", _LOAD, str(path), str(home.path)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    written = sorted(int(process.communicate(timeout=120)[0]) for process in running)
    assert written == [0, 0, 0, 2000]
    assert len(events(home)) == 2000


def stopped_while_it_writes(path: Path, home: Home, stop: signal.Signals) -> int:
    """Start a load, stop it once its working folder is there (after the checks), and return its exit code."""
    running = subprocess.Popen(
        [sys.executable, "-c", _LOAD, str(path), str(home.path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    while not list((home.warehouse / "tmp").glob("*")) and running.poll() is None:
        time.sleep(0.002)
    time.sleep(0.02)
    running.send_signal(stop)
    running.communicate(timeout=60)
    return running.returncode


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_load_leaves_nothing_and_can_be_repeated(tmp_path: Path, home: Home, stop: signal.Signals) -> None:
    path = write_csv(tmp_path / "e.csv", [event(text=f"text {i} {'x' * 200}") for i in range(400_000)])
    code = 0
    for attempt in range(5):  # on a busy machine a load may end before it is stopped: that proves nothing
        home = Home(home.path.with_name(f"home-{attempt}"))
        code = stopped_while_it_writes(path, home, stop)
        if code != 0:
            break
    assert code != 0
    assert warehouse(home).batches("events") == ()
    assert load_events(path, home=home).written == 400_000
    assert list((home.warehouse / "tmp").glob("*")) == []


_FULL_DISK = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
from audience_graph.config import Home
from audience_graph.errors import StoreError
from audience_graph.ingest import load_events
try:
    load_events(sys.argv[1], home=Home(Path(sys.argv[2])))
except StoreError as exc:
    print(exc.message, "/", exc.hint)
"""


def test_a_full_disk_leaves_nothing(tmp_path: Path, home: Home) -> None:
    rows = [event(text=os.urandom(40).hex()) for _ in range(20_000)]
    path = write_csv(tmp_path / "e.csv", rows)
    done = subprocess.run(
        [sys.executable, "-c", _FULL_DISK, str(path), str(home.path)], capture_output=True, text=True, timeout=120
    )
    assert done.stdout.startswith("cannot write"), done.stderr
    assert "nothing was kept" in done.stdout
    assert [p for p in home.path.rglob("*") if p.is_file() and p.name != ".lock"] == []


def test_a_held_lock_is_waited_for_and_then_named(home: Home) -> None:
    store = Warehouse(home.warehouse)
    with store.locked(), pytest.raises(StoreError, match="another load"), store.locked(seconds=0.2):
        pass
    with store.locked(seconds=0.2):
        pass


def test_no_batch_holds_half_a_file(tmp_path: Path, home: Home) -> None:
    load_events(write_csv(tmp_path / "e.csv", [event(text=str(i)) for i in range(10)]), home=home)
    (batch,) = warehouse(home).batches("events")
    assert duckdb.sql(f"SELECT count(*) FROM '{batch}'").fetchall() == [(10,)]
