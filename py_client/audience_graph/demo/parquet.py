"""A Parquet file that is written chunk by chunk with the schema of its first chunk."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

# Columns whose first chunk could hold nothing but missing values, and lists that could all be empty.
_TYPES = {
    "entity_ids": pa.list_(pa.string()),
    "true_entity_ids": pa.list_(pa.string()),
    "items": pa.list_(pa.string()),
    "time": pa.timestamp("us", tz="UTC"),
    "as_of": pa.timestamp("us", tz="UTC"),
    "risk": pa.string(),
}


class ParquetFile:
    """Write frames one after another; a context manager. `rows` counts what was written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self._writer: Any = None

    def __enter__(self) -> ParquetFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def write(self, frame: pd.DataFrame) -> None:
        """Append the rows of a frame."""
        table = _to_arrow(frame)
        if self._writer is None:
            self._writer = pq.ParquetWriter(self.path, table.schema, compression="zstd")
        self._writer.write_table(table.cast(self._writer.schema))
        self.rows += len(frame)


def _to_arrow(frame: pd.DataFrame) -> pa.Table:
    naive = {c: frame[c].dt.tz_convert(None) for c in frame.columns if isinstance(frame[c].dtype, pd.DatetimeTZDtype)}
    table = pa.Table.from_pandas(frame.assign(**naive), preserve_index=False).replace_schema_metadata(None)
    for name, kind in _TYPES.items():
        at = table.schema.get_field_index(name)
        if at >= 0:
            table = table.set_column(at, name, table.column(at).cast(kind))
    return table
