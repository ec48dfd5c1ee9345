"""A run folder is whole or refused; settings are known or refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from audience_graph.errors import ConfigError, RunError
from audience_trainers.run import RunFolder, choose_device, create_run, open_run, resolve_config


@dataclass(frozen=True)
class Config:
    rate: float = 0.5
    steps: int = 3
    name: str = "walk"
    fast: bool = False


def make(runs: Path) -> RunFolder:
    return create_run(runs, kind="mine", week="2026-W30", as_of=date(2026, 7, 26), config=Config(), seed=7)


def test_a_finished_run_is_read_back(tmp_path: Path) -> None:
    run = make(tmp_path)
    run.write_table("relations", pa.table({"score": [0.5]}))
    run.write_array("entity_vectors", np.ones((2, 3), np.float32))
    run.write_json("metrics", {"relations": 1})
    run.finish()
    found = open_run(run.path, verify=True)
    assert found == run
    assert found.read_table("relations").to_pylist() == [{"score": 0.5}]
    assert found.read_array("entity_vectors").shape == (2, 3)
    assert found.read_json("metrics") == {"relations": 1}
    assert not [p for p in run.path.iterdir() if p.name.startswith(".")]


def test_run_json_comes_first_and_holds_the_resolved_settings(tmp_path: Path) -> None:
    run = make(tmp_path)
    head = json.loads((run.path / "run.json").read_text())
    assert [p.name for p in run.path.iterdir()] == ["run.json"]
    assert head["config"] == {"rate": 0.5, "steps": 3, "name": "walk", "fast": False}
    assert head["seed"] == 7
    assert head["week"] == "2026-W30"
    assert "+" in head["code_version"]


def test_a_run_without_done_is_refused(tmp_path: Path) -> None:
    run = make(tmp_path)
    with pytest.raises(RunError, match="not a finished run: done is missing"):
        open_run(run.path)


@pytest.mark.parametrize("change", ["remove", "shorten", "flip"])
def test_a_changed_file_is_refused(tmp_path: Path, change: str) -> None:
    run = make(tmp_path)
    path = run.write_json("metrics", {"relations": 100})
    run.finish()
    if change == "remove":
        path.unlink()
    else:
        path.write_text("{}" if change == "shorten" else path.read_text().replace("100", "101"))
    with pytest.raises(RunError, match=r"metrics\.json is missing or changed"):
        open_run(run.path, verify=True)


KILLED = """
import os, signal, sys
from datetime import date
from pathlib import Path
import numpy as np
sys.path.insert(0, sys.argv[2])
from test_run_folder import Config
from audience_trainers.run import create_run
run = create_run(Path(sys.argv[1]), kind="mine", week="2026-W30", as_of=date(2026, 7, 26), config=Config(), seed=7)
run.write_array("entity_vectors", np.ones((10, 3), np.float32))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_killed_run_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), str(Path(__file__).parent)], check=False, env=dict(os.environ)
    )
    assert done.returncode == -signal.SIGKILL
    (folder,) = tmp_path.iterdir()
    assert (folder / "entity_vectors.npy").is_file()
    with pytest.raises(RunError, match="not a finished run"):
        open_run(folder)


def test_settings_are_typed_and_known() -> None:
    assert resolve_config(Config, ["rate=0", "steps=5", "fast=true"]) == Config(rate=0.0, steps=5, fast=True)
    with pytest.raises(ConfigError, match="unknown setting 'speed'"):
        resolve_config(Config, ["speed=3"])
    with pytest.raises(ConfigError, match=r"setting steps: expected int, found '1\.5'"):
        resolve_config(Config, ["steps=1.5"])
    with pytest.raises(ConfigError, match="not of the form key=value"):
        resolve_config(Config, ["steps"])


def test_the_processor_is_chosen_without_loading_torch() -> None:
    code = (
        "import sys, audience_trainers.run as r; "
        "assert r.choose_device('cpu') == 'cpu'; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(ConfigError, match="unknown device"):
        choose_device("tpu")


@dataclass(frozen=True)
class Part:
    rate: float = 0.5


@dataclass(frozen=True)
class Whole:
    days: int = 30
    part: Part = Part()


def test_a_setting_of_a_part_is_named_with_a_dot() -> None:
    assert resolve_config(Whole, ["days=7", "part.rate=0.25"]) == Whole(7, Part(0.25))
    with pytest.raises(ConfigError, match="part: unknown setting 'speed'"):
        resolve_config(Whole, ["part.speed=1"])
    with pytest.raises(ConfigError, match="unknown setting 'part'") as caught:
        resolve_config(Whole, ["part=1"])
    assert caught.value.hint == "settings: days, part.*"
    with pytest.raises(ConfigError, match=r"unknown setting 'days\.rate'"):
        resolve_config(Whole, ["days.rate=1"])
