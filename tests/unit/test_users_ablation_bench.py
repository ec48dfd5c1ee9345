"""The bench of ablations: it takes up what a stopped run left, and compares task by task."""

from __future__ import annotations

import argparse
import json
import runpy
import sys
from pathlib import Path

import pytest
from planted_tasks import TINY, write_planted

from audience_trainers.run import resolve_config
from audience_trainers.users.config import UsersConfig

pytestmark = pytest.mark.usefixtures("one_thread")

BENCH = Path(__file__).parents[1] / "bench"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    monkeypatch.setattr(sys, "path", [str(BENCH), *sys.path])
    return runpy.run_path(str(BENCH / "bench_users_ablations.py"))


def test_every_variant_differs_from_the_full_model_in_its_own_setting(bench: dict) -> None:
    full = resolve_config(UsersConfig, ())
    assert not set(bench["VARIANTS"]) & set(bench["READERS"])
    for name, changed in (bench["VARIANTS"] | bench["READERS"]).items():
        assert (resolve_config(UsersConfig, changed) == full) == (name == "full")


def test_a_variant_is_trained_once_and_again_for_other_settings(bench: dict, tmp_path: Path) -> None:
    folder = write_planted(tmp_path / "planted", users=60)
    out = tmp_path / "out"
    out.mkdir()
    asked = argparse.Namespace(dataset=folder, out=out, seeds=2, texts=None, more=list(TINY))
    found = {name: [bench["run_variant"](name, 7, asked)] for name in ("full", "without_behaviour")}
    assert json.loads((out / "without_behaviour_7.json").read_text())["settings"][-1] == "align.without=behaviour"
    for (told,) in found.values():
        for models in told["tasks"].values():
            assert set(models) == {"zero_shot", "probe"}
    assert found["full"][0]["tasks"] != found["without_behaviour"][0]["tasks"]

    kept = out / "full_7.json"
    kept.write_text(json.dumps(found["full"][0] | {"seconds": -1}))
    assert bench["run_variant"]("full", 7, asked)["seconds"] == -1
    stale = found["full"][0] | {"training_seed": 8, "settings": ["align.epochs=2"]}
    (out / "full_8.json").write_text(json.dumps(stale | {"seconds": -1}))
    again = bench["run_variant"]("full", 8, asked)
    assert again["seconds"] >= 0
    assert again["tasks"] != found["full"][0]["tasks"]
    assert "| without_behaviour | " in bench["block"]("planted", found)


def test_differences_are_paired_by_task(bench: dict) -> None:
    def told(**aucs: float) -> list[dict[str, object]]:
        return [{"tasks": {task: {"zero_shot": {"auc": {"mean": auc}}} for task, auc in aucs.items()}, "seeds": 1}]

    full, worse = told(a=0.9, b=0.5, c=0.7), told(a=0.8, b=0.4, c=0.6)
    cell = bench["cell"](bench["aucs"](worse, "zero_shot"), bench["aucs"](full, "zero_shot"))
    assert cell == "-0.100 (-0.100 to -0.100), won 0/3"
    assert bench["aucs"]([*full, *told(a=0.7, b=0.7)], "zero_shot") == {"a": pytest.approx(0.8), "b": 0.6}
    assert bench["cell"]({"b": 0.6}, {"a": 0.1, "b": 0.5}).endswith("won 1/1")
