"""Servers as processes: start one apart from its parent, find it again, stop it.

A process counts as ours only while its command line names our own data folder, so a stale pid file, whose number
the system has given to something else, never leads to a kill.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

from audience_graph.errors import StackError

LOG_LINES = 15
DROPPED_VARIABLES = ("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH")
# The shell starts the server in the background, prints its pid and ends: the server is nobody's child, so it
# outlives this process and leaves no zombie in it.
_LAUNCH = '"$@" </dev/null >&2 & echo $!'


def start(
    command: Sequence[str | Path], *, log: Path, cwd: Path, options: dict[str, Any] | None = None
) -> psutil.Process:
    """Start a server in a session of its own, its output in `log`; the log of the start before is kept as `.1`.

    Raises StackError with the end of the log when it ends at once.
    """
    keep_as_previous(log)
    with log.open("wb") as output:
        shell = subprocess.run(
            ["/bin/sh", "-c", _LAUNCH, "sh", *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
            cwd=cwd,
            env=server_environment(),
            start_new_session=True,
            check=True,
            **(options or {}),
        )
    try:
        return psutil.Process(int(shell.stdout))
    except psutil.NoSuchProcess:
        raise StackError(f"{Path(command[0]).name} ended at once; the end of {log}:\n{tail(log)}") from None


def keep_as_previous(log: Path) -> None:
    """Rename a log to `.1`, in place of the one before, so that a log holds one start only."""
    if log.exists():
        log.replace(log.with_name(f"{log.name}.1"))


def server_environment() -> dict[str, str]:
    """Return the environment for a server: ours, without what would change it behind our back."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_")) and k not in DROPPED_VARIABLES}
    return {**kept, "LC_ALL": "C"}


def find(argument: str, *, program: str, hint: int | None = None) -> psutil.Process | None:
    """Return the running process of `program` whose command line holds `argument`, None when there is none.

    `hint` is a pid to look at first.
    """
    if hint is not None and psutil.pid_exists(hint):
        try:
            process = psutil.Process(hint)
            if _is_ours(process, argument, program):
                return process
        except psutil.NoSuchProcess:
            pass
    for process in psutil.process_iter():
        if _is_ours(process, argument, program):
            return process
    return None


def _is_ours(process: psutil.Process, argument: str, program: str) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        command = process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
    return bool(command) and Path(command[0]).name == program and argument in command


def is_alive(process: psutil.Process) -> bool:
    """Tell whether a process still runs; one that ended and waits for its parent does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def listens(process: psutil.Process, port: int) -> bool:
    """Tell whether this very process listens at a port: another program may have taken it meanwhile."""
    try:
        sockets = process.net_connections(kind="tcp")
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
    return any(s.status == psutil.CONN_LISTEN and s.laddr.port == port for s in sockets)


def wait_until(ready: Callable[[], bool], *, alive: Callable[[], bool], timeout: float, pause: float = 0.1) -> bool:
    """Wait for `ready`; False as soon as `alive` is no longer true, or after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while alive() and time.monotonic() < deadline:
        if ready():
            return True
        time.sleep(pause)
    return False


def stop(process: psutil.Process, *, signals: Sequence[tuple[int, float]]) -> None:
    """Send each signal and wait for its seconds until the process is gone. Raises StackError when it stays."""
    for number, seconds in signals:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            return
        except psutil.AccessDenied as exc:
            raise StackError(
                f"process {process.pid} belongs to another user", hint="run this as the user who ran `up`"
            ) from exc
        if wait_until(lambda: not is_alive(process), alive=lambda: True, timeout=seconds):
            return
    raise StackError(f"process {process.pid} does not end", hint=f"look at it: ps -fp {process.pid}")


def tail(log: Path, lines: int = LOG_LINES) -> str:
    """Return the last lines of a log, indented; says so when there is none."""
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 16_384))
            text = file.read().decode("utf-8", "replace")
    except OSError as exc:
        return f"  ({log} is not readable: {exc.strerror})"
    return "\n".join(f"  {line}" for line in text.splitlines()[-lines:]) or f"  ({log} is empty)"
