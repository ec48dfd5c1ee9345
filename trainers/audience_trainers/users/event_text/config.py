"""Settings of what reads the texts of events."""

from __future__ import annotations

from dataclasses import dataclass

from audience_trainers.settings import Range, check_choices, check_ranges
from audience_trainers.users.text_tower.config import TowerConfig

TUNES = ("frozen", "head", "lora", "full")


@dataclass(frozen=True, slots=True)
class EventTextConfig:
    """Resolved settings, `behaviour.text.*`. Raises ConfigError, naming the setting, for a value out of range.

    `frozen`, the default: each distinct text is read once, ever, and its vector kept. `head`: a linear map over these
    vectors is trained, within pre-training and within alignment. `lora` and `full` train the reader itself in both:
    every step reads each distinct text of its batch, forth and back, and again where they are more than `batch`. On a
    CPU this is a matter of hours where frozen is one of minutes.
    """

    folder: str = ""  # of a Hugging Face model and its tokenizer; empty: MiniLM, or whatever else reads texts anyway
    tune: str = "frozen"
    targets: str = "attention"  # linear layers that LoRA changes: those of attention, or all within the layers
    rank: int = 8
    alpha: float = 16.0
    dropout: float = 0.0  # of LoRA
    pooling: str = "auto"  # mean over tokens for an encoder, the last token for a decoder
    max_tokens: int = 128
    batch: int = 64  # texts whose activations are in memory at a time; of more, they are computed a second time
    most: int = 0  # texts of a step, drawn, that the reader learns from; others are read without a gradient; 0 = all
    checkpointing: bool = False  # compute a layer of the reader again for its gradient rather than keep it

    def __post_init__(self) -> None:
        check_choices(self, {"tune": TUNES})
        check_ranges(self, {"most": Range(0, 1_000_000_000)})
        self.reader()

    @property
    def trained(self) -> bool:
        """Return whether training changes how a text is read."""
        return self.tune != "frozen"

    @property
    def trains_reader(self) -> bool:
        """Return whether the reader itself is trained, so that no vector lasts longer than a step."""
        return self.tune in ("lora", "full")

    @property
    def reads(self) -> bool:
        """Return whether texts are read by a model of their own, and not by vectors that are there anyway."""
        return self.trains_reader or bool(self.folder)

    def reader(self) -> TowerConfig:
        """Return the settings of the reader. Raises ConfigError for a value out of range."""
        return TowerConfig(
            folder=self.folder,
            tune=self.tune if self.trains_reader else "head",
            targets=self.targets,
            rank=self.rank,
            alpha=self.alpha,
            dropout=self.dropout,
            pooling=self.pooling,
            max_tokens=self.max_tokens,
            batch=self.batch,
            checkpointing=self.checkpointing,
        )
