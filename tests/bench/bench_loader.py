"""Positive edges a second and AUC of ALPC's trainer beside PyG's LinkNeighborLoader with the same model, on one graph.

    python tests/bench/bench_loader.py [--folder FOLDER] [--seeds 3] [--epochs 5] [--batches 512 2048 8192]

Both train the same module on the same folds: the fold whose edges are predicted carries no messages. The peer draws
its subgraphs and negatives with `torch_geometric.loader.LinkNeighborLoader` (--fanout neighbours a hop, three
negatives a positive) in batches of each size given; losses, optimiser and learning rate are those of the trainer. The
loader needs torch-sparse or pyg-lib, which are compiled from source or come from another index: it is no dependency of
the project (`pip install --no-build-isolation torch-scatter torch-sparse`). Runs take turns. Bars: ten times the
positive edges a second of the peer's fastest batch size, at an AUC not more than .2 points lower.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "real"))

import numpy as np
import torch
from shared_data import find_shared_data, why_absent
from torch_geometric.data import Data
from torch_geometric.loader import LinkNeighborLoader

from audience_trainers.relations.alpc.config import AlpcConfig
from audience_trainers.relations.alpc.edge_folds import course_from_edges
from audience_trainers.relations.alpc.encode import encode_all, score_pairs
from audience_trainers.relations.alpc.hops import Hop
from audience_trainers.relations.alpc.lessons import Course, Lesson
from audience_trainers.relations.alpc.losses.prediction import prediction_loss
from audience_trainers.relations.alpc.losses.threshold import threshold_loss
from audience_trainers.relations.alpc.model import Alpc, Sizes
from audience_trainers.relations.alpc.train import CLIP, TrainOptions, train_alpc
from audience_trainers.relations.linkpred.ranking import area_under_curve
from audience_trainers.relations.linkpred.read import read_task
from audience_trainers.relations.linkpred.task import LinkTask

BAR_TIMES, BAR_AUC = 10.0, 0.002


def main() -> None:
    """Train both in turn, print a line for each run and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="In the form of Amazon Photo, which is the default.")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--fanout", type=int, nargs="+", default=[20, 10])
    parser.add_argument("--batches", type=int, nargs="+", default=[512, 2048, 8192])
    chosen = parser.parse_args()
    folder = chosen.folder or find_shared_data("amazon_photo")
    if folder is None:
        print(f"skipped: {why_absent('amazon_photo')}")
        return
    task = read_task(folder)
    config = replace(AlpcConfig(), epochs=chosen.epochs, beta=0.0)  # the loader's batches have no anchors
    names = ["trainer", *(f"loader, batches of {size:,}" for size in chosen.batches)]
    speeds: dict[str, list[float]] = {name: [] for name in names}
    areas: dict[str, list[float]] = {name: [] for name in names}
    for seed in range(chosen.seeds):
        for name, size in zip(names, [0, *chosen.batches], strict=True):
            course, _ = course_from_edges(task.training, config, seed=seed)
            for place in range(course.lessons):
                course.lesson(place)  # inputs are made before the clock starts, for both
            run = by_trainer if size == 0 else by_loader(size, chosen.fanout)
            begun = time.perf_counter()
            model = run(course, config, seed)
            speed = chosen.epochs * task.training.edges.shape[1] / (time.perf_counter() - begun)
            area = test_area(model, course, task)
            speeds[name].append(speed)
            areas[name].append(area)
            print(f"seed {seed}, {name}: {speed:,.0f} positive edges/s, test AUC {area:.4f}", flush=True)
    report(names, speeds, areas)


def report(names: list[str], speeds: dict[str, list[float]], areas: dict[str, list[float]]) -> None:
    """Print means and the ratio to the fastest peer; exit with 1 when a bar is missed."""
    mean = {name: statistics.mean(speeds[name]) for name in names}
    for name in names:
        spread = f"{min(speeds[name]):,.0f} - {max(speeds[name]):,.0f}"
        print(f"| {name} | {mean[name]:,.0f} ({spread}) | {statistics.mean(areas[name]):.4f} |")
    fastest = max(names[1:], key=lambda name: mean[name])
    times = mean["trainer"] / mean[fastest]
    apart = statistics.mean(areas["trainer"]) - max(statistics.mean(areas[name]) for name in names[1:])
    print(f"{times:.1f} times the fastest loader ({fastest}; bar {BAR_TIMES:g}), AUC {100 * apart:+.2f} points")
    if times < BAR_TIMES or apart < -BAR_AUC:
        raise SystemExit(1)


def by_trainer(course: Course, config: AlpcConfig, seed: int) -> Alpc:
    """Train as the project does: the whole graph, one validation an epoch."""
    return train_alpc(course, config, TrainOptions(seed)).model


def by_loader(size: int, fanout: list[int]):  # type: ignore[no-untyped-def]
    """Return the same training fed by PyG's loader, one validation an epoch, best epoch kept."""

    def train(course: Course, config: AlpcConfig, seed: int) -> Alpc:
        torch.manual_seed(seed)
        model = Alpc(Sizes(course.text_dims, course.co_dims), config)
        optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.epochs)
        loaders = [loader_of(course.lesson(place), config, size, fanout) for place in range(course.lessons)]
        paper, best, kept = course.examination, -1.0, model.state_dict()
        for _ in range(config.epochs):
            for place in torch.randperm(len(loaders)).tolist():
                for batch in loaders[place]:
                    model.train()
                    optimizer.zero_grad()
                    loss_of(model, batch, config).backward()
                    torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
                    optimizer.step()
            schedule.step()
            area = area_under_curve(score_pairs(model, encode_all(model, paper.view), paper.pairs), paper.labels)
            if area > best:
                best, kept = area, {name: value.clone() for name, value in model.state_dict().items()}
        model.load_state_dict(kept)
        return model

    return train


def loader_of(lesson: Lesson, config: AlpcConfig, size: int, fanout: list[int]) -> LinkNeighborLoader:
    """Return a loader over the lesson's positives; messages run along the edges that the lesson shows."""
    view = lesson.view
    data = Data(x=torch.from_numpy(view.x), edge_index=torch.from_numpy(view.graph.all_edges(view.hidden)))
    return LinkNeighborLoader(
        data,
        num_neighbors=fanout,
        edge_label_index=torch.from_numpy(np.ascontiguousarray(lesson.positive)),
        neg_sampling_ratio=float(config.negatives),
        batch_size=size,
        shuffle=True,
    )


def loss_of(model: Alpc, batch: Data, config: AlpcConfig) -> torch.Tensor:
    """Return L_pred + alpha L_th of a batch, as the trainer has them."""
    read = len(batch.x)
    z = model.encode(batch.x, [Hop(batch.edge_index, read, read)] * config.layers)
    u, v = batch.edge_label_index
    z_u = z.index_select(0, u)
    s = model.score(z_u, z.index_select(0, v))
    label, weight = (batch.edge_label > 0).float(), torch.ones(len(s))
    loss: torch.Tensor = prediction_loss(s, label, weight) + config.alpha * threshold_loss(
        s, model.eps(z_u), label, weight
    )
    return loss


def test_area(model: Alpc, course: Course, task: LinkTask) -> float:
    """Return the AUC on the test pairs with random negatives."""
    z = encode_all(model, course.examination.view)
    judged = task.test["random"]
    return area_under_curve(score_pairs(model, z, judged.pairs()), judged.labels())


if __name__ == "__main__":
    main()
