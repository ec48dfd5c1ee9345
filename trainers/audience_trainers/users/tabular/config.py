"""Settings of the tabular encoder and its pre-training."""

from __future__ import annotations

from dataclasses import dataclass

from audience_graph.errors import ConfigError
from audience_trainers.settings import Range, check_choices, check_ranges
from audience_trainers.users.training import STEP_RANGES

NUMBERS = ("binned", "periodic")
_RANGES = STEP_RANGES | {
    "dims": Range(1, 8_192),
    "layers": Range(1, 100),
    "heads": Range(1, 64),
    "dropout": Range(0, 0.99),
    "waves": Range(1, 1_000),
    "mask": Range(0.01, 0.99),
    "generator_dims": Range(1, 8_192),
    "replaced": Range(0, 1_000),
    "batch": Range(1, 1_000_000),
    "held_out": Range(0.001, 0.9),
}


@dataclass(frozen=True, slots=True)
class TabularConfig:
    """Resolved settings. Raises ConfigError, naming the setting and its range, for a value out of range."""

    dims: int = 32
    layers: int = 3
    heads: int = 4
    dropout: float = 0.1
    numbers: str = "binned"  # how a numeric cell enters: by its quantile bin, or in learned waves of its value
    waves: int = 16
    mask: float = 0.3  # k %: the share of the cells that are masked, and that the generator may replace
    generator_dims: int = 16
    replaced: float = 5.0  # weight of L_RTD beside the two L_MLM
    batch: int = 256
    epochs: int = 20
    patience: int = 3
    learning_rate: float = 4e-4
    warm: float = 0.05
    weight_decay: float = 0.01
    held_out: float = 0.1

    def __post_init__(self) -> None:
        check_choices(self, {"numbers": NUMBERS})
        check_ranges(self, _RANGES)
        if self.dims % self.heads:
            raise ConfigError(f"setting heads: {self.heads} does not divide dims, {self.dims}")
