"""Look for users in every file of a home: Parquet by columns, JSON by values, arrays of text, everything else by bytes.

Passed over, and said: what a database writes before it writes its tables, and overwrites by itself in time (ROTATING);
program files. Files that were loaded from, or exported to, elsewhere are not below the home.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from audience_graph.config import Home
from audience_graph.erase.bytes_in import ID, TEXT, Needles, look_in
from audience_graph.erase.parquet_rows import leaves_of, open_parquet
from audience_graph.erase.trace import Trace
from audience_graph.erase.whom import USERS, Whom
from audience_graph.errors import StoreError
from audience_graph.local.layout import layout_of, read_json

# folder below the servers' own -> what it is
ROTATING = {
    "pg_wal": "Postgres' write-ahead log: overwritten after some checkpoints",
    "transactions": "Neo4j's transaction log: kept up to 1 GB (it never held user ids)",
}
_PROGRAMS = (".jar", ".so", ".class")


def scan_files(home: Home, whom: Whom, own: frozenset[str], needles: Needles) -> tuple[list[Trace], int]:
    """Return the traces in the files of a home and how many files were read. `own`: texts that only the users wrote."""
    traces: list[Trace] = []
    count = 0
    for path in _listed(home):
        try:
            found = set(_look(path, whom, own, needles))
        except FileNotFoundError:  # a server's own, gone meanwhile
            continue
        except OSError as exc:
            raise StoreError(f"cannot read {path}: {exc}", hint="erase as the user who owns the folder") from exc
        count += 1
        traces += [Trace("file", str(path), what) for what in sorted(found)]
    return traces, count


def rotating(home: Home) -> tuple[str, ...]:
    """Return the logs of the embedded servers that are not looked into, each with what becomes of it."""
    return tuple(
        f"{folder}: {ROTATING[folder.name]}"
        for root in _roots(home)
        for folder in sorted(p for name in ROTATING for p in root.rglob(name) if p.is_dir())
    )


def _roots(home: Home) -> tuple[Path, ...]:
    """Return the folders to look through: the home, and the Postgres data where it had to lie elsewhere."""
    if not home.stack.is_dir():
        return (home.path,)
    data = Path(read_json(layout_of(home).decisions).get("postgres_folder") or home.stack)
    return (home.path,) if data.resolve().is_relative_to(home.path.resolve()) else (home.path, data)


def _listed(home: Home) -> Iterator[Path]:
    for root in _roots(home):
        for path in sorted(root.rglob("*")):
            inside = path.relative_to(root).parts
            if path.is_symlink() or not path.is_file() or path.suffix in _PROGRAMS:
                continue
            if not any(part in ROTATING for part in inside[:-1]):
                yield path


def _look(path: Path, whom: Whom, own: frozenset[str], needles: Needles) -> Iterator[str]:
    if path.suffix == ".parquet" and not path.name.startswith("."):
        yield from _look_in_parquet(path, whom, own)
        return
    if path.suffix == ".json" and _json_names(path, whom):
        yield ID
    if path.suffix == ".npy" and _array_names(path, whom):
        yield ID
    yield from look_in(path, needles)


def _json_names(path: Path, whom: Whom) -> bool:
    try:
        return whom.is_in_json(json.loads(path.read_text(encoding="utf-8")))
    except ValueError:
        return False


def _array_names(path: Path, whom: Whom) -> bool:
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError:
        return False
    return bool(found.dtype.kind == "U" and np.isin(found, list(whom.ids)).any())


def _look_in_parquet(path: Path, whom: Whom, own: frozenset[str]) -> Iterator[str]:
    """Yield `id` and `text` for what is in the cells, however deep in lists and structs, and in the file's notes."""
    with open_parquet(path) as file:
        notes = (file.metadata.metadata or {}).items()
        if any(whom.is_in(part.decode("utf-8", "replace")) for note in notes for part in note):
            yield ID
        for group in range(file.num_row_groups):
            table = file.read_row_group(group)
            for name in table.column_names:
                for leaf in leaves_of(table[name].combine_chunks()):
                    yield from _look_in_cells(leaf, name, whom, own)


def _look_in_cells(cells: pa.Array, name: str, whom: Whom, own: frozenset[str]) -> Iterator[str]:
    cells = cells.unique()
    exact = whom.ids if name in USERS else whom.telling
    certain = pc.any(pc.is_in(cells, value_set=pa.array(exact, cells.type))).as_py()
    if certain or any(whom.is_in(cell) for cell in _holding(cells, whom.pattern)):
        yield ID
    if own and pc.any(pc.is_in(cells, value_set=pa.array(sorted(own), cells.type))).as_py():
        yield TEXT


def _holding(cells: pa.Array, pattern: str | None) -> Iterator[str]:
    if pattern is not None:
        yield from cells.filter(pc.fill_null(pc.match_substring_regex(cells, pattern=pattern), False)).to_pylist()
