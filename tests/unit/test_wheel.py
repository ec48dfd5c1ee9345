"""An installed wheel brings what is not Python: query files, schema scripts, procedure sources, both licences."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOOK = """
import audience_graph
from audience_graph.graph.queries import list_queries, load_query
from audience_graph.resources import resource
assert {folder!r} in audience_graph.__file__, audience_graph.__file__
names = list_queries()
assert [load_query(name).name for name in names] == list(names)
for part in (("migrations", "neo4j"), ("migrations", "postgres", "versions"), ("gds_procs", "src", "main", "java")):
    found = resource(*part)
    assert {folder!r} in str(found), found
    assert [path for path in found.rglob("*") if path.is_file()], found
print(len(names))
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, text=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder / "site")
    return folder / "site"


def test_the_packed_files_are_found(unpacked: Path, tmp_path: Path) -> None:
    env = dict(os.environ) | {"PYTHONPATH": str(unpacked)}
    code = LOOK.format(folder=str(unpacked))
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 20


def test_both_licences_are_packed(unpacked: Path) -> None:
    (packed,) = unpacked.glob("*.dist-info/licenses")
    found = {path.relative_to(packed).as_posix() for path in packed.rglob("LICENSE")}
    assert found == {"LICENSE", "gds_procs/LICENSE"}
