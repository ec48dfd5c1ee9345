"""A tiny tagger learns, stops and goes on, is kept and opened, and names the parts of raw texts."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from audience_graph.cli import audience_graph
from audience_graph.entities.taggers import Mention, open_tagger
from audience_graph.errors import ConfigError, RunError
from audience_trainers.entities.config import TaggerConfig
from audience_trainers.entities.train_tagger import train_tagger
from audience_trainers.run import resolve_config
from tagging.tiny import LEARNS, write_data, write_encoder


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data.jsonl and encoder/."""
    folder = tmp_path_factory.mktemp("tagger")
    write_data(folder / "data.jsonl")
    write_encoder(folder / "encoder")
    return folder


def config(files: Path, *more: str) -> TaggerConfig:
    return resolve_config(TaggerConfig, [*LEARNS, f"encoder={files / 'encoder'}", *more])


@pytest.fixture(scope="module")
def trained(files: Path) -> dict[str, Any]:
    return train_tagger(files / "data.jsonl", files / "whole", config=config(files))


def test_it_learns_and_its_sequences_are_valid(trained: dict[str, Any]) -> None:
    assert trained["test_f1"] > 0.95
    assert trained["metrics"]["test"]["invalid"] == 0
    assert trained["epochs"] <= 6
    assert not (Path(trained["folder"]) / "training").exists()


def test_a_finished_tagger_is_not_trained_again(files: Path, trained: dict[str, Any]) -> None:
    def never(step: str, *_: int) -> None:
        raise AssertionError(step)

    assert train_tagger(files / "data.jsonl", files / "whole", config=config(files), progress=never) == trained


def test_a_damaged_tagger_is_trained_again(files: Path, trained: dict[str, Any], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(trained["folder"], tmp_path / "copy"))
    (folder / "model.safetensors").write_bytes(b"x")
    assert train_tagger(files / "data.jsonl", folder, config=config(files))["test_f1"] == trained["test_f1"]
    assert open_tagger(folder).tag(["flights to oslo"])[0][0].text == "oslo"


def test_raw_text_is_tagged_with_character_offsets(trained: dict[str, Any]) -> None:
    tagger = open_tagger(Path(trained["folder"]))
    text = "  I want HOT stone\nmassage  in New York"
    assert tagger.tag([text, "", "hello", text]) == [
        (Mention("service", 9, 26, "HOT stone\nmassage"), Mention("city", 31, 39, "New York")),
        (),
        (),
        (Mention("service", 9, 26, "HOT stone\nmassage"), Mention("city", 31, 39, "New York")),
    ]
    assert tagger.name.startswith("bert-crf-")


def test_a_text_longer_than_the_encoder_is_read_to_its_end(trained: dict[str, Any]) -> None:
    tagger = open_tagger(Path(trained["folder"]))
    (mentions,) = tagger.tag(["hello " * 200 + "flights to paris"])
    assert mentions[-1] == Mention("city", 1211, 1216, "paris")


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tagging.tiny import LEARNS
from audience_trainers.entities.config import TaggerConfig
from audience_trainers.entities.train_tagger import train_tagger
from audience_trainers.run import resolve_config
files = Path(sys.argv[1])
def progress(step, done, total):
    if step == f"epoch {sys.argv[3]} of 6" and done == 3:
        os.kill(os.getpid(), signal.SIGKILL)
config = resolve_config(TaggerConfig, [*LEARNS, f"encoder={files / 'encoder'}"])
train_tagger(files / "data.jsonl", files / "killed", config=config, progress=progress)
"""


def test_a_killed_run_goes_on_and_ends_as_one_that_was_not(files: Path, trained: dict[str, Any]) -> None:
    command = [sys.executable, "-c", KILLED, str(files), str(Path(__file__).parents[1])]
    for epoch in ("1", "3"):
        done = subprocess.run([*command, epoch], check=False, env=dict(os.environ))
        assert done.returncode == -signal.SIGKILL
        with pytest.raises(RunError, match="no finished tagger"):
            open_tagger(files / "killed")
    steps = []
    found = train_tagger(
        files / "data.jsonl", files / "killed", config=config(files), progress=lambda step, *_: steps.append(step)
    )
    assert steps[0] == "epoch 3 of 6"
    assert {**found, "folder": ""} == {**trained, "folder": ""}


def test_other_settings_do_not_go_on_from_an_old_state(files: Path) -> None:
    folder = files / "changed"

    def stop(step: str, *_: int) -> None:
        if step.startswith("epoch 2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_tagger(files / "data.jsonl", folder, config=config(files, "epochs=2"), progress=stop)
    assert (folder / "training" / "state.pt").is_file()
    steps = []
    more = config(files, "epochs=1")
    train_tagger(files / "data.jsonl", folder, config=more, progress=lambda step, *_: steps.append(step))
    assert steps[0] == "epoch 1 of 1"


def test_softmax_head_and_characters_share_the_code(files: Path, tmp_path: Path) -> None:
    plain = train_tagger(files / "data.jsonl", tmp_path / "plain", config=config(files, "head=softmax", "epochs=2"))
    assert plain["metrics"]["test"]["micro"]["f1"] > 0.5
    rows = []
    for i in range(80):
        name, kind = [("温泉", "service"), ("巴黎", "city"), ("按摩", "service"), ("上海", "city")][i % 4]
        tags = ["O", "O", f"B-{kind}", f"I-{kind}", "O"]
        rows.append({"tokens": ["我", "想去"[i % 2], *name, "吧"], "tags": tags})
    data = tmp_path / "zh.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    settings = [*LEARNS[:-1], "tokenizer=character", "encoder=new", "layers=1", "width=32"]
    report = train_tagger(data, tmp_path / "zh", config=resolve_config(TaggerConfig, settings))
    assert report["dev_f1"] > 0.9
    (mentions,) = open_tagger(tmp_path / "zh").tag(["我 想温泉吧"])
    assert mentions == (Mention("service", 3, 5, "温泉"),)
    assert open_tagger(tmp_path / "zh").tag(["龘龘"])[0] in [(), (Mention("service", 0, 2, "龘龘"),)]


@pytest.mark.parametrize("damage", ["remove", "shorten", "kind", "nothing"])
def test_a_damaged_checkpoint_is_refused(trained: dict[str, Any], tmp_path: Path, damage: str) -> None:
    folder = Path(shutil.copytree(trained["folder"], tmp_path / "copy"))
    wanted: type[Exception] = RunError
    if damage == "remove":
        (folder / "model.safetensors").unlink()
    elif damage == "shorten":
        (folder / "model.safetensors").write_bytes(b"x")
    elif damage == "kind":
        head = json.loads((folder / "tagger.json").read_text())
        (folder / "tagger.json").write_text(json.dumps(head | {"kind": "other"}))
        wanted = ConfigError
    else:
        folder = tmp_path / "nowhere"
    with pytest.raises(wanted):
        open_tagger(folder)


def test_settings_and_folders_are_checked(files: Path, tmp_path: Path) -> None:
    for bad in ("head=lstm", "epochs=0", "rate=0", "width=50", "encoder=new"):
        with pytest.raises(ConfigError, match=bad.partition("=")[0]):
            resolve_config(TaggerConfig, [bad])
    with pytest.raises(ConfigError, match="holds no encoder"):
        train_tagger(files / "data.jsonl", tmp_path / "out", config=resolve_config(TaggerConfig, ["encoder=/nowhere"]))
    with pytest.raises(ConfigError, match="holds other files"):
        train_tagger(files / "data.jsonl", files, config=config(files))


def test_the_command_trains_and_reports(files: Path, tmp_path: Path) -> None:
    settings = [f"--set={setting}" for setting in (*LEARNS, f"encoder={files / 'encoder'}", "epochs=1")]
    command = ["train", "tagger", str(files / "data.jsonl"), "--out", str(tmp_path / "out"), *settings]
    done = CliRunner().invoke(audience_graph, [*command, "--json"], catch_exceptions=False)
    assert done.exit_code == 0
    report = json.loads(done.stdout)
    assert report["epochs"] == 1
    assert 0 <= report["test_f1"] <= 1
    assert "-> " in CliRunner().invoke(audience_graph, command, catch_exceptions=False).stdout


def test_help_loads_no_torch() -> None:
    code = (
        "import sys; from audience_trainers.train_command import train; "
        "train(['tagger', '--help'], standalone_mode=False); assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Train an entity tagger" in done.stdout


def test_precision_is_what_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from audience_trainers.entities import predict

    for native in (True, False):
        monkeypatch.setattr(predict, "knows_bfloat16", lambda device, native=native: native and device == "cpu")
        enabled = {}
        for precision in ("auto", "float32", "bfloat16"):
            with predict.mixed(resolve_config(TaggerConfig, [f"precision={precision}"]), "cpu"):
                enabled[precision] = torch.is_autocast_enabled("cpu")
        assert enabled == {"auto": native, "float32": False, "bfloat16": True}
