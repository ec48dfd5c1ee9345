"""Append and delta follow what a destination holds; exports that were stopped go on, are given up, or count as done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audience_graph.audience.send.arms import Arms, arms_of
from audience_graph.audience.send.exports import Exports
from audience_graph.audience.send.records import sending
from audience_graph.errors import ConfigError, ExportError
from audience_graph.vectors.store import Store
from sending.world import (
    USERS,
    add_audience,
    add_snapshot,
    build,
    freeze,
    manifest,
    read,
    rows,
)

pytestmark = pytest.mark.usefixtures("clean_stores")


@pytest.fixture
def exports(store: Store) -> Exports:
    build(store)
    return Exports(store)


def test_append_sends_whom_the_place_does_not_hold(exports: Exports, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    freeze(store, USERS[:150])
    first = exports.send("spring", path, mode="append")
    assert (first.compared_with, read(path)) == (None, USERS[:150])
    freeze(store, USERS[100:250])
    second = exports.send("spring", path, mode="append")
    assert (second.compared_with, read(path)) == (first.id, USERS[150:250])
    assert read_after(exports, tmp_path / "other.csv", "append") == USERS[100:250]
    assert read_after(exports, path, "append") == []
    exports.send("spring", tmp_path / "b.csv", mode="append", destination=str(path))
    assert read(tmp_path / "b.csv") == []


def read_after(exports: Exports, path: Path, mode: str) -> list[str]:
    exports.send("spring", path, mode=mode)
    return read(path)


def test_delta_lists_added_and_removed_and_follows_itself(exports: Exports, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"

    def changes(users: list[str]) -> list[tuple[str, str]]:
        freeze(store, users)
        exports.send("spring", path, mode="delta")
        return [(row["change"], row["user_id"]) for row in map(json.loads, path.read_text().splitlines())]

    assert changes(USERS[:200]) == [("added", u) for u in USERS[:200]]
    exports.suppress(["u5"], "asked")
    gone = [("removed", u) for u in ("u0", "u1", "u5")]
    assert changes(USERS[2:202]) == [("added", "u200"), ("added", "u201"), *gone]
    assert changes(USERS[2:202]) == []
    exports.release(["u5"])
    assert changes(USERS[:202]) == [("added", u) for u in ("u0", "u1", "u5")]
    exports.send("spring", path)  # replace
    assert changes(USERS[1:202]) == [("removed", "u0")]
    counts = rows(store, "SELECT counts FROM export ORDER BY id DESC LIMIT 1")[0]["counts"]
    assert (counts["added"], counts["removed"], counts["sent"]) == (0, 1, 0)


def test_the_erased_never_leave_a_delta(exports: Exports, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    exports.send("spring", path)
    with store.transaction() as tx:
        tx.execute("DELETE FROM user_key WHERE user_id = 'u3'")
    freeze(store, [u for u in USERS if u not in {"u3", "u4"}])
    exports.send("spring", path, mode="delta")
    assert read(path) == ["u4"]


def test_a_user_dealt_into_the_holdout_is_removed(exports: Exports, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    exports.send("spring", path)
    exports.hold_out("spring", 0.3, new_salt=True)
    exports.send("spring", path, mode="delta")
    kept = rows(store, "SELECT salt, arms FROM holdout")[0]
    arms = arms_of(Arms(kept["salt"], tuple(map(tuple, kept["arms"]))), USERS)
    assert sorted(read(path)) == sorted(u for u, arm in zip(USERS, arms, strict=True) if arm == "holdout")
    assert read_after(exports, path, "delta") == []
    held = rows(store, "SELECT count(*) AS n FROM export_member WHERE export_id = 3 AND arm = 'holdout' AND NOT sent")
    assert held == [{"n": int((arms == "holdout").sum())}]  # removed before, so new among the held out


def test_a_whole_export_starts_the_count_anew(exports: Exports, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    exports.send("spring", path)
    freeze(store, USERS[:200])
    exports.send("spring", path)  # the destination drops the others
    freeze(store, USERS)
    assert read_after(exports, path, "append") == USERS[200:]


def test_a_failed_write_can_be_resumed_or_abandoned(exports: Exports, store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    path = folder / "a.csv"
    exports.send("spring", path)
    (folder / f".a.0002.csv.{2}").mkdir()  # where the second file of export 2 would be written
    with pytest.raises(ConfigError, match="cannot write"):
        exports.send("spring", path, chunk_rows=100)
    assert not Path(f"{path}.manifest.json").exists()
    assert exports.list("spring").exports[0].status == "started"
    with pytest.raises(ExportError, match="has not ended"):
        exports.send("spring", path)
    (folder / ".a.0002.csv.2").rmdir()
    exports.suppress(["u250"], "meanwhile")
    again = exports.send("spring", path, chunk_rows=100)
    assert (again.id, again.status, manifest(path)["rows"]) == (2, "done", 299)
    assert rows(store, "SELECT count(*) AS n FROM export_member WHERE export_id = 2") == [{"n": 299}]
    with pytest.raises(ExportError, match="has ended"):
        exports.abandon(2)
    with pytest.raises(ExportError, match="is done"):
        exports.resume(2)


def test_an_abandoned_file_counts_for_nothing(exports: Exports, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    (tmp_path / ".a.csv.1").mkdir()
    with pytest.raises(ConfigError):
        exports.send("spring", path, mode="append")
    assert exports.abandon(1).status == "failed"
    assert read_after(exports, path, "append") == USERS
    assert rows(store, "SELECT count(*) AS n FROM export_member WHERE export_id = 1") == [{"n": 0}]


def test_files_that_are_complete_are_not_written_again(exports: Exports, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    number = exports.send("spring", path).id
    with store.transaction() as tx:  # as if it was killed after its manifest
        tx.execute("UPDATE export SET status = 'started', finished_at = NULL")
    exports.suppress(["u1"], "meanwhile")
    with pytest.raises(ExportError, match="are complete"):
        exports.abandon(number)
    assert exports.resume(number).status == "done"
    assert read(path) == USERS
    exports.send("spring", path, mode="delta")
    assert read(path) == ["u1"]


def test_a_manifest_of_another_database_counts_for_nothing(exports: Exports, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    Path(f"{path}.manifest.json").write_text(json.dumps({"export": 1, "files": [{"name": "../b"}, {"name": 5}]}))
    exports.send("spring", path)
    assert (read(path), manifest(path)["rows"]) == (USERS, 300)


def test_two_sessions_do_not_send_to_one_place_at_once(exports: Exports, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with store.transaction() as tx:
        add_snapshot(tx, add_audience(tx, "other"), USERS)
    with sending(store, 999, str(path), str(path)), pytest.raises(ExportError, match="another session"):
        exports.send("other", path)
    exports.send("other", path)
