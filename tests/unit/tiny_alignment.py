"""A small alignment: users with a noisy picture of what they like, described by sentences about it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tiny_towers import tiny_tower
from torch import nn

from audience_trainers.users.alignment.aligned import Aligned, Described
from audience_trainers.users.alignment.config import AlignConfig
from audience_trainers.users.alignment.train import Material
from audience_trainers.users.alignment.train import align as train_sides
from audience_trainers.users.training import Trained, TrainOptions

LIKES = ("tea", "shoes", "books", "garden", "music", "travel")
CONFIG = AlignConfig(dims=16, batch=24, chunk=7, block=5, epochs=3, patience=9, learning_rate=0.01, warm=0.1)
FORMS = ("people who will buy {}", "{}")


class Pictures(nn.Module):
    """A user side of two layers, with dropout."""

    def __init__(self, *, dropout: float) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(len(LIKES), 32), nn.GELU(), nn.Dropout(dropout), nn.Linear(32, 16))

    def forward(self, features: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
        return self.net(features[torch.from_numpy(rows)])


def material_of(count: int = 72, held: int = 24) -> Material:
    rng = np.random.default_rng(0)
    likes = rng.integers(len(LIKES), size=count)
    features = (np.eye(len(LIKES))[likes] * 2 + rng.normal(0, 0.2, (count, len(LIKES)))).astype(np.float32)
    # one form an epoch: paraphrases within a batch would be false negatives
    described = Described.of([[form.format(LIKES[like]) for form in FORMS] for like in likes])
    return Material(torch.from_numpy(features), described, np.arange(count - held), np.arange(count - held, count))


def towers(*, dropout: float = 0.1, name: str = "albert", **settings: Any) -> Aligned:
    torch.manual_seed(1)
    users, tower = Pictures(dropout=dropout), tiny_tower(name, **settings)
    return Aligned(users, tower.project, tower=tower)


def align(
    *, folder: Path | None = None, progress: Any = None, dropout: float = 0.1, **changes: Any
) -> Trained[Aligned]:
    options = TrainOptions(folder=folder)
    options = options if progress is None else replace(options, progress=progress)
    return train_sides(towers(dropout=dropout), material_of(), replace(CONFIG, **changes), options)


if __name__ == "__main__":  # python tiny_alignment.py OUT: under torchrun, or to be killed in an epoch
    torch.set_num_threads(1)
    if sys.argv[1] == "kill":
        import os
        import signal

        def die(step: str, done: int, total: int) -> None:  # noqa: ARG001
            if done == 2:
                os.kill(os.getpid(), signal.SIGKILL)

        align(folder=Path(sys.argv[2]), progress=die)
    else:
        from torch import distributed as dist

        trained = align(folder=Path(sys.argv[2]))
        if dist.get_rank() == 0:
            torch.save((trained.curves, trained.model.state_dict()), Path(sys.argv[2]) / "two.pt")
        dist.destroy_process_group()
