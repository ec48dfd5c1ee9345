"""Read one file of the user against its contract: the frame that every load shares."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from audience_graph.errors import Problem, StoreError
from audience_graph.ingest import read_csv, read_jsonl, read_parquet
from audience_graph.ingest.check import Checked
from audience_graph.ingest.contract import OK, Contract, expected
from audience_graph.ingest.mapping import Plan, plan
from audience_graph.ingest.rejects import Rejects
from audience_graph.ingest.report import Progress, no_progress
from audience_graph.ingest.rows import Batch, shorten
from audience_graph.ingest.source import Source, broken_file, open_source

_FETCH = 10_000


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How a file is loaded. `now` decides which times lie in the future (default: the clock)."""

    mapping: Mapping[str, str] | None = None
    reject_to: str | os.PathLike[str] | None = None
    dry_run: bool = False
    progress: Progress = no_progress
    now: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A file that was read and checked: its good rows in `checked`, its bad ones in `rejects`."""

    source: Source
    plan: Plan
    checked: Checked
    rejects: Rejects
    read: int

    @property
    def notes(self) -> tuple[str, ...]:
        if not self.plan.ignored:
            return ()
        return (f"columns not of the contract, ignored: {', '.join(self.plan.ignored[:20])}",)

    def refuse(self, row: int, column: str | None, wanted: str, found: str) -> None:
        """Refuse a good row after all, for a reason that only the whole file or the store shows."""
        name = self.plan.in_file.get(column, column) if column is not None else None
        cells = self.checked.db.execute("SELECT * EXCLUDE (row, codes) FROM good WHERE row = ?", [row]).fetchone()
        values = dict(zip(self.plan.in_file.values(), cells or (), strict=False))
        self.rejects.add(row, [Problem(self.source.name, row, name, wanted, found)], values)
        self.checked.db.execute("DELETE FROM good WHERE row = ?", [row])

    def refuse_where(self, condition: str, column: str, wanted: str) -> int:
        """Refuse all good rows for which a condition over the cells of `good` holds; return how many."""
        name, cell = self.plan.in_file[column], self.checked.cells[column]
        names = list(self.plan.in_file.values())
        listed = self.checked.db.execute(
            f"SELECT row, {cell}, * EXCLUDE (row, codes) FROM good WHERE {condition} ORDER BY row"
        )
        count = 0
        while rows := listed.fetchmany(_FETCH):
            for row, found, *cells in rows:
                shown = "nothing" if found is None else shorten(str(found))
                problem = Problem(self.source.name, row, name, wanted, shown)
                self.rejects.add(row, [problem], dict(zip(names, cells, strict=True)))
            count += len(rows)
        if count:
            self.checked.db.execute(f"DELETE FROM good WHERE {condition}")
        return count


@contextmanager
def reading(path: str | os.PathLike[str], contract: Contract, options: LoadOptions) -> Iterator[Reading]:
    """Read and check a whole file.

    Raises InputError when the file cannot be read, or when rows are bad and `options.reject_to` is not given;
    ConfigError when the mapping names columns that the contract does not have. The reject file is put in place
    when the `with` ends well, except after a dry run.
    """
    source = open_source(path)
    target = Path(options.reject_to) if options.reject_to is not None else None
    rejects = Rejects(target, source=source.path)
    mapping = dict(options.mapping or {})
    chosen = plan(contract, header_of(source, contract, mapping), mapping, source.name)
    rejects.start(chosen)
    try:
        with disk_errors(), Checked(chosen.columns, now=options.now) as checked:
            read = _take(source, chosen, contract, checked, rejects, options.progress)
            if read == 0:
                raise broken_file(source.name, "rows", "a header without rows")
            rejects.raise_if_any(source.name, contract.what)
            yield Reading(source, chosen, checked, rejects, read)
            rejects.raise_if_any(source.name, contract.what)
            if not options.dry_run:
                rejects.keep()
    finally:
        rejects.drop()


@contextmanager
def disk_errors() -> Iterator[None]:
    """Turn a full disk or memory into StoreError; nothing half-written stays."""
    try:
        yield
    except (duckdb.IOException, duckdb.OutOfMemoryException) as exc:
        raise StoreError(f"cannot write: {exc}".splitlines()[0], hint="free some disk space; nothing was kept") from exc
    except duckdb.InterruptException as exc:
        raise KeyboardInterrupt from exc
    except OSError as exc:
        raise StoreError(f"cannot write: {exc}", hint="free some disk space; nothing was kept") from exc


def header_of(source: Source, contract: Contract, mapping: Mapping[str, str]) -> list[str]:
    """Return the columns of a file, and those that a line of JSON may still bring. Raises InputError."""
    if source.format == "csv":
        return read_csv.read_header(source)
    if source.format == "parquet":
        return read_parquet.read_header(source)
    found = read_jsonl.read_header(source, whole=contract.open)
    if contract.open:
        return found
    # A line of JSON leaves out what is not given: any column may still come.
    return list(dict.fromkeys([*found, *(mapping.get(name, name) for name in contract.names)]))


def _batches(source: Source, chosen: Plan, contract: Contract) -> Iterator[Batch]:
    if source.format == "csv":
        return read_csv.read(source, chosen)
    if source.format == "parquet":
        return read_parquet.read(source, chosen)
    return read_jsonl.read(source, chosen, open_columns=contract.open)


def _take(
    source: Source, chosen: Plan, contract: Contract, checked: Checked, rejects: Rejects, progress: Progress
) -> int:
    read = 0
    for batch in _batches(source, chosen, contract):
        bad = checked.add(batch)
        if bad or batch.broken:
            _report(source, chosen, batch, bad, rejects)
        read = batch.last
        progress(min(batch.done, source.size), source.size)
    progress(source.size, source.size)
    return read


def _report(source: Source, chosen: Plan, batch: Batch, bad: list[tuple[int, str]], rejects: Rejects) -> None:
    found: list[tuple[int, list[Problem], dict[str, object], str | None]] = []
    for broken in batch.broken:
        problem = Problem(source.name, broken.row, broken.column, broken.expected, broken.found)
        found.append((broken.row, [problem], {}, broken.raw))
    if bad:
        places = pc.index_in(pa.array([row for row, _ in bad], pa.int64()), batch.table.column("row").combine_chunks())
        cells = batch.table.take(places).drop_columns(["row"]).rename_columns(list(chosen.names)).to_pylist()
        for (row, codes), values in zip(bad, cells, strict=True):
            problems = [
                Problem(source.name, row, chosen.in_file[c.name], expected(c, code), _found(values[c.name], code))
                for c, code in zip(chosen.columns, codes, strict=True)
                if code != OK
            ]
            found.append((row, problems, {chosen.in_file[name]: value for name, value in values.items()}, None))
    for row, problems, values, line in sorted(found, key=lambda f: f[0]):
        rejects.add(row, problems, values, line)


def _found(value: object, code: str) -> str:
    if value is None or value == "":
        return "nothing"
    if code == "l" and isinstance(value, str):
        return f"{len(value.encode()):,} bytes: {shorten(value, 20)}"
    return shorten(value if isinstance(value, str) else str(value))
