"""Exports that wait to be downloaded: files in one folder of this run, for their owner's eyes, deleted after an hour.

What is not downloaded is sent again when it is wanted: the export is in the store, the file is a copy for the browser.
"""

from __future__ import annotations

import json
import secrets
import time
from pathlib import Path

KEPT_SECONDS = 3600


def open_folder(folder: Path) -> Path:
    """Make the folder of downloads, for its owner only, without what an earlier run left in it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    empty(folder)
    return folder


def empty(folder: Path, *, older_than: float = 0.0) -> None:
    """Delete the files of the folder that are older than so many seconds."""
    now = time.time()
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_file() and now - path.stat().st_mtime >= older_than:
            path.unlink(missing_ok=True)


def new_file(folder: Path, ending: str) -> Path:
    """Return a path that nothing has yet; files of an hour ago go."""
    empty(folder, older_than=KEPT_SECONDS)
    return folder / f"{secrets.token_hex(12)}{ending}"


def ready_file(folder: Path, export: int) -> Path | None:
    """Return the file of an export that was written here whole, None where there is none; its manifest names it."""
    for manifest in sorted(folder.glob("*.manifest.json")):
        told = json.loads(manifest.read_text(encoding="utf-8"))
        if told["export"] == export:
            path = folder / Path(told["files"][0]["name"]).name
            return path if path.is_file() else None
    return None
