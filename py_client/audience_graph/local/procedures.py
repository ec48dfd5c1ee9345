"""Our procedures jar: compiled from `gds_procs/src/main` with ecj on the embedded Java runtime.

The jar is named for the hash of the sources and of the server's versions and kept in the per-user cache, so a
changed source or server compiles anew and everything else compiles once.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from audience_graph.errors import ConfigError, StackError
from audience_graph.resources import resource

RELEASE = "17"
JAR = "audience-graph-procedures"


def source_folder() -> Path | None:
    """Return the folder of the procedures' sources, None when this installation has none."""
    try:
        folder = resource("gds_procs", "src", "main")
    except ConfigError:
        return None
    return folder if next(folder.rglob("*.java"), None) is not None else None


def sources_hash(folder: Path, versions: Mapping[str, str]) -> str:
    """Return the first 16 hex digits of the hash over all source files, their names and the server's versions."""
    digest = hashlib.sha256()
    for part in (versions["neo4j"], versions["gds"], versions["ecj"], RELEASE):
        digest.update(f"{part}\0".encode())
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith(".")):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def jar_name(folder: Path, versions: Mapping[str, str]) -> str:
    """Return the file name of the jar of these sources."""
    return f"{JAR}-{sources_hash(folder, versions)}.jar"


def build(
    folder: Path, cache: Path, *, versions: Mapping[str, str], java: Path, compiler: Path, jars: Sequence[Path]
) -> Path:
    """Return the jar of these sources, compiling it when the cache lacks it.

    Raises StackError with the compiler's messages when a source does not compile.
    """
    target = cache / "procedures" / jar_name(folder, versions)
    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="unfinished-") as name:
        work = Path(name)
        classes = work / "classes"
        _compile(folder, classes, work, java=java, compiler=compiler, jars=jars)
        resources = folder / "resources"
        if resources.is_dir():
            shutil.copytree(resources, classes, dirs_exist_ok=True)
        finished = work / target.name
        _pack(classes, finished)
        os.replace(finished, target)
    return target


def _compile(folder: Path, classes: Path, work: Path, *, java: Path, compiler: Path, jars: Sequence[Path]) -> None:
    # ecj takes its arguments from a file: the class path outgrows a command line.
    arguments = work / "ecj.args"
    sources = sorted(folder.rglob("*.java"))
    parts = ["-source", RELEASE, "-target", RELEASE, "-proc:none", "-nowarn", "-parameters", "-g", "-encoding", "UTF-8"]
    parts += ["-cp", ":".join(map(str, jars)), "-d", str(classes), *map(str, sources)]
    arguments.write_text("".join(f'"{part}"\n' for part in parts), encoding="utf-8")
    done = subprocess.run(
        [str(java), "-Xmx512m", "-cp", str(compiler), "org.eclipse.jdt.internal.compiler.batch.Main", f"@{arguments}"],
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise StackError(f"the procedures in {folder} do not compile:\n{(done.stdout + done.stderr).strip()}")


def _pack(classes: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as jar:
        jar.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\n\r\n")
        # Folders are entries too: the server looks for our web pages in a package by its folder.
        for path in sorted(classes.rglob("*")):
            jar.write(path, path.relative_to(classes).as_posix())
