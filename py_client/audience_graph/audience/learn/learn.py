"""Learn from results: relations that lead to entities whose users converted more often are confirmed, others rejected.

Where its lift is surely above 1 (`EntityLift.sure`), every relation on an entity's path is confirmed with source
`result`. Where it is surely bad (`EntityLift.worse`: below the users with the lowest scores, not only below the mean),
the last relation of its path is rejected, for the ones before lead to others too, unless a better entity is reached
through it. A marketer's decision stays, whatever results say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audience_graph.answer import Answer
from audience_graph.audience.learn.decide import Pair, Said, decide, decisions, pairs_of
from audience_graph.audience.learn.entities import EntityLift, EntityLifts
from audience_graph.audience.learn.exported import Export
from audience_graph.graph.runner import Runner
from audience_graph.vectors.store import Store


@dataclass(frozen=True, slots=True)
class Lesson:
    """One relation, what results say of it, and `because` of which entity. `kept`: why it is not done, else empty."""

    action: str
    source_id: str
    target_id: str
    because: str
    lift: float | None
    low: float | None
    high: float | None
    kept: str


@dataclass(frozen=True, slots=True, repr=False)
class Learned(Answer):
    """What results say of relations, and whether it was done (`dry_run`: not)."""

    audience: str
    export: int
    lessons: tuple[Lesson, ...]
    dry_run: bool
    note: str = ""
    release: int | None = None
    version: str | None = None
    week: str | None = None

    def _title(self) -> str:
        count = sum(not lesson.kept for lesson in self.lessons)
        would = "would be decided" if self.dry_run else "decided"
        return f"audience {self.audience!r}, export {self.export}: {count} relations {would}. {self.note}".rstrip()

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        return {name: [getattr(lesson, name) for lesson in self.lessons] for name in Lesson.__slots__}


def learn(runner: Runner, store: Store, export: Export, lifts: EntityLifts, *, by: str, dry_run: bool) -> Learned:
    """Return what the lifts of an export's entities say of relations, and decide so unless `dry_run`.

    Done again it changes nothing.
    """
    lessons = _with_standing(runner, [*_confirm(lifts.entities), *_reject(lifts.entities)])
    if not dry_run:
        note = f"results of export {export.id}"
        said = Said(by, "result", note, about=f"audience {export.snapshot.name}")
        for verb in ("confirm", "reject"):
            pairs = [(x.source_id, x.target_id) for x in lessons if x.action == verb and not x.kept]
            if pairs:
                decide(runner, store, "confirm" if verb == "confirm" else "reject", pairs, said)
    note = "" if lessons else lifts.note if not lifts.entities else "No entity surely did better or worse."
    return Learned(export.snapshot.name, export.id, tuple(lessons), dry_run, note, **export.snapshot.source)


def _confirm(entities: Sequence[EntityLift]) -> list[Lesson]:
    """Return a lesson for each relation on a path to an entity that did better, told by the best of these."""
    found: dict[Pair, Lesson] = {}
    for entity in entities:  # best first
        if entity.sure and entity.low is not None and entity.low > 1.0:
            for pair in pairs_of([entity.path]):
                found.setdefault(pair, _lesson("confirm", pair, entity))
    return list(found.values())


def _reject(entities: Sequence[EntityLift]) -> list[Lesson]:
    better = {(x.source_id, x.target_id) for x in _confirm(entities)}
    found: dict[Pair, Lesson] = {}
    for entity in reversed(entities):
        if entity.worse:
            for pair in pairs_of([entity.path])[-1:]:
                if pair not in better:
                    found.setdefault(pair, _lesson("reject", pair, entity))
    return list(found.values())


def _lesson(action: str, pair: Pair, entity: EntityLift, kept: str = "") -> Lesson:
    return Lesson(action, *pair, entity.name, entity.lift, entity.low, entity.high, kept)


def _with_standing(runner: Runner, lessons: Sequence[Lesson]) -> list[Lesson]:
    """Say of each lesson that contradicts a marketer that it is not followed."""
    opposite = {"confirm": "rejected", "reject": "confirmed"}
    stands = {
        (d.decision, d.source_id, d.target_id)
        for d in decisions(runner, [(x.source_id, x.target_id) for x in lessons])
        if "marketer" in d.sources or not d.sources
    }
    return [
        Lesson(x.action, x.source_id, x.target_id, x.because, x.lift, x.low, x.high, f"a marketer {other} it")
        if ((other := opposite[x.action]), x.source_id, x.target_id) in stands
        else x
        for x in lessons
    ]
