"""The embedded Neo4j with GDS, Browser and our procedures: prepare, start, find, stop.

It runs on the Java runtime from PyPI, listens on the loopback address only, and authentication is on from the
first moment: the password is hashed into the file that a new server reads it from.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import psutil

from audience_graph.config import Connections
from audience_graph.errors import AudienceGraphError
from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import open_runner
from audience_graph.local import process
from audience_graph.local.layout import Layout
from audience_graph.local.memory import Memory
from audience_graph.local.ports import LOOPBACK
from audience_graph.local.procedures import JAR

USER = "neo4j"
DATABASE = "neo4j"
MAIN_CLASS = "org.neo4j.server.CommunityEntryPoint"
STOP_SIGNALS = ((signal.SIGTERM, 90.0), (signal.SIGKILL, 10.0))
HASH_ROUNDS = 1024
# Browser would draw, between what it shows, the relations of every week that is kept: parallel arrows.
_AS_ASKED = "config autoComplete: false"
OPENED = ("java.nio", "java.io", "sun.nio.ch", "java.util.concurrent")


@dataclass(frozen=True, slots=True)
class Neo4jServer:
    """One Neo4j home folder and the Java program that serves it."""

    layout: Layout
    name: ClassVar[Literal["neo4j"]] = "neo4j"
    start_seconds: ClassVar[float] = 300.0

    @property
    def folder(self) -> Path:
        return self.layout.neo4j

    @property
    def log(self) -> Path:
        """What the server said last; before it can write its own log, what Java said."""
        return self.own_log if self.own_log.exists() else self.output

    @property
    def own_log(self) -> Path:
        return self.layout.logs / "neo4j" / "neo4j.log"

    @property
    def output(self) -> Path:
        return self.layout.logs / "neo4j.out"

    @property
    def _home_argument(self) -> str:
        return f"--home-dir={self.folder}"

    def find(self) -> psutil.Process | None:
        """Return the running server of this folder."""
        return process.find(self._home_argument, program="java", hint=self._pid())

    @property
    def _pid_file(self) -> Path:
        return self.folder / "run" / "neo4j.pid"

    def _pid(self) -> int | None:
        try:
            return int(self._pid_file.read_text())
        except (OSError, ValueError):
            return None

    def has_data(self) -> bool:
        """Tell whether this folder was ever served: its password is then fixed."""
        return (self.folder / "data" / "databases").is_dir()

    def prepare(self, password: str, jars: Sequence[Path], plugins: Sequence[Path], memory: Memory) -> None:
        """Write what a start reads: initial password, class path, plugins folder. Changes no data."""
        for name in ("conf", "data/dbms", "run", "import"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        if not self.has_data():
            self._write_private(self.folder / "data" / "dbms" / "auth.ini", initial_user(password))
        folder = self.folder / "plugins"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for plugin in plugins:
            (folder / plugin.name).symlink_to(plugin)
        self._write_private(self.folder / "run" / "java.args", java_arguments(jars, memory))

    def _write_private(self, path: Path, text: str) -> None:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)

    def start(self, ports: tuple[int, ...], java: Path, memory: Memory) -> psutil.Process:
        """Start the server at (bolt, http). Returns at once; `trouble` tells when it answers."""
        conf = self.folder / "conf"
        bolt_port, http_port = ports
        text = configuration(bolt_port, http_port, memory=memory, logs=self.own_log.parent)
        if any((self.folder / "plugins").glob(f"{JAR}-*.jar")):
            text += browser_pages(http_port)
        self._write_private(conf / "neo4j.conf", text)
        arguments = [f"@{self.folder / 'run' / 'java.args'}", MAIN_CLASS]
        arguments += [self._home_argument, f"--config-dir={conf}"]
        process.keep_as_previous(self.own_log)
        running = process.start([java, *arguments], log=self.output, cwd=self.folder)
        self._pid_file.write_text(str(running.pid))
        return running

    def trouble(self, connections: Connections) -> str | None:
        """Return why the server does not answer to our password; None when it does."""
        try:
            with open_runner(connections) as runner:
                runner.read(load_query("stack/components"))
        except AudienceGraphError as exc:
            return exc.message
        return None

    def stop(self, running: psutil.Process) -> None:
        """Stop the server: transactions end, the store is checkpointed."""
        process.stop(running, signals=STOP_SIGNALS)
        self._pid_file.unlink(missing_ok=True)


def initial_user(password: str) -> str:
    """Return the line from which a new Neo4j takes its first user: salted SHA-256, 1024 rounds, never plain text."""
    salt = secrets.token_bytes(32)
    digest = hashlib.sha256(salt + password.encode()).digest()
    for _ in range(HASH_ROUNDS - 1):
        digest = hashlib.sha256(digest).digest()
    return f"{USER}:SHA-256,{digest.hex()},{salt.hex()},{HASH_ROUNDS}:\n"


def java_arguments(jars: Sequence[Path], memory: Memory) -> str:
    """Return the argument file of the Java program, one quoted argument a line (paths may hold spaces)."""
    arguments = [
        f"-Xmx{memory.heap}m",
        "-XX:+UseG1GC",
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:-OmitStackTraceInFastThrow",
        "-Dfile.encoding=UTF-8",
        "-Djava.awt.headless=true",
        "-Dlog4j2.disable.jmx=true",
        *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENED),
        "-cp",
        ":".join(str(jar) for jar in jars),
    ]
    return "".join(f"{_quoted(argument)}\n" for argument in arguments)


def _quoted(argument: str) -> str:
    escaped = argument.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def configuration(bolt_port: int, http_port: int, *, memory: Memory, logs: Path) -> str:
    """Return the text of neo4j.conf."""
    settings = {
        "server.default_listen_address": LOOPBACK,
        "server.default_advertised_address": LOOPBACK,
        "server.bolt.listen_address": f"{LOOPBACK}:{bolt_port}",
        "server.bolt.advertised_address": f"{LOOPBACK}:{bolt_port}",
        "server.http.listen_address": f"{LOOPBACK}:{http_port}",
        "server.https.enabled": "false",
        "server.directories.logs": str(logs).replace("\\", "\\\\"),
        "server.memory.heap.max_size": f"{memory.heap}m",
        "server.memory.pagecache.size": f"{memory.page_cache}m",
        "dbms.security.auth_enabled": "true",
        "dbms.security.procedures.unrestricted": "gds.*,audience.*",
        "dbms.security.allow_csv_import_from_file_urls": "false",
        "dbms.usage_report.enabled": "false",
        "client.allow_telemetry": "false",
        # Without a bound the logs outgrow the data.
        "db.tx_log.rotation.retention_policy": "1G size",
    }
    return _lines(settings)


def browser_pages(http_port: int) -> str:
    """Return the lines of neo4j.conf by which our jar serves Browser's guide and style sheet, and Browser opens them.

    Browser fetches them without a login: these two addresses need none, everything else does.
    """
    pages = f"http://{LOOPBACK}:{http_port}/audience"
    return _lines(
        {
            "server.unmanaged_extension_classes": "audience.browser=/audience",
            "dbms.security.http_auth_allowlist": "/,/browser.*,/audience/guide.html,/audience/style.grass",
            "browser.remote_content_hostname_whitelist": f"{LOOPBACK},localhost",
            "browser.post_connect_cmd": f"{_AS_ASKED}; style {pages}/style.grass; guide {pages}/guide.html",
        }
    )


def _lines(settings: Mapping[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in settings.items())
