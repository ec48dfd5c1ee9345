"""How long work reports itself: a line for each step, a bar for a download."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Progress(Protocol):
    """What `up` and `down` tell their caller; the command line draws it."""

    def say(self, text: str) -> None:
        """Report one step that begins or ended."""
        ...

    def bar(self, title: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
        """Open a bar of `total` bytes; the value given advances it by that many bytes, from any thread."""
        ...


class Silent:
    """A Progress that reports nothing."""

    def say(self, text: str) -> None:
        """Drop the text."""

    @contextmanager
    def bar(self, title: str, total: int) -> Iterator[Callable[[int], None]]:  # noqa: ARG002 - the protocol's names
        yield lambda _bytes: None
