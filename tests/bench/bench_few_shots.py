"""What 1, 2, 4, 5, 8, 16 seed users of each label add to a sentence, beside a probe with the same seeds (FIND 4.4.2).

    python tests/bench/bench_few_shots.py --out FOLDER [--sets ml_100k,...] [--tasks FOLDER] [--world FOLDER]

One user model per cut, of the settings of bench_targeting_tasks.py (--tasks, --texts, --sets, --world and --set as
there). Then for every task, draw and number of seeds the AUC of the tuned prompt, of a logistic regression on the user
vectors of the same seeds, and of the sentence alone. Seeds come from the fitting part of a split (1/5); all are judged
on its evaluation part, the same users for all numbers of seeds. A draw with more seeds holds those with fewer, but for
tasks with business feedback, where the part of such users grows. A task with fewer positives in its fitting part has
fewer seeds than asked for; the column `short` says how often.

Writes NAME.json per set (every AUC, the curve, the settings) and prints a table for RESULTS.md: means over tasks, the
gain over the sentence with a 95 % interval (tasks drawn with replacement, and draws of each), the median gain over
tasks, prompt - probe likewise; then the bars. A set whose JSON lies there already is not run again.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from bench_targeting_tasks import each_set, options_of_sets, settings

from audience_trainers.users.evaluate import EvaluateOptions, choose_tasks, evaluate_users
from audience_trainers.users.measures import auc
from audience_trainers.users.question import Question
from audience_trainers.users.scoring import MODELS, Options, Scorer, choose_models
from audience_trainers.users.tasks.history import History

SHOTS = (1, 2, 4, 5, 8, 16)
CURVE = (1, 2, 4, 8, 16)  # over which the median gain must not fall
ROWS = {"sentence": "zero_shot", "prompt": "few_shot", "probe": "probe_few"}
REPLICATES = 10_000
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shot:
    """The AUCs of one task, draw and number of seeds asked for; `positives`, `negatives`: how many there were."""

    task: str
    draw: int
    shots: int
    positives: int
    negatives: int
    sentence: float
    prompt: float
    probe: float


@dataclass(frozen=True, slots=True)
class Point:
    """One number of seeds: means over tasks; gain and `beside` (prompt - probe) with 95 % intervals, and medians."""

    shots: int
    sentence: float
    prompt: float
    probe: float
    gain: tuple[float, float, float]
    median_gain: float
    beside: tuple[float, float, float]
    median_beside: float
    won: int
    tasks: int
    short: float


def main() -> None:
    """Run the sets that are not there yet and print their tables, then the bars over all."""
    parser = options_of_sets(__doc__)
    parser.add_argument("--shots", default=",".join(map(str, SHOTS)))
    parser.add_argument("--draws", type=int, default=5, help="Splits, and seeds from each.")
    options = parser.parse_args()
    whole: list[Shot] = []
    for name, told in each_set(options, run_set):
        found = [Shot(**shot) for shot in told["shots"]]
        print(block(name, found, told["seconds"]), flush=True)
        whole += [Shot(**asdict(shot) | {"task": f"{name}/{shot.task}"}) for shot in found]
    if whole:
        print(block("all", whole, None))
        print("\n".join(bars(curve(whole))))


def run_set(name: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Return every AUC of a set, its curve, the settings and the seconds it took."""
    begin = time.monotonic()
    shots = tuple(sorted({int(n) for n in options.shots.split(",")}))
    walk = Walk(shots, options.draws)
    told = settings(name, options.more)
    cache = options.texts or options.out / "text_vectors"
    how = EvaluateOptions(seeds=1, replicates=2, cache=cache, settings=told, at_cut=walk)
    evaluate_users(folder, choose_tasks(folder, None), choose_models(ROWS["sentence"]), how)
    return {
        "dataset": name,
        "settings": list(told),
        "draws": options.draws,
        "seconds": round(time.monotonic() - begin),
        "curve": [asdict(point) for point in curve(walk.found)],
        "shots": [asdict(shot) for shot in walk.found],
    }


class Walk:
    """Asks all tasks of a cut with every number of seeds, once the user model of the cut is trained."""

    def __init__(self, shots: Sequence[int], draws: int) -> None:
        self.shots, self.draws = shots, draws
        self.found: list[Shot] = []

    def __call__(self, history: History, options: Options, questions: Sequence[Question], *, alone: bool) -> None:  # noqa: ARG002
        """Note the AUCs of the tasks of one cut."""
        scorers = {row: MODELS[model].load()(history, options) for row, model in ROWS.items()}
        for question in questions:
            begin = time.monotonic()
            sentence = question.ask(scorers["sentence"], np.empty(0, np.int64), 0)
            for draw in range(self.draws):
                self.found += [shot_of(question, scorers, sentence, draw=draw, shots=n) for n in self.shots]
            print(f"{question.task.name}: {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)


def shot_of(question: Question, scorers: dict[str, Scorer], sentence: Floats, *, draw: int, shots: int) -> Shot:
    """Return the AUCs on the evaluation part of a draw; no seed is in it."""
    split, y = question.split(draw), question.found.y
    told = question.told(MODELS[ROWS["prompt"]], split.fitting, few=shots, seed=draw)
    rows = split.evaluation[question.judged[split.evaluation]]
    scores = {row: question.ask(scorers[row], told, draw) for row in ("prompt", "probe")} | {"sentence": sentence}
    found = {row: auc(score[rows], y[rows]) for row, score in scores.items()}
    return Shot(question.task.name, draw, shots, int(y[told].sum()), int((y[told] == 0).sum()), **found)


def curve(found: Sequence[Shot]) -> list[Point]:
    """Return a point per number of seeds, fewest first."""
    return [point([shot for shot in found if shot.shots == n], n) for n in sorted({shot.shots for shot in found})]


def point(found: Sequence[Shot], shots: int) -> Point:
    """Return the means, gains and intervals of one number of seeds."""
    tasks = list(dict.fromkeys(shot.task for shot in found))
    sentence, prompt, probe = (
        np.array([[getattr(shot, row) for shot in found if shot.task == task] for task in tasks], np.float64)
        for row in ("sentence", "prompt", "probe")
    )  # (tasks, draws)
    gain, beside = prompt - sentence, prompt - probe
    return Point(
        shots=shots,
        sentence=float(sentence.mean()),
        prompt=float(prompt.mean()),
        probe=float(probe.mean()),
        gain=interval(gain),
        median_gain=float(np.median(gain.mean(axis=1))),
        beside=interval(beside),
        median_beside=float(np.median(beside.mean(axis=1))),
        won=int((gain.mean(axis=1) > 0).sum()),
        tasks=len(tasks),
        short=float(np.mean([min(shot.positives, shot.negatives) < shots for shot in found])),
    )


def interval(gaps: Floats) -> tuple[float, float, float]:
    """Return the mean of gaps (tasks, draws) and its 95 % interval: tasks drawn with replacement, then their draws."""
    rng = np.random.default_rng(0)
    tasks, draws = gaps.shape
    task = rng.integers(tasks, size=(REPLICATES, tasks, 1))
    draw = rng.integers(draws, size=(REPLICATES, tasks, draws))
    low, high = np.percentile(gaps[task, draw].mean(axis=(1, 2)), [2.5, 97.5])
    return float(gaps.mean()), float(low), float(high)


def block(name: str, found: Sequence[Shot], seconds: int | None) -> str:
    """Return a Markdown table: a row per number of seeds. Gains are points of AUC (hundredths)."""
    points = curve(found)
    heads = "shots | sentence | prompt | probe | gain | median gain | tasks won | prompt - probe | median | short"
    draws = len({shot.draw for shot in found})
    lines = [f"### {name}: AUC over {points[0].tasks} tasks, {draws} draws of each\n", f"| {heads} |"]
    lines.append("|---" * len(heads.split(" | ")) + "|")
    for p in points:
        means = " | ".join(f"{value:.3f}" for value in (p.sentence, p.prompt, p.probe))
        gain = f"{_points(p.gain)} | {100 * p.median_gain:+.1f} | {p.won}/{p.tasks}"
        lines.append(
            f"| {p.shots} | {means} | {gain} | {_points(p.beside)} | {100 * p.median_beside:+.1f} | {p.short:.0%} |"
        )
    return "\n".join([*lines, "", *([] if seconds is None else [f"{seconds} s, the training included.", ""])])


def _points(found: tuple[float, float, float]) -> str:
    mean, low, high = (100 * value for value in found)
    return f"{mean:+.1f} ({low:+.1f} to {high:+.1f})"


def bars(points: Sequence[Point]) -> list[str]:
    """Return a line per bar, met or missed, and by how much."""
    by = {point.shots: point for point in points}
    lines = []
    if 16 in by:
        missing = by[16].gain[0] - 0.05
        lines.append(f"16 + 16 seeds at least 5 points above the sentence: {_said(missing)}")
    for n in (n for n in (1, 2, 4, 5) if n in by):
        lines.append(f"{n} + {n} seeds: prompt at least as good as the probe: {_said(by[n].beside[0])}")
    medians = [by[n].median_gain for n in CURVE if n in by]
    if len(medians) > 1:
        lines.append(f"the median gain does not fall: {_said(float(np.diff(medians).min()))} at the worst step")
    return lines


def _said(missing: float) -> str:
    return f"{'met' if missing >= 0 else 'missed'} ({100 * missing:+.1f} points)"


if __name__ == "__main__":
    main()
