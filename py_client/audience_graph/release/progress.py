"""How long work says where it is: one callback, so that a command line, a notebook or a log can show it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called with the step in words, how much of it is done, and how much there is."""

    def __call__(self, step: str, done: int, total: int) -> None: ...


def silent(step: str, done: int, total: int) -> None:
    """Show nothing."""
