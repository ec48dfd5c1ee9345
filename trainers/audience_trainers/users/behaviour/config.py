"""Settings of the behaviour encoder and its pre-training."""

from __future__ import annotations

from dataclasses import dataclass

from audience_graph.errors import ConfigError

KINDS = ("transformer", "gru", "mean")
_RANGES: dict[str, tuple[float, float]] = {
    "dims": (1, 8_192), "layers": (1, 100), "heads": (1, 64), "width": (1, 100_000), "dropout": (0, 0.99),
    "steps": (1, 1_000), "temperature": (1e-3, 100), "others": (0, 1_000_000), "cyclic": (0, 1_000),
    "cycle_days": (0.01, 10_000), "batch": (1, 1_000_000), "epochs": (1, 10_000), "patience": (1, 10_000),
    "learning_rate": (1e-9, 10), "warm": (0, 1), "weight_decay": (0, 10), "held_out": (0.001, 0.9),
}  # fmt: skip


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
    # losses (eq. 6, 7)
    steps: int = 5  # k: the next steps that c_t predicts
    temperature: float = 0.1  # of the cosine; the paper's is 1, with which the loss hardly falls: s lies in -1 .. 1
    printed: bool = False  # 1/(Kk) per user as in eq. 6: long histories count no more than short ones; off = per pair
    others: int = 512  # events of other users in the batch that join the negatives; 0 = the paper's own later steps
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
        if self.kind not in KINDS:
            raise ConfigError(f"setting kind: expected {' or '.join(KINDS)}, found {self.kind!r}")
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"setting {name}: expected a number from {low:g} to {high:,g}, found {value!r}")
        if self.dims % self.heads:
            raise ConfigError(f"setting heads: {self.heads} does not divide dims, {self.dims}")
