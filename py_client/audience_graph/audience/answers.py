"""What audiences answer: their size step by step, their first users, a snapshot that was taken, the lists of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from audience_graph.answer import Answer
from audience_graph.audience.disclosure import MINIMUM_SIZE


@dataclass(frozen=True, slots=True)
class ReachStep:
    """One step of a waterfall. `users` it leaves and `lost` at it, as shown; None: fewer than 100, or none lost."""

    kind: str
    step: str
    users: int | None
    lost: int | None
    score: float | None


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Reach(Answer):
    """How many users an audience has: `users`, None under 100, and the steps that lead there, from everyone.

    Rows of kind `entity` tell how many of its users have an event for a picked entity. Numbers are rounded to 10.
    `score_at_cut` is that of the last user of the leading ranking.
    """

    _MOST: ClassVar[int] = 40
    users: int | None
    steps: tuple[ReachStep, ...]
    seconds: float
    score_at_cut: float | None = None
    release: int | None = None
    version: str | None = None
    week: str | None = None

    def _title(self) -> str:
        return f"{told(self.users)} users, counted in {self.seconds:.2f} s"

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        return {name: [getattr(s, name) for s in self.steps] for name in ReachStep.__dataclass_fields__}

    def _shown(self) -> Mapping[str, Sequence[Any]]:
        columns = dict(self._columns())
        columns["users"] = [told(n) for n in columns["users"]]
        columns["lost"] = ["" if s.lost is None else f"-{s.lost:,}" for s in self.steps]
        return columns


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Preview(Answer):
    """The first users of an audience, best first: user_id and score, None where nothing ranks them."""

    users: int | None
    user_ids: tuple[str, ...]
    scores: tuple[float | None, ...]
    release: int | None = None
    version: str | None = None
    week: str | None = None

    def _title(self) -> str:
        if self.users is None:
            return f"under {MINIMUM_SIZE} users: nobody of a small audience is shown"
        return f"the first {len(self.user_ids):,} of {told(self.users)} users"

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        return {"place": range(1, len(self.user_ids) + 1), "user_id": self.user_ids, "score": self.scores}


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Taken(Answer):
    """A snapshot: its number, the audience and revision, how many users (as shown), and how long it took; `notes` say
    what is left to do."""

    snapshot: int
    name: str
    revision: int
    users: int | None
    score_at_cut: float | None
    seconds: float
    notes: tuple[str, ...] = ()
    release: int | None = None
    version: str | None = None
    week: str | None = None

    def _title(self) -> str:
        cut = "" if self.score_at_cut is None else f", score at the cut {self.score_at_cut:.4g}"
        return (
            f"snapshot {self.snapshot} of {self.name!r}, revision {self.revision}: {told(self.users)} users{cut}, "
            f"in {self.seconds:.2f} s"
        )

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        names = ("snapshot", "name", "revision", "users", "score_at_cut", "seconds")
        return {name: [getattr(self, name)] for name in names}


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Table(Answer):
    """Rows under a title; of no release where they are none of one."""

    title: str
    columns: Mapping[str, Sequence[Any]]
    release: int | None = None
    version: str | None = None
    week: str | None = None

    @property
    def source(self) -> str:
        # by name: `slots=True` makes a class of its own, which a bare super() does not know
        return "" if self.version is None else super(Table, self).source

    def _title(self) -> str:
        return self.title

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        return self.columns


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Composition(Answer):
    """What is over-represented among an audience's users: a value of a column, or an entity of their events.

    `share` of the audience and `base_share` of those it is compared with, lift = share / base_share with its 95 %
    interval. Groups of fewer than 100 users are left out.
    """

    users: int | None
    columns: Mapping[str, Sequence[Any]]
    release: int | None = None
    version: str | None = None
    week: str | None = None

    def _title(self) -> str:
        return f"{told(self.users)} users against the base: what they have more often"

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        return self.columns


def told(users: int | None) -> str:
    """Return a shown number in words."""
    return f"under {MINIMUM_SIZE}" if users is None else f"{users:,}"
