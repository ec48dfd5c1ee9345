"""Erase users from the files of a home that we wrote, in an order that can be repeated from any point.

    1  cache/      vectors of texts that only they wrote        while the warehouse still tells which
    2  runs/, demo/   rows by event id, then rows by user id; ids inside JSON get a mark
    3  warehouse/  their events, and what taggers found in them: last, because the rest is found through them
    4  console/   exports that wait to be downloaded: deleted whole
    5  stack/logs/, logs/   ids inside lines are overwritten in place: a server may be writing there

A file is replaced in one step. The file `done` of a run tells the sizes and sums of the run's files: it follows, and
`.erasing` says which ones when an erasure is stopped in between.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from audience_graph.config import Home
from audience_graph.erase.bytes_in import blank
from audience_graph.erase.parquet_rows import EVENT, USER, Column, Values, id_column
from audience_graph.erase.text_vectors import forget_texts
from audience_graph.erase.whom import Whom
from audience_graph.erase.written import Written, written_by
from audience_graph.ingest.warehouse import MENTIONS, warehouse

_JOURNAL = ".erasing"


@dataclass(slots=True)
class Gone:
    """What left the files: rows and marks by place."""

    rows: dict[str, int] = field(default_factory=dict)
    written: Written = field(default_factory=lambda: Written(Values.of(()), ()))

    def add(self, place: str, count: int) -> None:
        if count:
            self.rows[place] = self.rows.get(place, 0) + count


def erase_files(home: Home, whom: Whom, *, again: bool) -> Gone:
    """Erase users from the files of a home. `again` when an erasure before this one was not finished."""
    users, gone = Values.of(whom.ids), Gone()
    for folder in sorted({path.parent for path in home.runs.rglob(_JOURNAL)}):
        _seal(folder)
    tables = [path for room in ("runs", "demo") for path in _files(home.path / room, ".parquet")]
    gone.written = written_by(home, users, tables)
    gone.add("cache", forget_texts(home.path / "cache", gone.written.texts))
    for name, values in ((EVENT, gone.written.events), (USER, users)):
        for path in tables:
            column = id_column(path)
            if column is not None and column.name == name:
                gone.add(path.relative_to(home.path).as_posix(), _drop_rows(home, column, values))
    for room in ("runs", "demo"):
        for path in _files(home.path / room, ".json"):
            gone.add(path.relative_to(home.path).as_posix(), _mark_json(home, path, whom))
    _erase_batches(home, users, gone, again=again)
    for path in _files(home.path / "console", ""):
        if path.suffix in ("", ".html"):  # the lock of a console that runs, and the page that opens it
            continue
        gone.add(path.relative_to(home.path).as_posix(), 1)
        path.unlink(missing_ok=True)
    for folder in (home.stack / "logs", home.path / "logs"):
        for path in _files(folder, ""):
            gone.add(path.relative_to(home.path).as_posix(), blank(path, whom))
    return gone


def _files(folder: Path, ending: str) -> list[Path]:
    return sorted(p for p in folder.rglob(f"*{ending}") if p.is_file() and not p.is_symlink())


def _drop_rows(home: Home, column: Column, values: Values) -> int:
    count = sum(column.counts(values)) if len(values) else 0
    if count:
        _replace(home, column.path, lambda part: column.write_without(values, part))
    return count


def _mark_json(home: Home, path: Path, whom: Whom) -> int:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return 0
    if not whom.is_in_json(value):
        return 0
    text = json.dumps(whom.redact_json(value), ensure_ascii=False, indent=2) + "\n"
    _replace(home, path, lambda part: part.write_text(text, encoding="utf-8"))
    return 1


def _replace(home: Home, path: Path, write: Callable[[Path], object]) -> None:
    """Put a new content in the place of a file, whole; the run that it belongs to stays whole too."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(part)
        shutil.copymode(path, part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        with _unsealed(home, path):
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)


class _unsealed:
    """Note that a file of a finished run changes; seal the run again afterwards."""

    def __init__(self, home: Home, path: Path) -> None:
        above = [p for p in path.parents if p != home.path and p.is_relative_to(home.path)]
        self._run = next((folder for folder in above if (folder / "done").is_file()), None)
        self._path = path

    def __enter__(self) -> None:
        if self._run is not None:
            name = self._path.relative_to(self._run).as_posix()
            (self._run / _JOURNAL).write_text(json.dumps([name]), encoding="utf-8")

    def __exit__(self, *_: object) -> None:
        if self._run is not None:
            _seal(self._run)


def _seal(run: Path) -> None:
    """Write into `done` what the files that changed are now."""
    try:
        names = json.loads((run / _JOURNAL).read_text(encoding="utf-8"))
        told = json.loads((run / "done").read_text(encoding="utf-8"))
    except (OSError, ValueError):  # killed while it was written: nothing had changed yet
        (run / _JOURNAL).unlink(missing_ok=True)
        return
    for name in names:
        if name in told["files"]:
            with (run / name).open("rb") as file:
                sum_ = hashlib.file_digest(file, "sha256").hexdigest()
            told["files"][name] = {"bytes": (run / name).stat().st_size, "sha256": sum_}
    part = run / ".done.part"
    part.write_text(json.dumps(told, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    part.replace(run / "done")
    (run / _JOURNAL).unlink()


def _erase_batches(home: Home, users: Values, gone: Gone, *, again: bool) -> None:
    store = warehouse(home)
    if not store.batches("events"):
        return
    with store.working_folder() as work, store.locked():
        for batch in store.batches("events"):
            column = Column(batch, USER)
            count = sum(column.counts(users))
            if not count:
                if again:
                    store.settle(batch)
                continue
            events = Values.of(column.rows(users, [EVENT])[EVENT].to_pylist())
            mentions = _mentions_without(store.path / MENTIONS / batch.name, events, work, gone)
            left = column.write_without(users, work / "batch.parquet")
            store.replace(batch, work / "batch.parquet" if left else None, mentions=mentions)
            gone.add("warehouse/events", count)


def _mentions_without(path: Path, events: Values, work: Path, gone: Gone) -> Path | None:
    if not path.exists():
        return None
    column, part = Column(path, EVENT), work / "mentions.parquet"
    gone.add("warehouse/mentions", sum(column.counts(events)))
    return part if column.write_without(events, part) else None


def runs_on_the_way(home: Home) -> Iterator[str]:
    """Yield the names of runs without `done`: what works on one may still hold users who are erased."""
    for head in sorted(home.runs.glob("*/run.json")):
        if not (head.parent / "done").is_file():
            yield head.parent.name


def trained(home: Home) -> Sequence[str]:
    """Return the names of runs with weights that were learned from users."""
    heads = sorted(home.runs.glob("*/run.json"))
    learned = ("model.pt", "z.npy", "co_vectors.npy")
    return [head.parent.name for head in heads if any((head.parent / name).exists() for name in learned)]
