"""The warehouse: loaded events and corpus as immutable Parquet batches.

    <home>/warehouse/events/<hash>.parquet     corpus/<hash>.parquet     tmp/ (of loads that run)     .lock
                     mentions/<hash>.parquet   what a tagger found in the events of the batch of that name

A batch is named by the SHA-256 of its bytes, appears whole or not at all, and is never changed. No id is in two
batches: a load leaves out what is there already, under a lock that one load at a time holds. The mentions of a batch
appear before it; those of a batch that never came, because its load was killed, are removed by the next load.

Erasing a user is the one thing that changes a batch: it is replaced by one without the user's rows. The new content
takes the place of the old in one step, so that readers see each event once at every moment, and then its own name.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from audience_graph.config import Home
from audience_graph.errors import StoreError

LOCK_SECONDS = 600.0
MENTIONS = "mentions"


@dataclass(frozen=True, slots=True)
class Warehouse:
    """The Parquet files of a home. Creating it writes nothing."""

    path: Path

    def batches(self, folder: str) -> tuple[Path, ...]:
        """Return the batches of `events` or `corpus`, sorted by name; none before the first load."""
        return tuple(sorted(p for p in (self.path / folder).glob("*.parquet") if not p.name.startswith(".")))

    @contextmanager
    def working_folder(self) -> Iterator[Path]:
        """Make a folder on the warehouse's disk for one load; remove it afterwards, with what is left in it."""
        root = self.path / "tmp"
        root.mkdir(parents=True, exist_ok=True)
        folder = root / f"{os.getpid()}-{time.monotonic_ns()}"
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def locked(self, *, seconds: float = LOCK_SECONDS) -> Iterator[None]:
        """Hold the lock that one writer holds at a time; it is free again when the process ends, however it ends.

        Waits up to `seconds`, then raises StoreError. Removes what killed loads left behind.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / ".lock").open("a+") as file:
            end = time.monotonic() + seconds
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > end:
                        raise StoreError(
                            f"another load has been writing to {self.path} for {seconds:.0f} seconds",
                            hint="wait for it, or end it, and run this one again",
                        ) from None
                    time.sleep(0.05)
            self._sweep()
            yield

    def keep(self, part: Path, folder: str, *, mentions: Path | None = None) -> Path:
        """Move a finished file in as a batch: synced to disk, named by its content. Call it under the lock.

        `mentions`, a file of what was found in it, is moved in before, under the same name.
        """
        name = _content_name(part)
        if mentions is not None:
            self._move(mentions, self.path / MENTIONS / name)
        return self._move(part, self.path / folder / name)

    def replace(self, batch: Path, part: Path | None, *, mentions: Path | None = None) -> Path | None:
        """Put a finished file in the place of a batch of events and name it by its content. Call it under the lock.

        None removes the batch. `mentions` takes the place of what was found in it; None leaves no mention. Killed on
        the way, the batch has the new content under the old name, until `settle` names it.
        """
        found = self.path / MENTIONS / batch.name
        if part is None:
            batch.unlink()
            found.unlink(missing_ok=True)
            return None
        if mentions is not None:
            self._move(mentions, found)
        else:
            found.unlink(missing_ok=True)
        self._move(part, batch)
        return self.settle(batch)

    def settle(self, batch: Path) -> Path:
        """Give a batch of events, and what was found in it, the name of its content. Call it under the lock."""
        target = batch.with_name(_content_name(batch))
        if target == batch:
            return batch
        old, new = (self.path / MENTIONS / path.name for path in (batch, target))
        if old.exists():  # under both names for a moment: one of them is always that of the batch
            new.unlink(missing_ok=True)
            os.link(old, new)
        batch.replace(target)
        old.unlink(missing_ok=True)
        _sync_folder(target.parent)
        return target

    def _move(self, part: Path, target: Path) -> Path:
        with part.open("rb") as file:
            os.fsync(file.fileno())
        target.parent.mkdir(parents=True, exist_ok=True)
        part.replace(target)
        _sync_folder(target.parent)
        return target

    def _sweep(self) -> None:
        for folder in (self.path / "tmp").glob("*-*"):
            pid = folder.name.partition("-")[0]
            if pid.isdigit() and not _alive(int(pid)):
                shutil.rmtree(folder, ignore_errors=True)
        known = {batch.name for batch in self.batches("events")}
        for found in self.batches(MENTIONS):
            if found.name not in known:
                found.unlink()


def warehouse(home: Home) -> Warehouse:
    """Return the warehouse of a home."""
    return Warehouse(home.warehouse)


def _content_name(path: Path) -> str:
    with path.open("rb") as file:
        return f"{hashlib.file_digest(file, 'sha256').hexdigest()[:16]}.parquet"


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
