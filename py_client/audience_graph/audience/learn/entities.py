"""How the entities of a campaign did: those that were picked, and those that its members' own events touch.

Both compare users who were sent with each other, so they say which interests converted more often, not what sending
brought: that is the lift against the holdout, in the report. Where many entities are compared some look good by chance:
`q` is Benjamini and Hochberg's adjusted p value, and `sure` asks for an interval without 1 and a q of at most .05.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audience_graph.answer import Answer
from audience_graph.audience.learn.exported import SENT, Export, picked_of, space_of
from audience_graph.audience.learn.lift import false_discovery
from audience_graph.audience.learn.outcomes import (
    Outcome,
    outcomes_of_arms,
    outcomes_of_picked,
    outcomes_of_touched,
)
from audience_graph.audience.learn.shown import Figures, Versus, figures, of_whole
from audience_graph.audience.send.arms import HOLDOUT
from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import Row, Runner
from audience_graph.vectors.store import Transaction

SURE_Q = 0.05


@dataclass(frozen=True, slots=True)
class EntityLift:
    """One entity's users beside all who were sent. Counts are rounded; all are None under the minimum size.

    `lift` is the rate of its users over the rate of all. `near` is the picked entity that it is most like, for one that
    was not picked itself; `phrase` what was typed for it; `path` the relations that lead from the phrase to it.
    """

    id: str
    name: str
    phrase: str
    path: tuple[str, ...]
    near: str | None
    users: int | None
    exposures: int | None
    conversions: int | None
    rate: float | None
    lift: float | None
    low: float | None
    high: float | None
    q: float | None

    @property
    def sure(self) -> bool:
        """Whether the interval leaves out 1 and chance over many comparisons is an unlikely reason."""
        if self.q is None or self.q > SURE_Q or self.low is None:
            return False
        return self.low > 1.0 or (self.high is not None and self.high < 1.0)


@dataclass(frozen=True, slots=True, repr=False)
class EntityLifts(Answer):
    """The picked entities of an export, best first. `note` says why there are none, or what they do not say."""

    audience: str
    export: int
    entities: tuple[EntityLift, ...]
    note: str = ""
    release: int | None = None
    version: str | None = None
    week: str | None = None

    def _title(self) -> str:
        return f"audience {self.audience!r}, export {self.export}: {len(self.entities)} entities. {self.note}".rstrip()

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        names = ("id", "name", "phrase", "path", "users", "exposures", "conversions", "rate", "lift", "low", "high",
                 "q", "sure")  # fmt: skip
        return {name: [getattr(e, name) for e in self.entities] for name in names}


@dataclass(frozen=True, slots=True, repr=False)
class Suggestions(EntityLifts):
    """Entities that were not picked, and whose users converted more often than all who were sent: surest first."""

    def lines(self) -> tuple[str, ...]:
        """Return each as a sentence: `women's football -> Alex Morgan: 2.1 x lift, not yet picked`."""
        return tuple(
            f"{e.near or self.audience} -> {e.name}: {e.lift:.1f} x lift, not yet picked" for e in self.entities
        )

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        names = ("near", "name", "id", "users", "conversions", "rate", "lift", "low", "high", "q")
        return {name: [getattr(e, name) for e in self.entities] for name in names}


def entity_lifts(tx: Transaction, export: Export) -> EntityLifts:
    """Return how the users whom each picked entity leads in did, beside all who were sent; see `outcomes_of_picked`."""
    picked = {p.id: p for p in picked_of(export.snapshot)}
    note = _cannot(tx, export)
    rows = []
    for own in [] if note else _beside_all(outcomes_of_picked(tx, export), _sent(tx, export)):
        found = picked[own.outcome.name]
        rows.append(_row(own, found.name, found.phrase, found.path, None))
    rows.sort(key=lambda e: (e.lift is None, -(e.lift or 0.0), e.id))
    note = note or "Beside all who were sent, not beside the holdout."
    return EntityLifts(export.snapshot.name, export.id, tuple(rows), note, **export.snapshot.source)


def suggestions(tx: Transaction, runner: Runner, export: Export) -> Suggestions:
    """Return the entities whose users surely converted more often, and that were not picked; never a sensitive one."""
    picked = {p.id: p for p in picked_of(export.snapshot)}
    note = _cannot(tx, export)
    found = [] if note else _beside_all(outcomes_of_touched(tx, export), _sent(tx, export))
    described = _described(runner, [own.outcome.name for own in found])
    rows = []
    for own in found:
        entity, near = described.get(own.outcome.name), picked.get(own.outcome.near or "")
        if entity is None or entity["sensitive"]:
            continue
        row = _row(own, entity["name"], "" if near is None else near.phrase, (), None if near is None else near.name)
        if row.sure and row.low is not None and row.low > 1.0:
            rows.append(row)
    rows.sort(key=lambda e: (-(e.low or 0.0), e.id))
    return Suggestions(export.snapshot.name, export.id, tuple(rows), note, **export.snapshot.source)


@dataclass(frozen=True, slots=True)
class _Beside:
    """A group, as it is shown, and beside the whole; None where it or the rest is under the minimum size."""

    outcome: Outcome
    shown: Figures | None
    versus: Versus | None
    q: float | None


def _beside_all(groups: Sequence[Outcome], whole: Outcome) -> list[_Beside]:
    compared: list[tuple[Outcome, Figures | None, Versus | None]] = []
    for group in groups:
        own = figures(group.users, group.exposures, group.conversions)
        rest = figures(*(getattr(whole, n) - getattr(group, n) for n in ("users", "exposures", "conversions")))
        compared.append((group, own, None if own is None or rest is None else of_whole(own, rest)))
    adjusted = iter(false_discovery([versus.p for _, _, versus in compared if versus is not None]))
    return [_Beside(g, own, versus, None if versus is None else next(adjusted)) for g, own, versus in compared]


def _row(own: _Beside, name: str, phrase: str, path: tuple[str, ...], near: str | None) -> EntityLift:
    shown, ratio = own.shown, None if own.versus is None else own.versus.ratio
    high = None if ratio is None or math.isinf(ratio.high) else ratio.high
    return EntityLift(
        id=own.outcome.name,
        name=name,
        phrase=phrase,
        path=path,
        near=near,
        users=None if shown is None else shown.users,
        exposures=None if shown is None else shown.exposures,
        conversions=None if shown is None else shown.conversions,
        rate=None if shown is None else shown.rate,
        lift=None if ratio is None else ratio.value,
        low=None if ratio is None else ratio.low,
        high=high,
        q=own.q,
    )


def _sent(tx: Transaction, export: Export) -> Outcome:
    arms = [arm for arm in outcomes_of_arms(tx, export) if arm.name != HOLDOUT]
    return Outcome(SENT, *(sum(getattr(arm, n) for arm in arms) for n in ("users", "exposures", "conversions")))


def _cannot(tx: Transaction, export: Export) -> str:
    """Say why nothing is known of entities; empty when it is."""
    if export.per != "user":
        return "Results per arm do not say whose interests converted: load them per user."
    if not picked_of(export.snapshot):
        return "The audience was not made by picked entities."
    if space_of(tx, export.snapshot) is None:
        return "The vectors of the release that chose the users are gone."
    return ""


def _described(runner: Runner, ids: Sequence[str]) -> dict[str, Row]:
    return {row["id"]: row for row in runner.read(load_query("audiences/describe_entities"), {"ids": list(ids)})}
