"""Settings of the weekly ensemble."""

from __future__ import annotations

from dataclasses import dataclass

from audience_graph.errors import ConfigError


@dataclass(frozen=True, slots=True)
class EnsembleConfig:
    """Size of the encoder and how it is fitted. Raises ConfigError for a value out of range.

    `weeks` are those that are read, this one among them; with 1 this week's ALPC decides alone.

    `week_dropout` is the chance that a week is hidden from a training pair, `threshold_weight` alpha of EGL eq. 5. An
    epoch looks at `pairs_per_epoch` pairs drawn anew, or at all of them when there are fewer; at most about
    `pairs_per_week` of a week are kept in memory.
    """

    weeks: int = 4
    dims: int = 32
    heads: int = 4
    layers: int = 1
    hidden: int = 64
    dropout: float = 0.1
    week_dropout: float = 0.3
    threshold_weight: float = 1.0
    epochs: int = 15
    patience: int = 4
    batch: int = 2_048
    pairs_per_epoch: int = 50_000
    pairs_per_week: int = 2_000_000
    rate: float = 3e-3
    decay: float = 1e-4
    silence: float = 0.5  # weight of a week that does not bear out what another does; 0 = such rows are left out
    valid_share: float = 0.1  # of the pairs, when none is marked for validation

    def __post_init__(self) -> None:
        sizes = ("weeks", "dims", "heads", "layers", "hidden", "epochs", "patience", "batch")
        for name in (*sizes, "pairs_per_epoch", "pairs_per_week"):
            if getattr(self, name) < 1:
                raise ConfigError(f"ensemble setting {name}: expected a number from 1, found {getattr(self, name)!r}")
        if not 0 <= self.silence <= 1:
            raise ConfigError(f"ensemble setting silence: expected 0 to 1, found {self.silence!r}")
        for name in ("dropout", "week_dropout", "valid_share"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"ensemble setting {name}: expected 0 to below 1, found {getattr(self, name)!r}")
        if self.dims % self.heads:
            raise ConfigError(f"ensemble setting dims: {self.dims} is not a multiple of heads ({self.heads})")
