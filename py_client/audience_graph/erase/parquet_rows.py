"""Parquet files without the rows of some users: found by one column, written anew group by group.

A file whose footer says that a group cannot hold one of the values is not read there; of others the one column is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from audience_graph.errors import StoreError

USER, EVENT = "user_id", "event_id"


@dataclass(frozen=True, slots=True)
class Values:
    """Values to look for in columns of text, sorted."""

    array: pa.Array

    @classmethod
    def of(cls, values: Iterable[str]) -> Values:
        return cls(pa.array(sorted(set(values)), pa.string()))

    def __len__(self) -> int:
        return len(self.array)

    def among(self, low: object, high: object) -> bool:
        """Tell whether one may lie between the least and the greatest value of a group."""
        if not isinstance(low, str) or not isinstance(high, str):
            return True
        inside = pc.and_(pc.greater_equal(self.array, low), pc.less_equal(self.array, high))
        return bool(pc.any(inside).as_py())

    def mask(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """Return (n,) True where the cell is one of the values."""
        return pc.fill_null(pc.is_in(column.cast(pa.string()), value_set=self.array), False)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a Parquet file that holds user or event ids."""

    path: Path
    name: str

    def counts(self, values: Values) -> list[int]:
        """Return for each row group how many rows hold one of the values."""
        with open_parquet(self.path) as file:
            place = file.schema_arrow.get_field_index(self.name)
            return [self._count(file, group, place, values) for group in range(file.num_row_groups)]

    def _count(self, file: pq.ParquetFile, group: int, place: int, values: Values) -> int:
        told = file.metadata.row_group(group).column(place).statistics if _is_flat(file) else None
        if told is not None and told.has_min_max and not values.among(told.min, told.max):
            return 0
        column = file.read_row_group(group, columns=[self.name])[self.name]
        return int(pc.sum(values.mask(column)).as_py() or 0)

    def rows(self, values: Values, wanted: list[str]) -> pa.Table:
        """Return these columns of the rows that hold one of the values."""
        parts = []
        with open_parquet(self.path) as file:
            for group, count in enumerate(self.counts(values)):
                if count:
                    part = file.read_row_group(group, columns=list({self.name, *wanted}))
                    parts.append(part.filter(values.mask(part[self.name])).select(wanted))
            schema = pa.schema([file.schema_arrow.field(name) for name in wanted])
        return pa.concat_tables(parts) if parts else schema.empty_table()

    def write_without(self, values: Values, target: Path) -> int:
        """Write the file without those rows, in the same order and groups of rows; return how many rows are left.

        Memory: one group.
        """
        left = 0
        with open_parquet(self.path) as file:
            schema = file.schema_arrow
            options = {"compression": "zstd", "store_schema": b"ARROW:schema" in (file.metadata.metadata or {})}
            with pq.ParquetWriter(target, schema, **options) as writer:
                for group in range(file.num_row_groups):
                    part = file.read_row_group(group)
                    part = part.filter(pc.invert(values.mask(part[self.name])))
                    left += part.num_rows
                    if part.num_rows or file.num_row_groups == 1:
                        writer.write_table(part)
        return left


def names_of(path: Path) -> list[str]:
    """Return the names of the columns of a file."""
    with open_parquet(path) as file:
        return list(file.schema_arrow.names)


def id_column(path: Path) -> Column | None:
    """Return the column by which rows of a file belong to users: user ids, else event ids; None for neither."""
    names = names_of(path)
    return next((Column(path, name) for name in (USER, EVENT) if name in names), None)


def open_parquet(path: Path) -> pq.ParquetFile:
    """Open a Parquet file. Raises StoreError, naming it, when it is none."""
    try:
        return pq.ParquetFile(path)
    except (OSError, pa.ArrowException) as exc:
        raise StoreError(f"{path} is not readable: {exc}", hint="move it out of the folder, then erase again") from exc


def _is_flat(file: pq.ParquetFile) -> bool:
    """Tell whether columns of the file are those of its schema, one by one: lists and structs have several."""
    return bool(len(file.schema_arrow.names) == file.metadata.num_columns)


def leaves_of(array: pa.Array) -> Iterator[pa.Array]:
    """Yield the arrays of text that an array is made of."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        yield from leaves_of(array.dictionary)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        yield from leaves_of(array.flatten())
    elif pa.types.is_map(kind):
        yield from leaves_of(array.keys)
        yield from leaves_of(array.items)
    elif pa.types.is_struct(kind):
        for child in array.flatten():
            yield from leaves_of(child)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        yield array
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        yield pa.array(
            [v.decode("utf-8", "replace") if v is not None else None for v in array.to_pylist()], pa.string()
        )
