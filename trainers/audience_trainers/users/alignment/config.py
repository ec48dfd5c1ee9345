"""Settings of the alignment of users with sentences."""

from __future__ import annotations

from dataclasses import dataclass

from audience_graph.errors import ConfigError
from audience_trainers.settings import Range, check_choices, check_ranges
from audience_trainers.users.training import STEP_RANGES

FUSIONS = ("attention", "concatenation")
MODALITIES = ("behaviour", "search", "tabular")  # in the order in which they are fused
OF_EVENTS = ("activity", "taste")  # what is told of events beside their sequence
_RANGES = STEP_RANGES | {
    "dims": Range(1, 65_536),
    "layers": Range(1, 100),
    "drop": Range(0, 0.99),
    "searches": Range(0, 10_000),
    "reach": Range(0, 1),
    "idle": Range(0, 1_000),
    "temperature": Range(1e-3, 100),
    "views": Range(1, 1_000),
    "pairs": Range(0, 1_000_000_000),
    "batch": Range(2, 10_000_000),
    "chunk": Range(0, 1_000_000),
    "block": Range(0, 1_000_000),
}


@dataclass(frozen=True, slots=True)
class AlignConfig:
    """Resolved settings. Raises ConfigError, naming the setting and its range, for a value out of range.

    `dims` is the paper's 1024. MiniLM's sentences have 384 of their own, so they span 384 of these; users may use all.
    A space of 384 takes a third of the room and answers faster; measure before you shrink it.

    `without` names modalities, comma-separated, that are not there for anybody (FIND Table 5): their encoders are not
    built. What is read of events goes with behaviour, the anchor and the tokens of activity and taste too; searches
    stay.
    """

    dims: int = 1_024
    fusion: str = "attention"
    without: str = ""  # of behaviour, search, tabular, activity, taste
    anchor: bool = True  # users start as the mean of their texts
    layers: int = 5  # of cross-attention
    drop: float = 0.1  # chance that a modality of a user is left out while training
    searches: int = 10  # the last so many
    temperature: float = 0.07  # where the learned one starts
    both: bool = True  # users to sentences, as printed, and sentences to users
    activity: bool = True  # users have a token of how many events they have and how old these are
    taste: bool = True  # and tokens of what their events were about all along, see `taste`
    deeds: bool = True  # sentences look for all in the batch who do what they say, see `reach`
    reach: float = 0.85  # the part of these in the loss; the rest is that of users who look for their sentence
    idle: float = 1.0  # and among so many users without a future beside each pair, where there are any
    views: int = 4  # descriptions per pair; each epoch takes the next
    mask_equal: bool = True  # equal descriptions are no negatives of each other
    pairs: int = 0  # so many of the training pairs an epoch, drawn anew each time; 0 = all
    batch: int = 512
    chunk: int = 0  # users, or sentences, whose activations are in memory at a time (gradient cache); 0 = the batch
    bf16: bool = False  # products of 16 bits
    block: int = 0  # rows of logits in memory at a time; 0 = all
    epochs: int = 10
    patience: int = 3
    learning_rate: float = 4e-4
    warm: float = 0.05
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        check_choices(self, {"fusion": FUSIONS})
        check_ranges(self, _RANGES)
        known = (*MODALITIES, *OF_EVENTS)
        unknown = sorted(self.left_out - set(known))
        if unknown or self.left_out >= set(MODALITIES):
            found = f"found {unknown[0]!r}" if unknown else "nothing would be left"
            raise ConfigError(f"setting without: expected some of {', '.join(known)}, {found}")

    @property
    def left_out(self) -> frozenset[str]:
        """Return the names in `without`."""
        return frozenset(name.strip() for name in self.without.split(",") if name.strip())
