"""Read CSV: commas, double quotes, a header line, UTF-8. Strict about quotes and the number of cells."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from audience_graph.errors import InputError, Problem
from audience_graph.ingest.mapping import Plan
from audience_graph.ingest.rows import BLOCK_BYTES, Batch, BrokenRow, shorten, table_of
from audience_graph.ingest.source import ByteStream, Source, broken_file

_HEADER_BYTES = 1 << 20
_QUOTE, _COMMA, _CR, _LF = b'",\r\n'
_FIELD_LIMIT = threading.Lock()


def read_header(source: Source) -> list[str]:
    """Return the names in the first line that is not blank. Raises InputError when there is none."""
    with ByteStream(source) as stream:
        start = stream.read(_HEADER_BYTES)
    text = start.decode("utf-8", errors="ignore")
    try:
        for row in csv.reader(io.StringIO(text, newline="")):
            if any(cell.strip() for cell in row):
                _check_header(source, row)
                return row
    except csv.Error as exc:
        raise broken_file(source.name, "a header line with the names of the columns", str(exc)) from exc
    raise broken_file(source.name, "a header line with the names of the columns", "blank lines only")


def _check_header(source: Source, row: list[str]) -> None:
    if any("\0" in name for name in row):
        raise broken_file(source.name, "a header line in text", "NUL characters in it")


class QuoteWatch:
    """Watch whether every quote opens a cell, closes a cell, or is doubled inside one.

    `suspicious` after the last block: a strict parser has to decide whether the file is well-formed. The watch may
    cry wolf (an inch mark inside an unquoted cell is fine), it never misses an open quote.
    """

    def __init__(self) -> None:
        self._open = False
        self._tail = b"\n"
        self.suspicious = False

    def __call__(self, block: bytes) -> None:
        if self.suspicious or not block:
            return
        # One byte is held back, so that each quote is judged with both its neighbours.
        data = np.frombuffer(self._tail + block, dtype=np.uint8)
        self._judge(data)
        self._tail = data[-2:].tobytes()

    def finish(self) -> bool:
        """Judge the end of the file and return `suspicious`."""
        self(b"\n")
        self.suspicious = self.suspicious or self._open
        return self.suspicious

    def _judge(self, data: np.ndarray) -> None:
        places = np.flatnonzero(data[1:-1] == _QUOTE) + 1
        if len(places) == 0:
            return
        opening = (np.arange(len(places)) % 2 == 0) ^ self._open
        before, after = data[places - 1], data[places + 1]
        starts = (before == _COMMA) | (before == _LF) | (before == _CR) | (before == _QUOTE)
        ends = (after == _COMMA) | (after == _LF) | (after == _CR) | (after == _QUOTE)
        self.suspicious = bool((~np.where(opening, starts, ends)).any())
        self._open ^= bool(len(places) % 2)


def read(source: Source, plan: Plan) -> Iterator[Batch]:
    """Yield the rows in batches of about 16 MB of text. Raises InputError on what is not CSV in UTF-8."""
    quotes = QuoteWatch()
    names = list(plan.in_file.values())
    broken: list[BrokenRow] = []

    def refuse(row: pacsv.InvalidRow) -> str:
        found = f"{row.actual_columns:,} in {shorten(row.text)}"
        broken.append(BrokenRow(row.number - 1, None, f"{row.expected_columns:,} cells", found, row.text))
        return "skip"

    with ByteStream(source, watch=quotes) as stream:
        last = 0
        try:
            reader = pacsv.open_csv(
                stream,
                read_options=pacsv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES),
                parse_options=pacsv.ParseOptions(newlines_in_values=True, invalid_row_handler=refuse),
                convert_options=pacsv.ConvertOptions(
                    check_utf8=False,
                    column_types=dict.fromkeys(names, pa.string()),
                    include_columns=names,
                    strings_can_be_null=True,
                    null_values=[""],
                ),
            )
            for block in reader:
                first, last = last + 1, last + block.num_rows
                found: list[BrokenRow] = []
                # The reader is ahead by a block: broken rows behind the last good one wait for theirs.
                while waiting := [b for b in broken if first <= b.row <= last][len(found) :]:
                    found += waiting
                    last += len(waiting)
                yield _batch(block, plan, found, first, last, stream.done)
        except (pa.ArrowInvalid, InputError) as exc:
            if stream.error is not None:
                raise stream.error from exc
            check_quotes(source, quotes.suspicious)
            raise _unreadable(source, last, str(exc)) from exc
        check_quotes(source, quotes.finish())
        left = [b for b in broken if b.row > last]
        if left:
            empty = pa.table({name: pa.array([], pa.string()) for name in names})
            yield _batch(empty, plan, left, last + 1, last + len(left), stream.done)


def _batch(block: pa.RecordBatch, plan: Plan, broken: list[BrokenRow], first: int, last: int, done: int) -> Batch:
    rows = np.arange(first, last + 1, dtype=np.int64)
    if broken:
        rows = np.setdiff1d(rows, np.array([b.row for b in broken], dtype=np.int64), assume_unique=True)
    table = table_of(pa.array(rows), (block.column(name) for name in plan.in_file.values()))
    return Batch(table, tuple(broken), first, last, done)


def _unreadable(source: Source, last: int, detail: str) -> InputError:
    if "straddling" in detail:
        problem = Problem(source.name, last + 1, None, f"rows under {BLOCK_BYTES >> 20} MB",
                          f"a longer one, at or after row {last + 1:,}")  # fmt: skip
        return InputError(f"{source.name} cannot be loaded", problems=[problem], count=1,
                          hint="is a quote left open?")  # fmt: skip
    return broken_file(source.name, "CSV with a header line", detail)


def check_quotes(source: Source, suspicious: bool) -> None:
    """Let a strict parser judge a suspicious file. Raises InputError, naming the row, when a quote is open."""
    if not suspicious:
        return
    with _FIELD_LIMIT:
        before = csv.field_size_limit(1 << 30)
        try:
            _read_strictly(source)
        finally:
            csv.field_size_limit(before)


def _read_strictly(source: Source) -> None:
    with ByteStream(source) as stream:
        text = io.TextIOWrapper(io.BufferedReader(stream, buffer_size=1 << 20), encoding="utf-8", newline="")
        rows = csv.reader(text, strict=True)
        count, line = -1, 1
        try:
            for row in rows:
                count += bool(row)
                line = rows.line_num + 1
        except csv.Error as exc:
            problem = Problem(source.name, max(count + 1, 1), None,
                              "every quote closed before the comma or the line's end, quotes inside doubled",
                              f"{exc}, in the row that starts in line {line:,}")  # fmt: skip
            raise InputError(f"{source.name} cannot be loaded", problems=[problem], count=1) from exc
