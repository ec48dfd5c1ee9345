"""The README as its reader uses it: the demo from an empty folder, then every command and block, in order."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(
    r"(?:<!-- no-run: (?P<skip>[^\n]+) -->\n)?```(?P<kind>bash|python|cypher)\n(?P<text>.*?)```\n", re.DOTALL
)
SERVERS = ("NEO4J_URI", "NEO4J_USERNAME", "NEO4J_PASSWORD", "NEO4J_DATABASE", "DATABASE_URL")


@dataclass(frozen=True)
class DemoHome:
    folder: Path
    env: dict[str, str]
    result: dict[str, dict[str, float]]

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=600)


@pytest.fixture(scope="module")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoHome]:
    """Run the demo from nothing into a folder with a space in its name, as `make demo` does."""
    folder = tmp_path_factory.mktemp("a reader")
    env = {k: v for k, v in os.environ.items() if k not in SERVERS}
    env["AUDIENCE_GRAPH_HOME"] = str(folder / "audience graph home")
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    cli = [sys.executable, "-m", "audience_graph.cli"]
    try:
        done = subprocess.run(
            [*cli, "demo", "--json"], cwd=folder, env=env, capture_output=True, text=True, timeout=840
        )
        assert done.returncode == 0, done.stderr[-4000:]
        yield DemoHome(folder, env, json.loads(done.stdout))
    finally:
        subprocess.run([*cli, "down"], cwd=folder, env=env, capture_output=True, timeout=120)


def test_the_demo_finds_the_planted_relations(demo_home: DemoHome) -> None:
    relations = demo_home.result["relations"]
    assert relations["precision"] >= 0.8
    assert relations["recall"] >= 0.5


def test_the_demo_finds_the_users_who_will_act(demo_home: DemoHome) -> None:
    targeting = demo_home.result["targeting"]
    assert targeting["lift_median"] >= 0.5 * targeting["lift_oracle"]
    assert targeting["lift_median"] >= 3 * targeting["lift_popularity"]


def test_the_demo_says_how_long_each_stage_took(demo_home: DemoHome) -> None:
    assert sum(demo_home.result["stages"].values()) <= 240
    assert all(count > 0 for count in demo_home.result["counts"].values())


def blocks() -> list[tuple[str, str]]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return [(m["kind"], m["text"]) for m in BLOCK.finditer(text) if m["skip"] is None]


@pytest.mark.parametrize(("kind", "text"), blocks())
def test_a_block_of_the_readme_runs(kind: str, text: str, demo_home: DemoHome) -> None:
    if kind == "bash":
        done = demo_home.run(["bash", "-euc", text])
    elif kind == "python":
        done = demo_home.run([sys.executable, "-W", "error", "-c", text])
    else:
        done = demo_home.run([sys.executable, "-c", _CYPHER, text])
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert done.stdout.strip() != ""


NOTEBOOKS = sorted((ROOT / "py_client" / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_on_the_demo_and_is_kept_with_its_answers(path: Path, demo_home: DemoHome) -> None:
    kept = nbformat.read(path, as_version=4)
    code = [cell for cell in kept.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code), "execute it: jupyter execute --inplace"
    pictures = [
        out
        for cell in code
        for out in cell.outputs
        if "data" in out and {"image/png", "image/svg+xml"} & out.data.keys()
    ]
    assert pictures, "a notebook shows the graph"
    assert str(ROOT) not in path.read_text(encoding="utf-8")
    fresh = nbformat.from_dict(
        {**kept, "cells": [{**c, "outputs": []} if c.cell_type == "code" else c for c in kept.cells]}
    )
    before = {name: os.environ.get(name) for name in (*SERVERS, "AUDIENCE_GRAPH_HOME")}
    NotebookClient(fresh, timeout=600, kernel_name="python3").execute(cwd=str(demo_home.folder), env=demo_home.env)
    assert before == {name: os.environ.get(name) for name in before}
    assert outputs(fresh) == outputs(kept)


def outputs(notebook: nbformat.NotebookNode) -> list[list[str]]:
    """Return the kinds of answers of each cell. Several prints are one answer or more, as it happens; what only goes to
    stderr, such as a cache that is built, is none."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    told = [[out.output_type for out in cell.outputs if out.get("name") != "stderr"] for cell in code]
    return [list(dict.fromkeys(kinds)) for kinds in told]


def test_there_are_notebooks_for_the_three_who_use_them() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["analyst", "data_scientist", "marketer_support"]


_CYPHER = """
import sys
import neo4j
from audience_graph.config import find_connections, find_home
c = find_connections(find_home())
with neo4j.GraphDatabase.driver(c.neo4j_uri, auth=(c.neo4j_username, c.neo4j_password)) as driver:
    records, _, _ = driver.execute_query(sys.argv[1])
    assert records
    print(records[:5])
"""


def test_every_block_that_is_not_run_says_why() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    skipped = [m["skip"] for m in BLOCK.finditer(text) if m["skip"] is not None]
    assert skipped
    assert all(len(reason.split()) >= 5 for reason in skipped)


def test_the_plain_commands_are_what_make_runs() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("$(PY)", ".venv/bin/python")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = [line.strip() for line in makefile.splitlines() if line.startswith("\t.venv/bin/python -m")]
    wanted = [c for c in commands if c.split(" -m ")[1].split()[0] in {"ruff", "mypy", "pytest"} or c.endswith(" demo")]
    assert len(wanted) >= 5
    assert [c for c in wanted if "real-size" not in c and c not in readme] == []
