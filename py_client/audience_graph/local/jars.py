"""Fetch the jars of the lock file into the per-user cache and check every one against its SHA-256.

A jar is downloaded into a folder of this run, checked, and moved into the cache in one step, so whatever is in the
cache under its final name was right when it came. Stopped or killed, the next run goes on with what is there. The
cache is shared by all data folders; a file lock lets one process download while others wait.

Where jars come from is the user's Maven: the local repository (`M2_REPO`, else `~/.m2/repository`) is looked at
first, then the repositories of jgo's configuration, a mirror named in `~/.m2/settings.xml`, or Maven Central.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import platformdirs

from audience_graph.errors import ChecksumError, StackError
from audience_graph.local.exclusive import exclusive
from audience_graph.local.progress import Progress

THREADS = 16
TRIES = 3
STALE_SECONDS = 24 * 3600

# server: Neo4j itself. plugin: GDS. library: what GDS needs and Neo4j lacks. compiler: ecj.
Role = Literal["server", "plugin", "library", "compiler"]


@dataclass(frozen=True, slots=True)
class Artifact:
    """One jar: `group:artifact:version[:classifier]`, the SHA-256 and size of its bytes, and what it is for."""

    coordinate: str
    sha256: str
    size: int
    role: Role

    @property
    def relative_path(self) -> Path:
        """Where a Maven repository keeps it."""
        group, artifact, version, *classifier = self.coordinate.split(":")
        name = "-".join([artifact, version, *classifier])
        return Path(*group.split("."), artifact, version, f"{name}.jar")


def cache_folder() -> Path:
    """Return the per-user cache: `AUDIENCE_GRAPH_CACHE`, else the platform's cache folder."""
    named = os.environ.get("AUDIENCE_GRAPH_CACHE")
    return Path(named).expanduser().absolute() if named else Path(platformdirs.user_cache_dir("audience-graph"))


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch(artifacts: Sequence[Artifact], cache: Path, *, progress: Progress) -> list[Path]:
    """Return the checked local paths of `artifacts`, downloading what the cache lacks.

    Raises ChecksumError when a file, cached or downloaded, is not the one that the lock file names: it is never
    used. Raises StackError when a download fails.
    """
    root = cache / "jars"
    root.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(THREADS) as pool:
        missing = [
            a for a, there in zip(artifacts, pool.map(lambda a: _cached(a, root), artifacts), strict=True) if not there
        ]
    if missing:
        with exclusive(cache / "lock", waiting=lambda: progress.say("another process is downloading; waiting for it")):
            _download([a for a in missing if not _cached(a, root)], root, progress)
    return [root / a.relative_path for a in artifacts]


def damaged(artifacts: Sequence[Artifact], cache: Path) -> tuple[list[Artifact], list[Path]]:
    """Return what the cache lacks, and the files in it that are not those of the lock."""
    root = cache / "jars"
    missing: list[Artifact] = []
    wrong: list[Path] = []
    for artifact in artifacts:
        try:
            if not _cached(artifact, root):
                missing.append(artifact)
        except ChecksumError:
            wrong.append(root / artifact.relative_path)
    return missing, wrong


def _cached(artifact: Artifact, root: Path) -> bool:
    """Tell whether the cache holds this jar. A shorter file is a torn one and counts as missing."""
    path = root / artifact.relative_path
    try:
        if path.stat().st_size < artifact.size:
            return False
    except FileNotFoundError:
        return False
    _check(artifact, path)
    return True


def _check(artifact: Artifact, path: Path) -> None:
    found = sha256(path)
    if found != artifact.sha256:
        raise ChecksumError(
            f"{artifact.coordinate} is not the file that the lock names: {path} has SHA-256 {found}, "
            f"expected {artifact.sha256}",
            hint=f"nothing was started; if you trust your package source, delete {path} and try again",
        )


def _download(artifacts: Sequence[Artifact], root: Path, progress: Progress) -> None:
    if not artifacts:
        return
    total = sum(a.size for a in artifacts)
    need = total + 50_000_000
    if shutil.disk_usage(root).free < need:
        raise StackError(
            f"{root} has less than {need / 1e6:.0f} MB free",
            hint="free some space, or name another AUDIENCE_GRAPH_CACHE",
        )
    progress.say(f"downloading {len(artifacts)} jars of Neo4j and GDS ({total / 1e6:.0f} MB) to {root}")
    with _partial_folder(root) as folder, progress.bar("downloading", total) as advance:
        context = maven_context(folder, advance=advance)
        stop = threading.Event()

        def fetch_one(artifact: Artifact) -> None:
            if not stop.is_set() and _fetch_one(artifact, context, folder, root) == "copied":
                advance(artifact.size)

        pool = ThreadPoolExecutor(THREADS)
        try:
            for future in [pool.submit(fetch_one, a) for a in artifacts]:
                future.result()
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)


def _fetch_one(artifact: Artifact, context: Any, folder: Path, root: Path) -> Literal["copied", "downloaded"]:
    from jgo.constants import default_maven_repo

    target = root / artifact.relative_path
    partial = folder / artifact.relative_path
    partial.parent.mkdir(parents=True, exist_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    local = default_maven_repo() / artifact.relative_path
    local_is_right = local.is_file() and sha256(local) == artifact.sha256
    if local_is_right:
        shutil.copyfile(local, partial)
    else:
        _from_registry(artifact, context, partial)
    _check(artifact, partial)
    os.replace(partial, target)
    return "copied" if local_is_right else "downloaded"


def _from_registry(artifact: Artifact, context: Any, partial: Path) -> None:
    group, name, version, *classifier = artifact.coordinate.split(":")
    component = context.project(group, name).at_version(version)
    for attempt in range(1, TRIES + 1):
        try:
            component.artifact(classifier[0] if classifier else "").resolve()
            return
        except (OSError, RuntimeError) as exc:
            partial.unlink(missing_ok=True)
            if attempt == TRIES:
                raise StackError(
                    f"cannot download {artifact.coordinate}: {exc}",
                    hint="check the network, HTTPS_PROXY, REQUESTS_CA_BUNDLE (a certificate of your network) and "
                    "~/.m2/settings.xml; `audience-graph up` goes on from here",
                ) from exc
            time.sleep(attempt)


@contextmanager
def _partial_folder(root: Path) -> Iterator[Path]:
    """A folder of this run for unfinished files; also clears what killed runs left more than a day ago."""
    place = root.parent / "partial"
    place.mkdir(exist_ok=True)
    for old in place.iterdir():
        if time.time() - old.stat().st_mtime > STALE_SECONDS:
            shutil.rmtree(old, ignore_errors=True)
    folder = place / f"{os.getpid()}-{time.time_ns()}"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def maven_context(folder: Path, *, advance: Callable[[int], None] | None = None) -> Any:
    """Return a jgo MavenContext that downloads below `folder` from the user's Maven repositories."""
    from jgo.config import GlobalSettings
    from jgo.maven import MavenContext, PythonResolver

    @contextmanager
    def report(_name: str, _size: int) -> Iterator[Callable[[int], None]]:
        yield advance if advance is not None else lambda _bytes: None

    remotes = GlobalSettings.load().repositories or maven_mirror(Path.home() / ".m2" / "settings.xml")
    return MavenContext(
        resolver=PythonResolver(progress_callback=report), repo_cache=folder, remote_repos=remotes or None, timeout=30
    )


def maven_mirror(settings: Path) -> dict[str, str]:
    """Return the first mirror of Maven Central that a settings.xml names, as {id: address}; empty without one."""
    try:
        root = ElementTree.parse(settings).getroot()
    except (OSError, ElementTree.ParseError):
        return {}
    for mirror in root.iterfind(".//{*}mirror"):
        of = {part.strip() for part in (mirror.findtext("{*}mirrorOf") or "").split(",")}
        address = (mirror.findtext("{*}url") or "").strip()
        if address and of & {"*", "central", "external:*"} and "!central" not in of:
            return {mirror.findtext("{*}id") or "mirror": address.rstrip("/")}
    return {}
