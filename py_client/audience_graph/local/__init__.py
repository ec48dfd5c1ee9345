"""The embedded stack: Neo4j with GDS and Browser, Postgres with pgvector, without Docker, Java or a database.

Four doors: `up`, `down`, `status`, `doctor`. When the environment names existing servers, `up` and `down` leave
them alone, `status` and `doctor` look at them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

from audience_graph.config import Home, external_servers
from audience_graph.local.progress import Progress, Silent
from audience_graph.local.states import Check, ServerStatus, StackStatus, embedded_status, external_status

__all__ = ["Check", "Progress", "ServerStatus", "StackStatus", "doctor", "down", "status", "up"]


def up(
    home: Home,
    *,
    heap: str | None = None,
    progress: Progress | None = None,
    env: Mapping[str, str] = os.environ,
) -> StackStatus:
    """Start what does not run, wait until both servers answer, migrate, and return their state.

    `heap` such as `2g` is Neo4j's heap; by default it follows the machine's memory. Starts nothing when the
    environment names existing servers. Raises StackError (ChecksumError for a file that the lock does not name);
    whatever this call had started is then stopped again.
    """
    external = external_servers(env)
    if external is not None:
        return external_status(external, home.path)
    from audience_graph.local.bring_up import start_stack

    started = start_stack(home, heap=heap, progress=progress or Silent())
    return replace(embedded_status(home), started=started)


def down(home: Home, *, progress: Progress | None = None, env: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Stop the embedded servers of a data folder and return the names of those that ran; the data stays."""
    if external_servers(env) is not None:
        return ()
    from audience_graph.local.take_down import stop_stack

    return stop_stack(home, progress=progress or Silent())


def status(home: Home, *, env: Mapping[str, str] = os.environ) -> StackStatus:
    """Return the state of both servers; writes nothing."""
    external = external_servers(env)
    return external_status(external, home.path) if external is not None else embedded_status(home)


def doctor(home: Home, *, env: Mapping[str, str] = os.environ) -> list[Check]:
    """Look at everything that the servers need, say what is wrong and what to do; writes nothing."""
    from audience_graph.local.examine import examine_embedded, examine_external

    external = external_servers(env)
    return examine_external(external, home) if external is not None else examine_embedded(home)
