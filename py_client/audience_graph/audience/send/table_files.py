"""Write tables to an open file as CSV, Parquet or JSONL, one after the other, in columns.

In CSV a text that a spreadsheet would run as a formula gets a leading apostrophe, as in `audience/output.py`: such an
id matches nothing at a receiver, so that is told. Parquet and JSONL hold the exact text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

_FORMULA = r"^[=+\-@\t\r]"


class TableWriter(Protocol):
    """Writes tables of one schema. `escaped` counts cells that got an apostrophe."""

    escaped: int

    def write(self, table: pa.Table) -> None: ...

    def close(self) -> None: ...


class _Csv:
    def __init__(self, file: IO[bytes], schema: pa.Schema) -> None:
        self.escaped = 0
        self._file = file
        pyarrow.csv.write_csv(schema.empty_table(), file)

    def write(self, table: pa.Table) -> None:
        for number, column in enumerate(table.columns):
            if not pa.types.is_string(column.type):
                continue
            risky = pc.fill_null(pc.match_substring_regex(column, _FORMULA), False)
            count = pc.sum(risky, min_count=0).as_py()
            if count:
                self.escaped += count
                safe = pc.if_else(risky, pc.binary_join_element_wise("'", column, ""), column)
                table = table.set_column(number, table.field(number), safe)
        pyarrow.csv.write_csv(table, self._file, pyarrow.csv.WriteOptions(include_header=False))

    def close(self) -> None: ...


class _Parquet:
    def __init__(self, file: IO[bytes], schema: pa.Schema) -> None:
        self.escaped = 0
        self._writer = pq.ParquetWriter(file, schema, compression="zstd")

    def write(self, table: pa.Table) -> None:
        self._writer.write_table(table)

    def close(self) -> None:
        self._writer.close()


class _Jsonl:
    def __init__(self, file: IO[bytes], schema: pa.Schema) -> None:  # noqa: ARG002 - one shape for all writers
        self.escaped = 0
        self._file = file

    def write(self, table: pa.Table) -> None:
        self._file.write(json_rows(table, b"\n"))
        if len(table):
            self._file.write(b"\n")

    def close(self) -> None: ...


WRITERS: dict[str, Callable[[IO[bytes], pa.Schema], TableWriter]] = {"csv": _Csv, "parquet": _Parquet, "jsonl": _Jsonl}


def json_rows(table: pa.Table, between: bytes) -> bytes:
    """Return the rows as JSON objects in UTF-8, in order, with `between` between them."""
    import duckdb

    if not len(table):
        return b""
    plain = table.rename_columns([f"c{n}" for n in range(table.num_columns)])
    fields = ", ".join(f"{_quoted(name)}, c{n}" for n, name in enumerate(table.column_names))
    with duckdb.connect() as db:
        db.register("leaving", plain)
        found: pa.Table = db.sql(f"SELECT json_object({fields})::VARCHAR AS line FROM leaving").to_arrow_table()
    lines = pa.concat_arrays(found["line"].chunks)
    whole = pa.ListArray.from_arrays(pa.array([0, len(lines)], pa.int32()), lines)
    return str(pc.binary_join(whole, between.decode())[0].as_py()).encode()


def _quoted(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"
