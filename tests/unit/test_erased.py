"""Keyed hashes of erased ids: kept in the home, refused without the key, and free of cost before the first erasure."""

from __future__ import annotations

import hmac
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audience_graph.config import Home
from audience_graph.erased import Erased, ErasureKey, find_key, folder_of, make_key, read_list, write_list
from audience_graph.errors import ConfigError
from audience_graph.ingest import append, load_events
from audience_graph.ingest.reading import LoadOptions
from audience_graph.preferences import open_sequences

ODD = ("u1", "O\"Hara 'x' 🙂", "w" * 1_000, "\ud800")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def test_the_hash_is_hmac_sha256_and_tells_no_two_ids_apart_by_case_or_space() -> None:
    key = ErasureKey(b"k" * 32)
    assert key.hash_of("u1") == hmac.digest(b"k" * 32, b"u1", "sha256")
    erased = Erased(key, frozenset(map(key.hash_of, ODD)))
    assert erased.stays([*ODD, "u10", "U1", "u1 ", ""]).tolist() == [False] * 4 + [True] * 4
    assert erased.stays([]).shape == (0,)
    assert Erased(ErasureKey(b"j" * 32), erased.hashes).stays(ODD).all()
    assert b"k" * 32 not in repr(key).encode() + repr(erased).encode()


def test_a_key_is_made_once_for_its_owner_alone(home: Home) -> None:
    assert find_key(home, {}) is None
    assert find_key(None, {}) is None
    first = make_key(home)
    assert make_key(home) == first == find_key(home, {})
    assert (folder_of(home) / "key").stat().st_mode & 0o777 == 0o600
    assert [p.name for p in folder_of(home).iterdir()] == ["key"]
    assert make_key(Home(home.path.with_name("other"))) != first
    named = find_key(home, {"AUDIENCE_GRAPH_ERASURE_KEY": "x" * 16})
    assert named == ErasureKey(b"x" * 16)
    with pytest.raises(ConfigError, match="shorter than 16"):
        find_key(home, {"AUDIENCE_GRAPH_ERASURE_KEY": "x" * 15})
    (folder_of(home) / "key").write_text("cut")
    with pytest.raises(ConfigError, match="damaged"):
        find_key(home, {})


def test_the_list_of_a_home_needs_its_key(home: Home) -> None:
    assert read_list(home) is None
    key = make_key(home)
    write_list(home, Erased(key, frozenset({key.hash_of("u1")})))
    found = read_list(home)
    assert found is not None
    assert (found.key, found.hashes) == (key, frozenset({key.hash_of("u1")}))
    (folder_of(home) / "key").write_text("another key of some length")
    with pytest.raises(ConfigError, match="another key"):
        read_list(home)
    (folder_of(home) / "key").unlink()
    with pytest.raises(ConfigError, match="is not here"):
        read_list(home)
    (folder_of(home) / "erased.json").write_text("{")
    with pytest.raises(ConfigError, match="not readable"):
        read_list(home)


def erase(home: Home, *ids: str) -> None:
    key = make_key(home)
    write_list(home, Erased(key, frozenset(map(key.hash_of, ids))))


def events(path: Path, users: list[str]) -> Path:
    rows = [
        {"user_id": u, "time": f"2024-05-0{i % 9 + 1}", "channel": "visit", "text": "tea"} for i, u in enumerate(users)
    ]
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_rows_of_erased_users_are_left_out_and_counted(home: Home, tmp_path: Path) -> None:
    path = events(tmp_path / "events.parquet", ["u1", "u10", "u1", ODD[1], "u2"])
    erase(home, "u1", ODD[1])
    dry = load_events(path, home=home, options=LoadOptions(dry_run=True))
    report = load_events(path, home=home)
    for found in (dry, report):
        assert (found.read, found.written, found.unchanged, found.rejected, found.erased) == (5, 2, 0, 0, 3)
        assert found.notes == ("3 rows of erased users were left out",)
    assert report.batch is not None
    assert pq.read_table(report.batch)["user_id"].to_pylist() == ["u10", "u2"]
    assert load_events(path, home=home).unchanged == 2


def test_who_is_erased_while_a_file_is_read_stays_out_too(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = events(tmp_path / "events.parquet", ["u1", "u2", "u10"])
    erase(home, "u2")

    def late(of: Home) -> Erased | None:
        found = read_list(of)
        erase(home, "u1", "u2")  # after this load looked for the first time
        return found

    monkeypatch.setattr(append, "erased_for_files", late)
    report = load_events(path, home=home)
    assert (report.written, report.erased) == (1, 2)
    assert report.batch is not None
    assert pq.read_table(report.batch)["user_id"].to_pylist() == ["u10"]


def test_sequences_leave_erased_users_out(home: Home) -> None:
    key = make_key(home)
    table = pa.table({"user_id": ["u1", "u10", ODD[1]], "entity_id": ["a"] * 3, "event_id": ["1", "2", "3"],
                      "time": pa.array([0, 1, 2], pa.timestamp("us", "UTC")), "channel": ["x"] * 3})  # fmt: skip
    erased = Erased(key, frozenset({key.hash_of("u1"), key.hash_of(ODD[1])}))
    with open_sequences(table, ["a"], erased) as found:
        assert found.users()["user_id"].to_pylist() == ["u10"]
        assert found.reach().to_pylist() == [{"entity_id": "a", "reach": 1}]
        left = found.fingerprint()
    with open_sequences(table.slice(1, 1), ["a"]) as fewer:
        assert fewer.fingerprint() == left
