"""What a task is: a sentence, a query that says who is right, a cut time and a horizon."""

from __future__ import annotations

from dataclasses import dataclass

Value = str | int | float | bool
DAY = 86_400  # seconds


@dataclass(frozen=True, slots=True)
class Query:
    """Which events count: all keys that are given must hold; of a key's several values one is enough.

    `text_contains` looks for parts of the text, in small and capital letters alike; `items` and `entity_ids` want one
    of theirs in the event's list; `amount_at_least` is per event, `count_at_least` per user. `within_days` shortens the
    window (days after the cut for a truth, before it for eligibility). With `column` no event is read, but the value
    of a column: `equals` is the values that count. `first_time` leaves out users with such an event before the cut.
    `hard` names a column that is true for users who look like positives and are none.
    """

    channel: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    merchant: tuple[str, ...] = ()
    payment_channel: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    entity_ids: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    text_contains: tuple[str, ...] = ()
    amount_at_least: float | None = None
    count_at_least: int = 1
    within_days: int | None = None
    first_time: bool = False
    column: str | None = None
    equals: tuple[Value, ...] = ()
    hard: str | None = None


@dataclass(frozen=True, slots=True)
class Arms:
    """A randomised treatment: users are eligible when `column` holds a value of `treated` or of `control`."""

    column: str
    treated: tuple[Value, ...]
    control: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """One task. `cut` is in seconds since 1970 UTC; `note` says what the data is a sample of."""

    name: str
    sentence: str
    truth: Query
    cut: int
    horizon_days: int
    domain: str = ""
    note: str = ""
    eligible: Query | None = None
    arms: Arms | None = None

    @property
    def end(self) -> int:
        """Return t2, the first second after the future window t1 <= time < t2."""
        days = self.horizon_days if self.truth.within_days is None else self.truth.within_days
        return self.cut + days * DAY
