"""A call that must be answered in time, whoever is slow: the caller goes on when it is not."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def in_time(run: Callable[[], T], seconds: float) -> T:
    """Return what `run` returns, or raise what it raises. Raises TimeoutError after `seconds`; it then goes on in a
    thread of its own, which keeps no process from ending, and nobody hears of it."""
    answers: queue.SimpleQueue[tuple[bool, T | BaseException]] = queue.SimpleQueue()

    def answer() -> None:
        try:
            answers.put((True, run()))
        except BaseException as exc:  # noqa: BLE001 - raised again where the call was made
            answers.put((False, exc))

    threading.Thread(target=answer, daemon=True, name="in-time").start()
    try:
        ended, value = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if not ended:
        raise value  # type: ignore[misc]
    return value  # type: ignore[return-value]
