"""One POST: what counts as accepted, what is tried again, how long is waited, and where it never goes."""

from __future__ import annotations

import hashlib
import hmac
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from audience_graph.audience.send.destination import find_destination
from audience_graph.audience.send.webhook import SECRET, Retry, post, signed
from audience_graph.errors import ConfigError
from sending.receiver import Receiver, receiving


@pytest.mark.parametrize(
    ("status", "accepted", "again"),
    [
        (200, True, False),
        (204, True, False),
        (301, False, False),
        (307, False, False),
        (400, False, False),
        (401, False, False),
        (404, False, False),
        (408, False, False),
        (409, False, False),
        (429, False, True),
        (500, False, True),
        (503, False, True),
    ],
)
def test_which_replies_are_final(status: int, accepted: bool, again: bool) -> None:
    with receiving(Receiver(lambda _: (status, {"Location": "/elsewhere"}))) as receiver:
        reply = post(receiver.url, b"{}", {"Idempotency-Key": "k"}, 5)
    assert (reply.status, reply.accepted, reply.again) == (status, accepted, again)
    assert len(receiver.requests) == 1  # a redirect is not followed
    assert receiver.requests[0][0]["Content-Type"] == "application/json"


def test_no_answer_is_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    for address in (url, "https://no-such-host.invalid/"):
        reply = post(address, b"{}", {}, 5)
        assert (reply.status, reply.accepted, reply.again) == (None, False, True)
        assert reply.said


def test_a_receiver_that_hangs_up_or_hangs_is_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        assert post(url, b"{}", {}, 0.2).again


@pytest.mark.parametrize(
    ("said", "least", "most"), [("7", 7, 7), ("0", 0, 0), ("-3", 0, 0), (100, 80, 100), (-9, 0, 0)]
)
def test_retry_after_is_seconds_or_a_date(said: str | int, least: float, most: float) -> None:
    if isinstance(said, int):  # a date so many seconds from now
        said = format_datetime(datetime.now(UTC) + timedelta(seconds=said))
    header = {"Retry-After": said}
    with receiving(Receiver(lambda _: (429, header))) as receiver:
        after = post(receiver.url, b"{}", {}, 5).after
    assert after is not None
    assert least <= after <= most
    assert Retry().wait(1, after) == after


@pytest.mark.parametrize("said", ["soon", "nan", "inf", ""])
def test_a_retry_after_that_says_nothing_is_ignored(said: str) -> None:
    with receiving(Receiver(lambda _: (503, {"Retry-After": said}))) as receiver:
        assert post(receiver.url, b"{}", {}, 5).after is None


def test_waits_grow_with_jitter_up_to_the_most() -> None:
    for jitter, share in ((0.0, 0.5), (1.0, 1.0)):
        retry = Retry(first=1, most=10, jitter=lambda value=jitter: value)
        assert [retry.wait(tried, None) for tried in (1, 2, 3, 4, 5, 9)] == [share * s for s in (1, 2, 4, 8, 10, 10)]


def test_bodies_are_signed_where_a_secret_is_set() -> None:
    assert signed(b"body", {}) == {}
    expected = hmac.new("s3cret ü".encode(), b"body", hashlib.sha256).hexdigest()
    assert signed(b"body", {SECRET: "s3cret ü"}) == {"X-Audience-Graph-Signature": f"sha256={expected}"}


def test_http_goes_past_any_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as proxy, receiving() as receiver:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        assert post(receiver.url, b"{}", {"Idempotency-Key": "k"}, 5).accepted
    assert (len(proxy.requests), len(receiver.requests)) == (0, 1)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/x",
        "http://127.0.0.1.example.com/x",
        "http://localhost.example.com",
        "http://10.0.0.1/x",
        "http://0.0.0.0/x",
        "HTTP://example.com",
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
        "s3://bucket/key",
        "https://",
        "https://me@example.com/",
        "https://me:pw@example.com/",
        "https://example.com/#part",
        "https://example.com/a b",
        "https://example.com/\n",
        "https://exämple.com/",
        "https://example.com:port/",
        "https://[::1",
    ],
)
def test_users_leave_by_https_only(url: str) -> None:
    with pytest.raises(ConfigError):
        find_destination(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/x", "http://[::1]/x", "http://localhost/", "https://a.b/c"])
def test_this_machine_may_be_tried_by_http(url: str) -> None:
    assert find_destination(url).to == url


def test_a_token_in_the_query_is_not_part_of_the_name() -> None:
    place = find_destination("https://example.com/hook?token=abc")
    assert (place.name, place.to) == ("https://example.com/hook", "https://example.com/hook?token=abc")
