"""One process at a time: an advisory lock on a file, gone when its holder ends however it ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from audience_graph.errors import StackError

PATIENCE_SECONDS = 1200.0


@contextmanager
def exclusive(path: Path, *, waiting: Callable[[], None], patience: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Hold the lock of `path` (made when missing, never removed) for the length of the `with`.

    Calls `waiting` once when another process holds it. Raises StackError after `patience` seconds.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + patience
        told = False
        while not _try(descriptor):
            if not told:
                waiting()
                told = True
            if time.monotonic() > deadline:
                raise StackError(
                    f"another process has held {path} for {patience:.0f} s",
                    hint="look for another `audience-graph up` or `down` that hangs, end it, and try again",
                )
            time.sleep(0.2)
        yield
    finally:
        os.close(descriptor)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
