"""Every model of `audience-graph evaluate users` on the targeting tasks of the real sets, and of a demo world.

    python tests/bench/bench_targeting_tasks.py --out FOLDER [--sets ml_100k,...] [--world FOLDER] [--models all]

Writes NAME.json per set into FOLDER, as `audience-graph evaluate users --dataset NAME --json` prints it, and prints a
block for RESULTS.md: AUC per task with its 95 % interval, and the mean over a set's tasks. A set whose JSON lies there
already is not run again. Texts are encoded once and kept in FOLDER (or --texts). `--tasks` names a folder where the
sets lie as `evaluate make-tasks` writes them; without it they are made from the data.

The user model is a small one, for a CPU, with one training (seed 7) per cut. Its windows follow what the sentences of a
set ask for (next month, next half year) and how long the set is, its size and steps are one choice for all sets, made
on cuts whose windows end before the tasks' own cut begins. `--set KEY=VALUE` changes a setting.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "real"))

from shared_data import find_shared_data, why_absent

from audience_trainers.users.config import SMALL
from audience_trainers.users.evaluate import EvaluateOptions, choose_tasks, evaluate_users
from audience_trainers.users.report import to_json
from audience_trainers.users.scoring import choose_models
from audience_trainers.users.tasks.sets.writing import SETS, make_tasks

EVENTS = ("behaviour.width=32",)  # that are read of each user
# Days of the described future, days between cuts, days of history, the first cut.
WINDOWS: dict[str, tuple[int, int, int, str]] = {
    "online_retail": (28, 14, 365, ""),
    "completejourney": (49, 14, 365, ""),
    "ml_100k": (28, 7, 365, ""),
    "ml_latest_small": (10, 10, 3_660, "2017-08-01"),
    "amazon_musical_instruments": (182, 91, 3_660, "2010-01-01"),
    "amazon_beauty_seq": (2, 2, 3_660, "2013-12-20"),
    "demo": (14, 7, 30, ""),
}


def settings(name: str, more: list[str]) -> tuple[str, ...]:
    """Return the settings of the user model for a set."""
    if name not in WINDOWS:
        return (*SMALL, *EVENTS, *more)
    names = ("horizon_days", "step_days", "history_days", "first")
    told = zip(names, WINDOWS[name], strict=True)
    return (*SMALL, *EVENTS, *(f"pairs.windows.{key}={value}" for key, value in told if value), *more)


def main() -> None:
    """Run the sets that are here and print the block."""
    parser = options_of_sets(__doc__)
    parser.add_argument("--models", default="all")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    for _, found in each_set(options, run_set):
        print(block(found))


def options_of_sets(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser of what the benches of targeting tasks have in common."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--world", type=Path, help="Folder of a demo world. [default: the demo is left out]")
    parser.add_argument("--tasks", type=Path, help="Folder of sets that were made before. [default: make them]")
    parser.add_argument("--texts", type=Path, help="Folder of text vectors. [default: in --out]")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="more")
    return parser


def each_set(
    options: argparse.Namespace, run: Callable[[str, Path, argparse.Namespace], dict[str, Any]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield name and result of each set: `run(name, folder of its tasks, options)`, or its NAME.json in --out."""
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.sets.split(","):
        file = options.out / f"{name}.json"
        source = options.world if name == "demo" else find_shared_data(SETS[name])
        if not file.is_file() and source is None and options.tasks is None:
            print(f"skipped {name}: {'no --world' if name == 'demo' else why_absent(name)}\n")
            continue
        if not file.is_file():
            begin, folder = time.monotonic(), (options.tasks or options.out / "tasks") / name
            if options.tasks is None and source is not None:
                make_tasks(name, source, folder)
            file.write_text(json.dumps(run(name, folder, options), indent=2), encoding="utf-8")
            print(f"{name}: {time.monotonic() - begin:.0f} s", file=sys.stderr)
        yield name, json.loads(file.read_text(encoding="utf-8"))


def run_set(name: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Return what the models reach in a set, with the settings and the seconds of each training."""
    models, told = choose_models(options.models), settings(name, options.more)
    timer = Timer()
    cache = options.texts or options.out / "text_vectors"
    how = EvaluateOptions(seeds=options.seeds, cache=cache, settings=told, progress=timer)
    judged = evaluate_users(folder, choose_tasks(folder, None), models, how)
    return to_json(name, judged, models, how) | {"settings": list(told), "trained_seconds": timer.seconds}


class Timer:
    """Progress that notes the seconds from a model's first step to its last one, the alignment, reading texts included.

    A model begins where a task ended, or where the timer was made.
    """

    def __init__(self) -> None:
        self.seconds: list[int] = []
        self._begun = time.monotonic()
        self._new = True

    def __call__(self, step: str, done: int, total: int) -> None:  # noqa: ARG002
        """Note a step."""
        if step == "alignment":
            self.seconds = self.seconds if self._new is False else [*self.seconds, 0]
            self.seconds[-1] = round(time.monotonic() - self._begun)
            self._new = False
        elif step not in ("linking texts", "finding facts", "columns", "behaviour"):
            self._begun, self._new = time.monotonic(), True


def block(told: dict[str, Any]) -> str:
    """Return a Markdown table: a row per task, then the mean over tasks of the models that have all of them."""
    models = [model for model in told["models"] if any(model in found for found in told["tasks"].values())]
    heads = [f"{m} ({told['models'][m]['labels']})" if told["models"][m]["labels"] != "none" else m for m in models]
    lines = [f"### {told['dataset']}: AUC (95 % interval)\n", "| task | users | positive | " + " | ".join(heads) + " |"]
    lines.append("|---|---|---|" + "---|" * len(models))
    for task, found in told["tasks"].items():
        about = told["about"][task]
        cells = [_cell(found.get(model, {}).get("auc")) for model in models]
        share = f"{about['positives'] / about['users']:.1%}"
        lines.append(f"| {task} | {about['users']:,} | {share} | " + " | ".join(cells) + " |")
    means = [[found[m]["auc"]["mean"] for found in told["tasks"].values() if m in found] for m in models]
    whole = [f"{np.mean(own):.3f}" if len(own) == len(told["tasks"]) else "" for own in means]
    lines.append("| **mean** | | | " + " | ".join(whole) + " |")
    notes = dict.fromkeys(about["sample"] for about in told["about"].values())
    spent = told.get("trained_seconds")
    trained = [f"Trainings of the user model: {len(spent)}, {np.mean(spent):.0f} s each.", ""] if spent else []
    return "\n".join([*lines, "", *trained, *(f"Sample: {note}." for note in notes), ""])


def _cell(found: dict[str, Any] | None) -> str:
    if found is None or found["mean"] is None:
        return ""
    mean, low, high = (f"{value:.3f}".removeprefix("0") for value in (found["mean"], *found["ci"]))
    return f"{mean} ({low}-{high})"


if __name__ == "__main__":
    main()
