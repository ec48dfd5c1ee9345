"""Start the embedded stack: fetch and check, prepare, start both servers, wait, write the addresses, migrate.

`up` may be run at any time and any number of times: what runs is left running, what was killed is started again,
and whatever it started itself is stopped again when it fails or is interrupted.
"""

from __future__ import annotations

import signal
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from audience_graph.config import Connections, Home, find_connections
from audience_graph.errors import StackError
from audience_graph.interrupted import interrupted_by
from audience_graph.local import procedures
from audience_graph.local.credentials import find_or_make_passwords, write_connections
from audience_graph.local.exclusive import exclusive
from audience_graph.local.jars import cache_folder, fetch
from audience_graph.local.layout import SYSTEM_FOLDER, Layout, layout_of, read_json, write_private
from audience_graph.local.lock import Lock, read_lock
from audience_graph.local.memory import Memory, choose_memory, machine_memory
from audience_graph.local.neo4j_server import Neo4jServer
from audience_graph.local.postgres_server import PostgresServer, reachable_binaries
from audience_graph.local.progress import Progress
from audience_graph.local.runtime import find_java
from audience_graph.local.starting import Starting

NEO4J_PORTS = (7687, 7474)
POSTGRES_PORTS = (5432,)


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything on disk that a start needs: Java, checked jars, plugins, our procedures."""

    java: Path
    jars: tuple[Path, ...]
    plugins: tuple[Path, ...]
    procedures: Path | None


def start_stack(home: Home, *, heap: str | None, progress: Progress, lock: Lock | None = None) -> tuple[str, ...]:
    """Start what does not run, migrate both stores, and return the names of the servers that this call started."""
    memory = choose_memory(machine_memory(), heap)
    layout = layout_of(home)
    layout.create()
    waiting = "another `up` or `down` works on this data folder; waiting for it"
    with interrupted_by(signal.SIGTERM), exclusive(layout.lock, waiting=lambda: progress.say(waiting)):
        parts = gather(lock if lock is not None else read_lock(), cache_folder(), progress)
        started = _start(layout, parts, memory, progress)
    _migrate(find_connections(home, {}), progress)
    return started


def gather(lock: Lock, cache: Path, progress: Progress) -> Parts:
    """Fetch and check every jar, and compile our procedures when their sources are there."""
    java = find_java()
    sources = procedures.source_folder()
    wanted = lock.with_role("server", "plugin", "library", *(("compiler",) if sources is not None else ()))
    paths = dict(zip(wanted, fetch(wanted, cache, progress=progress), strict=True))
    jars = tuple(path for artifact, path in paths.items() if artifact.role != "compiler")
    plugins = tuple(path for artifact, path in paths.items() if artifact.role == "plugin")
    if sources is None:
        return Parts(java, jars, plugins, None)
    compiler = next(path for artifact, path in paths.items() if artifact.role == "compiler")
    built = procedures.build(sources, cache, versions=lock.versions, java=java, compiler=compiler, jars=jars)
    return Parts(java, (*jars, built), (*plugins, built), built)


def postgres_of(layout: Layout) -> PostgresServer:
    """Return the Postgres of a data folder. Raises StackError when its data lies where it is no longer looked for."""
    folder = layout.postgres
    before = read_json(layout.decisions).get("postgres_folder")
    if before is not None and Path(before) != folder and (Path(before) / "data").is_dir():
        raise StackError(
            f"the Postgres data of {layout.home.path} lies in {before}, and would now be looked for in {folder}",
            hint=f"the data folder was moved or its permissions changed; move {before} to {folder}",
        )
    return PostgresServer(layout, folder)


def _start(layout: Layout, parts: Parts, memory: Memory, progress: Progress) -> tuple[str, ...]:
    neo4j, postgres = Neo4jServer(layout), postgres_of(layout)
    before = read_json(layout.decisions)
    if not before and not neo4j.has_data() and postgres.set_aside():
        progress.say(f"the Postgres data of a deleted data folder was kept beside {postgres.folder}")
    jar = None if parts.procedures is None else parts.procedures.name
    neo4j_running = _running_with(neo4j, jar, before, progress)
    postgres_running = postgres.find()
    passwords = find_or_make_passwords(layout, has_data=neo4j.has_data() or postgres.has_data())
    ports = tuple(before.get("ports", (*NEO4J_PORTS, *POSTGRES_PORTS)))
    write_connections(layout, passwords.connections(ports[0], ports[2]))
    folder = None if postgres.folder.parent == layout.root else str(postgres.folder)
    decisions = {"ports": ports, "procedures": jar, "memory": asdict(memory), "postgres_folder": folder}
    write_private(layout.decisions, decisions)
    if neo4j_running is None:
        neo4j.prepare(passwords.neo4j, parts.jars, parts.plugins, memory)
    binaries = reachable_binaries(layout.account, SYSTEM_FOLDER)

    def neo4j_trouble(at: tuple[int, ...]) -> str | None:
        return neo4j.trouble(passwords.connections(at[0], 0))

    def postgres_trouble(at: tuple[int, ...]) -> str | None:
        return postgres.trouble(passwords.connections(0, at[0]).database_url)

    graph = Starting(
        neo4j, NEO4J_PORTS, lambda at: neo4j.start(at, parts.java, memory), neo4j_trouble, ports[:2], neo4j_running
    )
    vectors = Starting(
        postgres,
        POSTGRES_PORTS,
        lambda at: postgres.start(at, binaries, memory.shared_buffers),
        postgres_trouble,
        ports[2:],
        postgres_running,
    )
    with ExitStack() as undo:
        if neo4j_running is None:
            progress.say("starting Neo4j")
        graph.begin(undo)
        if postgres_running is None:
            progress.say("starting Postgres")
            postgres.prepare(passwords.postgres, binaries)
        vectors.begin(undo)
        undo.callback(progress.say, "stopping what this started")
        found = (*vectors.finish(), *graph.finish())
        ports = (*found[1:], found[0])
        write_private(layout.decisions, {**decisions, "ports": ports})
        write_connections(layout, passwords.connections(ports[0], ports[2]))
        undo.pop_all()
    return tuple(name for name, was in (("neo4j", neo4j_running), ("postgres", postgres_running)) if was is None)


def _running_with(
    neo4j: Neo4jServer, jar: str | None, before: dict[str, Any], progress: Progress
) -> psutil.Process | None:
    """Return the Neo4j that runs with these procedures; one that runs with others is stopped."""
    running = neo4j.find()
    if running is None or before.get("procedures") == jar:
        return running
    progress.say("restarting Neo4j with other procedures")
    neo4j.stop(running)
    return None


def _migrate(connections: Connections, progress: Progress) -> None:
    from audience_graph import schema  # alembic is slow to import, and only a start needs it

    progress.say("bringing both schemas up to date")
    schema.migrate(connections, note=progress.say)
