"""One hash of the content of a world, independent of how Parquet stores it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

_BATCH = 50_000


def world_digest(folder: Path) -> str:
    """Return the SHA-256 over the cells of every Parquet file of a world, in file name order."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*.parquet"), key=lambda p: p.relative_to(folder).as_posix()):
        total.update(path.relative_to(folder).as_posix().encode())
        table = pq.read_table(path)
        for first in range(0, len(table), _BATCH):
            part = table.slice(first, _BATCH)
            for name in part.column_names:
                total.update(f"\x1d{name}\x1e".encode())
                total.update("\x1f".join(_cells(part.column(name))).encode())
    return total.hexdigest()


def _cells(values: pa.ChunkedArray) -> list[str]:
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.int64())
    return [_cell(value) for value in values.to_pylist()]


def _cell(value: object) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    return "|".join(map(str, value)) if isinstance(value, list) else str(value)
