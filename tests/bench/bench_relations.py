"""Link prediction: every model on one split, random and hard negatives, mean and 95 % interval over seeds.

    python tests/bench/bench_relations.py amazon_photo [--models all] [--seeds 5] [--out FOLDER] [--data-dir FOLDER]
    python tests/bench/bench_relations.py ml_1m        (or anime_5k, completejourney, or a folder in the same form)

Amazon Photo has the split that it was shipped with. The others are sequences: a graph of about 100 relations per
entity is made of half of the users and judged by the other half (ACC). Peers are the models of Table II and what a user
would try; settings are chosen on validation with the first seed. Prints a block for RESULTS.md. `--make FOLDER`
only writes the folder that `audience-graph evaluate relations` reads. Finished fits are kept in `--out`.
"""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "real"))

from sequence_sets import SETS
from shared_data import find_shared_data, why_absent

from audience_graph.entities.text_encoder import TextEncoder
from audience_trainers.relations.linkpred.evaluate import Compared, EvaluateOptions, evaluate_models
from audience_trainers.relations.linkpred.from_sequences import FolderPlan, write_sequence_folder
from audience_trainers.relations.linkpred.models import choose_models
from audience_trainers.relations.linkpred.read import read_task
from audience_trainers.relations.linkpred.report import MEASURES, table_rows, to_json, write_results
from audience_trainers.run import choose_device


def main() -> None:
    """Make the folder where there is none, compare, print the block."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="amazon_photo, ml_1m, anime_5k, completejourney, or a folder")
    parser.add_argument("--models", default="all")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--reference", default="alpc")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path, help="Finished fits and results. [default: a new folder]")
    parser.add_argument("--make", type=Path, help="Only write the folder made of sequences, here.")
    parser.add_argument("--data-dir", help="Servers that FastRP asks. [default: the usual data folder]")
    chosen = parser.parse_args()
    out = chosen.out or Path(tempfile.mkdtemp(prefix="audience-graph-bench-"))
    folder = find_folder(chosen.name, chosen.make or out / "folder")
    if folder is None or chosen.make is not None:
        return
    begin = time.monotonic()
    options = EvaluateOptions(
        seeds=chosen.seeds,
        device=choose_device(chosen.device),
        folder=out,
        lenient=chosen.models == "all",
        data_dir=chosen.data_dir,
        progress=say,
    )
    compared = evaluate_models(read_task(folder), choose_models(chosen.models), options)
    write_results(out, [compared], to_json(compared, "both", reference=chosen.reference))
    print(f"### {chosen.name}: {chosen.seeds} seeds, {options.device}, {platform.machine()}\n")
    for kind in ("random", "hard"):
        print(f"{kind.capitalize()} negatives, in percent:\n")
        print(block(compared, kind, chosen.reference))
        print()
    print(f"{time.monotonic() - begin:.0f} s; rows in {out}", file=sys.stderr)


def find_folder(name: str, made: Path) -> Path | None:
    """Return the folder of a data set: as it is, or made of its sequences; None, saying why, when it is not there."""
    if Path(name).is_dir():
        return Path(name)
    source = find_shared_data(name)
    if source is None:
        print(f"skipped: {why_absent(name)}")
        return None
    if name not in SETS:
        return source
    if not (made / "nodes.parquet").is_file():  # written last
        split = write_sequence_folder(
            made, SETS[name](source), TextEncoder(device=choose_device()).encode, FolderPlan()
        )
        say(f"{name}: {split.train.shape[1]:,} training relations in {made}", 1, 1)
    return made


def block(compared: Compared, kind: str, reference: str) -> str:
    """Return a Markdown table, best AUC first."""
    rows = table_rows(compared, kind, reference=reference)
    columns = ["model", *(m for m in MEASURES if any(m in row for row in rows)), f"auc - {reference}"]
    lines = [" | ".join(columns), " | ".join("---" for _ in columns)]
    lines += [" | ".join(row.get(column, "") for column in columns) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def say(step: str, done: int, total: int) -> None:
    """Show finished fits."""
    print(f"[{done}/{total}] {step}", file=sys.stderr)


if __name__ == "__main__":
    main()
