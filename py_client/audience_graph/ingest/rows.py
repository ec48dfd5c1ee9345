"""What a reader hands on: batches of rows in file order, and the rows that are no rows at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

BLOCK_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row that cannot be read: too few cells, no JSON, a cell of a type that no column holds."""

    row: int
    column: str | None
    expected: str
    found: str
    raw: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows `first` .. `last` of the file, without the broken ones.

    `table` is one of `table_of`: the row numbers, then the columns of the plan in its order, as strings, or already as
    timestamp, float64, bool or list<string>.
    """

    table: pa.Table
    broken: tuple[BrokenRow, ...]
    first: int
    last: int
    done: int


def cell_name(place: int) -> str:
    """Return the name of the plan's column at `place` inside tables: no name of a file clashes with another there."""
    return f"c{place}"


def table_of(rows: pa.Array, columns: Iterable[pa.Array | pa.ChunkedArray]) -> pa.Table:
    """Return the table of a batch: `row` (int64, data rows from 1), then `c0`, `c1` ... in the order of the plan."""
    listed = list(columns)
    return pa.table([rows, *listed], names=["row", *(cell_name(place) for place in range(len(listed)))])


def shorten(text: str, limit: int = 80) -> str:
    """Return the text of a cell as a message shows it: on one line, quoted, cut."""
    shown = text if len(text) <= limit else f"{text[:limit]}… ({len(text):,} characters)"
    return repr(shown)
