"""Rows of tagged files as they stand there, one at a time: nothing about tags is checked here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from audience_graph.errors import InputError, Problem


@dataclass(frozen=True, slots=True)
class Row:
    """One sentence: where it stands (rows and sentences count from 1), its split, words and tags."""

    file: str
    row: int
    split: str
    words: list[str]
    tags: list[str]


def rows_of(path: Path) -> Iterator[Row]:
    """Yield the rows of a file, or of the train, dev and test files of a folder.

    Raises InputError for a file that is missing, of an unknown form, damaged or empty.
    """
    if path.is_dir():
        files = sorted(f for f in path.iterdir() if f.suffix in _READERS and f.is_file())
        if not files:
            raise _broken(path, None, f"files that end in {', '.join(_READERS)}", "none in this folder")
        for file in files:
            yield from _read(file, file.stem.lower())
    else:
        yield from _read(path, "train")


def _read(path: Path, split: str) -> Iterator[Row]:
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise _broken(path, None, f"a file that ends in {', '.join(_READERS)}", path.name)
    if not path.is_file():
        raise _broken(path, None, "a file", "nothing of this name")
    empty = True
    try:
        for row in reader(path, split):
            empty = False
            yield row
    except (OSError, UnicodeDecodeError, pa.ArrowException) as exc:
        raise _broken(path, None, "a readable file in UTF-8", str(exc).splitlines()[0]) from exc
    if empty:
        raise _broken(path, None, "at least one sentence", "an empty file")


def _parquet(path: Path, split: str) -> Iterator[Row]:
    file = pq.ParquetFile(path)
    names = set(file.schema_arrow.names)
    if missing := {"tokens", "tags"} - names:
        raise _broken(
            path, None, "columns tokens and tags (lists), and split", f"no {' and no '.join(sorted(missing))}"
        )
    for name in ("tokens", "tags"):
        kind = file.schema_arrow.field(name).type
        if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
            raise _broken(path, None, "a list of strings", str(kind), column=name)
    number = 0
    for batch in file.iter_batches(columns=[name for name in ("split", "tokens", "tags") if name in names]):
        for cells in batch.to_pylist():
            number += 1
            yield _row(path, number, cells, split)


def _json_lines(path: Path, split: str) -> Iterator[Row]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                cells = json.loads(line)
            except ValueError as exc:
                raise _broken(path, number, "a JSON object a line", str(exc)) from exc
            if not isinstance(cells, dict):
                raise _broken(path, number, "a JSON object a line", type(cells).__name__)
            yield _row(path, number, cells, split)


def _row(path: Path, number: int, cells: dict[str, Any], split: str) -> Row:
    for name in ("tokens", "tags"):
        value = cells.get(name)
        if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
            raise _broken(path, number, "a list of strings", repr(value)[:80], column=name)
    return Row(str(path), number, str(cells.get("split", split)), cells["tokens"], cells["tags"])


def _conll(path: Path, split: str) -> Iterator[Row]:
    words: list[str] = []
    tags: list[str] = []
    number = 0
    with path.open(encoding="utf-8") as file:
        for place, line in enumerate(file, 1):
            text = line.rstrip("\n\r")
            if not text.strip() or text.startswith("-DOCSTART-"):
                if words:
                    number += 1
                    yield Row(str(path), number, split, words, tags)
                words, tags = [], []
                continue
            parts = text.split("\t") if "\t" in text else text.rsplit(" ", 1)
            if len(parts) < 2:
                raise _broken(path, place, "a word and its tag", repr(text[:80]))
            words.append(parts[0].split(" ")[0] or parts[0])
            tags.append(parts[-1].strip())
    if words:
        yield Row(str(path), number + 1, split, words, tags)


def _broken(path: Path, row: int | None, expected: str, found: str, *, column: str | None = None) -> InputError:
    return InputError(f"{path} cannot be read", problems=[Problem(str(path), row, column, expected, found)])


_READERS: dict[str, Callable[[Path, str], Iterator[Row]]] = {
    ".parquet": _parquet,
    ".jsonl": _json_lines,
    ".conll": _conll,
    ".bio": _conll,
    ".txt": _conll,
}
