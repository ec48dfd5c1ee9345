"""What is wrong with the servers or the machine, and what to do about it. Writes nothing."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from audience_graph.config import Connections, Home, find_connections
from audience_graph.errors import AudienceGraphError, ChecksumError
from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import open_runner
from audience_graph.local import procedures, runtime
from audience_graph.local.jars import cache_folder, damaged
from audience_graph.local.layout import layout_of, read_json
from audience_graph.local.lock import read_lock
from audience_graph.local.states import Check, StackStatus, embedded_status, external_status
from audience_graph.vectors.store import open_store

DISK_MB = 2_000
MEMORY_MB = 2_000


def examine_external(connections: Connections, home: Home) -> list[Check]:
    """Check servers that the environment names."""
    return list(_servers(external_status(connections, home.path), connections))


def examine_embedded(home: Home) -> list[Check]:
    """Check the machine, the data folder and the embedded servers."""
    checks: list[Callable[[Home], Check]] = [_java, _postgres_binaries, _jars, _folder, _secrets, _disk, _memory]
    found = [_guarded(check, home) for check in checks]
    try:
        found += _ports(home)
        status = embedded_status(home)
        if not home.connection_file.is_file():
            found.append(Check("servers", "warning", "never started", "run `audience-graph up`"))
        else:
            found += _servers(status, find_connections(home, {}))
            found += _own_procedures(status)
    except (AudienceGraphError, OSError) as exc:
        found.append(Check("servers", "wrong", str(exc), getattr(exc, "hint", None)))
    return found


def _guarded(check: Callable[[Home], Check], home: Home) -> Check:
    name = check.__name__.strip("_").replace("_", " ")
    try:
        return check(home)
    except AudienceGraphError as exc:
        return Check(name, "wrong", exc.message, exc.hint)
    except (OSError, subprocess.SubprocessError) as exc:
        return Check(name, "wrong", str(exc), f"reinstall the embedded parts: {runtime.INSTALL} --force-reinstall")


def _java(_home: Home) -> Check:
    java = runtime.find_java()
    wanted, version = read_lock().versions["java"], runtime.java_version(java)
    subprocess.run([java, "-version"], capture_output=True, check=True, timeout=60)
    return _version("java", version, wanted, f"{version} at {java}")


def _postgres_binaries(_home: Home) -> Check:
    folder = runtime.find_postgres()
    wanted, version = read_lock().versions["postgres"], runtime.program_version(folder / "bin" / "postgres")
    return _version("postgres binaries", version, wanted, f"{version} at {folder}")


def _version(name: str, version: str, wanted: str, found: str) -> Check:
    if version == wanted:
        return Check(name, "ok", found)
    return Check(name, "wrong", f"{found}, the lock names {wanted}", f"install the pinned one: {runtime.INSTALL}")


def _jars(_home: Home) -> Check:
    cache = cache_folder()
    artifacts = read_lock().artifacts
    missing, wrong = damaged(artifacts, cache)
    if wrong:
        raise ChecksumError(
            f"{len(wrong)} of {len(artifacts)} jars are not those that the lock names, the first: {wrong[0]}",
            hint=f"if you trust your package source, delete {wrong[0]} and run `audience-graph up`",
        )
    if missing:
        size = sum(artifact.size for artifact in missing) / 1e6
        return Check("jars", "warning", f"{len(missing)} to download ({size:.0f} MB) to {cache}", "`up` does it")
    return Check("jars", "ok", f"{len(artifacts)} in {cache}, every SHA-256 as in the lock")


def _folder(home: Home) -> Check:
    place = _existing(home.path)
    if not os.access(place, os.W_OK | os.X_OK):
        return Check("folder", "wrong", f"cannot write to {place}", "name another with --data-dir, or run as its owner")
    layout = layout_of(home)
    layout.account.can_enter(Path("/"))
    postgres = layout.postgres
    data = postgres / "data"
    if data.exists() and data.stat().st_uid != layout.account.uid:
        owner = data.stat().st_uid
        return Check("folder", "wrong", f"{data} belongs to user number {owner}", "run as the user who ran `up` first")
    return Check("folder", "ok", f"{home.path}, Postgres data in {postgres}")


def _secrets(home: Home) -> Check:
    path = home.connection_file
    if not path.exists():
        return Check("passwords", "ok", "none yet")
    state = path.stat()
    if stat.S_IMODE(state.st_mode) & 0o077:
        return Check("passwords", "wrong", f"others can read {path}", f"chmod 600 '{path}'")
    if state.st_uid != os.geteuid():
        return Check("passwords", "wrong", f"{path} belongs to user number {state.st_uid}", "run as that user")
    find_connections(home, {})
    return Check("passwords", "ok", f"{path}, for its owner only")


def _disk(home: Home) -> Check:
    free = min(shutil.disk_usage(_existing(p)).free for p in (home.path, cache_folder())) // 1_000_000
    if free < DISK_MB:
        return Check("disk", "wrong", f"{free} MB free", f"free at least {DISK_MB} MB, or name another --data-dir")
    return Check("disk", "ok", f"{free / 1000:.0f} GB free")


def _memory(_home: Home) -> Check:
    from audience_graph.local.memory import choose_memory, machine_memory

    total = machine_memory()
    chosen = choose_memory(total)
    found = f"{total} MB; Neo4j's heap would be {chosen.heap} MB"
    if total < MEMORY_MB:
        return Check("memory", "warning", found, "use a machine with at least 2 GB for more than a trial")
    return Check("memory", "ok", found)


def _ports(home: Home) -> Iterator[Check]:
    from audience_graph.local.bring_up import NEO4J_PORTS, POSTGRES_PORTS, postgres_of
    from audience_graph.local.neo4j_server import Neo4jServer
    from audience_graph.local.ports import is_free

    layout = layout_of(home)
    running = (Neo4jServer(layout).find(), Neo4jServer(layout).find(), postgres_of(layout).find())
    decided = read_json(layout.decisions).get("ports", (*NEO4J_PORTS, *POSTGRES_PORTS))
    for name, port, process in zip(("bolt", "http", "postgres"), decided, running, strict=True):
        if process is not None:
            yield Check(f"port {name}", "ok", f"{port}, ours")
        elif is_free(port):
            yield Check(f"port {name}", "ok", f"{port}, free")
        else:
            yield Check(
                f"port {name}", "warning", f"{port} is taken by another program", "`up` takes the next free one"
            )


def _servers(status: StackStatus, connections: Connections) -> Iterator[Check]:
    for server in (status.neo4j, status.postgres):
        where = f"{server.address or ''} {server.version or ''}".strip()
        if server.state == "running":
            yield Check(server.name, "ok", where)
        elif server.state == "stopped":
            yield Check(server.name, "warning", "stopped", "run `audience-graph up`")
        else:
            logs = f"; see {status.home / 'stack' / 'logs'}" if status.embedded else ""
            advice = "`audience-graph down`, then `up`" if status.embedded else "start it, or correct the environment"
            yield Check(server.name, "wrong", f"{where} does not answer: {server.detail}", advice + logs)
    if status.neo4j.state == "running":
        yield from _graph_parts(status, connections)
    if status.postgres.state == "running":
        yield _pgvector(connections)


def _graph_parts(status: StackStatus, connections: Connections) -> Iterator[Check]:
    if not (status.neo4j.version or "").startswith("5.26."):
        yield Check("neo4j version", "wrong", str(status.neo4j.version), "use Neo4j 5.26 LTS")
    with open_runner(connections) as runner:
        names = [row["name"] for row in runner.read(load_query("stack/procedures"))]
    yield from _plugins(names, embedded=status.embedded)


def _plugins(names: Sequence[str], *, embedded: bool) -> Iterator[Check]:
    gds = sum(name.startswith("gds.") for name in names)
    if gds == 0 and embedded:
        yield Check("gds", "wrong", "not loaded", "`audience-graph down`, then `up`")
    elif gds == 0:
        advice = "put GDS 2.13 into Neo4j's plugins folder and restart it; plain Cypher works without, slower"
        yield Check("gds", "warning", "not loaded", advice)
    else:
        yield Check("gds", "ok", f"{gds} procedures")
    ours = [name for name in names if name.startswith("audience.")]
    if ours:
        yield Check("procedures", "ok", ", ".join(ours))
    elif not embedded:
        yield Check(
            "procedures",
            "warning",
            "no audience.* procedure",
            "put the jar of gds_procs (Maven) into Neo4j's plugins folder; plain Cypher works without, slower",
        )


def _pgvector(connections: Connections) -> Check:
    with open_store(connections).transaction(read_only=True, vectors=False) as tx:
        rows = tx.rows("SELECT default_version AS version FROM pg_available_extensions WHERE name = 'vector'")
    if not rows:
        return Check("pgvector", "wrong", "not installed in this Postgres", "install pgvector 0.7 or newer")
    version = str(rows[0]["version"])
    if tuple(int(part) for part in version.split(".")[:2]) < (0, 7):
        return Check("pgvector", "wrong", f"{version} has no halfvec", "install pgvector 0.7 or newer")
    return Check("pgvector", "ok", version)


def _own_procedures(status: StackStatus) -> Iterator[Check]:
    sources = procedures.source_folder()
    if sources is None or status.neo4j.state != "running":
        return
    wanted = procedures.jar_name(sources, read_lock().versions)
    if status.procedures != wanted:
        yield Check(
            "procedures jar", "warning", "older than its sources", "run `audience-graph up` to load the new ones"
        )
    else:
        yield Check("procedures jar", "ok", wanted)


def _existing(path: Path) -> Path:
    return next(p for p in (path, *path.parents) if p.exists())
