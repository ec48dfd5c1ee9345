"""What is told to be an id, in text and in bytes; Parquet, caches, batches and runs without a user's rows."""

from __future__ import annotations

import json
import zipfile
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audience_graph.config import Home
from audience_graph.erase.bytes_in import Needles, blank, look_in
from audience_graph.erase.files import erase_files
from audience_graph.erase.parquet_rows import Column, Values, id_column
from audience_graph.erase.scan_files import scan_files
from audience_graph.erase.text_vectors import forget_texts
from audience_graph.erase.whom import MARK, Whom, is_telling
from audience_graph.erase.written import apart, written_by
from audience_graph.erased import ErasureKey
from audience_graph.errors import ConfigError, StoreError
from audience_graph.ingest import load_corpus, load_events
from audience_graph.ingest.warehouse import warehouse
from audience_trainers.text_cache import TextCache

KEY = ErasureKey(b"k" * 32)
ODD = "O\"Hara 'x' 🙂 \\"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def test_an_id_is_itself_and_never_a_part_of_another() -> None:
    whom = Whom.of(["u1", "member-77", ODD, "12"], KEY)
    assert whom.telling == ("member-77", ODD)
    assert whom.is_in("u1", name="user_id")
    assert whom.is_in("12", name="user_ids")
    assert not whom.is_in("12", name="entity_id")
    assert not whom.is_in("said u1 to u10")
    for text in ("member-77", "(member-77)", "a,member-77;", f"<{ODD}>", "é member-77."):
        assert whom.is_in(text), text
    for text in ("member-770", "member-77-a", "x-member-77", "xmember-77", "member_member-77_", "member-7", ""):
        assert not whom.is_in(text, name="user_id"), text
    assert [is_telling(one) for one in ("12345", "u12345", "12345678", "123456789", "é🙂")] == [
        False,
        True,
        False,
        True,
        True,
    ]
    assert whom.redact("of member-77, not member-770", mark=MARK) == "of [erased], not member-770"
    assert whom.redact("member-77") == whom.mark("member-77") == f"[erased {KEY.hash_of('member-77').hex()[:8]}]"


def test_json_is_redacted_by_values() -> None:
    whom = Whom.of(["u1", "member-77"], KEY)
    told = {"user_ids": ["u1", "u10", "member-77"], "in": [{"seeds": ["u1"]}], "name": "u1", "note": "of member-77",
            "member-77": 3, "n": 7, "ids": [1, None, True]}  # fmt: skip
    assert whom.is_in_json(told)
    found = whom.redact_json(told, mark=MARK)
    assert found == {"user_ids": ["u10"], "in": [{"seeds": []}], "name": "u1", "note": "of [erased]",
                     "[erased]": 3, "n": 7, "ids": [1, None, True]}  # fmt: skip
    assert not whom.is_in_json(found)


@pytest.mark.parametrize("ids", [[], "", [" "], [None], ["a\0b"], ["\ud800"], ["x" * 100_001]])
def test_what_no_user_can_be_called_is_refused(ids: object) -> None:
    with pytest.raises(ConfigError):
        Whom.of(ids, KEY)  # type: ignore[arg-type]


@pytest.mark.parametrize("coding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le"])
@pytest.mark.parametrize("user", ["member-77", ODD, "é" * 500])
def test_ids_are_found_in_bytes_and_bounded(tmp_path: Path, coding: str, user: str) -> None:
    path, needles = tmp_path / "file.bin", Needles((user,))
    noise = np.random.default_rng(1).bytes(100_000)
    path.write_bytes(noise)
    assert look_in(path, needles) == set()
    for before, after, found in ((";", ";", True), ("a", ";", False), (";", "0", False), ("-", ";", False)):
        path.write_bytes(noise + f"\n{before}{user}{after}\n".encode(coding) + noise)
        assert look_in(path, needles) == ({"id"} if found else set()), (before, after)


def test_ids_are_found_in_packed_files_json_and_after_a_length(tmp_path: Path) -> None:
    path, needles = tmp_path / "model.pt", Needles(("member-77", ODD), ("a text of some length",))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("data.pkl", b"\x00" * 5000 + b"X\x09member-77q" + b"\x00" * 5000)
    assert look_in(path, needles) == set()  # bounded: `q` may belong to an id
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("data.pkl", b"\x00" * 5000 + b"\x09member-77." + b"a text of some length")
    assert look_in(path, needles) == {"id", "text"}
    path.write_bytes(bytes([(9 + 1) << 1 | 1]) + b"member-77" + b"key")  # as Postgres stores it, next to anything
    assert look_in(path, needles) == {"id"}
    for text in (json.dumps([ODD]), json.dumps([ODD], ensure_ascii=False), '"' + ODD.replace('"', '""') + '"'):
        path.write_text(text)
        assert look_in(path, needles) == {"id"}, text


def test_an_id_over_the_edge_of_a_block_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from audience_graph.erase import bytes_in

    monkeypatch.setattr(bytes_in, "_BLOCK", 64)
    path, needles = tmp_path / "file.bin", Needles(("member-77",))
    for place in range(40, 80):
        path.write_bytes(b"." * place + b"member-77" + b"." * 100)
        assert look_in(path, needles) == {"id"}, place
        path.write_bytes(b"." * place + b"member-770" + b"." * 100)
        assert look_in(path, needles) == set(), place


def test_log_lines_are_overwritten_in_place(tmp_path: Path) -> None:
    path = tmp_path / "postgres.log"
    path.write_bytes(b"Key (user_id)=(member-77) exists\nmember-770\n")
    with path.open("ab") as server:
        assert blank(path, Whom.of(["member-77", "u1"], KEY)) == 1
        server.write(b"more\n")
    assert path.read_bytes() == b"Key (user_id)=(*********) exists\nmember-770\nmore\n"


def test_parquet_without_rows_keeps_order_types_and_groups(tmp_path: Path) -> None:
    users = [f"user-{i % 7}" for i in range(70)]
    table = pa.table({"user_id": pa.array(users).dictionary_encode(), "n": pa.array(range(70), pa.int16()),
                      "at": pa.array(range(70), pa.timestamp("us", "UTC")), "ids": [[u] for u in users]})  # fmt: skip
    path, out, values = tmp_path / "a.parquet", tmp_path / "b.parquet", Values.of(["user-3", "user-30", "other"])
    pq.write_table(table, path, row_group_size=20)
    column = id_column(path)
    assert column == Column(path, "user_id")
    assert sum(column.counts(values)) == 10
    assert column.rows(values, ["n"])["n"].to_pylist() == list(range(3, 70, 7))
    assert column.write_without(values, out) == 60
    found = pq.read_table(out)
    assert found.schema == pq.read_table(path).schema
    assert found.to_pylist() == [row for row in table.to_pylist() if row["user_id"] != "user-3"]
    assert pq.ParquetFile(out).num_row_groups == 4
    assert sum(Column(out, "user_id").counts(values)) == 0
    everyone = Values.of(set(users))
    assert column.write_without(everyone, out) == 0
    assert pq.read_table(out).num_rows == 0
    (tmp_path / "c.parquet").write_bytes(b"no parquet")
    with pytest.raises(StoreError, match="not readable"):
        id_column(tmp_path / "c.parquet")


def test_cached_vectors_of_texts_are_zeroed_and_made_again(tmp_path: Path) -> None:
    asked: list[str] = []

    def encode(texts: list[str]) -> np.ndarray:
        asked.extend(texts)
        return np.eye(4, dtype=np.float32)[[len(t) % 4 for t in texts]]

    caches = [TextCache(tmp_path / "cache" / name, model, 4) for name, model in (("a", "m1"), ("a", "m2"), ("b", "m3"))]
    for cache in caches:
        cache.encode(["tea", "a secret", "skis"], encode)
    assert forget_texts(tmp_path / "cache", ["a secret", "never kept"]) == 3
    asked.clear()
    for cache in caches:
        found = cache.encode(["tea", "a secret", "skis"], encode)
        assert found.argmax(axis=1).tolist() == [3, 0, 0]
    assert asked == ["a secret"] * 3
    (tmp_path / "cache" / "b" / "models").unlink()  # one of before: nobody knows whose rows they are
    assert forget_texts(tmp_path / "cache" / "b", ["a secret"]) == 4
    assert (tmp_path / "cache" / "b" / "vectors.f32").stat().st_size == 0
    assert caches[2].encode(["tea"], encode).shape == (1, 4)
    assert forget_texts(tmp_path / "none", ["x"]) == 0


def load(home: Home, folder: Path, *files: list[tuple[str, str, str]]) -> None:
    for n, rows in enumerate(files):
        path = folder / f"events {n}.csv"
        lines = [f"{event},{user},2024-05-0{n + 1},visit,{text}" for event, user, text in rows]
        path.write_text("event_id,user_id,time,channel,text\n" + "\n".join(lines) + "\n")
        load_events(path, home=home)


ROWS = [
    [("1", "member-77", "where can I buy a red canoe"), ("2", "member-770", "tea"), ("3", "member-77", "tea")],
    [("4", "member-7", "tea"), ("5", "u2", "I buy canoes - said a friend")],
    [("6", "member-77", "my secret wish is a canoe")],
]


def test_texts_of_a_user_are_those_that_nobody_else_wrote(home: Home, tmp_path: Path) -> None:
    load(home, tmp_path, *ROWS)
    (tmp_path / "corpus.csv").write_text("doc_id,text\nd1,my secret wish is a canoe\n")
    found = written_by(home, Values.of(["member-77"]))
    assert found.texts == ("my secret wish is a canoe", "where can I buy a red canoe")
    assert found.events.array.to_pylist() == ["1", "3", "6"]
    load_corpus(tmp_path / "corpus.csv", home=home)
    assert written_by(home, Values.of(["member-77"])).texts == ("where can I buy a red canoe",)
    # inside bytes: nothing that others say, and nothing short
    texts = ["I buy canoes - said", "tea", "my secret wish is", "(nothing of the kind?)", "a name of an entity"]
    assert apart(texts, home, "a name of an entity, and more") == ("(nothing of the kind?)",)


def test_batches_without_a_user_have_new_names_and_lose_nothing(home: Home, tmp_path: Path) -> None:
    load(home, tmp_path, *ROWS)
    store = warehouse(home)
    before = {p.name for p in store.batches("events")}
    for batch in store.batches("events"):
        events = pq.read_table(batch)["event_id"].to_pylist()
        (store.path / "mentions").mkdir(exist_ok=True)
        pq.write_table(pa.table({"event_id": events, "mention": ["canoe"] * len(events)}),
                       store.path / "mentions" / batch.name)  # fmt: skip
    gone = erase_files(home, Whom.of(["member-77"], KEY), again=False)
    assert gone.rows == {"warehouse/events": 3, "warehouse/mentions": 3}
    after = store.batches("events")
    assert len(after) == 2
    assert len({p.name for p in after} - before) == 1
    assert {p.name for p in store.batches("mentions")} == {p.name for p in after}
    rows = sorted((row for p in after for row in pq.read_table(p).to_pylist()), key=lambda row: row["event_id"])
    assert [(row["event_id"], row["user_id"]) for row in rows] == [("2", "member-770"), ("4", "member-7"), ("5", "u2")]
    mentions = {e for p in store.batches("mentions") for e in pq.read_table(p)["event_id"].to_pylist()}
    assert mentions == {"2", "4", "5"}
    traces, _ = scan_files(home, Whom.of(["member-77"], KEY), frozenset(gone.written.texts), Needles(("member-77",)))
    assert traces == []
    assert load_events(tmp_path / "events 1.csv", home=home).unchanged == 2  # nothing is there twice
    assert len(store.batches("events")) == 2
    assert not list((store.path / "tmp").iterdir())


def test_a_batch_that_was_left_under_its_old_name_is_named(home: Home, tmp_path: Path) -> None:
    load(home, tmp_path, *ROWS)
    store = warehouse(home)
    (batch,) = [p for p in store.batches("events") if "1" in pq.read_table(p)["event_id"].to_pylist()]
    Column(batch, "user_id").write_without(Values.of(["member-77"]), tmp_path / "part.parquet")
    (tmp_path / "part.parquet").replace(batch)  # killed here
    erase_files(home, Whom.of(["member-77"], KEY), again=False)
    assert batch.exists()
    erase_files(home, Whom.of(["member-77"], KEY), again=True)
    assert not batch.exists()
    assert len(store.batches("events")) == 2


def test_a_run_that_was_stopped_between_file_and_seal_is_sealed(home: Home) -> None:
    from audience_trainers.run import create_run, open_run
    from audience_trainers.users.config import UsersConfig

    run = create_run(home.runs, kind="users", week="2026-W07", as_of=date(2026, 2, 10),
                     config=UsersConfig(), seed=1)  # fmt: skip
    run.write_table("pairs", pa.table({"user_id": ["member-77", "member-770"]}))
    run.write_json("metrics", {"of": ["member-77", "member-770"]})
    run.finish()
    (run.path / ".erasing").write_text(json.dumps(["pairs.parquet"]))
    pq.write_table(pa.table({"user_id": ["member-770"]}), run.path / "pairs.parquet")  # killed here
    gone = erase_files(home, Whom.of(["member-77"], KEY), again=True)
    assert list(gone.rows) == [f"runs/{run.run_id}/metrics.json"]
    assert open_run(run.path, verify=True).read_table("pairs")["user_id"].to_pylist() == ["member-770"]
    assert sorted(p.name for p in run.path.iterdir()) == ["done", "metrics.json", "pairs.parquet", "run.json"]
