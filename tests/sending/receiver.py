"""A webhook on this machine: records every request, answers what it is told to, dedupes by idempotency key."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, dict[str, str]]


@dataclass
class Receiver:
    """What arrived, in order: (headers, body); `accepted` by key, once each. `answer(n)` is the n-th reply, from 0."""

    answer: Callable[[int], Answer] = lambda _: (200, {})
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    accepted: dict[str, dict[str, Any]] = field(default_factory=dict)
    arrived: Callable[[int], None] = lambda _: None
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def keys(self) -> list[str]:
        return [headers["Idempotency-Key"] for headers, _ in self.requests]

    def users(self) -> list[str]:
        """The ids of all accepted chunks, each chunk once, by chunk."""
        chunks = sorted(self.accepted.values(), key=lambda body: (body["export"], body["chunk"]))
        return [row["user_id"] for body in chunks for row in body["rows"]]

    def take(self, headers: dict[str, str], body: bytes) -> Answer:
        with self.lock:
            number = len(self.requests)
            self.requests.append((headers, body))
            status, extra = self.answer(number)
            if 200 <= status < 300:
                self.accepted.setdefault(headers["Idempotency-Key"], json.loads(body))
        self.arrived(number)
        return status, extra


@contextmanager
def receiving(receiver: Receiver | None = None) -> Iterator[Receiver]:
    """Run a receiver on a free port of this machine."""
    own = receiver or Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, extra = own.take(dict(self.headers.items()), body)
            try:
                self.send_response(status)
                for name, value in {**extra, "Content-Length": "0"}.items():
                    self.send_header(name, value)
                self.end_headers()
            except OSError:  # the sender was killed
                pass

        def log_message(self, *_: object) -> None: ...

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None: ...

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        own.url = f"http://127.0.0.1:{server.server_port}/hook"
        try:
            yield own
        finally:
            server.shutdown()
            thread.join()
