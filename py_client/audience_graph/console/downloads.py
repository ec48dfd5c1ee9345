"""Exports that wait to be downloaded: files of one run, for their owner's eyes, deleted after an hour or at its end.

The export itself is in the store; the file is a copy for the browser. A run that was killed leaves a folder that the
next one removes: whose lock nobody holds.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from audience_graph.errors import ConfigError

KEPT_SECONDS = 3600.0
_SWEEP_SECONDS = 60.0
_LOCK = ".lock"


@contextmanager
def open_downloads(room: Path) -> Iterator[Path]:
    """Make a folder of this run in a room for all of them; it goes at the end, and files an hour after they came.

    Raises ConfigError where nothing can be written there.
    """
    try:
        room.mkdir(parents=True, exist_ok=True, mode=0o700)
        _remove_left_over(room)
        folder = Path(tempfile.mkdtemp(prefix="run-", dir=room))
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
    except OSError as exc:
        raise ConfigError(
            f"the console cannot write to {room}: {exc.strerror or exc}", hint="name another folder with --data-dir"
        ) from exc
    ended = threading.Event()
    sweeper = threading.Thread(target=_sweep, args=(folder, ended), daemon=True)
    sweeper.start()
    try:
        yield folder
    finally:
        ended.set()
        sweeper.join(5)
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def new_file(folder: Path, ending: str) -> Path:
    """Return a path that nothing has yet."""
    return folder / f"{secrets.token_hex(12)}{ending}"


def ready_files(folder: Path) -> dict[int, Path]:
    """Return the files of exports that were written here whole, by export; their manifests name them."""
    found = {}
    for manifest in folder.glob("*.manifest.json"):
        with suppress(FileNotFoundError):  # it may be an hour old just now
            told = json.loads(manifest.read_text(encoding="utf-8"))
            path = folder / Path(told["files"][0]["name"]).name
            if path.is_file():
                found[int(told["export"])] = path
    return found


def remove_old(folder: Path, *, older_than: float = KEPT_SECONDS) -> None:
    """Delete files that are older than so many seconds."""
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            if path.name != _LOCK and path.is_file() and time.time() - path.stat().st_mtime >= older_than:
                path.unlink()


def _sweep(folder: Path, ended: threading.Event) -> None:
    while not ended.wait(_SWEEP_SECONDS):
        with suppress(OSError):
            remove_old(folder)


def _remove_left_over(room: Path) -> None:
    for folder in room.glob("run-*"):
        with suppress(OSError):
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
