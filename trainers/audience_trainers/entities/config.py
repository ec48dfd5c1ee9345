"""Settings of a tagger; every one can be given as `--set key=value`."""

from __future__ import annotations

from dataclasses import dataclass

from audience_graph.errors import ConfigError
from audience_trainers.settings import DEVICES, Range, check_choices, check_ranges

HEADS = ("crf", "softmax")
TOKENIZERS = ("subword", "character")
PRECISIONS = ("auto", "float32", "bfloat16")
MINILM = "minilm"
RANGES = {
    "epochs": Range(1, 1_000),
    "patience": Range(1, 1_000),
    "batch": Range(1, 4_096),
    "rate": Range(0, 1, open_low=True),
    "head_rate": Range(0, 1, open_low=True),
    "warm": Range(0, 1, open_high=True),
    "decay": Range(0, 1),
    "clip": Range(0, 1_000, open_low=True),
    "held_out": Range(0, 0.5, open_low=True),
    "limit": Range(16, 512),
    "layers": Range(1, 24),
    "width": Range(16, 1_024),
}


@dataclass(frozen=True, slots=True)
class TaggerConfig:
    """Resolved settings, saved with the checkpoint. Defaults were chosen on validation splits.

    `encoder` is `minilm` or the folder of a Hugging Face encoder. With tokenizer `character` the encoder's layers
    read a vocabulary of the characters in train instead, with embeddings of their own; `encoder=new` is then a small
    encoder without weights, of `layers` layers and `width` dimensions. `precision=auto` takes
    bfloat16 where the processor multiplies in it: half the time, in training and in tagging.
    Raises ConfigError, naming the setting, its range and what was found, for a value out of range.
    """

    head: str = "crf"
    encoder: str = MINILM
    tokenizer: str = "subword"
    epochs: int = 5
    patience: int = 3
    batch: int = 32
    rate: float = 3e-4
    head_rate: float = 1e-3
    warm: float = 0.1
    decay: float = 0.01
    clip: float = 1.0
    held_out: float = 0.1
    limit: int = 128
    layers: int = 3
    width: int = 192
    device: str = "auto"
    precision: str = "auto"

    def __post_init__(self) -> None:
        check_choices(self, {"head": HEADS, "tokenizer": TOKENIZERS, "device": DEVICES, "precision": PRECISIONS})
        check_ranges(self, RANGES)
        if self.width % 16:
            raise ConfigError(f"setting width: expected a multiple of 16, found {self.width}")
        if self.encoder == "new" and self.tokenizer != "character":
            raise ConfigError("encoder=new goes with tokenizer=character only")
