"""The bench of seed users: the same users are judged, gains are paired by task and draw, bars say what is missing."""

from __future__ import annotations

import argparse
import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from planted_tasks import TINY, write_planted

pytestmark = pytest.mark.usefixtures("one_thread")

BENCH = Path(__file__).parents[1] / "bench"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    monkeypatch.setattr(sys, "path", [str(BENCH), *sys.path])
    name = "bench_few_shots"
    found = runpy.run_path(str(BENCH / f"{name}.py"), run_name=name)
    monkeypatch.setitem(sys.modules, name, argparse.Namespace(**found))  # a dataclass asks for its module
    return found


def shots(bench: dict, **gains: list[float]) -> list[object]:
    """Draws of tasks with 2 seeds of each: sentence .6, probe .5, prompt so much above the sentence."""
    return [
        bench["Shot"](task, draw, 2, 2, 1 if task == "rare" else 2, 0.6, 0.6 + gain, 0.5)
        for task, own in gains.items()
        for draw, gain in enumerate(own)
    ]


def test_a_set_is_asked_with_every_number_of_seeds(bench: dict, tmp_path: Path) -> None:
    write_planted(tmp_path / "tasks" / "planted", users=80)
    asked = argparse.Namespace(
        out=tmp_path, tasks=tmp_path / "tasks", texts=None, shots="30,1", draws=2, more=list(TINY)
    )
    told = bench["run_set"]("planted", asked.tasks / "planted", asked)
    found = [bench["Shot"](**shot) for shot in told["shots"]]
    assert [(shot.draw, shot.shots) for shot in found] == [(d, n) for _ in "ab" for d in (0, 1) for n in (1, 30)]
    assert len({shot.task for shot in found}) == 2
    for shot in found:
        assert (min(shot.positives, shot.negatives) < shot.shots) == (shot.shots == 30)
    for task, draw in {(shot.task, shot.draw) for shot in found}:  # the same users are judged, whatever the seeds
        assert len({shot.sentence for shot in found if (shot.task, shot.draw) == (task, draw)}) == 1
    assert [point["short"] for point in told["curve"]] == [0.0, 1.0]
    assert len({shot.probe for shot in found}) > 4
    assert json.loads(json.dumps(told))["draws"] == 2


def test_gains_are_paired_by_task_and_draw(bench: dict) -> None:
    found = shots(bench, a=[0.0, 0.2], b=[-0.1, -0.1], rare=[0.02, 0.02])
    (point,) = bench["curve"](found)
    assert (point.shots, point.tasks, point.won) == (2, 3, 2)
    assert point.gain[0] == pytest.approx((0.1 - 0.1 + 0.02) / 3)
    assert point.gain[1] < 0 < point.gain[2]
    assert point.median_gain == pytest.approx(0.02)
    assert point.beside[0] == pytest.approx(point.gain[0] + 0.1)
    assert point.short == pytest.approx(1 / 3)
    assert "| 2 | 0.600 | 0.607 | 0.500 | +0.7 (" in bench["block"]("planted", found, 9)


def test_the_interval_holds_the_chance_of_tasks_and_of_draws(bench: dict) -> None:
    assert bench["interval"](np.full((4, 3), 0.05)) == pytest.approx((0.05, 0.05, 0.05))
    tasks = bench["interval"](np.repeat([[0.0], [0.2]], 5, axis=1))
    assert tasks == pytest.approx((0.1, 0.0, 0.2))
    draws = bench["interval"](np.array([[0.0, 0.2]] * 50))
    assert 0.07 < draws[1] < 0.1 < draws[2] < 0.13


def test_bars_say_by_how_much(bench: dict) -> None:
    def at(n: int, gain: float, probe: float) -> object:
        row = bench["Shot"]("a", 0, n, n, n, 0.6, 0.6 + gain, probe)
        return bench["point"]([row], n)

    lines = bench["bars"]([at(1, 0.01, 0.62), at(2, 0.02, 0.5), at(16, 0.015, 0.5)])
    assert lines == [
        "16 + 16 seeds at least 5 points above the sentence: missed (-3.5 points)",
        "1 + 1 seeds: prompt at least as good as the probe: missed (-1.0 points)",
        "2 + 2 seeds: prompt at least as good as the probe: met (+12.0 points)",
        "the median gain does not fall: missed (-0.5 points) at the worst step",
    ]
    assert bench["bars"]([at(1, 0.01, 0.5), at(16, 0.07, 0.5)])[0].endswith("met (+2.0 points)")
