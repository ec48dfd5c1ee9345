"""The embedded stack when things go wrong, in a folder with a space in its name and on a PATH without Java."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from audience_graph import local
from audience_graph.config import Home, find_connections
from audience_graph.errors import ChecksumError, StackError
from audience_graph.graph.queries import Query
from audience_graph.graph.runner import open_runner
from audience_graph.local import runtime
from audience_graph.local.bring_up import gather, postgres_of, start_stack
from audience_graph.local.jars import Artifact
from audience_graph.local.layout import layout_of, read_json
from audience_graph.local.lock import Lock, read_lock
from audience_graph.local.neo4j_server import Neo4jServer
from audience_graph.local.progress import Silent
from audience_graph.vectors.store import open_store

SERVERS = ("NEO4J_URI", "NEO4J_USERNAME", "NEO4J_PASSWORD", "NEO4J_DATABASE", "DATABASE_URL")
SMALL = "512m"
CREATE = Query("tests/create", "CREATE (:Kept {id: 1})", (), (), Path(__file__))
COUNT = Query("tests/count", "MATCH (k:Kept) RETURN count(k) AS kept", (), ("kept",), Path(__file__))


@pytest.fixture(scope="module")
def stack() -> Iterator[Home]:
    """A running stack of this module, removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="audience graph "))
    folder.chmod(0o755)
    home = Home(folder / "data folder")
    local.up(home, heap=SMALL, env={})
    yield home
    local.down(home, env={})
    shutil.rmtree(folder)


def environment(**changes: str) -> dict[str, str]:
    """This environment without named servers and with a PATH on which there is no program at all."""
    kept = {name: value for name, value in os.environ.items() if name not in SERVERS and name != "JAVA_HOME"}
    return {**kept, "PATH": "/nonexistent", **changes}


def command(home: Home, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "audience_graph.cli", *arguments, "--data-dir", str(home.path)]


def pids(home: Home) -> dict[str, int]:
    found = local.status(home, env={})
    return {s.name: s.pid for s in (found.neo4j, found.postgres) if s.pid is not None}


def kept_rows(home: Home) -> tuple[int, int]:
    connections = find_connections(home, {})
    with open_runner(connections) as runner:
        nodes = runner.read(COUNT)[0]["kept"]
    with open_store(connections).transaction(vectors=False) as tx:
        return nodes, len(tx.rows("SELECT 1 FROM kept"))


def test_what_is_secret_is_for_its_owner_only_and_up_again_starts_nothing(stack: Home) -> None:
    assert stat.S_IMODE(stack.connection_file.stat().st_mode) == 0o600
    assert stat.S_IMODE((stack.stack / "neo4j").stat().st_mode) == 0o700
    assert stat.S_IMODE(postgres_of(layout_of(stack)).data.stat().st_mode) == 0o700
    before = pids(stack)
    assert local.up(stack, env={}).started == ()
    assert pids(stack) == before
    for pid in before.values():
        addresses = {s.laddr.ip for s in psutil.Process(pid).net_connections("tcp") if s.status == psutil.CONN_LISTEN}
        assert addresses <= {"127.0.0.1", "::ffff:127.0.0.1"}


def test_status_and_doctor_tell_the_truth(stack: Home) -> None:
    shown = subprocess.run(command(stack, "status", "--json"), env=environment(), capture_output=True, text=True)
    found = json.loads(shown.stdout)
    assert (shown.returncode, found["running"], found["neo4j"]["version"]) == (0, True, read_lock().versions["neo4j"])
    assert "password" not in shown.stdout
    checks = {check.name: check for check in local.doctor(stack, env={})}
    assert {c.name: c.found for c in checks.values() if c.verdict == "wrong"} == {}
    assert {"java", "jars", "gds", "pgvector", "disk", "port bolt", "passwords"} <= set(checks)
    stack.connection_file.chmod(0o644)
    wrong = [check for check in local.doctor(stack, env={}) if check.verdict == "wrong"]
    stack.connection_file.chmod(0o600)
    assert ["chmod 600" in (check.advice or "") for check in wrong] == [True]


def test_one_killed_server_is_started_again_and_the_other_left_alone(stack: Home) -> None:
    connections = find_connections(stack, {})
    with open_runner(connections) as runner:
        runner.write(CREATE)
    with open_store(connections).transaction(vectors=False) as tx:
        tx.execute("CREATE TABLE kept AS SELECT 1 AS one")
    before = pids(stack)
    os.kill(before["postgres"], signal.SIGKILL)
    found = local.status(stack, env={})
    assert (found.running, found.neo4j.state) == (False, "running")
    assert local.up(stack, env={}).started == ("postgres",)
    assert pids(stack)["neo4j"] == before["neo4j"]
    assert kept_rows(stack) == (1, 1)


def test_two_ups_at_once_after_both_were_killed_without_java_on_the_path(stack: Home) -> None:
    for pid in pids(stack).values():
        os.kill(pid, signal.SIGKILL)
    arguments = command(stack, "up", "--heap", SMALL, "--json")
    both = [subprocess.Popen(arguments, env=environment(), stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [json.loads(run.communicate()[0]) for run in both]
    assert [run.returncode for run in both] == [0, 0]
    assert sorted(answer["started"] for answer in answers) == [[], ["neo4j", "postgres"]]
    java = psutil.Process(pids(stack)["neo4j"]).exe()
    assert Path(java).resolve() == runtime.find_java().resolve()
    assert kept_rows(stack) == (1, 1)


def test_stale_pid_files_and_taken_ports(stack: Home) -> None:
    assert sorted(local.down(stack, env={})) == ["neo4j", "postgres"]
    assert local.down(stack, env={}) == ()
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    layout = layout_of(stack)
    (layout.neo4j / "run" / "neo4j.pid").write_text(str(other.pid))
    postmaster = postgres_of(layout).data / "postmaster.pid"
    postmaster.write_text(f"{other.pid}\n{postmaster.parent}\n")
    before = read_json(layout.decisions)["ports"]
    taken = [socket.socket() for _ in before]
    try:
        for held, port in zip(taken, before, strict=True):
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.bind(("127.0.0.1", port))
            held.listen()
        assert local.up(stack, heap=SMALL, env={}).running
        assert not set(read_json(layout.decisions)["ports"]) & set(before)
        assert kept_rows(stack) == (1, 1)
        local.down(stack, env={})
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()
        for held in taken:
            held.close()


def test_interrupted_it_leaves_nothing_half_started(stack: Home) -> None:
    local.down(stack, env={})
    layout = layout_of(stack)
    run = subprocess.Popen(command(stack, "up"), env=environment(), stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while Neo4jServer(layout).find() is None:
        assert time.monotonic() < deadline
        assert run.poll() is None
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    assert "run the same command again to go on" in run.communicate(timeout=120)[1]
    assert run.returncode == 130
    assert Neo4jServer(layout).find() is None
    assert postgres_of(layout).find() is None


def test_a_wrong_hash_refuses_to_start(stack: Home) -> None:
    local.down(stack, env={})
    lock = read_lock()
    first = lock.artifacts[0]
    wrong = Artifact(first.coordinate, "0" * 64, first.size, first.role)
    with pytest.raises(ChecksumError, match=first.coordinate.split(":")[1]):
        start_stack(stack, heap=SMALL, progress=Silent(), lock=Lock(lock.versions, (wrong, *lock.artifacts[1:])))
    assert pids(stack) == {}


def test_lost_passwords_are_named_and_nothing_is_started(stack: Home) -> None:
    local.down(stack, env={})
    away = stack.connection_file.with_suffix(".away")
    stack.connection_file.rename(away)
    with pytest.raises(StackError, match="passwords"):
        local.up(stack, heap=SMALL, env={})
    away.rename(stack.connection_file)
    assert Neo4jServer(layout_of(stack)).find() is None


def test_procedures_that_do_not_compile_name_the_fault(tmp_path: Path) -> None:
    from audience_graph.local import procedures
    from audience_graph.local.jars import cache_folder, fetch

    source = tmp_path / "main" / "java" / "Broken.java"
    source.parent.mkdir(parents=True)
    source.write_text("public class Broken { int missing() { } }")
    lock = read_lock()
    compiler = fetch(lock.with_role("compiler"), cache_folder(), progress=Silent())[0]
    parts = gather(lock, cache_folder(), Silent())

    def build() -> Path:
        return procedures.build(
            source.parents[1], tmp_path, versions=lock.versions, java=parts.java, compiler=compiler, jars=parts.jars
        )

    with pytest.raises(StackError, match=r"Broken\.java"):
        build()
    source.write_text("public class Broken { int whole() { return 1; } }")
    assert build().stat().st_size > 0
    assert [p.name for p in (tmp_path / "procedures").iterdir()] == [build().name]


def test_existing_servers_are_left_alone(stack: Home) -> None:
    named = {
        "NEO4J_URI": "bolt://127.0.0.1:1",
        "NEO4J_USERNAME": "neo4j",
        "NEO4J_PASSWORD": "x",
        "DATABASE_URL": "postgresql://u:hidden@127.0.0.1:1/x",
    }
    found = local.up(stack, env=named)
    assert (found.embedded, found.running, found.started) == (False, False, ())
    assert "hidden" not in json.dumps(found.to_dict())
    assert {check.verdict for check in local.doctor(stack, env=named)} == {"wrong"}
    assert local.down(stack, env=named) == ()
