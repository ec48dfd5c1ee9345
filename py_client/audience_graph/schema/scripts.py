"""Schema scripts on disk and in a database: read them, and refuse what was edited or lost."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from audience_graph.errors import MigrationError

_NAMES = {
    "neo4j": re.compile(r"V(?P<number>\d{4})__[a-z0-9_]+\.cypher"),
    "postgres": re.compile(r"(?P<number>\d{4})_[a-z0-9_]+\.py"),
}


@dataclass(frozen=True, slots=True)
class Script:
    """One script of one store; `checksum` is SHA-256 of its text with Unix line ends."""

    store: str
    number: int
    name: str
    checksum: str
    path: Path
    text: str

    @property
    def statements(self) -> tuple[str, ...]:
        """The statements of a Cypher script: each ends with `;` at the end of a line."""
        return tuple(s for part in re.split(r";[ \t]*(?:\n|$)", self.text) if (s := _without_comments(part)))


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("//")).strip()


def read_scripts(store: str, folder: Path) -> tuple[Script, ...]:
    """Read the scripts of a folder in order. Raises MigrationError on a gap, a repeated number or a strange name."""
    found: list[Script] = []
    for path in sorted(p for p in folder.iterdir() if p.suffix in {".cypher", ".py"}):
        match = _NAMES[store].fullmatch(path.name)
        if match is None:
            raise MigrationError(f"{path}: not the name of a {store} script", hint="rename it, or move it elsewhere")
        text = path.read_text(encoding="utf-8").replace("\r\n", "\n")
        checksum = hashlib.sha256(text.encode()).hexdigest()
        found.append(Script(store, int(match["number"]), path.stem, checksum, path, text))
    for expected, script in enumerate(found, start=1):
        if script.number != expected:
            raise MigrationError(
                f"{script.path}: expected number {expected:04d}, found {script.number:04d}",
                hint="numbers run from 0001 without gaps or repeats",
            )
    return tuple(found)


def pending(scripts: Sequence[Script], applied: Mapping[str, str]) -> tuple[Script, ...]:
    """Return the scripts that `applied` (name -> checksum) lacks.

    Raises MigrationError, naming the script, when one that ran was edited, renamed or removed since, or when one
    that never ran stands before one that did.
    """
    by_name = {script.name: script for script in scripts}
    for name, checksum in sorted(applied.items()):
        script = by_name.get(name)
        if script is None:
            raise MigrationError(
                f"script {name} ran in this database but is missing here",
                hint="install the version of audience-graph that the database was last migrated with, or a newer one",
            )
        if script.checksum != checksum:
            raise MigrationError(
                f"script {script.path} was edited after it ran (recorded {checksum[:12]}, now {script.checksum[:12]})",
                hint="restore its text and put the change into a new script",
            )
    waiting = tuple(script for script in scripts if script.name not in applied)
    if waiting and waiting[0].number <= len(applied):
        raise MigrationError(f"script {waiting[0].path} never ran, but a later one did", hint="restore a backup")
    return waiting
