"""POST one body to a webhook: what its receiver said, and how long to wait before it is tried again.

Nothing is followed: a redirect would take users to a place that nobody named. http is for this machine alone and goes
past any proxy.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import os
import random
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any

from audience_graph.errors import ConfigError

SECRET = "AUDIENCE_GRAPH_WEBHOOK_SECRET"
_TOO_MANY = 429


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a chunk is tried, and the waits between: `first` seconds, twice that, ... at most `most`, with jitter.

    A receiver that asks for more than `patience` seconds ends the export instead; it can be resumed then.
    """

    attempts: int = 6
    first: float = 0.5
    most: float = 60.0
    patience: float = 300.0
    timeout: float = 30.0
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = field(default=random.random)

    def wait(self, tried: int, asked: float | None) -> float:
        """Return the seconds to wait after `tried` attempts: what the receiver asked for, else between half and all."""
        grown = min(self.most, self.first * 2.0 ** (tried - 1)) * (0.5 + self.jitter() / 2)
        return grown if asked is None else asked


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: `status` of the receiver, None where there was no answer, `said` in words, `after` seconds."""

    status: int | None
    said: str
    after: float | None = None

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def again(self) -> bool:
        """Whether trying again may help: no answer, too many requests, or a failure of the receiver's own."""
        return self.status is None or self.status == _TOO_MANY or self.status >= 500


def signed(body: bytes, env: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the header with the HMAC-SHA256 of a body, none where no secret is set."""
    secret = env.get(SECRET, "")
    if not secret:
        return {}
    return {"X-Audience-Graph-Signature": f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"}


def post(url: str, body: bytes, headers: Mapping[str, str], timeout: float) -> Reply:
    """POST a body and return the receiver's reply; never raises for what happens on the way."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json", **headers}, method="POST")
    try:
        with _opener(url).open(request, timeout=timeout) as answer:
            return Reply(answer.status, f"{answer.status} {answer.reason}")
    except urllib.error.HTTPError as exc:
        with exc:
            return Reply(exc.code, f"{exc.code} {exc.reason}", _seconds(exc.headers.get("Retry-After")))
    except (OSError, HTTPException) as exc:
        return Reply(None, str(getattr(exc, "reason", exc)) or type(exc).__name__)
    except ValueError as exc:
        raise ConfigError(f"the webhook cannot be called: {exc}") from exc


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _opener(url: str) -> urllib.request.OpenerDirector:
    own = [urllib.request.ProxyHandler({})] if url.lower().startswith("http:") else []
    return urllib.request.build_opener(_Stay, *own)


def _seconds(asked: str | None) -> float | None:
    """Return Retry-After in seconds from now, None where it says nothing that can be read."""
    if asked is None:
        return None
    try:
        seconds = float(asked)
    except ValueError:
        try:
            moment = parsedate_to_datetime(asked)
        except ValueError:
            return None
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        seconds = (moment - datetime.now(UTC)).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None
