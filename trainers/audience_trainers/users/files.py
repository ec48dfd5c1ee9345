"""The files of a folder in the input contract, as Parquet in the contract's types.

A Parquet file that has these types is read where it lies. Any other (CSV, JSON lines, times or lists as text) is
checked cell by cell, as `audience-graph load` does, and kept as Parquet in a temporary folder; broken cells are named
by file, row and column.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from audience_graph.errors import ConfigError, InputError
from audience_graph.ingest.check import sql_name, sql_type
from audience_graph.ingest.contract import CONSENT, Column, Contract, Kind
from audience_graph.ingest.reading import LoadOptions, reading
from audience_graph.ingest.source import open_source

_ENDINGS = (".parquet", ".pq", ".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")


def find_file(folder: Path, contract: Contract) -> Path | None:
    """Return the file of this kind in a folder, None when there is none. Raises ConfigError when there are several."""
    found = [path for ending in _ENDINGS if (path := folder / f"{contract.what}{ending}").exists()]
    if len(found) > 1:
        raise ConfigError(
            f"{folder} holds {' and '.join(path.name for path in found)}", hint=f"keep one file of {contract.what}"
        )
    return found[0] if found else None


def as_parquet(path: Path, contract: Contract, work: Path) -> Path:
    """Return a Parquet file of the contract's types: `path` itself, or what was checked and written to `work`.

    Raises InputError for a file that breaks the contract; its problems name row and column.
    """
    if _is_plain(path, contract):
        return path
    return checked(path, contract, work)


def checked(path: Path, contract: Contract, work: Path) -> Path:
    """Check every cell of a file and write its rows to `work` in the contract's types. Raises InputError."""
    target = work / f"{contract.what}.parquet"
    with reading(path, contract, LoadOptions()) as found:
        cells = found.checked.cells
        listed = ", ".join(f"{cells[c.name]}::{sql_type(c)} AS {sql_name(c.name)}" for c in found.checked.columns)
        escaped = str(target).replace("'", "''")
        found.checked.db.execute(f"COPY (SELECT {listed} FROM good ORDER BY row) TO '{escaped}' (FORMAT parquet)")
    return target


def _is_plain(path: Path, contract: Contract) -> bool:
    source = open_source(path)
    if source.format != "parquet":
        return False
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError) as exc:
        raise InputError(f"{path} is no whole Parquet file: {str(exc).splitlines()[0]}") from exc
    if len(set(schema.names)) < len(schema.names) or pq.read_metadata(path).num_rows == 0:
        return False
    needed = {column.name for column in contract.columns if column.filled and not column.unless}
    kinds = {column.name: column for column in contract.columns}
    flags = [Column(name, Kind.FLAG) for name in schema.names if contract.open and name.startswith(CONSENT)]
    kinds |= {column.name: column for column in flags}
    names = [name.casefold() for name in schema.names]
    return (
        needed <= set(schema.names)
        and len(set(names)) == len(names)
        and all(_has_type(schema.field(name).type, kinds[name]) for name in schema.names if name in kinds)
    )


def _has_type(found: pa.DataType, column: Column) -> bool:
    t = pa.types
    if column.kind is Kind.TIME:
        return bool(t.is_timestamp(found) and found.unit in ("ms", "us") and found.tz in (None, "UTC"))
    if column.kind is Kind.AMOUNT:
        return bool(t.is_floating(found) or t.is_integer(found))
    if column.kind is Kind.FLAG:
        return bool(t.is_boolean(found))
    if column.kind is Kind.LIST:
        return bool(t.is_list(found) and _is_text(found.value_type))
    return _is_text(found)


def _is_text(found: pa.DataType) -> bool:
    return bool(pa.types.is_string(found) or pa.types.is_large_string(found))
