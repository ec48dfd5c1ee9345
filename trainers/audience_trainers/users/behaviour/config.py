"""Settings of the behaviour encoder and its pre-training."""

from __future__ import annotations

from dataclasses import dataclass, field

from audience_graph.errors import ConfigError
from audience_trainers.settings import Range, check_choices, check_ranges
from audience_trainers.users.event_text.config import EventTextConfig
from audience_trainers.users.training import STEP_RANGES

KINDS = ("transformer", "gru", "mean")
_RANGES = STEP_RANGES | {
    "dims": Range(1, 8_192),
    "layers": Range(1, 100),
    "heads": Range(1, 64),
    "width": Range(1, 100_000),
    "dropout": Range(0, 0.99),
    "steps": Range(1, 1_000),
    "temperature": Range(1e-3, 100),
    "others": Range(0, 1_000_000),
    "cyclic": Range(0, 1_000),
    "cycle_days": Range(0.01, 10_000),
    "batch": Range(1, 1_000_000),
    "held_out": Range(0.001, 0.9),
}


@dataclass(frozen=True, slots=True)
class BehaviourConfig:
    """Resolved settings. Raises ConfigError, naming the setting and its range, for a value out of range."""

    kind: str = "transformer"
    dims: int = 128
    layers: int = 6
    heads: int = 4
    width: int = 64  # events of a user that are read, the newest ones
    dropout: float = 0.1
    recency: bool = True  # how long ago an event was weighs it in the pooled vector; off = the paper's plain mean
    text: EventTextConfig = field(default_factory=EventTextConfig)  # what reads the texts of events
    # losses (eq. 6, 7)
    steps: int = 5  # k: the next steps that c_t predicts
    temperature: float = 0.1  # of the cosine; the paper's is 1, with which the loss hardly falls: s lies in -1 .. 1
    printed: bool = False  # 1/(Kk) per user as in eq. 6: long histories count no more than short ones; off = per pair
    others: int = 512  # events of other users in the batch that join the negatives; 0 = the paper's own later steps
    mask_equal: bool = True  # events of others that say what one of the next steps says are no negatives
    cyclic: float = 0.1  # lambda
    cycle_days: float = 7.0  # T
    # training
    batch: int = 128
    epochs: int = 10
    patience: int = 3
    learning_rate: float = 4e-4
    warm: float = 0.05
    weight_decay: float = 0.01
    held_out: float = 0.1  # share of users whose loss stops training

    def __post_init__(self) -> None:
        check_choices(self, {"kind": KINDS})
        check_ranges(self, _RANGES)
        if self.dims % self.heads:
            raise ConfigError(f"setting heads: {self.heads} does not divide dims, {self.dims}")
