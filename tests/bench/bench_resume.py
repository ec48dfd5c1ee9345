"""Kill ALPC's training at ten random moments and let it go on: the end must be that of an uninterrupted run.

    python tests/bench/bench_resume.py [--kills 10] [--seed 7]

Trains in a process of its own on a generated graph, kills that process (SIGKILL) after a random time, starts it again
in the same folder, and compares curves and weights bit by bit with a run that nobody stopped. Exits with 1 when they
differ.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch
from bench_alpc_speed import CONFIG, generate

from audience_trainers.relations.alpc.edge_folds import course_from_edges
from audience_trainers.relations.alpc.train import TrainOptions, train_alpc

SETTINGS = replace(CONFIG, fanout=0, folds=4, batch=4_096, epochs=30, patience=30)


def train(folder: Path, out: Path) -> None:
    """Train to the end, going on from what the folder holds, and keep curves and weights."""
    torch.set_num_threads(1)
    course, _ = course_from_edges(generate(600, 8_000, seed=7), SETTINGS, seed=7)
    trained = train_alpc(course, SETTINGS, TrainOptions(seed=7, folder=folder, key="bench"))
    torch.save((trained.curves, trained.model.state_dict()), out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        train(Path(options.worker[0]), Path(options.worker[1]))
        return
    moments = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        whole = run(base / "whole", base / "whole.pt", None)
        print(f"uninterrupted: {whole:.1f} s")
        killed = 0
        while killed < options.kills:
            lasted = run(base / "killed", base / "killed.pt", moments.uniform(0.25, 0.55) * whole)
            if lasted is not None:
                (base / "killed.pt").unlink()
                (base / "killed" / "checkpoint.pt").unlink()
                continue
            killed += 1
            state = base / "killed" / "checkpoint.pt"
            done = torch.load(state, weights_only=True)["state"]["epoch"] if state.is_file() else 0
            print(f"kill {killed}: {done} of {SETTINGS.epochs} epochs kept")
        run(base / "killed", base / "killed.pt", None)
        first, second = (torch.load(base / f"{n}.pt", weights_only=True) for n in ("whole", "killed"))
    same = first[0] == second[0] and all(torch.equal(value, second[1][key]) for key, value in first[1].items())
    auc = max(value for _, kind, value in second[0] if kind == "valid_auc")
    print(f"after {options.kills} kills: {'the same curves and weights' if same else 'DIFFERENT'}, valid AUC {auc:.4f}")
    sys.exit(0 if same else 1)


def run(folder: Path, out: Path, seconds: float | None) -> float | None:
    """Run a worker; kill it after `seconds`. Return how long it took, None when it was killed."""
    folder.mkdir(exist_ok=True)
    begun = time.perf_counter()
    worker = subprocess.Popen([sys.executable, __file__, "--worker", str(folder), str(out)])
    try:
        code = worker.wait(seconds)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
        return None
    if code != 0:
        sys.exit(f"the worker ended with {code}")
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
