"""What each part of the user model is worth: the model without it beside the full one (FIND Table 5, and eq. 7, 10).

    python tests/bench/bench_users_ablations.py --dataset FOLDER --out FOLDER [--variants all] [--trainings 1]
    python tests/bench/bench_users_ablations.py --dataset FOLDER --out FOLDER --variants lora_tower,lora_events

FOLDER of the dataset has tasks.toml, as `audience-graph evaluate make-tasks` writes it. Each variant is trained with
the full model's settings but one, from the same seeds (7, 8, ...: one per training), and judged on the same splits and
users: AUC of zero-shot and of a linear probe of the fused vector. Writes VARIANT_SEED.json into --out, as
`audience-graph evaluate users --json` prints it; what lies there from the same settings is not run again, so a stopped
bench goes on. What trains a reader of texts runs where it is named, not among `all`: it takes many times as long.

Prints the mean over tasks of each variant, and the paired difference to the full model: the mean over tasks (and
trainings) with a 95 % interval of tasks drawn with replacement. One training says nothing of the chance of training.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from bench_targeting_tasks import settings

from audience_trainers.users.evaluate import EvaluateOptions, choose_tasks, evaluate_users
from audience_trainers.users.report import to_json
from audience_trainers.users.scoring import choose_models

FULL = "full"
VARIANTS: dict[str, tuple[str, ...]] = {
    FULL: (),
    "without_behaviour": ("align.without=behaviour",),
    "without_tabular": ("align.without=tabular",),
    "without_search": ("align.without=search",),
    "without_activity": ("align.without=activity",),
    "without_taste": ("align.without=taste",),
    "concatenation": ("align.fusion=concatenation",),
    "without_cycle": ("behaviour.cyclic=0",),
    "without_replaced": ("tabular.replaced=0",),
    "present": ("pairs.windows.present=true",),
    "gru": ("behaviour.kind=gru",),
    "mean": ("behaviour.kind=mean",),
}
# A reader trained with the users, where the full model has a head over kept vectors; chunks bound the memory.
READERS: dict[str, tuple[str, ...]] = {
    "lora_tower": ("tower.tune=lora", "align.chunk=64"),
    "lora_events": ("behaviour.text.tune=lora",),
    "head_events": ("behaviour.text.tune=head",),
}
ROWS = {"zero_shot": "zero-shot", "probe": "linear probe"}
FIRST_SEED = 7
Told = dict[str, Any]


def main() -> None:
    """Run the variants that are not there yet and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--variants", default="all", help=f"Comma-separated, of {', '.join(VARIANTS | READERS)}.")
    parser.add_argument("--seeds", type=int, default=5, help="Splits of a task's users.")
    parser.add_argument("--trainings", type=int, default=1, help="Seeds of training: 7, 8, ...")
    parser.add_argument("--texts", type=Path, help="Folder of text vectors. [default: in --out]")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="more", help="For all.")
    options = parser.parse_args()
    asked = list(VARIANTS) if options.variants == "all" else [FULL, *options.variants.split(",")]
    if unknown := [name for name in asked if name not in VARIANTS | READERS]:
        parser.error(f"no variant {', '.join(unknown)}; there are {', '.join(VARIANTS | READERS)}")
    options.out.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[Told]] = {}
    for seed in range(FIRST_SEED, FIRST_SEED + options.trainings):
        for name in dict.fromkeys(asked):
            found.setdefault(name, []).append(run_variant(name, seed, options))
    print(block(options.dataset.name, found))


def run_variant(name: str, seed: int, options: argparse.Namespace) -> Told:
    """Return what a variant reached, from its file where that is of the same settings, seeds and dataset."""
    told = (*settings(options.dataset.name, options.more), *(VARIANTS | READERS)[name])
    head = {
        "folder": str(options.dataset.resolve()),
        "settings": list(told),
        "training_seed": seed,
        "seeds": options.seeds,
    }
    file = options.out / f"{name}_{seed}.json"
    if file.is_file():
        kept: Told = json.loads(file.read_text(encoding="utf-8"))
        if all(kept.get(key) == value for key, value in head.items()):
            return kept
    begin = time.monotonic()
    models = choose_models(",".join(ROWS))
    texts = options.texts or options.out / "text_vectors"
    how = EvaluateOptions(seeds=options.seeds, cache=texts, reference="zero_shot", settings=told, training=seed)
    judged = evaluate_users(options.dataset, choose_tasks(options.dataset, None), models, how)
    found = to_json(options.dataset.name, judged, models, how) | head
    found["seconds"] = round(time.monotonic() - begin)
    part = file.with_suffix(".part")
    part.write_text(json.dumps(found, indent=2), encoding="utf-8")
    part.replace(file)
    print(f"{name}, training {seed}: {found['seconds']} s", file=sys.stderr)
    return found


def block(dataset: str, found: Mapping[str, list[Told]]) -> str:
    """Return a Markdown table: mean AUC over tasks of each variant and its difference to the full model, per row."""
    heads = [f"{words} | difference" for words in ROWS.values()]
    lines = [f"### {dataset}: parts of the user model, mean AUC over tasks\n", "| model | " + " | ".join(heads) + " |"]
    lines.append("|---|" + "---|---|" * len(ROWS))
    whole = {row: aucs(found[FULL], row) for row in ROWS}
    for name, told in found.items():
        cells: list[str] = []
        for row in ROWS:
            own = aucs(told, row)
            cells.append(f"{np.mean(list(own.values())):.3f}" if own else "")
            cells.append("" if name == FULL else cell(own, whole[row]))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    trainings, tasks = len(found[FULL]), len(found[FULL][0]["tasks"])
    what = f"{tasks} tasks, {trainings} training(s) per variant and cut, {found[FULL][0]['seeds']} splits."
    return "\n".join([*lines, "", f"{what} Interval: tasks drawn with replacement; won: tasks better than full.", ""])


def aucs(told: list[Told], row: str) -> dict[str, float]:
    """Return the AUC of a row by task, mean over trainings; a task without a number in any is left out."""
    values: dict[str, list[float]] = {}
    for one in told:
        for task, models in one["tasks"].items():
            mean = models.get(row, {}).get("auc", {}).get("mean")
            if mean is not None:
                values.setdefault(task, []).append(mean)
    return {task: float(np.mean(own)) for task, own in values.items() if len(own) == len(told)}


def cell(own: Mapping[str, float], whole: Mapping[str, float], *, replicates: int = 10_000) -> str:
    """Return `-.012 (-.020-.003), won 2/9`: the paired difference over the tasks that both have."""
    both = [task for task in whole if task in own]
    if not both:
        return ""
    gaps = np.array([own[task] - whole[task] for task in both])
    drawn = np.random.default_rng(0).integers(len(gaps), size=(replicates, len(gaps)))
    low, high = np.percentile(gaps[drawn].mean(axis=1), [2.5, 97.5])
    return f"{gaps.mean():+.3f} ({low:+.3f} to {high:+.3f}), won {(gaps > 0).sum()}/{len(gaps)}"


if __name__ == "__main__":
    main()
