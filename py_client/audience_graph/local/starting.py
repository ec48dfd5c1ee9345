"""One server on its way up: choose ports, start, wait until it answers, take the next port when one was lost."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import psutil

from audience_graph.errors import StackError
from audience_graph.local import process
from audience_graph.local.ports import free_port, is_free

PORT_TRIES = 10
PORT_LOST = ("address already in use", "bindexception")
PASSWORD_REFUSED = ("refuses the name or the password", "password authentication failed")


class Server(Protocol):
    """What Starting needs of a server."""

    @property
    def name(self) -> str: ...

    @property
    def log(self) -> Path: ...

    @property
    def start_seconds(self) -> float: ...

    def find(self) -> psutil.Process | None:
        """Return its running process."""
        ...

    def stop(self, running: psutil.Process) -> None:
        """Stop it cleanly."""
        ...


@dataclass(slots=True)
class Starting:
    """A server that is started or found running; `start` and `trouble` take its ports.

    `begin` returns at once, so that another server starts meanwhile; `finish` waits.
    """

    server: Server
    defaults: tuple[int, ...]
    start: Callable[[tuple[int, ...]], psutil.Process]
    trouble: Callable[[tuple[int, ...]], str | None]
    ports: tuple[int, ...]
    running: psutil.Process | None
    _lost: set[int] = field(default_factory=set)

    def begin(self, undo: ExitStack) -> None:
        """Start the server unless it runs; `undo` then stops it again."""
        if self.running is None:
            undo.callback(self._abort)
            self._start()

    def finish(self) -> tuple[int, ...]:
        """Wait until the server answers to our password and return its ports. Raises StackError with the log's end."""
        for _ in range(PORT_TRIES):
            if self._answers():
                return self.ports
            if not self._lost_a_port():
                raise self._failure()
            taken = {port for port in self.ports if not is_free(port)}
            self._lost.update(taken or self.ports)
            self._start()
        raise StackError(f"{self.server.name} lost its port {PORT_TRIES} times to other programs")

    def _start(self) -> None:
        chosen: list[int] = []
        for default, before in zip(self.defaults, self.ports, strict=True):
            chosen.append(free_port(default, before=before, taken={*chosen, *self._lost}))
        self.ports = tuple(chosen)
        self.running = self.start(self.ports)

    def _answers(self) -> bool:
        running = self.running
        assert running is not None

        def ready() -> bool:
            if not process.listens(running, self.ports[0]):
                return False
            reason = self.trouble(self.ports)
            if reason is not None and any(text in reason for text in PASSWORD_REFUSED):
                raise StackError(
                    f"{self.server.name} does not take the password of this data folder: {reason}",
                    hint="put the changed password into <data folder>/stack/connection.json",
                )
            return reason is None

        return process.wait_until(ready, alive=lambda: process.is_alive(running), timeout=self.server.start_seconds)

    def _lost_a_port(self) -> bool:
        if self.running is not None and process.is_alive(self.running):
            return False
        end = process.tail(self.server.log, 400).lower()
        return any(text in end for text in PORT_LOST)

    def _failure(self) -> StackError:
        alive = self.running is not None and process.is_alive(self.running)
        what = f"does not answer after {self.server.start_seconds:.0f} s" if alive else "ended while starting"
        return StackError(
            f"{self.server.name} {what}; the end of {self.server.log}:\n{process.tail(self.server.log)}",
            hint="`audience-graph doctor` checks the machine; `audience-graph down` stops what runs",
        )

    def _abort(self) -> None:
        # Interrupted between start and return, the process is there but not yet noted.
        patience = 0.0 if self.running is not None else 1.0
        process.wait_until(lambda: self.server.find() is not None, alive=lambda: True, timeout=patience)
        running = self.server.find()
        if running is not None:
            self.server.stop(running)
