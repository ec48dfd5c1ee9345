"""Exports on a real Postgres: who leaves, in which form, in which mode, and what is refused."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from audience_graph.audience.send.arms import Arms, arms_of
from audience_graph.audience.send.exports import Exports
from audience_graph.audience.send.records import sending
from audience_graph.errors import ConfigError, ExportError, NotFoundError
from audience_graph.vectors.store import Store
from sending.world import SINCE, USERS, add_audience, add_snapshot, build, keys_of, revision_of, set_consent

pytestmark = pytest.mark.usefixtures("clean_stores")
EVIL = ['=cmd|" /C calc"!A0', "+49", "naïve 💄", 'quote" and, comma', "back\\slash`tick", "line\nbreak", "tab\tin"]


@pytest.fixture
def exports(store: Store) -> Exports:
    build(store)
    return Exports(store)


def read(path: Path) -> list[str]:
    return pyarrow.csv.read_csv(path)["user_id"].to_pylist()


def manifest(path: Path) -> dict[str, Any]:
    return json.loads(Path(f"{path}.manifest.json").read_text(encoding="utf-8"))


def rows(store: Store, query: str, *parameters: Any) -> list[dict[str, Any]]:
    with store.transaction() as tx:
        return tx.rows(query, parameters)


def freeze(store: Store, users: list[str], name: str = "spring") -> int:
    with store.transaction() as tx:
        return add_snapshot(tx, revision_of(tx, name), users)


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


@pytest.mark.parametrize(
    ("value", "form", "plain"),
    [
        (" John_Smith@gmail.com ", "meta-email", "john_smith@gmail.com"),
        ("John.Smith+x@GMail.com", "google-email", "johnsmith+x@gmail.com"),
        ("John.Smith@googlemail.com", "google-email", "johnsmith@googlemail.com"),
        ("John.Smith@example.com", "google-email", "john.smith@example.com"),
        ("John.Smith@gmail.com", "meta-email", "john.smith@gmail.com"),
        ("no mail", "google-email", None),
        ("a@b@c.de", "meta-email", None),
        ("+1 (650) 555-1212", "meta-phone", "16505551212"),
        ("+1 (650) 555-1212", "google-phone", "+16505551212"),
        ("0049 (0)30/123 45 67", "google-phone", "+49301234567"),
        ("030 1234567", "google-phone", None),
        ("+49 30 1234567 ext. 5", "google-phone", None),
        ("16505551212", "meta-phone", None),
    ],
)
def test_contacts_are_hashed_in_the_platforms_normal_form(
    exports: Exports, store: Store, tmp_path: Path, value: str, form: str, plain: str | None
) -> None:
    with store.transaction() as tx:
        query = "UPDATE user_profile SET columns = jsonb_build_object('odd \"`💄', %s::text) WHERE key = %s"
        tx.execute(query, (value, keys_of(tx, ["u0"])[0]))
    exports.send("spring", tmp_path / "a.parquet", hashed={'odd "`💄': form})
    table = pq.read_table(tmp_path / "a.parquet")
    assert table.column_names == ["user_id", f'odd "`💄_{form.replace("-", "_")}']
    assert table[1][0].as_py() == (None if plain is None else hashlib.sha256(plain.encode()).hexdigest())


def test_published_examples_of_the_platforms(exports: Exports, store: Store, tmp_path: Path) -> None:
    with store.transaction() as tx:
        columns = json.dumps({"mail": "John_Smith@gmail.com", "mobile": "+1 (650)555-1212"})
        tx.execute("UPDATE user_profile SET columns = %s::jsonb WHERE key = %s", (columns, keys_of(tx, ["u0"])[0]))
    exports.send("spring", tmp_path / "a.parquet", hashed={"mail": "meta-email", "mobile": "meta-phone"})
    first = pq.read_table(tmp_path / "a.parquet").to_pylist()[0]
    assert first["mail_meta_email"] == "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"
    assert first["mobile_meta_phone"] == "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176"


def test_who_has_no_contact_is_not_sent_where_only_contacts_leave(
    exports: Exports, store: Store, tmp_path: Path
) -> None:
    with store.transaction() as tx:
        tx.execute("UPDATE user_profile SET columns = '{}' WHERE key = ANY (%s)", (keys_of(tx, ["u1", "u2"]),))
        tx.execute("UPDATE user_profile SET columns = columns - 'mail' WHERE key = ANY (%s)", (keys_of(tx, ["u3"]),))
    hashes = {"mail": "google-email", "mobile": "google-phone"}
    exports.send("spring", tmp_path / "a.parquet", columns=[], hashed=hashes)
    table = pq.read_table(tmp_path / "a.parquet")
    assert (table.num_rows, table["mail_google_email"].null_count) == (298, 1)
    with pytest.raises(NotFoundError, match="'fax'") as error:
        exports.send("spring", tmp_path / "b.csv", hashed={"fax": "google-phone"})
    assert "mail, mobile" in str(error.value.hint)


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
def test_all_formats_hold_the_same_rows_in_numbered_files(
    exports: Exports, store: Store, tmp_path: Path, ending: str
) -> None:
    users = [*EVIL, *USERS[:120]]
    with store.transaction() as tx:
        tx.execute("INSERT INTO user_key (user_id) SELECT unnest(%s::text[])", [EVIL])
    set_consent(store, EVIL, True, SINCE)
    freeze(store, users)
    path = tmp_path / f"a.{ending}"
    columns = ["user_id", "hashed_id", "score", "place", "arm"]
    sent = exports.send("spring", path, columns=columns, chunk_rows=50)
    names = [f"a.000{n}.{ending}" for n in (1, 2, 3)]
    assert {p.name for p in tmp_path.iterdir()} == {*names, f"a.{ending}.manifest.json"}
    assert [file["rows"] for file in manifest(path)["files"]] == [50, 50, 27]
    found = [row for name in names for row in _rows(tmp_path / name)]
    escaped = [f"'{u}" if ending == "csv" and u.startswith(("=", "+")) else u for u in users]
    assert [row["user_id"] for row in found] == escaped
    assert [row["hashed_id"] for row in found] == [hashlib.sha256(u.encode()).hexdigest() for u in users]
    assert [row["place"] for row in found] == list(range(1, 128))
    assert found[1]["score"] == 1 - 1 / 127
    assert {row["arm"] for row in found} == {None}
    assert ("apostrophe" in sent.note) == (ending == "csv")
    exports.send("spring", path, columns=columns, chunk_rows=100)
    assert {p.name for p in tmp_path.iterdir()} == {*names[:2], f"a.{ending}.manifest.json"}


def _rows(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
    options = pyarrow.csv.ConvertOptions(column_types={"arm": "string"}, strings_can_be_null=True)
    return pyarrow.csv.read_csv(path, parse_options=parse, convert_options=options).to_pylist()


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


def test_two_sessions_do_not_send_to_one_place_at_once(exports: Exports, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with store.transaction() as tx:
        add_snapshot(tx, add_audience(tx, "other"), USERS)
    with sending(store, 999, str(path), str(path)), pytest.raises(ExportError, match="another session"):
        exports.send("other", path)
    exports.send("other", path)


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


def test_suppression_shows_only_rounded_groups(exports: Exports) -> None:
    exports.suppress(USERS[:123], "asked")
    found = exports.suppress(USERS[100:130], "bounced")
    assert (found.users, found.reasons, found.given) == (130, (("asked", 120), ("bounced", None)), 30)
    assert "under 100" in repr(found)
