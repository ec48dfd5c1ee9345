"""How the entities of a campaign did: those that were picked, and those that its users prefer beside them.

Both compare users who were sent with each other, so they say which interests converted more often, not what sending
brought: that is the lift against the holdout, in the report. Where many entities are compared some look good by chance:
`q` is Benjamini and Hochberg's adjusted p value, and `sure` asks for an interval without 1 and a q of at most .05.

Worse than all who were sent is not bad: beside one interest that converts very well all others look so. `worse` says
that an entity's users convert less often than those of the half with the lowest scores, who were hardly let in.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audience_graph.answer import Answer
from audience_graph.audience.keep.picked import picked_of, space_of
from audience_graph.audience.learn.exported import SENT, Export
from audience_graph.audience.learn.lift import Interval, false_discovery
from audience_graph.audience.learn.outcomes import Led, Outcome, outcomes_of_arms, outcomes_of_picked
from audience_graph.audience.learn.preferring import outcomes_of_preferring
from audience_graph.audience.learn.shown import Figures, Versus, beside_expected, figures, of_whole, versus
from audience_graph.audience.send.arms import HOLDOUT
from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import Row, Runner
from audience_graph.vectors.store import Transaction

SURE_Q = 0.05
MOST_SUGGESTED = 20
_COUNTS = ("users", "exposures", "conversions")


@dataclass(frozen=True, slots=True)
class EntityLift:
    """One entity's users beside all who were sent. Counts are rounded; all are None under the minimum size.

    `lift` is the rate of its users over the rate of all; of a suggested one, who prefer it most over what is expected
    of users of like score. `near` is the picked entity that it is most like, for one that was not picked itself;
    `phrase` what was typed for it; `path` the relations that lead from the phrase to it, or would.
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
    worse: bool = False

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
                 "q", "sure", "worse")  # fmt: skip
        return {name: [getattr(e, name) for e in self.entities] for name in names}


@dataclass(frozen=True, slots=True, repr=False)
class Suggestions(EntityLifts):
    """Entities that were not picked, and whose users converted more often than others of like score: surest first."""

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
    led = [] if note else outcomes_of_picked(tx, export)
    bad = _bad(led)
    for own in _beside_all([one.all for one in led], _sent(tx, export)):
        found = picked[own.outcome.name]
        rows.append(_row(own, found.name, found.phrase, found.path, worse=own.outcome.name in bad))
    rows.sort(key=lambda e: (e.lift is None, -(e.lift or 0.0), e.id))
    note = note or "Beside all who were sent, not beside the holdout."
    return EntityLifts(export.snapshot.name, export.id, tuple(rows), note, **export.snapshot.source)


def suggestions(tx: Transaction, runner: Runner, export: Export) -> Suggestions:
    """Return the surest entities that were not picked, and whose users converted more often than others of like score;
    never a sensitive one. See `outcomes_of_preferring`. At most 20: those further down say the same again."""
    picked = {p.id: p for p in picked_of(export.snapshot)}
    note = _cannot(tx, export)
    found = [] if note else _beside_alike(tx, export)
    described = _described(runner, [own.outcome.name for own in found])
    rows = []
    for own in found:
        entity, near = described.get(own.outcome.name), picked[own.outcome.near or ""]
        if entity is not None and not entity["sensitive"]:
            path = (near.path[0], own.outcome.name)
            rows.append(_row(own, entity["name"], near.phrase, path, near=near.name))
    return Suggestions(export.snapshot.name, export.id, tuple(rows[:MOST_SUGGESTED]), note, **export.snapshot.source)


@dataclass(frozen=True, slots=True)
class _Beside:
    """A group, as it is shown, and how it did beside others; None where it or they are under the minimum size."""

    outcome: Outcome
    shown: Figures | None
    ratio: Interval | None
    q: float | None

    @property
    def better(self) -> bool:
        return self.ratio is not None and self.q is not None and self.ratio.low > 1.0 and self.q <= SURE_Q


def _beside_all(groups: Sequence[Outcome], whole: Outcome) -> list[_Beside]:
    compared: list[tuple[Outcome, Figures | None, Versus | None]] = []
    for group in groups:
        own, rest = figures(*_counts(group)), _less(whole, group)
        compared.append((group, own, None if own is None or rest is None else of_whole(own, rest)))
    adjusted = iter(false_discovery([versus.p for _, _, versus in compared if versus is not None]))
    return [
        _Beside(g, own, None if found is None else found.ratio, None if found is None else next(adjusted))
        for g, own, found in compared
    ]


def _bad(led: Sequence[Led]) -> set[str]:
    """Return the entities whose users surely did worse than those with the lowest scores whom they do not lead."""
    late = Outcome("late", *(sum(getattr(one.late, name) for one in led) for name in _COUNTS))
    found: dict[str, Versus] = {}
    for one in led:
        own, rest = figures(*_counts(one.all)), _less(late, one.late)
        if own is not None and rest is not None:
            found[one.all.name] = versus(own, rest)
    adjusted = false_discovery([beside.p for beside in found.values()])
    pairs = zip(found.items(), adjusted, strict=True)
    return {name for (name, beside), q in pairs if beside.ratio.high < 1.0 and q <= SURE_Q}


def _beside_alike(tx: Transaction, export: Export) -> list[_Beside]:
    """Return the entities whose users surely did better than others of like score, surest first."""
    preferred = outcomes_of_preferring(tx, export)
    told: list[tuple[float, Outcome, Figures, Interval]] = []
    for group in preferred.groups:
        own = figures(*_counts(group.outcome))
        if own is not None:
            ratio, p = beside_expected(own, group.expected)
            told.append((p, group.outcome, own, ratio))
    told.sort(key=lambda one: (one[0], one[1].name))
    # those that were not looked at count as found to be nothing
    unseen = [1.0] * (preferred.compared - len(told))
    adjusted = false_discovery([p for p, *_ in told] + unseen)[: len(told)]
    found = [_Beside(outcome, own, ratio, q) for (_, outcome, own, ratio), q in zip(told, adjusted, strict=True)]
    return [own for own in found if own.better]


def _less(whole: Outcome, part: Outcome) -> Figures | None:
    return figures(*(a - b for a, b in zip(_counts(whole), _counts(part), strict=True)))


def _counts(outcome: Outcome) -> tuple[int, int, int]:
    return outcome.users, outcome.exposures, outcome.conversions


def _row(
    own: _Beside, name: str, phrase: str, path: tuple[str, ...], *, near: str | None = None, worse: bool = False
) -> EntityLift:
    shown, ratio = own.shown, own.ratio
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
        high=None if ratio is None or math.isinf(ratio.high) else ratio.high,
        q=own.q,
        worse=worse,
    )


def _sent(tx: Transaction, export: Export) -> Outcome:
    arms = [arm for arm in outcomes_of_arms(tx, export) if arm.name != HOLDOUT]
    return Outcome(SENT, *(sum(getattr(arm, name) for arm in arms) for name in _COUNTS))


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
