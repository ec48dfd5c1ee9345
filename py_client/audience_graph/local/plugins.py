"""The plugins folder of a Neo4j that is not ours: `python -m audience_graph.local.plugins FOLDER`.

Writes the jars of GDS and what they need, each checked against the lock, and our procedures, compiled. The Docker
image is built this way.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from audience_graph.local.bring_up import gather
from audience_graph.local.jars import cache_folder
from audience_graph.local.lock import Lock, read_lock
from audience_graph.local.progress import Silent


def write_plugins(folder: Path, lock: Lock, cache: Path) -> int:
    """Copy the jars into `folder` (made when missing) and return how many."""
    parts = gather(lock, cache, Silent())
    libraries = [cache / "jars" / artifact.relative_path for artifact in lock.with_role("library")]
    folder.mkdir(parents=True, exist_ok=True)
    jars = [*parts.plugins, *libraries]
    for jar in jars:
        shutil.copyfile(jar, folder / jar.name)
    return len(jars)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m audience_graph.local.plugins FOLDER")
    sys.stderr.write(f"{write_plugins(Path(sys.argv[1]), read_lock(), cache_folder())} jars in {sys.argv[1]}\n")
