"""Settings of prompt tuning."""

from __future__ import annotations

from dataclasses import dataclass

from audience_trainers.settings import Range, check_ranges

_RANGES = {
    "tokens": Range(1, 64),
    "margin": Range(0, 4, open_low=True),
    "hard": Range(0, 100_000),
    "folds": Range(1, 64),
    "steps": Range(1, 10_000),
    "learning_rate": Range(0, 10, open_low=True),
    "caution": Range(0, 1_000),
    "lean": Range(0, 10),
    "crowd": Range(0, 1_000_000),
}


@dataclass(frozen=True, slots=True)
class PromptConfig:
    """Resolved settings. Raises ConfigError, naming the setting and its range, for a value out of range."""

    tokens: int = 8  # learnable, in front of the sentence
    words: str = ""  # where they start; empty: at small noise
    margin: float = 1.0  # alpha of eq. 14, of squared distances between unit vectors
    hard: int = 0  # so many unlabelled users that lie nearest to the sentence join the negatives
    folds: int = 8  # at most so many leave-one-out trainings, beside the one on all seeds; all run together
    steps: int = 8
    learning_rate: float = 0.02
    caution: float = 30.0  # how dear it is to leave the sentence: caution w^2 / n beside the loss of seeds left out
    lean: float = 0.08  # how far users without labels lean the vector toward n seeds: lean sqrt(n), see `Crowd`
    crowd: int = 4_096  # so many of them are read from a stored space; 0, or lean=0: the tuned tokens alone
    seed: int = 7

    def __post_init__(self) -> None:
        check_ranges(self, _RANGES)
