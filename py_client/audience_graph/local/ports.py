"""Free ports of the loopback address."""

from __future__ import annotations

import errno
import socket
from collections.abc import Collection

from audience_graph.errors import StackError

LOOPBACK = "127.0.0.1"
TRIES = 200


def answers(port: int, *, host: str = LOOPBACK, timeout: float = 1.0) -> bool:
    """Tell whether something accepts connections at this port."""
    try:
        with socket.create_connection((host, port), timeout=timeout):
            return True
    except OSError:
        return False


def is_free(port: int) -> bool:
    """Tell whether a server could listen at this port now."""
    if answers(port):
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as exc:
            if exc.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def free_port(default: int, *, before: int | None = None, taken: Collection[int] = ()) -> int:
    """Return a free port that is not in `taken`: the one used before, else the first from `default` upward.

    Raises StackError when none is free.
    """
    candidates = list(range(default, default + TRIES))
    for port in candidates if before is None else [before, *candidates]:
        if port not in taken and is_free(port):
            return port
    raise StackError(
        f"no free port between {default} and {default + TRIES - 1} on {LOOPBACK}",
        hint="stop something that listens there (`ss -ltnp` names it)",
    )
