"""Every model of `audience-graph evaluate users` on the targeting tasks of the real sets, and of a demo world.

    python tests/bench/bench_targeting_tasks.py --out FOLDER [--sets ml_100k,...] [--world FOLDER] [--models all]

Writes NAME.json per set into FOLDER, as `audience-graph evaluate users --dataset NAME --json` prints it, and prints a
block for RESULTS.md: AUC per task with its 95 % interval, and the mean over a set's tasks. A set whose JSON lies there
already is not run again. Texts are encoded once and kept in FOLDER. Nothing is tuned on these sets.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "real"))

from shared_data import find_shared_data, why_absent

from audience_trainers.users.evaluate import EvaluateOptions, choose_tasks, evaluate_users
from audience_trainers.users.report import to_json
from audience_trainers.users.scoring import choose_models
from audience_trainers.users.tasks.sets.writing import SETS, make_tasks


def main() -> None:
    """Run the sets that are here and print the block."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--world", type=Path, help="Folder of a demo world. [default: the demo is left out]")
    parser.add_argument("--models", default="all")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.sets.split(","):
        source = options.world if name == "demo" else find_shared_data(SETS[name])
        file = options.out / f"{name}.json"
        if not file.is_file() and source is None:
            print(f"skipped {name}: {'no --world' if name == 'demo' else why_absent(name)}\n")
            continue
        if not file.is_file():
            begin = time.monotonic()
            file.write_text(json.dumps(run_set(name, source, options), indent=2), encoding="utf-8")
            print(f"{name}: {time.monotonic() - begin:.0f} s", file=sys.stderr)
        print(block(json.loads(file.read_text(encoding="utf-8"))))


def run_set(name: str, source: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Write a set's folder and return what its models reach."""
    folder = options.out / "tasks" / name
    make_tasks(name, source, folder)
    models = choose_models(options.models)
    how = EvaluateOptions(seeds=options.seeds, cache=options.out / "text_vectors")
    return to_json(name, evaluate_users(folder, choose_tasks(folder, None), models, how), models, how)


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
    return "\n".join([*lines, "", *(f"Sample: {note}." for note in notes), ""])


def _cell(found: dict[str, Any] | None) -> str:
    if found is None or found["mean"] is None:
        return ""
    mean, low, high = (f"{value:.3f}".removeprefix("0") for value in (found["mean"], *found["ci"]))
    return f"{mean} ({low}-{high})"


if __name__ == "__main__":
    main()
