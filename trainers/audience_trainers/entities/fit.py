"""The training loop: AdamW with two rates, warm-up and linear decay, the best epoch on dev, safe to stop anywhere.

After each epoch the whole state (weights, optimizer, history, best weights) replaces `state.pt` in one step, and an
epoch's random numbers depend only on the seed and its number: a run that was killed goes on from its last whole
epoch and ends as one that was not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from audience_trainers.entities.batches import Window, collate, label_numbers, training_order, windows_of
from audience_trainers.entities.config import TaggerConfig
from audience_trainers.entities.data import Sentence
from audience_trainers.entities.predict import evaluate, mixed
from audience_trainers.entities.resume import read_state, write_state
from audience_trainers.entities.span_metrics import Report
from audience_trainers.entities.tagger import TaggingModel
from audience_trainers.entities.words import Pieces
from audience_trainers.run import Progress, silent


@dataclass(frozen=True, slots=True)
class Epoch:
    """One row of the history: mean training loss per word, micro F1 on dev, share of a learning rate at its end."""

    epoch: int
    loss: float
    dev_f1: float
    rate: float


@dataclass(frozen=True, slots=True)
class FitSetting:
    """How to fit besides the config: labels, tokenizer, seed, device, where the state is kept (None: nowhere)."""

    labels: Sequence[str]
    pieces: Pieces
    seed: int
    device: str = "cpu"
    state: Path | None = None
    key: str = ""
    progress: Progress = field(default=silent)

    def evaluate(self, model: TaggingModel, sentences: Sequence[Sentence], config: TaggerConfig) -> Report:
        """Tag sentences and score their spans."""
        return evaluate(model, sentences, config=config, pieces=self.pieces, labels=self.labels, device=self.device)


def fit(
    model: TaggingModel,
    train: Sequence[Sentence],
    dev: Sequence[Sentence],
    *,
    config: TaggerConfig,
    setting: FitSetting,
) -> list[Epoch]:
    """Train `model` in place and leave the weights of its best epoch on dev in it; return the history.

    Stops after `patience` epochs without a better F1. Goes on from `setting.state` when that has the same `key`.
    """
    network = cast("nn.Module", model).to(setting.device)
    number = label_numbers(setting.labels)
    tags = [[number[tag] for tag in sentence.tags] for sentence in train]
    windows = windows_of([s.words for s in train], setting.pieces, limit=config.limit, tags=tags)
    optimizer, schedule = _optimizer(model, config, steps=-(-len(windows) // config.batch) * config.epochs)
    history: list[Epoch] = []
    best = _copy(network)
    kept = read_state(setting.state, setting.key) if setting.state is not None else None
    if kept is not None:
        history = [Epoch(**row) for row in kept["history"]]
        network.load_state_dict(kept["model"])
        optimizer.load_state_dict(kept["optimizer"])
        schedule.load_state_dict(kept["schedule"])
        best = kept["best"]
    while len(history) < config.epochs and not _stalled(history, config.patience):
        epoch = len(history) + 1
        loss = _epoch(model, windows, optimizer, schedule, config=config, setting=setting, epoch=epoch)
        f1 = setting.evaluate(model, dev, config).micro.f1
        if not history or f1 > max(row.dev_f1 for row in history):
            best = _copy(network)
        history.append(Epoch(epoch, loss, f1, float(schedule.get_last_lr()[0]) / config.rate))
        if setting.state is not None:
            parts: dict[str, Any] = {"model": network, "optimizer": optimizer, "schedule": schedule}
            state = {name: part.state_dict() for name, part in parts.items()}
            rows = [asdict(row) for row in history]
            write_state(setting.state, setting.key, {**state, "history": rows, "best": best})
    network.load_state_dict(best)
    return history


def _epoch(
    model: TaggingModel,
    windows: Sequence[Window],
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LambdaLR,
    *,
    config: TaggerConfig,
    setting: FitSetting,
    epoch: int,
) -> float:
    torch.manual_seed(1_000_003 * setting.seed + epoch)
    order = training_order(windows, config.batch, np.random.default_rng([setting.seed, epoch]))
    network = cast("nn.Module", model)
    network.train()
    total = words = 0.0
    for done, places in enumerate(order, 1):
        batch = collate([windows[i] for i in places], setting.pieces).to(setting.device)
        with mixed(config, setting.device):
            loss = model.loss(batch)
        optimizer.zero_grad(set_to_none=True)
        cast("Any", loss).backward()
        nn.utils.clip_grad_norm_(network.parameters(), config.clip)
        optimizer.step()
        schedule.step()
        count = float(batch.mask.sum())
        total, words = total + loss.item() * count, words + count
        setting.progress(f"epoch {epoch} of {config.epochs}", done, len(order))
    return total / words


def _optimizer(
    model: TaggingModel, config: TaggerConfig, *, steps: int
) -> tuple[torch.optim.AdamW, torch.optim.lr_scheduler.LambdaLR]:
    head = list(model.head_parameters())
    ours = {id(parameter) for parameter in head}
    network = cast("nn.Module", model)
    body = [p for p in network.parameters() if id(p) not in ours]
    matrices = [p for p in body if p.ndim > 1]
    vectors = [p for p in body if p.ndim <= 1]  # biases and norms are not pulled towards zero
    groups: list[dict[str, Any]] = [
        {"params": matrices, "lr": config.rate, "weight_decay": config.decay},
        {"params": vectors, "lr": config.rate, "weight_decay": 0.0},
        {"params": head, "lr": config.head_rate, "weight_decay": 0.0},
    ]
    warm = max(1, round(config.warm * steps))

    def share(step: int) -> float:
        return min((step + 1) / warm, max(0.0, (steps - step) / max(1, steps - warm)))

    optimizer = torch.optim.AdamW(groups, fused=True)
    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, share)


def _stalled(history: Sequence[Epoch], patience: int) -> bool:
    if not history:
        return False
    best = max(range(len(history)), key=lambda i: (history[i].dev_f1, -i))
    return len(history) - 1 - best >= patience


def _copy(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}
