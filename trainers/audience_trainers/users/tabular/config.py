"""Settings of the tabular encoder and its pre-training."""

from __future__ import annotations

from dataclasses import dataclass

from audience_graph.errors import ConfigError

NUMBERS = ("binned", "periodic")
_RANGES: dict[str, tuple[float, float]] = {
    "dims": (1, 8_192), "layers": (1, 100), "heads": (1, 64), "dropout": (0, 0.99), "waves": (1, 1_000),
    "mask": (0.01, 0.99), "generator_dims": (1, 8_192), "replaced": (0, 1_000), "batch": (1, 1_000_000),
    "epochs": (1, 10_000), "patience": (1, 10_000), "learning_rate": (1e-9, 10), "warm": (0, 1),
    "weight_decay": (0, 10), "held_out": (0.001, 0.9),
}  # fmt: skip


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
        if self.numbers not in NUMBERS:
            raise ConfigError(f"setting numbers: expected {' or '.join(NUMBERS)}, found {self.numbers!r}")
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"setting {name}: expected a number from {low:g} to {high:,g}, found {value!r}")
        if self.dims % self.heads:
            raise ConfigError(f"setting heads: {self.heads} does not divide dims, {self.dims}")
