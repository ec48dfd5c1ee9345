"""Train ALPC on a course of lessons: L = L_pred + alpha L_th + beta L_cl (EGL eq. 5), best epoch by validation AUC."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from audience_trainers.checkpoint import State, load_checkpoint, save_checkpoint
from audience_trainers.processes import Processes, join_processes
from audience_trainers.relations.alpc.config import AlpcConfig
from audience_trainers.relations.alpc.encode import encode_all, score_pairs
from audience_trainers.relations.alpc.lessons import Course, Lesson
from audience_trainers.relations.alpc.model import Alpc, Sizes
from audience_trainers.relations.alpc.step import Batch, Reader, batch_losses, draw_batch
from audience_trainers.relations.linkpred.ranking import area_under_curve
from audience_trainers.run import Progress, silent

CLIP = 1.0


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """Seed, device, and the folder that keeps checkpoints (None: none are kept)."""

    seed: int
    device: str = "cpu"
    folder: Path | None = None
    key: str = ""
    progress: Progress = silent


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """The model at its best epoch, the validation AUC of it, and the curves (epoch, name, value)."""

    model: Alpc
    valid_auc: float
    curves: list[tuple[int, str, float]]


def train_alpc(course: Course, config: AlpcConfig, options: TrainOptions) -> Trained:
    """Train and return the model of the best epoch. Same course, settings and seed: same weights on one machine.

    With a folder, the state is kept after every epoch, and a run that was killed goes on from it to the same end.
    Under `torchrun` every process calls this with the same arguments; each returns the same model. Raises RunError
    for a damaged checkpoint or one of another training.
    """
    processes = join_processes(options.device)
    torch.manual_seed(options.seed)
    model = Alpc(Sizes(course.text_dims, course.co_dims, course.pair_dims, course.exposure_dims), config).to(
        options.device
    )
    if course.examination.features is not None:
        model.learn_scale(torch.from_numpy(course.examination.features).to(options.device))
    if config.compile:
        model.scoring.compile(backend=config.compile, dynamic=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.epochs)
    parts = {"model": model, "optimizer": optimizer, "schedule": schedule}
    state = State() if options.folder is None else load_checkpoint(options.folder, parts, options.key, options.device)
    while state.epoch < config.epochs and state.since < config.patience:
        losses = _epoch(model, optimizer, course, config, options, processes, state.epoch)
        schedule.step()
        _examine(model, course, state, losses, options.device)
        if options.folder is not None and processes.rank == 0:
            save_checkpoint(options.folder, state, parts, options.key)
        options.progress("alpc", state.epoch, config.epochs)
    model.load_state_dict(state.best_weights)
    return Trained(model, state.best, state.curves)


def _epoch(
    model: Alpc,
    optimizer: torch.optim.Optimizer,
    course: Course,
    config: AlpcConfig,
    options: TrainOptions,
    processes: Processes,
    epoch: int,
) -> Tensor:
    """Go through all lessons once, in a new order, and return the mean losses (3,)."""
    torch.manual_seed(hash((options.seed, epoch, 1)) & 0x7FFFFFFF)
    rng = np.random.default_rng([options.seed, epoch])  # batches are drawn alike in every process
    own = np.random.default_rng([options.seed, epoch, processes.rank])  # neighbours are each process's own
    totals, steps = torch.zeros(3), 0
    for place in rng.permutation(course.lessons).tolist():
        lesson = course.lesson(place)
        reader = Reader(lesson.view, config, options.device)
        for batch in _batches(lesson, config, rng):
            model.train()
            with torch.autocast(options.device, torch.bfloat16, enabled=config.precision == "bf16"):
                encoded = reader.encode(model, batch, processes, own)
                losses = batch_losses(model, encoded, batch, config, course.known, processes)
            optimizer.zero_grad()
            losses.total(config).backward()  # type: ignore[no-untyped-call]
            processes.sum_gradients(model.parameters())
            torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimizer.step()
            totals += processes.sum(losses.values().cpu())
            steps += 1
    return totals / max(steps, 1)


def _batches(lesson: Lesson, config: AlpcConfig, rng: np.random.Generator) -> Iterator[Batch]:
    """Yield the lesson's positives in a new order, in equal parts of at most `config.batch`, with their negatives."""
    order = rng.permutation(lesson.positive.shape[1])
    for chosen in np.array_split(order, -(-len(order) // config.batch)) if len(order) else []:
        yield draw_batch(lesson, chosen, config, rng)


def _examine(model: Alpc, course: Course, state: State, losses: Tensor, device: str) -> None:
    """Measure validation AUC, keep the weights when it is the best, and add to the curves."""
    paper = course.examination
    z = encode_all(model, paper.view, device=device)
    auc = area_under_curve(score_pairs(model, z, paper.pairs, paper.features, exposed=True), paper.labels)
    state.epoch += 1
    named = dict(zip(("l_pred", "l_th", "l_cl"), losses.tolist(), strict=True))
    state.curves += [(state.epoch, name, value) for name, value in (named | {"valid_auc": auc}).items()]
    state.since += 1
    unknown = math.isnan(auc)  # nothing to judge by: the last epoch counts
    if unknown or not state.best_weights or auc > state.best:
        state.best, state.since = auc, 0
        state.best_weights = {name: value.detach().clone() for name, value in model.state_dict().items()}
