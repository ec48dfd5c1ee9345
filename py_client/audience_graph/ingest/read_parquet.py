"""Read Parquet: columns of the right types, or of strings that hold the contract's text forms."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from audience_graph.errors import InputError, Problem
from audience_graph.ingest.contract import CONSENT, Column, Kind
from audience_graph.ingest.mapping import Plan
from audience_graph.ingest.rows import Batch, BrokenRow, table_of
from audience_graph.ingest.source import Source, broken_file

_BATCH_ROWS = 200_000
_YEAR_1, _YEAR_10000 = -62_135_596_800, 253_402_300_800  # in seconds since 1970
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_WORDS = {
    Kind.TIME: "a timestamp, a date or text",
    Kind.AMOUNT: "numbers or text",
    Kind.COUNT: "whole numbers or text",
    Kind.FLAG: "booleans or text",
    Kind.LIST: "lists of text, or text",
}


def read_header(source: Source) -> list[str]:
    """Return the names of the columns; those of a struct `consent` as `consent_<name>`. Raises InputError."""
    with _open(source) as file:
        schema = file.schema_arrow
        if file.metadata.num_rows == 0:
            raise broken_file(source.name, "rows", "a Parquet file without rows")
    names: list[str] = []
    for field in schema:
        if _is_consent(field):
            names += [CONSENT + field.type.field(i).name for i in range(field.type.num_fields)]
        else:
            names.append(field.name)
    return names


def _is_consent(field: pa.Field) -> bool:
    return bool(field.name == CONSENT.rstrip("_") and pa.types.is_struct(field.type))


def _open(source: Source) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(source.path)
    except (pa.ArrowException, OSError) as exc:
        raise broken_file(source.name, "a whole Parquet file", f"{exc}".splitlines()[0]) from exc


def read(source: Source, plan: Plan) -> Iterator[Batch]:
    """Yield the rows in batches of 200,000. Raises InputError when the file is cut off or a type does not fit."""
    with _open(source) as file:
        _check_types(source, plan, file.schema_arrow)
        total, first = max(file.metadata.num_rows, 1), 1
        tops = [f.name for f in file.schema_arrow if f.name in set(plan.in_file.values()) or _is_consent(f)]
        try:
            for block in file.iter_batches(batch_size=_BATCH_ROWS, columns=tops):
                last = first + block.num_rows - 1
                yield _batch(block, plan, first, last, source.size * last // total)
                first = last + 1
        except (pa.ArrowException, OSError) as exc:
            raise broken_file(source.name, "a whole Parquet file", f"{exc}".splitlines()[0]) from exc


def _column(block: pa.RecordBatch, name: str) -> pa.Array:
    if name in block.schema.names:
        return block.column(name)
    return pc.struct_field(block.column(CONSENT.rstrip("_")), name.removeprefix(CONSENT))


def _batch(block: pa.RecordBatch, plan: Plan, first: int, last: int, done: int) -> Batch:
    rows = pa.array(np.arange(first, last + 1, dtype=np.int64))
    columns: list[pa.Array] = []
    broken: list[BrokenRow] = []
    for column in plan.columns:
        name = plan.in_file[column.name]
        values = _column(block, name)
        if column.kind is Kind.TIME:
            values, found = _in_calendar(values, name, first)
            broken += found
        values = _as_contract(values, column)
        try:
            values.validate(full=True)
        except pa.ArrowInvalid:
            values, found = _undecodable(values, name, first)
            broken += found
        columns.append(values)
    table = table_of(rows, columns)
    if broken:
        bad = pa.array([b.row for b in broken], pa.int64())
        table = table.filter(pc.invert(pc.is_in(rows, bad)))
    return Batch(table, tuple(broken), first, last, done)


def _in_calendar(values: pa.Array, name: str, first: int) -> tuple[pa.Array, list[BrokenRow]]:
    """Return dates as timestamps, and null with a broken row for each moment outside the years 1 to 9999."""
    t = pa.types
    if t.is_dictionary(values.type):
        values = values.dictionary_decode()
    if t.is_date(values.type):
        values = values.cast(pa.timestamp("s" if t.is_date32(values.type) else "ms"))
    if not t.is_timestamp(values.type):
        return values, []
    unit, most = values.type.unit, np.iinfo(np.int64).max
    moments = values.cast(pa.int64())
    earliest, end = (pa.scalar(max(-most, min(most, second * _PER_SECOND[unit]))) for second in (_YEAR_1, _YEAR_10000))
    outside = pc.fill_null(pc.or_(pc.less(moments, earliest), pc.greater_equal(moments, end)), False)
    broken = [
        BrokenRow(
            first + place, name, "a time in the years 1 to 9999", f"{moments[place].as_py():,} {unit} since 1970", ""
        )
        for place in np.flatnonzero(outside.to_numpy(zero_copy_only=False)).tolist()
    ]
    return (pc.if_else(outside, pa.scalar(None, values.type), values) if broken else values), broken


def _undecodable(values: pa.Array, name: str, first: int) -> tuple[pa.Array, list[BrokenRow]]:
    if pa.types.is_list(values.type):
        raise pa.ArrowInvalid(f"column {name} holds text that is not UTF-8")
    broken, kept = [], []
    for place, value in enumerate(values.cast(pa.binary())):
        try:
            kept.append(None if not value.is_valid else value.as_py().decode("utf-8"))
        except UnicodeDecodeError as exc:
            kept.append(None)
            broken.append(BrokenRow(first + place, name, "text in UTF-8", f"byte 0x{exc.object[exc.start]:02x}", ""))
    return pa.array(kept, pa.string()), broken


def _fits(kind: Kind, found: pa.DataType) -> bool:
    t = pa.types
    if t.is_dictionary(found):
        found = found.value_type
    if t.is_string(found) or t.is_large_string(found) or t.is_string_view(found) or t.is_null(found):
        return True
    if kind in (Kind.ID, Kind.NAME):
        return bool(t.is_integer(found))
    if kind in (Kind.TEXT, Kind.ANY):
        return not t.is_nested(found) and not t.is_binary(found) and not t.is_large_binary(found)
    if kind is Kind.TIME:
        return bool(t.is_timestamp(found) or t.is_date(found))
    if kind in (Kind.AMOUNT, Kind.COUNT):
        return bool(t.is_integer(found) or t.is_floating(found) or t.is_decimal(found))
    if kind is Kind.FLAG:
        return bool(t.is_boolean(found) or t.is_integer(found))
    return bool((t.is_list(found) or t.is_large_list(found)) and _fits(Kind.ID, found.value_type))


def _check_types(source: Source, plan: Plan, schema: pa.Schema) -> None:
    problems = []
    for column in plan.columns:
        name = plan.in_file[column.name]
        if name not in schema.names:
            found = schema.field(CONSENT.rstrip("_")).type.field(name.removeprefix(CONSENT)).type
        else:
            found = schema.field(name).type
        if not _fits(column.kind, found):
            problems.append(Problem(source.name, None, name, _WORDS.get(column.kind, "text or integers"), str(found)))
    if problems:
        raise InputError(f"{source.name}: columns of a wrong type", problems=problems[:20], count=len(problems))


def _as_contract(values: pa.Array, column: Column) -> pa.Array:
    """Return timestamps as UTC microseconds, amounts as float64, flags as bool, lists as list<string>, else text."""
    t = pa.types
    if t.is_dictionary(values.type):
        values = values.dictionary_decode()
    if column.kind is Kind.TIME and t.is_timestamp(values.type):
        # Nanoseconds are cut; a moment out of range raises, never wraps into another one (see _in_calendar).
        return pc.cast(values, options=pc.CastOptions(pa.timestamp("us", "UTC"), allow_time_truncate=True))
    if column.kind in (Kind.AMOUNT, Kind.COUNT) and not _is_text(values.type):
        return values.cast(pa.float64(), safe=False)
    if column.kind is Kind.FLAG and t.is_boolean(values.type):
        return values
    if column.kind is Kind.LIST and not _is_text(values.type):
        return values.cast(pa.list_(pa.string()))
    return values.cast(pa.string(), safe=False) if values.type != pa.string() else values


def _is_text(found: pa.DataType) -> bool:
    t = pa.types
    return bool(t.is_string(found) or t.is_large_string(found) or t.is_string_view(found) or t.is_null(found))
