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

from audience_trainers.users.alignment.towers import DescribedRows, Towers, TowersConfig, align_towers
from audience_trainers.users.training import Trained, TrainOptions

LIKES = ("tea", "shoes", "books", "garden", "music", "travel")
CONFIG = TowersConfig(batch=24, chunk=7, block=5, epochs=3, patience=9, learning_rate=0.01, warm=0.1)


class Pictures(nn.Module):
    """A user side of two layers, with dropout."""

    def __init__(self, features: np.ndarray, *, dropout: float) -> None:
        super().__init__()
        self.features = torch.from_numpy(features)
        self.net = nn.Sequential(nn.Linear(features.shape[1], 32), nn.GELU(), nn.Dropout(dropout), nn.Linear(32, 16))

    def embed(self, rows: np.ndarray) -> torch.Tensor:
        return self.net(self.features[torch.from_numpy(rows)])


def rows_of(count: int = 72, held: int = 24) -> tuple[np.ndarray, DescribedRows]:
    rng = np.random.default_rng(0)
    likes = rng.integers(len(LIKES), size=count)
    features = (np.eye(len(LIKES))[likes] * 2 + rng.normal(0, 0.2, (count, len(LIKES)))).astype(np.float32)

    def describe(rows: np.ndarray, rng: np.random.Generator) -> list[str]:
        form = ("people who will buy {}", "{}")[rng.integers(2)]  # paraphrases of one batch would be false negatives
        return [form.format(LIKES[likes[row]]) for row in rows]

    return features, DescribedRows(describe, np.arange(count - held), np.arange(count - held, count))


def towers(features: np.ndarray, *, dropout: float = 0.1, name: str = "albert", **settings: Any) -> Towers:
    torch.manual_seed(1)
    return Towers(Pictures(features, dropout=dropout), tiny_tower(name, **settings))


def align(*, folder: Path | None = None, progress: Any = None, dropout: float = 0.1, **changes: Any) -> Trained[Towers]:
    features, rows = rows_of()
    options = TrainOptions(folder=folder, bf16=changes.pop("bf16", False))
    options = options if progress is None else replace(options, progress=progress)
    return align_towers(towers(features, dropout=dropout), rows, replace(CONFIG, **changes), options)


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
