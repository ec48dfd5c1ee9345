"""Exports on a real Postgres: who leaves, in which arm, and what is refused."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from audience_graph.audience.send.arms import Arms, arms_of
from audience_graph.audience.send.exports import Exports
from audience_graph.config import Home
from audience_graph.erased import make_key
from audience_graph.errors import ConfigError, ExportError, NotFoundError
from audience_graph.vectors.store import Store
from sending.world import (
    SINCE,
    USERS,
    build,
    freeze,
    keys_of,
    manifest,
    read,
    rows,
    set_consent,
)

pytestmark = pytest.mark.usefixtures("clean_stores")


@pytest.fixture
def exports(store: Store) -> Exports:
    build(store)
    return Exports(store)


def test_everybody_allowed_leaves_in_order_with_a_manifest(exports: Exports, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "spring.csv"
    sent = exports.send("spring", path)
    assert read(path) == USERS
    told = manifest(path)
    assert (told["mode"], told["purpose"], told["rows"], told["export"]) == ("replace", "marketing", 300, sent.id)
    assert told["files"][0]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (sent.status, sent.count("sent"), sent.count("suppressed")) == ("done", 300, None)
    assert "mode replace" in repr(sent)
    members = rows(
        store, "SELECT count(*) AS n, bool_and(sent) AS sent FROM export_member WHERE export_id = %s", sent.id
    )
    assert members == [{"n": 300, "sent": True}]
    assert {p.name for p in tmp_path.iterdir()} == {"spring.csv", "spring.csv.manifest.json"}
    assert path.stat().st_mode & 0o777 == 0o600


def test_suppression_and_consent_are_applied_last_and_fail_closed(
    exports: Exports, store: Store, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    exports.suppress(["u0", "u1", "never seen"], "asked")
    set_consent(store, ["u2"], False, now - timedelta(days=1))  # withdrawn
    set_consent(store, ["u3"], False, now + timedelta(days=1))  # not yet
    set_consent(store, ["u4"], False, SINCE - timedelta(days=1))  # given since
    set_consent(store, ["u5"], True, now, purpose="ads")  # another purpose
    with store.transaction() as tx:
        tx.execute("DELETE FROM consent WHERE key = ANY (%s) AND purpose = 'marketing'", (keys_of(tx, ["u5", "u6"]),))
        tx.execute("DELETE FROM user_key WHERE user_id = 'u7'")  # erased
    exports.send("spring", tmp_path / "a.csv")
    assert read(tmp_path / "a.csv") == [u for u in USERS if u not in {"u0", "u1", "u2", "u5", "u6", "u7"}]
    counts = rows(store, "SELECT counts FROM export")[0]["counts"]
    named = {step: counts[step] for step in ("in_snapshot", "gone", "suppressed", "no_consent", "sent")}
    assert named == {"in_snapshot": 300, "gone": 1, "suppressed": 2, "no_consent": 3, "sent": 294}
    exports.release(["u0"])
    exports.send("spring", tmp_path / "a.csv")
    assert "u0" in read(tmp_path / "a.csv")


def test_an_unknown_purpose_names_those_there_are(exports: Exports, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="'newsletter'") as error:
        exports.send("spring", tmp_path / "a.csv", purpose="newsletter")
    assert "marketing" in str(error.value.hint)
    assert list(tmp_path.iterdir()) == []


def test_a_small_audience_does_not_leave(exports: Exports, store: Store, tmp_path: Path) -> None:
    exports.suppress(USERS[:200], "asked")
    assert exports.send("spring", tmp_path / "a.csv").count("sent") == 100
    exports.suppress(USERS[200:201], "asked")
    with pytest.raises(ExportError, match="under 100"):
        exports.send("spring", tmp_path / "b.csv")
    assert not (tmp_path / "b.csv").exists()
    assert len(rows(store, "SELECT id FROM export")) == 1


def test_arms_are_kept_with_the_export_and_the_holdout_stays(exports: Exports, store: Store, tmp_path: Path) -> None:
    exports.hold_out("spring", arms={"a": 0.45, "b": 0.45, "holdout": 0.1})
    sent = exports.send("spring", tmp_path / "a.parquet", columns=["user_id", "arm"])
    table = pq.read_table(tmp_path / "a.parquet")
    kept = rows(store, "SELECT salt, arms FROM export")[0]
    arms = Arms(kept["salt"], tuple(map(tuple, kept["arms"])))
    expected = dict(zip(USERS, arms_of(arms, USERS).tolist(), strict=True))
    assert dict(zip(*(table[name].to_pylist() for name in ("user_id", "arm")), strict=True)) == {
        user: arm for user, arm in expected.items() if arm != "holdout"
    }
    stored = rows(
        store,
        "SELECT user_id, arm, sent FROM export_member JOIN user_key USING (key) WHERE export_id = %s",
        sent.id,
    )
    assert {row["user_id"]: (row["arm"], row["sent"]) for row in stored} == {
        user: (arm, arm != "holdout") for user, arm in expected.items()
    }
    assert 10 < sum(arm == "holdout" for arm in expected.values()) < 60


def test_arms_are_fixed_by_the_first_export(exports: Exports, store: Store, tmp_path: Path) -> None:
    exports.hold_out("spring", 0.2)
    exports.hold_out("spring", 0.1)
    exports.send("spring", tmp_path / "a.csv")
    salt = rows(store, "SELECT salt FROM holdout")
    assert exports.hold_out("spring", 0.1).arms == (("treatment", 0.9), ("holdout", 0.1))
    with pytest.raises(ExportError, match="deal its users anew"):
        exports.hold_out("spring", 0.2)
    assert rows(store, "SELECT salt FROM holdout") == salt
    exports.hold_out("spring", 0.2, new_salt=True)
    assert rows(store, "SELECT salt FROM holdout") != salt
    assert exports.holdout("spring").arms == (("treatment", 0.8), ("holdout", 0.2))
    told = rows(store, "SELECT what FROM audit_log WHERE action = 'set holdout' ORDER BY id")
    assert [row["what"]["new_salt"] for row in told] == [False, False, True]


def test_everybody_sent_before_is_a_split_too(exports: Exports, tmp_path: Path) -> None:
    exports.send("spring", tmp_path / "a.csv")
    with pytest.raises(ExportError, match="was exported"):
        exports.hold_out("spring", 0.2)


def test_approval_lets_only_approved_revisions_leave(exports: Exports, store: Store, tmp_path: Path) -> None:
    exports.require_approval(True)
    with pytest.raises(ExportError, match="is a draft"):
        exports.send("spring", tmp_path / "a.csv")
    with store.transaction() as tx:
        tx.execute("UPDATE audience_revision SET status = 'approved'")
    exports.send("spring", tmp_path / "a.csv")
    with store.transaction() as tx:
        tx.execute("UPDATE audience_revision SET status = 'draft'")
    exports.require_approval(False)
    exports.send("spring", tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("to", "asked", "error"),
    [
        ("a.xlsx", {}, ConfigError),
        ("no/such/a.csv", {}, ConfigError),
        ("a.csv", {"mode": "sync"}, ConfigError),
        ("a.csv", {"columns": ["email"]}, ConfigError),
        ("a.csv", {"columns": "user_id"}, ConfigError),
        ("a.csv", {"columns": ["score"]}, ConfigError),
        ("a.csv", {"columns": ["user_id", "user_id"]}, ConfigError),
        ("a.csv", {"hashed": {"mail": "md5"}}, ConfigError),
        ("a.csv", {"chunk_rows": 0}, ConfigError),
        ("a.csv", {"chunk_rows": True}, ConfigError),
        ("a.csv", {"format": "xml"}, ConfigError),
        ("a.csv", {"purpose": "x\0"}, NotFoundError),
        ("http://example.com/x", {}, ConfigError),
        ("https://user:secret@example.com/x", {}, ConfigError),
        ("ftp://example.com/x", {}, ConfigError),
        ("https:///x", {}, ConfigError),
        ("https://example.com/x", {"format": "csv"}, ConfigError),
    ],
)
def test_bad_requests_write_nothing(
    exports: Exports, store: Store, tmp_path: Path, to: str, asked: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        exports.send("spring", to if "://" in to else tmp_path / to, **asked)
    assert list(tmp_path.iterdir()) == []
    assert rows(store, "SELECT id FROM export") == []


def test_unknown_audiences_and_exports_are_named(exports: Exports, tmp_path: Path) -> None:
    for name in ("nobody's", 99, "nul\0"):
        with pytest.raises((NotFoundError, ConfigError)):
            exports.send(name, tmp_path / "a.csv")
    for ask in (exports.resume, exports.show, exports.abandon):
        with pytest.raises(NotFoundError, match="no export 12"):
            ask(12)
    with pytest.raises(NotFoundError, match="no audience"):
        exports.list("winter")


def test_a_snapshot_is_sent_by_its_number(exports: Exports, store: Store, tmp_path: Path) -> None:
    old = rows(store, "SELECT max(id) AS id FROM audience_snapshot")[0]["id"]
    freeze(store, USERS[:100])
    exports.send(old, tmp_path / "a.csv")
    assert len(read(tmp_path / "a.csv")) == 300


def test_everything_is_audited_without_user_ids(exports: Exports, store: Store, tmp_path: Path) -> None:
    listed = tmp_path / "no contact.txt"
    listed.write_bytes("u1\r\nu2\n\n".encode("utf-8-sig"))
    exports.suppress(listed, "asked")
    exports.release(["u1"])
    exports.hold_out("spring", 0.1)
    exports.require_approval(False)
    exports.send("spring", tmp_path / "a.csv")
    log = rows(store, "SELECT action, object, what::text AS what FROM audit_log ORDER BY id")
    assert [row["action"] for row in log] == [
        "suppress", "release from suppression", "set holdout", "require approval", "start export", "finish export",
    ]  # fmt: skip
    assert json.loads(log[0]["what"]) == {"count": 2, "file": "no contact.txt", "reason": "asked", "added": 2}
    assert not any('"u1"' in row["what"] or '"u2"' in row["what"] for row in log)


def test_suppressing_brings_no_erased_user_back(store: Store, home: Home) -> None:
    build(store)
    key = make_key(home)
    with store.transaction() as tx:
        row = (key.hash_of("erased"), key.print)
        tx.execute("INSERT INTO erasure (id_hash, key_print, made_by) VALUES (%s, %s, 'olga')", row)
    Exports(store, home=home).suppress(["erased", "new", "u1"], "asked")
    known = "SELECT user_id FROM suppression JOIN user_key USING (key) ORDER BY user_id"
    assert [row["user_id"] for row in rows(store, known)] == ["new", "u1"]
    assert rows(store, "SELECT FROM user_key WHERE user_id = 'erased'") == []
    with pytest.raises(ConfigError):  # without the key nobody can tell who stays out
        Exports(store).suppress(["new"], "asked")


def test_suppression_shows_only_rounded_groups(exports: Exports) -> None:
    exports.suppress(USERS[:123], "asked")
    found = exports.suppress(USERS[100:130], "bounced")
    assert (found.users, found.reasons, found.given) == (130, (("asked", 120), ("bounced", None)), 30)
    assert "under 100" in repr(found)
