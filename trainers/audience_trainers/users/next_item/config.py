"""Settings of a next-item model and its training."""

from __future__ import annotations

from dataclasses import dataclass

from audience_graph.errors import ConfigError
from audience_trainers.settings import DEVICES, Range, check_choices, check_ranges
from audience_trainers.users.training import STEP_RANGES

KINDS = ("behaviour", "sasrec")
_RANGES = STEP_RANGES | {
    "dims": Range(1, 8_192),
    "layers": Range(1, 100),
    "heads": Range(1, 64),
    "width": Range(1, 100_000),
    "dropout": Range(0, 0.99),
    "smoothing": Range(0, 1, open_high=True),
    "batch": Range(1, 1_000_000),
    "pretrain": Range(0, 10_000),
}


@dataclass(frozen=True, slots=True)
class NextItemConfig:
    """Resolved settings; size and steps are by default what was chosen on the validation items of Amazon Beauty.

    Raises ConfigError, naming the setting and its range, for a value out of range.
    """

    kind: str = "behaviour"
    dims: int = 64
    layers: int = 1
    heads: int = 1
    width: int = 50  # the last so many events of a user are read
    dropout: float = 0.4
    smoothing: float = 0.0  # of the labels, over all items
    texts: bool = False  # items know the vector of their text too (MiniLM), beside one of their own
    bf16: bool = False  # products of the loss in 16 bits
    device: str = "auto"
    # training
    pretrain: int = 0  # epochs of the encoder's own pre-training (CPC) before, for kind=behaviour with texts
    batch: int = 128  # users
    epochs: int = 16
    patience: int = 3
    learning_rate: float = 3e-3
    warm: float = 0.05
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        check_choices(self, {"kind": KINDS, "device": DEVICES})
        check_ranges(self, _RANGES)
        if self.pretrain and self.kind != "behaviour":
            raise ConfigError(f"setting pretrain: {self.kind} has no pre-training", hint="set kind=behaviour")
        if self.dims % self.heads:
            raise ConfigError(f"setting heads: {self.heads} does not divide dims, {self.dims}")
