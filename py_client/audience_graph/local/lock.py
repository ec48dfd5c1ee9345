"""The lock file: which jars, which versions, and the SHA-256 of each.

`python -m audience_graph.local.lock` writes `lock.json` anew from ROOTS (it resolves their dependencies and
downloads all of them once, into a folder of its own). Nothing else writes the file; `up` refuses any jar that is
not the one named here.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from audience_graph.errors import StackError
from audience_graph.local import runtime
from audience_graph.local.jars import Artifact, Role, maven_context, sha256

LOCK_FILE = Path(__file__).with_name("lock.json")
THREADS = 16

NEO4J = "5.26.25"
GDS = "2.13.9"
BROWSER = "5.24.0"
ECJ = "3.42.0"
SERVER_ROOTS = (
    f"org.neo4j:neo4j:{NEO4J}",
    f"org.neo4j.app:neo4j-server:{NEO4J}",
    f"org.neo4j.client:neo4j-browser:{BROWSER}",
)
GDS_PARTS = ("proc", "proc-sysinfo", "opengds-extension", "open-model-catalog", "open-write-services")
ROOTS = (*SERVER_ROOTS, *(f"org.neo4j.gds:{part}:{GDS}" for part in GDS_PARTS))
COMPILER = f"org.eclipse.jdt:ecj:{ECJ}"
PLUGIN_GROUP = "org.neo4j.gds"


@dataclass(frozen=True, slots=True)
class Lock:
    """The whole lock file. `versions` names every server and tool, those from PyPI included."""

    versions: dict[str, str]
    artifacts: tuple[Artifact, ...]

    def with_role(self, *roles: Role) -> tuple[Artifact, ...]:
        """Return the artifacts of these roles in the order of the file."""
        return tuple(a for a in self.artifacts if a.role in roles)


def read_lock(path: Path = LOCK_FILE) -> Lock:
    """Read a lock file. Raises StackError when it is missing or not a lock file."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Lock(dict(found["versions"]), tuple(Artifact(**entry) for entry in found["artifacts"]))
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise StackError(
            f"the lock file {path} is not readable: {exc}",
            hint="reinstall the package: pip install --force-reinstall audience-graph",
        ) from exc


def resolve_lock(folder: Path) -> Lock:
    """Resolve ROOTS, download every jar below `folder` and return the lock that names them."""
    context = maven_context(folder)

    def resolve(roots: Sequence[str]) -> list[Any]:
        inputs, transitive = context.resolver.resolve([context.create_dependency(root) for root in roots])
        return [dependency.artifact for dependency in (*inputs, *transitive)]

    of_server = {(a.groupId, a.artifactId) for a in resolve(SERVER_ROOTS)}
    compiler = context.create_dependency(COMPILER).artifact

    def lock_one(artifact: Any) -> Artifact:
        path = Path(artifact.resolve())
        parts = [artifact.groupId, artifact.artifactId, artifact.version]
        coordinate = ":".join([*parts, artifact.classifier] if artifact.classifier else parts)
        role = "compiler" if artifact is compiler else role_of(artifact.groupId, artifact.artifactId, of_server)
        return Artifact(coordinate=coordinate, sha256=sha256(path), size=path.stat().st_size, role=role)

    with ThreadPoolExecutor(THREADS) as pool:
        artifacts = list(pool.map(lock_one, [*resolve(ROOTS), compiler]))
    return Lock(versions(), tuple(sorted(artifacts, key=lambda a: a.coordinate)))


def role_of(group: str, name: str, of_server: Collection[tuple[str, str]]) -> Role:
    """Return what a jar is for; `of_server` holds the (group, artifact) that Neo4j brings itself."""
    if group == PLUGIN_GROUP:
        return "plugin"
    return "server" if (group, name) in of_server else "library"


def versions() -> dict[str, str]:
    """Return the versions of ROOTS and of the Java runtime, Postgres and pgvector that are installed here."""
    postgres = runtime.find_postgres()
    shown = runtime.program_version(postgres / "bin" / "postgres")
    control = (postgres / "share" / "postgresql" / "extension" / "vector.control").read_text(encoding="utf-8")
    pgvector = next(line.split("'")[1] for line in control.splitlines() if line.startswith("default_version"))
    return {
        "neo4j": NEO4J,
        "gds": GDS,
        "browser": BROWSER,
        "ecj": ECJ,
        "java": runtime.java_version(runtime.find_java()),
        "postgres": shown,
        "pgvector": pgvector,
    }


def write_lock(lock: Lock, path: Path = LOCK_FILE) -> None:
    """Write a lock file, one artifact a line so that a change reads well."""
    lines = ",\n".join(f"    {json.dumps(asdict(artifact))}" for artifact in lock.artifacts)
    text = f'{{\n  "versions": {json.dumps(lock.versions)},\n  "artifacts": [\n{lines}\n  ]\n}}\n'
    path.write_text(text, encoding="utf-8")


def main() -> None:
    """Write the lock file anew and say what changed."""
    before = {a.coordinate for a in read_lock().artifacts} if LOCK_FILE.exists() else set()
    with tempfile.TemporaryDirectory() as folder:
        lock = resolve_lock(Path(folder))
    write_lock(lock)
    after = {a.coordinate for a in lock.artifacts}
    for sign, names in (("+", after - before), ("-", before - after)):
        for name in sorted(names):
            sys.stderr.write(f"{sign} {name}\n")
    sys.stderr.write(f"{LOCK_FILE}: {len(after)} jars, {sum(a.size for a in lock.artifacts) / 1e6:.0f} MB\n")


if __name__ == "__main__":
    main()
