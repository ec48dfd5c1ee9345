"""Exports to a webhook: retries, keys, resuming, and nobody who was suppressed meanwhile."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest

from audience_graph.audience.send.exports import Exports
from audience_graph.audience.send.webhook import SECRET, Retry
from audience_graph.errors import ExportError
from audience_graph.vectors.store import Store
from sending.receiver import Receiver, receiving
from sending.world import USERS, add_snapshot, build, revision_of

pytestmark = pytest.mark.usefixtures("clean_stores")


@pytest.fixture
def waited() -> list[float]:
    return []


@pytest.fixture
def exports(store: Store, waited: list[float]) -> Exports:
    build(store)
    return Exports(store, retry=Retry(attempts=4, first=1, jitter=lambda: 1.0, sleep=waited.append))


def chunks(store: Store) -> list[tuple[int, str, int, int]]:
    with store.transaction() as tx:
        rows = tx.rows("SELECT number, status, attempts, rows FROM export_chunk ORDER BY number")
    return [tuple(row.values()) for row in rows]  # type: ignore[misc]


def test_chunks_arrive_once_each_signed_and_in_order(
    exports: Exports, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET, "s3cret")
    with receiving() as receiver:
        sent = exports.send("spring", f"{receiver.url}?token=abc", chunk_rows=120)
    assert (sent.status, sent.chunks_sent, sent.chunks, sent.to) == ("done", 3, 3, receiver.url)
    assert receiver.users() == USERS
    for number, (headers, body) in enumerate(receiver.requests, 1):
        told = json.loads(body)
        facts = {"export": sent.id, "audience": "spring", "purpose": "marketing", "mode": "replace", "chunks": 3}
        assert {name: told[name] for name in facts} == facts
        assert told["chunk"] == number
        mac = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
        assert headers["X-Audience-Graph-Signature"] == f"sha256={mac}"
        assert headers["Idempotency-Key"] == f"{sent.id}-{number}-{hashlib.sha256(body).hexdigest()[:32]}"
    assert chunks(store) == [(1, "sent", 1, 120), (2, "sent", 1, 120), (3, "sent", 1, 60)]


def test_failures_are_tried_again_with_the_same_key(exports: Exports, store: Store, waited: list[float]) -> None:
    replies = [(503, {}), (500, {}), (200, {}), (429, {"Retry-After": "7"}), (201, {})]
    with receiving(Receiver(lambda n: replies[n])) as receiver:
        exports.send("spring", receiver.url, chunk_rows=150)
    assert waited == [1.0, 2.0, 7.0]
    assert [len(set(receiver.keys[:3])), len(set(receiver.keys[3:])), len(set(receiver.keys))] == [1, 1, 2]
    assert receiver.users() == USERS
    assert chunks(store) == [(1, "sent", 3, 150), (2, "sent", 2, 150)]


@pytest.mark.parametrize(
    ("reply", "tries", "said"),
    [((400, {}), 1, "400"), ((503, {}), 4, "503"), ((429, {"Retry-After": "4000"}), 1, "asks to wait 4,000 s")],
)
def test_what_is_refused_or_fails_for_long_can_be_resumed(
    exports: Exports, reply: tuple[int, dict[str, str]], tries: int, said: str
) -> None:
    with receiving(Receiver(lambda n: reply if n else (200, {}))) as receiver:
        with pytest.raises(ExportError, match=said) as error:
            exports.send("spring", receiver.url, chunk_rows=100)
        number = exports.list("spring").exports[0].id
        assert f"resume {number}" in str(error.value.hint)
        assert len(receiver.requests) == 1 + tries
        refused = receiver.keys[1]
        receiver.answer = lambda _: (200, {})
        done = exports.resume(number)
    assert (done.status, done.chunks_sent) == ("done", 3)
    assert receiver.users() == USERS
    assert list(receiver.accepted)[1] == refused
    assert len(receiver.requests) == 3 + tries


def test_a_user_suppressed_before_their_chunk_is_not_sent(exports: Exports, store: Store) -> None:
    def arrived(number: int) -> None:
        if number == 0:
            exports.suppress(["u0", "u150", "u299"], "meanwhile")

    with receiving(Receiver(arrived=arrived)) as receiver:
        sent = exports.send("spring", receiver.url, chunk_rows=100)
    assert receiver.users() == [u for u in USERS if u not in {"u150", "u299"}]
    with store.transaction() as tx:
        counts = tx.rows("SELECT counts FROM export WHERE id = %s", (sent.id,))[0]["counts"]
        kept = tx.rows("SELECT count(*) AS n FROM export_member WHERE sent")
    assert (counts["sent"], counts["withdrawn"], kept) == (298, 2, [{"n": 298}])


def test_a_chunk_that_may_have_arrived_keeps_its_key_and_loses_the_suppressed(exports: Exports) -> None:
    with receiving(Receiver(lambda n: (503, {}) if n else (200, {}))) as receiver:
        with pytest.raises(ExportError):
            exports.send("spring", receiver.url, chunk_rows=100)
        exports.suppress(["u0", "u150", "u250"], "meanwhile")
        receiver.answer = lambda _: (200, {})
        exports.resume(1)
        assert len(set(receiver.keys)) == 3
        assert receiver.users() == [u for u in USERS if u not in {"u150", "u250"}]
        exports.send("spring", receiver.url, mode="delta")
    removed = [row["user_id"] for row in json.loads(receiver.requests[-1][1])["rows"]]
    assert removed == ["u0", "u150"]  # u150 may have arrived with the answer lost, u250 was never tried


def test_an_abandoned_export_counts_what_was_tried(exports: Exports) -> None:
    with receiving(Receiver(lambda n: (400, {}) if n == 2 else (200, {}))) as receiver:
        with pytest.raises(ExportError):
            exports.send("spring", receiver.url, mode="append", chunk_rows=60)
        with pytest.raises(ExportError, match="has not ended"):
            exports.send("spring", receiver.url)
        exports.abandon(1)
        exports.send("spring", receiver.url, mode="append", chunk_rows=60)
    assert receiver.users() == USERS[:120] + USERS[180:]


def test_the_same_call_goes_on_and_another_snapshot_is_refused(exports: Exports, store: Store) -> None:
    with receiving(Receiver(lambda n: (400, {}) if n == 1 else (200, {}))) as receiver:
        with pytest.raises(ExportError):
            exports.send("spring", receiver.url, chunk_rows=100)
        done = exports.send("spring", receiver.url, chunk_rows=100)
        assert (done.id, done.status) == (1, "done")
        assert receiver.users() == USERS
        receiver.answer = lambda _: (400, {})
        with pytest.raises(ExportError, match="stopped at chunk 1"):
            exports.send("spring", receiver.url, chunk_rows=100)
        with store.transaction() as tx:
            add_snapshot(tx, revision_of(tx, "spring"), USERS[:200])
        with pytest.raises(ExportError, match="has not ended"):
            exports.send("spring", receiver.url, chunk_rows=100)


def test_an_export_grown_too_small_does_not_go_on(exports: Exports) -> None:
    with receiving(Receiver(lambda _: (400, {}))) as receiver:
        with pytest.raises(ExportError):
            exports.send("spring", receiver.url)
        exports.suppress(USERS[:201], "meanwhile")
        with pytest.raises(ExportError, match="under 100"):
            exports.resume(1)
        assert len(receiver.requests) == 1


def test_approval_and_an_empty_change(exports: Exports) -> None:
    with receiving() as receiver:
        exports.send("spring", receiver.url)
        nothing = exports.send("spring", receiver.url, mode="delta")
        assert (len(receiver.requests), nothing.status, nothing.chunks) == (1, "done", 0)


def test_hashes_and_odd_ids_arrive_whole(exports: Exports, store: Store) -> None:
    odd = ["naïve 💄", 'quote"', "back\\slash", "line\nbreak", "bell\x07", "=cmd()"]
    with store.transaction() as tx:
        tx.execute("INSERT INTO user_key (user_id) SELECT unnest(%s::text[])", [odd])
        tx.execute(
            "INSERT INTO consent (key, purpose, granted, as_of) SELECT key, 'marketing', true, '2026-01-01' "
            "FROM user_key WHERE user_id = ANY (%s)",
            [odd],
        )
        tx.execute('UPDATE user_profile SET columns = columns || \'{"Mail": "x"}\'')
        add_snapshot(tx, revision_of(tx, "spring"), odd + USERS)
    with receiving() as receiver:
        exports.send("spring", receiver.url, hashed={"mail": "google-email"}, columns=["user_id", "score"])
        exports.send("spring", receiver.url, hashed={"mail": "google-email", "Mail": "google-email"}, destination="b")
    rows = json.loads(receiver.requests[0][1])["rows"]
    assert [row["user_id"] for row in rows] == odd + USERS
    assert json.loads(receiver.requests[-1][1])["rows"][9]["Mail_google_email"] is None
    assert rows[0]["mail_google_email"] is None
    assert rows[6]["mail_google_email"] == hashlib.sha256(b"au0@gmail.com").hexdigest()
    assert rows[0]["score"] == 1.0
