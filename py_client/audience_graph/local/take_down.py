"""Stop the embedded stack cleanly; the data stays."""

from __future__ import annotations

from audience_graph.config import Home
from audience_graph.local.bring_up import postgres_of
from audience_graph.local.exclusive import exclusive
from audience_graph.local.layout import layout_of
from audience_graph.local.neo4j_server import Neo4jServer
from audience_graph.local.progress import Progress


def stop_stack(home: Home, *, progress: Progress) -> tuple[str, ...]:
    """Stop what runs and return the names of the servers that this call stopped. Nothing running is no error."""
    layout = layout_of(home)
    if not layout.root.is_dir():
        return ()
    waiting = "another `up` or `down` works on this data folder; waiting for it"
    stopped: list[str] = []
    with exclusive(layout.lock, waiting=lambda: progress.say(waiting)):
        for server in (postgres_of(layout), Neo4jServer(layout)):
            running = server.find()
            if running is not None:
                progress.say(f"stopping {server.name}")
                server.stop(running)
                stopped.append(server.name)
    return tuple(stopped)
