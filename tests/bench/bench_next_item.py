"""Next item on Amazon Beauty 5-core, leave-one-out, ranked against all items that the user has not had.

    python tests/bench/bench_next_item.py --out FOLDER [--models 'SASRec|behaviour'] [--seeds 1,2,3] [--set KEY=VALUE]

Prints a block for RESULTS.md: HR@10, NDCG@10 and MRR on the test with 95 % intervals over users, validation NDCG@10,
parameters and seconds of a training. All have one loss and one budget, and were chosen on validation NDCG@10 only; the
test is ranked once for each training of the settings below. The ranks of a training are kept in FOLDER: one of the
same settings and seed is not run again, so name a new folder after a change of code. The set tells only the order:
event k is put k days after a first day, so that times tell the place from the start and nothing of what follows. In the
rows with attributes items know the mean of their attributes (category, brand) too; pre-trained: the encoder learned by
contrastive prediction from the same items before it was fine-tuned.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1] / "real"))

from shared_data import find_shared_data, why_absent

from audience_trainers.run import resolve_config
from audience_trainers.users.next_item.config import NextItemConfig
from audience_trainers.users.next_item.fit import fit_next_item, scorer
from audience_trainers.users.next_item.floors import item_cosine, popularity
from audience_trainers.users.next_item.ranking import ahead, gains, judge, ranks
from audience_trainers.users.next_item.sequences import Sequences, ask
from audience_trainers.users.training import TrainOptions

NAME = "amazon_beauty_seq"
SPLITS = ("valid", "test")
DAY, FIRST = 86_400, 1_388_534_400
SIZE = ("dims=64", "layers=1", "heads=1", "dropout=0.4")
STEPS = ("batch=128", "epochs=16", "patience=3", "learning_rate=0.003", "bf16=true")
SETTINGS: dict[str, tuple[str, ...]] = {
    "SASRec": ("kind=sasrec",),
    "SASRec, attributes": ("kind=sasrec",),
    "behaviour": ("kind=behaviour",),
    "behaviour, attributes": ("kind=behaviour",),
    "behaviour, attributes, pre-trained": ("kind=behaviour", "pretrain=2"),
}


def read_sequences(folder: Path) -> Sequences:
    """Return the sequences of the set."""
    rows = pd.read_parquet(folder / "interactions.parquet").sort_values(["user_id", "pos"])
    length = rows.groupby("user_id").size().to_numpy()
    item = pd.factorize(rows.item_id, sort=True)[0].astype(np.int64)
    start = np.concatenate([[0], np.cumsum(length)]).astype(np.int64)
    clock = FIRST + DAY * rows.pos.to_numpy(np.int64)
    return Sequences(start, item, np.zeros(len(item), np.int64), clock, int(item.max()) + 1)


def read_attributes(folder: Path) -> np.ndarray:
    """Return (items, attributes): 1 / k at each of an item's k attributes."""
    known = pd.read_parquet(folder / "item_attributes.parquet").sort_values("item_id")
    found = np.zeros((len(known), max(map(max, known.attribute_ids)) + 1), np.float32)
    for row, own in enumerate(known.attribute_ids):
        found[row, own] = 1.0 / len(own)
    return found


def main() -> None:
    """Train what is not kept yet and print the block."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--models", default="|".join(SETTINGS), help="Separated by |.")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="more")
    options = parser.parse_args()
    folder = find_shared_data(NAME)
    if folder is None:
        print(f"skipped: {why_absent(NAME)}")
        return
    options.out.mkdir(parents=True, exist_ok=True)
    sequences, seeds = read_sequences(folder), [int(seed) for seed in options.seeds.split(",")]
    told = floors(sequences)
    for model in options.models.split("|"):
        features = read_attributes(folder) if "attributes" in model else None
        config = resolve_config(NextItemConfig, [*SIZE, *STEPS, *SETTINGS[model], *options.more])
        told[model] = [trained(sequences, features, config, seed, options.out) for seed in seeds]
    print(block(told))


def floors(sequences: Sequences) -> dict[str, list[dict[str, Any]]]:
    """Return the ranks that popularity and item cosine give."""
    found: dict[str, dict[str, Any]] = {"popularity": {}, "item cosine": {}}
    for split in SPLITS:
        asked = ask(sequences, split, 1)
        found["popularity"][split] = ranks(asked, popularity(asked, sequences.items))
        found["item cosine"][split] = ranks(asked, item_cosine(asked, sequences.items))
    return {name: [own] for name, own in found.items()}


def trained(
    sequences: Sequences, features: np.ndarray | None, config: NextItemConfig, seed: int, out: Path
) -> dict[str, Any]:
    """Return the ranks of a training, its seconds and parameters; from `out` when it was done before."""
    known = json.dumps([str(config), seed, features is not None])
    name = f"{config.kind}-{seed}-{hashlib.sha256(known.encode()).hexdigest()[:10]}"
    file = out / f"{name}.npz"
    if not file.is_file():
        (out / name).mkdir(exist_ok=True)
        begin = time.monotonic()
        options = TrainOptions(seed, "cpu", out / name, known, progress=_say)
        fit = fit_next_item(sequences, config, options, features=features)
        spent = time.monotonic() - begin
        asked = {split: ask(sequences, split, config.width) for split in SPLITS}
        found = {split: ranks(own, scorer(fit.model, own)) for split, own in asked.items()}
        size = sum(p.numel() for p in fit.model.parameters())
        np.savez(file, seconds=spent, parameters=size, epochs=fit.curves[-1][0], **found)
    return dict(np.load(file))


def block(told: dict[str, list[dict[str, Any]]]) -> str:
    """Return a Markdown table, a row per model with each of its seeds, and how far the last is above the others."""
    lines = [
        "| model | HR@10 | NDCG@10 | each seed | MRR | validation NDCG@10 | parameters | seconds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for model, runs in told.items():
        test, valid = (judge([run[split] for run in runs]) for split in ("test", "valid"))
        cells = [f"{e.mean:.4f} ({e.low:.4f}-{e.high:.4f})" for e in (test["hr"], test["ndcg"], test["mrr"])]
        own = ", ".join(f"{gains(run['test'])['ndcg'].mean():.4f}" for run in runs) if "seconds" in runs[0] else ""
        size = f"{int(runs[0]['parameters']):,}" if own else ""
        spent = f"{np.mean([run['seconds'] for run in runs]):,.0f}" if own else ""
        lines.append(f"| {model} | {cells[0]} | {cells[1]} | {own} | {cells[2]} | {valid['ndcg'].mean:.4f} | {size} | {spent} |")  # fmt: skip # noqa: E501
    last = list(told)[-1]
    for other in list(told)[:-1]:
        more = ahead([run["test"] for run in told[last]], [run["test"] for run in told[other]])
        lines += ["", f"NDCG@10 of {last} above {other}: {more.mean:.4f} ({more.low:.4f} to {more.high:.4f}), paired by user."]  # fmt: skip # noqa: E501
    return "\n".join([*lines, ""])


def _say(step: str, done: int, total: int) -> None:
    print(f"{step}: {done}/{total}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
