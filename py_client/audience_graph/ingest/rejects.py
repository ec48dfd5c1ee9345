"""Collect what is wrong with a file: the first problems for the message, every bad row for the reject file."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from audience_graph.errors import ConfigError, InputError, Problem
from audience_graph.ingest.mapping import Plan

SHOWN = 20
_OWN = ("reject_row", "reject_reasons", "reject_line")


class Rejects:
    """Problems of one file. With `path`, bad rows are written there: a CSV, or JSON lines by its ending.

    Each has the columns of the input file, so that it can be corrected there and loaded, and `reject_row`,
    `reject_reasons`, and `reject_line` for a row that could not be split into cells. The file appears when `keep`
    is called; it replaces an older one of the same name.
    """

    def __init__(self, path: Path | None, *, source: Path) -> None:
        self.problems: list[Problem] = []
        self.count = 0
        self.rows = 0
        self.path = path
        self._file: TextIO | None = None
        self._part: Path | None = None
        self._names: tuple[str, ...] = ()
        if path is not None:
            _check_target(path, source)

    def add(self, row: int, problems: Sequence[Problem], values: Mapping[str, Any], line: str | None = None) -> None:
        """Add a bad row with its problems and its cells under the names of the file."""
        self.count += len(problems)
        self.rows += 1
        self.problems += problems[: max(0, SHOWN - len(self.problems))]
        if self.path is None:
            return
        reasons = "; ".join(
            f"{p.column + ': ' if p.column is not None else ''}expected {p.expected}, found {p.found}" for p in problems
        )
        own = {"reject_row": row, "reject_reasons": reasons, "reject_line": line}
        if self.path.suffix == ".csv":
            csv.writer(self._open(), lineterminator="\n").writerow(
                [_flat(own.get(name, values.get(name))) for name in self._names]
            )
        else:
            given = {name: value for name, value in values.items() if value is not None}
            self._open().write(json.dumps({**own, **given}, ensure_ascii=False, default=str) + "\n")

    def start(self, plan: Plan) -> None:
        """Name the columns of the reject file."""
        self._names = (*_OWN, *plan.in_file.values())

    def _open(self) -> TextIO:
        if self._file is None:
            assert self.path is not None
            self._part = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
            self._file = self._part.open("w", encoding="utf-8", newline="")
            if self.path.suffix == ".csv":
                csv.writer(self._file, lineterminator="\n").writerow(self._names)
        return self._file

    def raise_if_any(self, name: str, what: str) -> None:
        """Raise InputError with the first problems, unless bad rows go to a file."""
        if self.count and self.path is None:
            raise InputError(
                f"{name}: {_many(self.count, 'problem')} in {_many(self.rows, 'row')}; "
                "nothing of this file was written",
                problems=sorted(self.problems, key=lambda p: p.row if p.row is not None else 0),
                count=self.count,
                hint=f"correct the file, or load the good {what} with --reject-to FILE",
            )

    def keep(self) -> None:
        """Put the reject file in its place, whole."""
        if self._file is not None and self._part is not None and self.path is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._part.replace(self.path)
            self._file = None

    def drop(self) -> None:
        """Remove what was written, unless it was kept."""
        if self._file is not None and self._part is not None:
            self._file.close()
            self._part.unlink(missing_ok=True)
            self._file = None


def _check_target(path: Path, source: Path) -> None:
    if path.suffix not in {".csv", ".jsonl"}:
        raise ConfigError(f"--reject-to {path}: its name must end in .csv or .jsonl")
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise ConfigError(f"--reject-to {path}: not a file in an existing folder")
    if path.exists() and source.exists() and path.samefile(source):
        raise ConfigError("--reject-to names the file that is loaded")


def _many(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def _flat(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value
