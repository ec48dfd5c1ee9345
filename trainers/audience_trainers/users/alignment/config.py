"""Settings of the alignment of users with sentences."""

from __future__ import annotations

from dataclasses import dataclass

from audience_graph.errors import ConfigError

FUSIONS = ("attention", "concatenation")
_RANGES: dict[str, tuple[float, float]] = {
    "dims": (1, 65_536), "layers": (1, 100), "drop": (0, 0.99), "searches": (0, 10_000), "temperature": (1e-3, 100),
    "views": (1, 1_000), "batch": (2, 1_000_000), "block": (0, 1_000_000), "epochs": (1, 10_000),
    "patience": (1, 10_000), "learning_rate": (1e-9, 10), "warm": (0, 1), "weight_decay": (0, 10),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class AlignConfig:
    """Resolved settings. Raises ConfigError, naming the setting and its range, for a value out of range."""

    dims: int = 1_024
    fusion: str = "attention"
    anchor: bool = True  # users start as the mean of their texts
    layers: int = 5  # of cross-attention
    drop: float = 0.1  # chance that a modality of a user is left out while training
    searches: int = 10  # the last so many
    temperature: float = 0.07  # where the learned one starts
    both: bool = True  # users to sentences, as printed, and sentences to users
    views: int = 4  # descriptions per pair; each epoch takes the next
    batch: int = 512
    block: int = 0  # rows of logits in memory at a time; 0 = all
    epochs: int = 10
    patience: int = 3
    learning_rate: float = 4e-4
    warm: float = 0.05
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        if self.fusion not in FUSIONS:
            raise ConfigError(f"setting fusion: expected {' or '.join(FUSIONS)}, found {self.fusion!r}")
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"setting {name}: expected a number from {low:g} to {high:,g}, found {value!r}")
