"""Append the checked rows of a file to the warehouse: events and corpus.

A row is known by its id. A row without one gets the MD5 of its canonical form and its occurrence number in the
file (`<md5>-1`, `<md5>-2`): real repeats stay, and the same rows in another file are the same rows. A row whose id
was seen with other content is refused; with the same content it changes nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from audience_graph.config import Home
from audience_graph.erased import Erased, erased_for_files
from audience_graph.ingest.check import Checked, sql_name, sql_type
from audience_graph.ingest.contract import CORPUS, EVENTS, Contract, Kind
from audience_graph.ingest.leave_out import leave_out, told
from audience_graph.ingest.reading import LoadOptions, Reading, reading
from audience_graph.ingest.report import LoadReport
from audience_graph.ingest.tagging import Tagging, tag_fresh, write_mentions
from audience_graph.ingest.warehouse import Warehouse, warehouse


@dataclass(frozen=True, slots=True)
class _Folder:
    contract: Contract
    name: str
    id: str
    order: str


_EVENTS = _Folder(EVENTS, "events", "event_id", "time, event_id")
_CORPUS = _Folder(CORPUS, "corpus", "doc_id", "doc_id")


def load_events(
    path: str | os.PathLike[str],
    *,
    home: Home,
    options: LoadOptions = LoadOptions(),
    tagging: Tagging | None = None,
) -> LoadReport:
    """Check a file of events and append the new ones to the warehouse as one batch, sorted by time.

    With `tagging`, the mentions in new events without entity ids are found, linked and kept beside the batch.
    Nothing is written unless the whole file is good (or its bad rows go to `options.reject_to`). Raises InputError
    with the first problems, StoreError when the disk is full or another load holds the warehouse. Rows of erased users
    are left out; ConfigError when users were erased and the key that knows them is missing.
    """
    return _load(path, _EVENTS, warehouse(home), options, tagging, lambda: erased_for_files(home))


def load_corpus(path: str | os.PathLike[str], *, home: Home, options: LoadOptions = LoadOptions()) -> LoadReport:
    """Check a file of free text and append the new documents to the warehouse. Raises as `load_events` does."""
    return _load(path, _CORPUS, warehouse(home), options)


def _load(
    path: str | os.PathLike[str],
    folder: _Folder,
    store: Warehouse,
    options: LoadOptions,
    tagging: Tagging | None = None,
    read_erased: Callable[[], Erased | None] = lambda: None,
) -> LoadReport:
    start = time.monotonic()
    batch, counts = None, None
    with reading(path, folder.contract, options) as found:
        erased = leave_out(found, read_erased())
        repeats = _name_rows(found, folder)
        if options.dry_run:
            new = _compare(found, folder, store)
        else:
            if tagging is not None:  # it takes long: before the lock, for what is new at this moment
                _compare(found, folder, store)
                found.rejects.raise_if_any(found.source.name, folder.contract.what)
                tag_fresh(found, tagging)
            with store.working_folder() as work, store.locked():
                erased += _leave_out_late(found, read_erased())
                new = _compare(found, folder, store)
                found.rejects.raise_if_any(found.source.name, folder.contract.what)
                mentions = None
                if tagging is not None:
                    mentions, counts = write_mentions(found, work)
                batch = store.keep(_write(found.checked, folder, work), folder.name, mentions=mentions) if new else None
        rejected = found.rejects.rows
    return LoadReport(
        what=folder.contract.what,
        file=found.source.name,
        read=found.read,
        written=new,
        unchanged=found.read - rejected - new - erased,
        rejected=rejected,
        seconds=time.monotonic() - start,
        notes=(*found.notes, *_repeated(repeats), *told(erased)),
        batch=batch,
        dry_run=options.dry_run,
        mentions=counts,
        erased=erased,
    )


def _repeated(count: int) -> tuple[str, ...]:
    return (f"{count:,} rows repeat an earlier row under its id",) if count else ()


def _leave_out_late(found: Reading, erased: Erased | None) -> int:
    """Forget the rows of users who were erased while the file was read."""
    count = leave_out(found, erased)
    if count:
        found.checked.db.execute("DELETE FROM keyed WHERE row NOT IN (SELECT row FROM good)")
    return count


def _canonical(folder: _Folder, cells: Mapping[str, str]) -> str:
    """Return the SQL of a row's canonical form: each cell with its length, so that no two rows share one.

    `cells` names the SQL column of each column that is there.
    """
    parts = []
    for column in folder.contract.columns:
        if column.name == folder.id:
            continue
        name = cells.get(column.name)
        if name is None:
            parts.append("'-'")
        elif column.kind is Kind.TIME:
            parts.append(f"coalesce(epoch_us({name})::VARCHAR, '-')")
        elif column.kind is Kind.LIST:
            text = f"array_to_string({name}, chr(31))"
            parts.append(f"CASE WHEN coalesce(len({name}), 0) = 0 THEN '-' ELSE len({name}) || '.' || {text} END")
        else:
            text = f"{name}::VARCHAR" if column.kind is Kind.AMOUNT else name
            parts.append(f"coalesce(strlen({text}) || ':' || {text}, '-')")
    return f"md5(concat_ws(chr(30), {', '.join(parts)}))"


def _name_rows(found: Reading, folder: _Folder) -> int:
    """Give each good row its id (table `named`: row, id, given); return how many rows repeat an id they give.

    Rows that give an id again with other content are refused.
    """
    db, cells = found.checked.db, found.checked.cells
    given = cells.get(folder.id, "NULL::VARCHAR")
    canonical = _canonical(folder, cells)
    db.execute(
        f"CREATE TABLE named AS SELECT row, coalesce({given}, {canonical}) AS id, {given} IS NOT NULL AS given "
        "FROM good"
    )
    db.execute("CREATE TABLE several AS SELECT id, given FROM named GROUP BY id, given HAVING count(*) > 1")
    db.execute(
        "CREATE TABLE occurrence AS SELECT row, row_number() OVER (PARTITION BY id ORDER BY row) AS n "
        "FROM named SEMI JOIN (FROM several WHERE NOT given) USING (id) WHERE NOT given"
    )
    again = db.execute(
        f"SELECT row, id, {canonical} AS content, first(row) OVER same AS first_row, "
        f"first({canonical}) OVER same AS first_content FROM good JOIN named USING (row) "
        "SEMI JOIN (FROM several WHERE given) USING (id) WHERE given "
        "WINDOW same AS (PARTITION BY id ORDER BY row) QUALIFY row <> first_row ORDER BY row"
    ).fetchall()
    for row, key, content, first_row, first_content in again:
        if content != first_content:
            wanted = f"another id than row {first_row}, or the same content"
            found.refuse(row, folder.id, wanted, f"{key!r} again with other content")
    repeats = [(row,) for row, _, content, _, first_content in again if content == first_content]
    if again:
        db.execute("CREATE TABLE again (row BIGINT)")
        db.executemany("INSERT INTO again VALUES (?)", [(a[0],) for a in again])
        db.execute("DELETE FROM named WHERE row IN (SELECT row FROM again)")
    db.execute(
        "CREATE TABLE keyed AS SELECT row, given, "
        "CASE WHEN given THEN id ELSE id || '-' || coalesce(n, 1) END AS id "
        "FROM named LEFT JOIN occurrence USING (row)"
    )
    return len(repeats)


def _compare(found: Reading, folder: _Folder, store: Warehouse) -> int:
    """Leave the rows that the warehouse lacks in table `fresh`; refuse known ids with other content; count `fresh`."""
    db, batches = found.checked.db, [str(p) for p in store.batches(folder.name)]
    if not batches:
        db.execute("CREATE OR REPLACE TABLE fresh AS SELECT row, id FROM keyed")
        return _count(found.checked, "fresh")
    key = sql_name(folder.id)
    known = _canonical(folder, {name: sql_name(name) for name in folder.contract.names})
    db.execute(
        f"CREATE OR REPLACE TABLE known AS SELECT {key} AS id, {known} AS content FROM read_parquet($files) "
        f"SEMI JOIN keyed ON {key} = keyed.id", {"files": batches})  # fmt: skip
    changed = db.execute(
        f"SELECT row, id FROM keyed JOIN known USING (id) JOIN good USING (row) "
        f"WHERE given AND {_canonical(folder, found.checked.cells)} <> content ORDER BY row"
    ).fetchall()
    for row, value in changed:
        found.refuse(
            row, folder.id, "an id that is new, or the content stored under it", f"{value!r} with other content"
        )
    db.execute("CREATE OR REPLACE TABLE fresh AS SELECT row, id FROM keyed ANTI JOIN known USING (id)")
    return _count(found.checked, "fresh")


def _count(checked: Checked, table: str) -> int:
    row = checked.db.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row is not None
    return int(row[0])


def _write(checked: Checked, folder: _Folder, work: Path) -> Path:
    """Write table `fresh` with all columns of the contract as one Parquet file and return its path."""
    columns = []
    for column in folder.contract.columns:
        name, cell = sql_name(column.name), checked.cells.get(column.name, "NULL")
        if column.name == folder.id:
            columns.append(f"id AS {name}")
        elif column.kind is Kind.LIST:
            columns.append(f"coalesce({cell}, [])::VARCHAR[] AS {name}")
        else:
            columns.append(f"{cell}::{sql_type(column)} AS {name}")
    target = work / "batch.parquet"
    escaped = str(target).replace("'", "''")
    checked.db.execute(
        f"COPY (SELECT {', '.join(columns)} FROM good JOIN fresh USING (row) ORDER BY {folder.order}) "
        f"TO '{escaped}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 100000)"
    )
    return target
