"""Send an export to a file, or to numbered ones: each whole or not there, the manifest last.

`spring.csv`, or `spring.0001.csv`, `spring.0002.csv` ... where rows of a chunk are asked for; beside them
`spring.csv.manifest.json` with the mode, the columns, and each file's rows and SHA-256. The manifest of an export
before is taken away first: files without one are not complete. Whoever is killed leaves whole files at most, no
manifest, and the same export again writes them anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from audience_graph.audience.send.records import ExportRecord
from audience_graph.audience.send.rows import batches
from audience_graph.audience.send.table_files import WRITERS
from audience_graph.errors import ConfigError
from audience_graph.release.progress import Progress
from audience_graph.vectors.store import Store
from audience_graph.whole_file import whole_file


@dataclass(frozen=True, slots=True)
class SentFile:
    """One file of an export, as its manifest tells."""

    name: str
    rows: int
    bytes: int
    sha256: str


def manifest_of(to: str) -> Path:
    """Return where the manifest of a file is."""
    return Path(f"{to}.manifest.json")


def is_complete(export: ExportRecord) -> bool:
    """Say whether the files of an export are all there, by their manifest: somebody may have taken them since."""
    try:
        told = json.loads(manifest_of(export.to).read_text(encoding="utf-8"))
        return bool((told["export"], told["made_at"]) == (export.id, export.made_at.isoformat()))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def send_to_files(store: Store, export: ExportRecord, progress: Progress) -> int:
    """Write the files of an export and its manifest; return how many CSV cells got an apostrophe.

    Raises ConfigError where they cannot be written. Files that the manifest before named and this one does not go.
    """
    before = _take_manifest(export.to)
    files, escaped = [], 0
    names = list(_names(export))
    for done, (name, first, last) in enumerate(names):
        progress("files", done, len(names))
        file, changed = _write(store, export, name, first, last)
        files.append(file)
        escaped += changed
    part = f".{manifest_of(export.to).name}.{export.id}"
    with whole_file(manifest_of(export.to), part=part) as target:
        target.write(json.dumps(_manifest(export, files), ensure_ascii=False, indent=2).encode() + b"\n")
    progress("files", len(names), len(names))
    for name in before - {file.name for file in files}:
        Path(export.to).with_name(name).unlink(missing_ok=True)
    return escaped


def _names(export: ExportRecord) -> Iterator[tuple[str, int, int]]:
    """Yield the name and the positions of each file."""
    path, numbered = Path(export.to), export.options["chunk_rows"] is not None
    for number, (first, last) in enumerate(export.ranges, 1):
        yield (f"{path.stem}.{number:04d}{path.suffix}" if numbered else path.name), first, last


def _write(store: Store, export: ExportRecord, name: str, first: int, last: int) -> tuple[SentFile, int]:
    schema = pa.schema(list(zip(export.shape.names, export.shape.types, strict=True)))
    target, rows = Path(export.to).with_name(name), 0
    with whole_file(target, part=f".{name}.{export.id}") as file:
        writer = WRITERS[export.format](file, schema)
        for table in batches(store, export, first, last):
            writer.write(table)
            rows += len(table)
        writer.close()
    with target.open("rb") as written:
        digest = hashlib.file_digest(written, "sha256").hexdigest()
    return SentFile(name, rows, target.stat().st_size, digest), writer.escaped


def _take_manifest(to: str) -> set[str]:
    """Remove the manifest of an export before; return the files that it named, of this folder alone."""
    try:
        named = [file["name"] for file in json.loads(manifest_of(to).read_text(encoding="utf-8"))["files"]]
        found = {name for name in named if isinstance(name, str) and Path(name).name == name and name}
    except (OSError, ValueError, KeyError, TypeError):
        found = set()
    try:
        manifest_of(to).unlink(missing_ok=True)
    except OSError as exc:
        raise ConfigError(f"cannot write {to}: {exc.strerror or exc}", hint="name another folder") from exc
    return found


def _manifest(export: ExportRecord, files: list[SentFile]) -> dict[str, Any]:
    return {
        "export": export.id,
        "made_at": export.made_at.isoformat(),
        "audience": export.audience,
        "snapshot": export.snapshot_id,
        "release": export.release,
        "version": export.version,
        "week": export.week,
        "purpose": export.purpose,
        "mode": export.mode,
        "compared_with": export.options["compared_with"],
        "format": export.format,
        "columns": list(export.shape.names),
        "rows": sum(file.rows for file in files),
        "files": [asdict(file) for file in files],
    }
