"""Read JSON lines: one object a line, UTF-8.

Lines of the expected types are read in bulk. A block that holds anything else is read again line by line, which
finds each wrong line and cell.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.json as pajson

from audience_graph.ingest.contract import CONSENT, Column, Kind
from audience_graph.ingest.mapping import Plan
from audience_graph.ingest.rows import BLOCK_BYTES, Batch, BrokenRow, shorten, table_of
from audience_graph.ingest.source import ByteStream, Source, broken_file

_TYPES: dict[Kind, pa.DataType] = {
    Kind.AMOUNT: pa.float64(),
    Kind.COUNT: pa.float64(),
    Kind.FLAG: pa.bool_(),
    Kind.LIST: pa.list_(pa.string()),
}
_WORDS = {
    Kind.LIST: "a list of text",
    Kind.AMOUNT: "a number",
    Kind.COUNT: "a whole number",
    Kind.FLAG: "true or false",
    Kind.TIME: "a time in ISO 8601, as text",
}
_ROW = "one JSON object in a line"


class _NotAnObject(ValueError):
    """A line is not one JSON object."""


class _WrongCell(ValueError):
    """A value is of a type that its column cannot hold: (column, expected, found)."""


def read_header(source: Source, *, whole: bool) -> list[str]:
    """Return the keys of the first object, or of all of them with `whole`, in order of appearance.

    Raises InputError when the file has no line, or (without `whole`) when the first one is no object.
    """
    keys: dict[str, None] = {}
    any_line = False
    for block in _blocks(source):
        for line in block.splitlines():
            if not line.strip():
                continue
            any_line = True
            try:
                keys |= dict.fromkeys(_flat(_parse(line)))
            except _NotAnObject as exc:
                if not whole:
                    raise broken_file(source.name, _ROW, f"{exc} in row 1") from exc
            if not whole:
                return list(keys)
    if not any_line:
        raise broken_file(source.name, "rows", "blank lines only")
    return list(keys)


def _blocks(source: Source) -> Iterator[bytes]:
    with ByteStream(source) as stream:
        yield from (block for block, _ in _cut(stream))


def _cut(stream: ByteStream) -> Iterator[tuple[bytes, int]]:
    """Yield blocks of whole lines, and how much of the file has been read."""
    rest: list[bytes] = []
    while block := stream.read(BLOCK_BYTES):
        end = block.rfind(b"\n") + 1
        if end == 0:
            rest.append(block)
            continue
        yield b"".join([*rest, block[:end]]), stream.done
        rest = [block[end:]] if end < len(block) else []
    if rest:
        yield b"".join(rest), stream.done


def read(source: Source, plan: Plan, *, open_columns: bool = False) -> Iterator[Batch]:
    """Yield the rows in batches of about 16 MB of text. Raises InputError when the bytes are not UTF-8."""
    last = 0
    with ByteStream(source) as stream:
        for block, done in _cut(stream):
            table = None if open_columns else _in_bulk(block, plan)
            if table is not None:
                rows = pa.array(np.arange(last + 1, last + 1 + table.num_rows, dtype=np.int64))
                batch = Batch(table_of(rows, table.columns), (), last + 1, last + table.num_rows, done)
            else:
                batch = _line_by_line(block, plan, last + 1, done)
            last = batch.last
            yield batch


def _in_bulk(block: bytes, plan: Plan) -> pa.Table | None:
    """Return the table of a block, None when a line is not of the expected types."""
    try:
        sample = _parse(block.split(b"\n", 1)[0])
    except _NotAnObject:
        return None
    fields = []
    for column in plan.columns:
        number = column.kind is Kind.ID and type(sample.get(plan.in_file[column.name])) is int
        fields.append((plan.in_file[column.name], pa.int64() if number else _TYPES.get(column.kind, pa.string())))
    try:
        table = pajson.read_json(
            pa.BufferReader(block),
            read_options=pajson.ReadOptions(use_threads=True, block_size=max(BLOCK_BYTES, len(block) + 1)),
            parse_options=pajson.ParseOptions(
                explicit_schema=pa.schema(fields), newlines_in_values=False, unexpected_field_behavior="ignore"
            ),
        )
        table.validate(full=True)
    except pa.ArrowException:
        return None
    if table.num_rows != block.count(b"\n") + (not block.endswith(b"\n")):
        return None
    found = table.select(list(plan.in_file.values())).columns
    columns = [values.cast(pa.string()) if pa.types.is_integer(values.type) else values for values in found]
    return pa.table(columns, names=plan.names)


def _parse(line: bytes) -> dict[str, Any]:
    """Return the object of one line. Raises _NotAnObject, saying what the line is instead."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            names = [name for name, _ in pairs]
            raise _NotAnObject(f"the key {next(n for n in names if names.count(n) > 1)!r} twice")
        return found

    try:
        value = json.loads(line, object_pairs_hook=once)
    except _NotAnObject:
        raise
    except (ValueError, RecursionError) as exc:
        raise _NotAnObject(f"{exc}" if isinstance(exc, ValueError) else "objects nested too deep") from exc
    if not isinstance(value, dict):
        raise _NotAnObject(f"{shorten(line.decode(errors='replace'))}")
    return value


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    consent = row.get(CONSENT.rstrip("_"))
    if not isinstance(consent, dict):
        return row
    others = {key: value for key, value in row.items() if key != CONSENT.rstrip("_")}
    return others | {CONSENT + key: value for key, value in consent.items()}


def _check_consent(row: dict[str, Any], plan: Plan) -> None:
    """Raise _WrongCell when the object `consent` and a key `consent_<purpose>` of the plan name one purpose."""
    consent = row.get(CONSENT.rstrip("_"))
    if isinstance(consent, dict):
        for name in plan.in_file.values():
            if name in row and name.startswith(CONSENT) and name.removeprefix(CONSENT) in consent:
                raise _WrongCell(name, "each purpose once", "it both in the object consent and as a key of its own")


def _line_by_line(block: bytes, plan: Plan, first: int, done: int) -> Batch:
    values: dict[str, list[str | None]] = {name: [] for name in plan.names}
    rows: list[int] = []
    broken: list[BrokenRow] = []
    row = first - 1
    for line in block.split(b"\n"):
        if not line.strip():
            continue
        row += 1
        try:
            parsed = _parse(line)
            _check_consent(parsed, plan)
            found = _flat(parsed)
            cells = [_cell(found.get(plan.in_file[c.name]), c, plan.in_file[c.name]) for c in plan.columns]
        except _NotAnObject as exc:
            broken.append(BrokenRow(row, None, _ROW, str(exc), line.decode(errors="replace")))
        except _WrongCell as exc:
            column, expected, found_instead = exc.args
            broken.append(BrokenRow(row, column, expected, found_instead, line.decode(errors="replace")))
        else:
            rows.append(row)
            for name, cell in zip(plan.names, cells, strict=True):
                values[name].append(cell)
    table = table_of(pa.array(rows, pa.int64()), (pa.array(cells, pa.string()) for cells in values.values()))
    return Batch(table, tuple(broken), first, row, done)


def _cell(value: Any, column: Column, name: str) -> str | None:
    """Return a JSON value in the text form of the contract. Raises _WrongCell when no form of it fits."""
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as exc:
            raise _WrongCell(name, "text in Unicode", "half a surrogate pair") from exc
        return value
    if isinstance(value, bool):
        if column.kind in (Kind.FLAG, Kind.ANY):
            return "true" if value else "false"
    elif isinstance(value, int) or (isinstance(value, float) and column.kind in (Kind.AMOUNT, Kind.COUNT, Kind.ANY)):
        return repr(value)
    elif column.kind is Kind.ANY:
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    elif column.kind is Kind.LIST and isinstance(value, list) and all(type(v) in (str, int) for v in value):
        return json.dumps([str(v) for v in value], ensure_ascii=True)
    raise _WrongCell(name, _WORDS.get(column.kind, "text"), shorten(json.dumps(value, ensure_ascii=False)))
