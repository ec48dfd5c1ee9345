"""Settings of the rewriter and its two stages."""

from __future__ import annotations

from dataclasses import dataclass, field

from audience_trainers.settings import DEVICES, Range, check_choices, check_ranges
from audience_trainers.users.training import STEP_RANGES

TUNES = ("auto", "lora", "full")
_STAGE_RANGES = STEP_RANGES | {"examples": Range(4, 10_000_000), "batch": Range(1, 1_000_000)}
_RANGES = {
    "rank": Range(1, 4_096),
    "alpha": Range(1e-3, 10_000),
    "dropout": Range(0, 0.99),
    "max_tokens": Range(8, 131_072),
    "held_out": Range(0.001, 0.9),
    "judged": Range(1, 1_000_000),
}


@dataclass(frozen=True, slots=True)
class StageConfig:
    """Resolved settings of one stage: how many conversations (or questions) are made, and how they are learned."""

    examples: int = 2_000
    batch: int = 16
    epochs: int = 2
    patience: int = 2
    learning_rate: float = 4e-4
    warm: float = 0.05
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        check_ranges(self, _STAGE_RANGES)


@dataclass(frozen=True, slots=True)
class RewriterConfig:
    """Resolved settings. Raises ConfigError, naming the setting and what was expected, for a value out of range.

    `tune`: LoRA beside frozen weights, all weights, or `auto`: LoRA for a model with weights, all of a random one.
    `held_out`: share of the examples that stop training; `judged`: how many held-out questions are answered at the end.
    """

    tune: str = "auto"
    targets: str = "all"  # linear layers that LoRA changes: those of attention, or all within the layers
    rank: int = 16
    alpha: float = 32.0
    dropout: float = 0.05
    max_tokens: int = 256
    held_out: float = 0.1
    judged: int = 200
    device: str = "auto"
    knowledge: StageConfig = field(default_factory=StageConfig)
    intents: StageConfig = field(default_factory=lambda: StageConfig(examples=4_000, epochs=4))

    def __post_init__(self) -> None:
        check_choices(self, {"tune": TUNES, "targets": ("attention", "all"), "device": DEVICES})
        check_ranges(self, _RANGES)
