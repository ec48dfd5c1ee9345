"""The rooms of an embedded stack below `<home>/stack`, and who may enter them.

    connection.json   addresses and passwords, owner only           what clients read
    stack.json        ports, memory, where the Postgres data is     what `up` decided
    lock              held by `up` and `down`
    logs/             neo4j.out, neo4j/, postgres.log
    neo4j/            conf, data, plugins, run, import
    postgres/         data, owner only

Postgres refuses to run as root: root runs it as `nobody`. Where `nobody` cannot reach the data folder (a home
under /root), the Postgres data lies in `/var/lib/audience-graph/<hash of the data folder>` instead, owner only.
"""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audience_graph.config import Home
from audience_graph.errors import StackError

SYSTEM_FOLDER = Path("/var/lib/audience-graph")


@dataclass(frozen=True, slots=True)
class Account:
    """The system user that runs Postgres; None = whoever runs this process."""

    name: str | None
    uid: int
    gid: int

    def popen_options(self) -> dict[str, Any]:
        """Return the arguments of `subprocess` that switch to this user."""
        return {} if self.name is None else {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can_enter(self, folder: Path) -> bool:
        """Tell whether this user reaches a folder."""
        if self.name is None:
            return os.access(folder, os.X_OK)
        try:
            done = subprocess.run(
                ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)], cwd="/", capture_output=True, **self.popen_options()
            )
        except (OSError, subprocess.SubprocessError) as exc:
            raise StackError(
                f"cannot run a program as the user {self.name}: {exc}",
                hint="run audience-graph as an ordinary user, or set DATABASE_URL and NEO4J_URI to existing servers",
            ) from exc
        return done.returncode == 0


def postgres_account() -> Account:
    """Return who runs Postgres: this user, or `nobody` for root."""
    if os.geteuid() != 0:
        return Account(None, os.geteuid(), os.getegid())
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise StackError(
            "Postgres refuses to run as root, and this system has no user `nobody`", hint="run as an ordinary user"
        ) from None
    return Account("nobody", entry.pw_uid, entry.pw_gid)


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths of one stack. Creating a Layout writes nothing."""

    home: Home
    account: Account

    @property
    def root(self) -> Path:
        return self.home.stack

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def decisions(self) -> Path:
        return self.root / "stack.json"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def neo4j(self) -> Path:
        return self.root / "neo4j"

    @property
    def postgres(self) -> Path:
        """The folder that holds the Postgres data; asks the system whether `nobody` reaches it."""
        inside = self.root / "postgres"
        reachable = next(p for p in (self.root, *self.root.parents) if p.exists())
        if self.account.name is None or self.account.can_enter(reachable):
            return inside
        name = hashlib.sha256(os.fsencode(self.home.path.resolve())).hexdigest()[:16]
        return SYSTEM_FOLDER / name

    def create(self) -> None:
        """Make the folders, each for its owner only. Root leaves `stack` open to pass through, for Postgres."""
        passage = 0o700 if self.account.name is None else 0o711
        try:
            self.home.path.mkdir(parents=True, exist_ok=True)
            for folder, mode in ((self.root, passage), (self.logs, 0o700), (self.neo4j, 0o700)):
                folder.mkdir(exist_ok=True)
                folder.chmod(mode)
        except OSError as exc:
            raise StackError(
                f"cannot write to {self.home.path}: {exc.strerror or exc}",
                hint="name another folder with --data-dir or AUDIENCE_GRAPH_HOME, or run as its owner",
            ) from exc


def layout_of(home: Home) -> Layout:
    """Return the layout of a data folder for the user who runs this process."""
    return Layout(Home(home.path.resolve()), postgres_account())


def write_private(path: Path, value: dict[str, Any]) -> None:
    """Write JSON that only its owner can read, in one step: readers see the old file or the new one."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(value, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_secret(path: Path, text: str, account: Account) -> None:
    """Write a new file that only `account` can read, in a folder where others may have put something else.

    What an unfinished run left is replaced. Raises StackError when the path is a link, or becomes anything meanwhile.
    """
    try:
        if path.is_symlink():
            raise FileExistsError(f"{path} is a link")
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except OSError as exc:
        raise StackError(f"cannot make the file {path}: {exc}", hint=f"look who put it there, remove {path}") from exc
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchown(descriptor, account.uid, account.gid)
        file.write(text)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; empty when the file is missing or torn."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
