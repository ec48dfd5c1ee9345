"""Publish, and let a process of its own delete what is past retention: nobody waits for it.

A version that is to go is marked `retiring` first: no reader gets it any more, `release list` shows it, and when its
process dies the next publish starts another one, which goes on where that stopped.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from audience_graph.config import Connections, Home
from audience_graph.errors import ReleaseError
from audience_graph.graph.runner import Runner
from audience_graph.release.gates import DEFAULT_TERMS, Terms
from audience_graph.release.progress import Progress, silent
from audience_graph.release.publish import publish
from audience_graph.release.records import Release
from audience_graph.release.retire import RETENTION_WEEKS, expired, mark_retiring
from audience_graph.vectors.store import Store


def publish_and_retire(
    runner: Runner,
    store: Store,
    name: str | int | Release,
    *,
    connections: Connections,
    home: Home | None = None,
    weeks: int = RETENTION_WEEKS,
    terms: Terms = DEFAULT_TERMS,
    progress: Progress = silent,
) -> tuple[Release, tuple[str, ...]]:
    """Make a release current; return it and the versions that a process of its own retires from now on.

    These are the versions past `weeks` weeks (0 = none), and those whose retiring had stopped. Their process writes
    what it does to `logs/retire.log` of `home`, None = nowhere. Raises as `publish` does.
    """
    found = publish(runner, store, name, terms=terms, progress=progress)
    going = []
    for version in expired(store, weeks=weeks):
        try:
            mark_retiring(runner, store, version)
        except ReleaseError:  # staged anew, retired by another process, or current again: the next publish decides
            continue
        going.append(version)
    retire_in_background(connections, going, home)
    return found, tuple(going)


def retire_in_background(connections: Connections, versions: Sequence[str], home: Home | None = None) -> None:
    """Start a process that retires versions one after the other, and return. It outlives this process and terminal."""
    if not versions:
        return
    command = [sys.executable, "-m", "audience_graph.cli", "release", "retire", *versions]
    log = os.devnull if home is None else str(log_of(home))
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    # The shell ends at once and leaves the process to the system: there is nothing here to wait for, or to reap.
    subprocess.run(
        ["/bin/sh", "-c", 'log=$1; shift; "$@" >>"$log" 2>&1 &', "sh", log, *command],
        env={**os.environ, **_environment(connections)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        check=True,
    )


def log_of(home: Home) -> Path:
    """Return where retiring in the background writes what it does."""
    return home.path / "logs" / "retire.log"


def _environment(connections: Connections) -> dict[str, str]:
    return {
        "NEO4J_URI": connections.neo4j_uri,
        "NEO4J_USERNAME": connections.neo4j_username,
        "NEO4J_PASSWORD": connections.neo4j_password,
        "NEO4J_DATABASE": connections.neo4j_database,
        "DATABASE_URL": connections.database_url,
    }
