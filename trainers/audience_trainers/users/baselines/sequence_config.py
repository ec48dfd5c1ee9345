"""Settings that the baselines which read sequences of events have in common: size, history, steps."""

from __future__ import annotations

from dataclasses import dataclass

from audience_trainers.settings import Range
from audience_trainers.users.training import STEP_RANGES

SEQUENCE_RANGES = STEP_RANGES | {
    "dims": Range(1, 8_192),
    "layers": Range(1, 100),
    "heads": Range(1, 64),
    "width": Range(1, 100_000),
    "batch": Range(1, 1_000_000),
    "held_out": Range(0.001, 0.9),
}


@dataclass(frozen=True, slots=True)
class SequenceConfig:
    """Resolved settings; who adds others checks them all."""

    dims: int = 64
    layers: int = 2
    heads: int = 4
    width: int = 64  # the last so many events are read
    batch: int = 128
    epochs: int = 12
    patience: int = 4
    learning_rate: float = 2e-3
    warm: float = 0.05
    weight_decay: float = 0.01
    held_out: float = 0.1
