"""Write rows to a CSV, Parquet or JSONL file: whole or not at all.

The file is written beside its final name, flushed to disk and renamed, so a killed run leaves no half file under the
final name. In CSV a text cell that a spreadsheet would run as a formula (it begins with = + - @, tab or carriage
return) gets a leading apostrophe, and the number of such cells is returned; `keep_formulas` writes it as it is.
Parquet and JSONL always hold the exact text.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from audience_graph.answer import Answer
from audience_graph.errors import ConfigError
from audience_graph.whole_file import check_folder, whole_file

FORMULA = ("=", "+", "-", "@", "\t", "\r")
Columns = Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: the file, its rows, and how many CSV cells got an apostrophe."""

    path: Path
    rows: int
    escaped: int


def write_answer(answer: Answer, path: str | os.PathLike[str], *, keep_formulas: bool = False) -> Written:
    """Write an answer's rows, with its release and version in two more columns. Replaces an existing file.

    Raises ConfigError for an ending other than .csv, .parquet or .jsonl, or a folder that is not there.
    """
    columns: dict[str, Sequence[Any]] = {name: list(values) for name, values in answer._columns().items()}
    count = len(answer)
    columns["release"] = [answer.release] * count
    columns["version"] = [answer.version] * count
    escaped = write_columns(columns, path, keep_formulas=keep_formulas)
    return Written(Path(path), count, escaped)


def check_path(path: str | os.PathLike[str]) -> Path:
    """Return where to write. Raises ConfigError when the ending is unknown or the folder is not there."""
    target = Path(path)
    if target.suffix.lower() not in _WRITERS:
        raise ConfigError(f"cannot write {target.name!r}", hint="end the name in .csv, .parquet or .jsonl")
    check_folder(target)
    return target


def write_columns(columns: Columns, path: str | os.PathLike[str], *, keep_formulas: bool = False) -> int:
    """Write columns of equal length to a file named by its ending; return how many CSV cells were escaped."""
    target = check_path(path)
    writer = _WRITERS[target.suffix.lower()]
    with whole_file(target) as file:
        return writer(columns, file, keep_formulas)


def write_csv(columns: Columns, file: IO[bytes], keep: bool = False) -> int:
    """Write columns of equal length as CSV and return how many cells were escaped; `keep` escapes none."""
    import io

    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    escaped = 0
    for values in zip(*columns.values(), strict=True):
        row = [_plain(v) for v in values]
        if not keep:
            safe = [f"'{v}" if isinstance(v, str) and v.startswith(FORMULA) else v for v in row]
            escaped += sum(a is not b for a, b in zip(row, safe, strict=True))
            row = safe
        writer.writerow(row)
    text.detach()
    return escaped


def _jsonl(columns: Columns, file: IO[bytes], keep: bool) -> int:  # noqa: ARG001 - one shape for all writers
    for values in zip(*columns.values(), strict=True):
        line = json.dumps(dict(zip(columns, values, strict=True)), ensure_ascii=False, default=str)
        file.write(line.encode("utf-8") + b"\n")
    return 0


def _parquet(columns: Columns, file: IO[bytes], keep: bool) -> int:  # noqa: ARG001 - one shape for all writers
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays = {name: _array(pa, values) for name, values in columns.items()}
    pq.write_table(pa.table(arrays), file, compression="zstd")
    return 0


def _array(pa: Any, values: Sequence[Any]) -> Any:
    array = pa.array(values)
    return array.cast(pa.string()) if pa.types.is_null(array.type) else array


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return " -> ".join(str(v) for v in value)
    return value


_WRITERS: dict[str, Callable[[Columns, IO[bytes], bool], int]] = {
    ".csv": write_csv,
    ".jsonl": _jsonl,
    ".parquet": _parquet,
}
