"""Checks that every configuration makes of itself: numbers in their range, words among those allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audience_graph.errors import ConfigError

DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True, slots=True)
class Range:
    """The numbers that a setting may hold; `open_low` and `open_high` leave the ends themselves out."""

    low: float
    high: float
    open_low: bool = False
    open_high: bool = False

    def holds(self, value: float) -> bool:
        """Return whether a number lies inside; NaN never does."""
        above = self.low < value if self.open_low else self.low <= value
        return above and (value < self.high if self.open_high else value <= self.high)

    def __str__(self) -> str:
        low = f"above {self.low:,g}" if self.open_low else f"from {self.low:,g}"
        return f"{low} to {'below ' if self.open_high else ''}{self.high:,g}"


def check_choices(config: Any, choices: Mapping[str, Sequence[str]]) -> None:
    """Raise ConfigError, naming the setting, what is allowed and what was found, for a word that is not allowed."""
    for name, allowed in choices.items():
        found = getattr(config, name)
        if found not in allowed:
            raise ConfigError(f"setting {name}: expected {' or '.join(allowed)}, found {found!r}")


def check_ranges(config: Any, ranges: Mapping[str, Range]) -> None:
    """Raise ConfigError, naming the setting, its range and what was found, for a number out of its range."""
    for name, limits in ranges.items():
        value = getattr(config, name)
        if not limits.holds(value):
            raise ConfigError(f"setting {name}: expected a number {limits}, found {value!r}")
