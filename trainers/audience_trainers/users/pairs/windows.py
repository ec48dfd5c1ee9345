"""Cut times: when histories end and futures begin, for training, validation and test.

    |--- history_days ---| t1 |--- horizon_days ---| t2          t1 <= time of a described event < t2

Test cuts come last and do not overlap each other; validation cuts (if asked for) lie before them, training cuts before
both, `step_days` apart: no training window overlaps a validation or test window of any user. A share of the users is
held out of training at the training cuts, for validation.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from audience_graph.errors import ConfigError
from audience_trainers.users.histories import Indices

DAY = 86_400
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class WindowConfig:
    """Lengths in days. `first` and `last` bound t1 (YYYY-MM-DD, midnight UTC); '' = as the events allow.

    `test_cuts` and `validation_cuts`: how many of the last cuts are kept for them. `validation_share`: share of users
    whose training moments are for validation. `warm_up_days`: how far the events must reach back before the first t1.
    `present`: describe the days that the history covers instead of the future (the ablation of FIND; the windows and
    the wording stay the same, so only where the facts come from differs).
    """

    horizon_days: int = 14
    step_days: int = 7
    history_days: int = 30
    warm_up_days: int = 7
    first: str = ""
    last: str = ""
    test_cuts: int = 1
    validation_cuts: int = 0
    validation_share: float = 0.1
    present: bool = False

    def __post_init__(self) -> None:
        for name in ("horizon_days", "step_days", "history_days"):
            if not 1 <= getattr(self, name) <= 3_660:
                raise ConfigError(f"{name} is {getattr(self, name):,}", hint="it takes 1 to 3,660 days")
        for name in ("test_cuts", "validation_cuts", "warm_up_days"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} is {getattr(self, name)}", hint="it cannot be negative")
        if not 0 <= self.validation_share < 1:
            raise ConfigError(f"validation_share is {self.validation_share}", hint="it takes 0 to less than 1")


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Cuts in order of time: `cut` (c,) seconds (t1), `split` (c,) places in SPLITS. All windows are `horizon` long."""

    cut: Indices
    split: Indices
    horizon: int
    history: int
    present: bool

    @property
    def described(self) -> tuple[Indices, Indices]:
        """Return (begin, end), each (c,): what a description tells lies in begin <= time < end."""
        if self.present:
            return self.cut - self.history, self.cut
        return self.cut, self.cut + self.horizon


def plan_windows(first_event: int, last_event: int, config: WindowConfig) -> Windows:
    """Return the cuts for events from `first_event` to `last_event` (seconds).

    A window that ends after the last event is not known to its end: it is never made, and refused with ConfigError when
    `last` asks for it. So are settings that leave no cut for training.
    """
    horizon, step = config.horizon_days * DAY, config.step_days * DAY
    known = last_event + 1  # windows are open at their end
    latest = (known - horizon) // DAY * DAY
    if config.last:
        latest = _midnight("last", config.last)
        if latest + horizon > known:
            raise ConfigError(
                f"the window of {config.horizon_days} days from {config.last} ends after the last event, "
                f"{_shown(last_event)}",
                hint=f"the last cut that can be described is {_shown((known - horizon) // DAY * DAY)[:10]}",
            )
    earliest = -(-(first_event + config.warm_up_days * DAY) // DAY) * DAY
    if config.first:
        earliest = max(_midnight("first", config.first), -(-first_event // DAY) * DAY)
    cuts, splits, at = [], [], latest
    for split, count in ((2, config.test_cuts), (1, config.validation_cuts)):
        for _ in range(count):
            cuts.append(at)
            splits.append(split)
            at -= max(horizon, step)
    while at >= earliest:
        cuts.append(at)
        splits.append(0)
        at -= step
    if 0 not in splits:
        raise ConfigError(
            f"events from {_shown(first_event)} to {_shown(last_event)} leave no training window of "
            f"{config.horizon_days} days",
            hint="shorten horizon_days or warm_up_days, or ask for fewer test_cuts and validation_cuts",
        )
    return Windows(
        cut=np.array(cuts[::-1], np.int64),
        split=np.array(splits[::-1], np.int64),
        horizon=horizon,
        history=config.history_days * DAY,
        present=config.present,
    )


def held_out(user_ids: tuple[str, ...], share: float) -> np.ndarray:
    """Return (n,) bool: who is held out for validation, by a hash of the id alone, so that it never changes."""
    marks = (hashlib.blake2b(user.encode("utf-8", "surrogatepass"), digest_size=8).digest() for user in user_ids)
    drawn = np.frombuffer(b"".join(marks), ">u8").astype(np.float64) / 2.0**64
    return np.asarray(drawn < share)


def _midnight(name: str, text: str) -> int:
    try:
        return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise ConfigError(f"{name}: {text!r} is no day", hint="write it like 2026-07-26") from None


def _shown(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
