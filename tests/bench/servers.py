"""Servers to measure on: an embedded stack of its own, never the data folder that somebody works in."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from audience_graph import local, schema
from audience_graph.config import Connections, Home, find_connections


@contextmanager
def bench_servers(data_dir: str | None, *, heap: str = "3g") -> Iterator[Connections]:
    """Start the stack of `data_dir`, by default a folder in the temporary one, and stop it at the end if it was down.

    The environment's servers are not used: what a benchmark writes has no place beside real data.
    """
    default = Path(tempfile.gettempdir()) / f"audience-graph-bench-{os.geteuid()}"
    home = Home(Path(data_dir) if data_dir is not None else default)
    started = local.up(home, heap=heap, env={}).started
    try:
        connections = find_connections(home, env={})
        schema.migrate(connections)
        yield connections
    finally:
        if started:
            local.down(home, env={})  # whatever the benchmark told its commands
