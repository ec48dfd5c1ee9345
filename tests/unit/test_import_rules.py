"""Who may import whom, read from the source: the layout of the README is a promise."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "py_client" / "audience_graph"
TRAINERS = ROOT / "trainers" / "audience_trainers"
HEAVY = {"torch", "torch_geometric", "sentence_transformers", "transformers", "peft", "gensim", "pyspark", "sklearn"}
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager"}


def imports(path: Path, *, module_level: bool = False) -> Iterator[str]:
    """Yield every absolute module name that a file imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if module_level else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
            yield node.module


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def under(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def test_the_client_never_imports_the_trainers() -> None:
    found = [p for p in files(CLIENT) if any(under(m, "audience_trainers") for m in imports(p))]
    assert found == []


def test_the_client_imports_no_heavy_library_at_module_level() -> None:
    found = [(p, m) for p in files(CLIENT) for m in imports(p, module_level=True) if m.split(".")[0] in HEAVY]
    assert found == []


@pytest.mark.parametrize(("driver", "seam"), [("neo4j", "graph/runner.py"), ("psycopg", "vectors/store.py")])
def test_each_database_driver_has_one_seam(driver: str, seam: str) -> None:
    found = {
        p.relative_to(CLIENT.parent.parent).as_posix()
        for folder in (CLIENT, TRAINERS)
        for p in files(folder)
        if any(under(m, driver) for m in imports(p))
    }
    assert found == {f"py_client/audience_graph/{seam}"}


@pytest.mark.parametrize("room", ["graph", "vectors"])
def test_graph_and_vectors_import_none_of_their_siblings(room: str) -> None:
    siblings = {p.name for p in CLIENT.iterdir() if p.is_dir()} - {room}
    found = [
        (p.name, m)
        for p in files(CLIENT / room)
        for m in imports(p)
        if any(under(m, f"audience_graph.{sibling}") for sibling in siblings)
    ]
    assert found == []


def test_folders_do_not_import_each_other_in_a_circle() -> None:
    edges: dict[str, set[str]] = {}
    for path in files(CLIENT):
        parts = path.relative_to(CLIENT).parts
        here = parts[0] if len(parts) > 1 else path.stem
        targets = {m.split(".")[1] for m in imports(path, module_level=True) if m.startswith("audience_graph.")}
        edges.setdefault(here, set()).update(targets - {here})
    order: list[str] = []
    waiting = dict(edges)
    while waiting:
        free = [n for n, targets in waiting.items() if not (targets & set(waiting))]
        assert free, f"these import each other in a circle: {sorted(waiting)}"
        order += free
        for name in free:
            del waiting[name]


def test_no_file_is_named_for_nothing() -> None:
    assert [p for folder in (CLIENT, TRAINERS) for p in files(folder) if p.stem in VAGUE] == []


def test_importing_the_package_is_light() -> None:
    code = "import sys, audience_graph; print(sorted({m.split('.')[0] for m in sys.modules} & %r))" % (
        HEAVY | {"neo4j", "psycopg", "pandas"}
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
