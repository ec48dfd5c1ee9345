"""The only way results reach the stores: a finished, whole run folder is staged, and a staged release published.

Staging writes the text vectors of the entities (space `text`), the relations, h_e and the thresholds as a new
version, and its tables in Postgres. Doing either twice changes nothing.
"""

from __future__ import annotations

from audience_graph import release
from audience_graph.config import Connections, Home
from audience_graph.graph.runner import open_runner
from audience_graph.release import Release
from audience_graph.release.gates import DEFAULT_TERMS
from audience_graph.vectors.store import open_store
from audience_trainers.run import Progress, RunFolder, open_run, silent


def stage_run(home: Home, connections: Connections, run: RunFolder, *, progress: Progress = silent) -> Release:
    """Stage a run with the texts of the users' events and return its release; nothing is published.

    Raises RunError when the folder is unfinished or a file of it changed, ReleaseError when staging is refused.
    """
    open_run(run.path, verify=True)
    with open_runner(connections) as runner:
        store = open_store(connections)
        return release.stage(runner, store, run.path, warehouse=home.warehouse, progress=progress)


def publish_release(
    connections: Connections,
    staged: Release,
    *,
    home: Home | None = None,
    weeks: int = release.RETENTION_WEEKS,
    terms: release.Terms = DEFAULT_TERMS,
    progress: Progress = silent,
) -> Release:
    """Make a staged release the current one; a process of its own then retires versions older than `weeks` weeks.

    That process logs to `logs/retire.log` of `home`. Raises GateError, and leaves it staged, when it is worse than the
    current one by a gate of the `terms` and they give no reason.
    """
    with open_runner(connections) as runner:
        store = open_store(connections)
        found, _ = release.publish_and_retire(
            runner, store, staged, connections=connections, home=home, weeks=weeks, terms=terms, progress=progress
        )
    return found
