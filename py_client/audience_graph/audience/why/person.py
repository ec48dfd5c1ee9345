"""Explain one user of one audience: in or out, step by step; the scores; what keeps them from being sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from audience_graph.audience.define.definition import Definition, Frozen, Stored
from audience_graph.audience.define.words import title
from audience_graph.audience.evaluate.evaluate import Evaluation
from audience_graph.audience.explain import Explanation
from audience_graph.audience.keep.audiences import read_revision
from audience_graph.audience.keep.snapshots import Snapshot, read_members, read_snapshot
from audience_graph.audience.send.consent import check_purpose
from audience_graph.audience.ways import Ways
from audience_graph.audience.why.answer import AudienceExplanation
from audience_graph.audience.why.delivery import Delivery, Sending, read_delivery
from audience_graph.audience.why.frozen import explain_snapshot
from audience_graph.audience.why.many import picked_of
from audience_graph.audience.why.places import Places, Show
from audience_graph.audience.why.standings import Person, standings_of
from audience_graph.audience.why.steps import Steps
from audience_graph.errors import ConfigError
from audience_graph.vectors.store import Transaction
from audience_graph.vectors.topk import keys_of

_LONGEST = 200  # of what the audit log calls an audience without a name


@dataclass(frozen=True, slots=True)
class Doors:
    """What explaining needs of a client: the ways to ask, names of entities, and which sizes may be shown.

    `check` raises SensitiveError for entities that are sensitive and not allowed.
    """

    ways: Ways
    named: Callable[[Explanation], Explanation]
    check: Callable[[Iterable[str]], None]
    show: Show


@dataclass(frozen=True, slots=True)
class Subject:
    """The audience that is explained: in words, its number and the snapshot where it has them."""

    title: str
    name: str | None
    audience: int | None = None
    snapshot: Snapshot | None = None

    @property
    def logged(self) -> str:
        """What the audit log calls it."""
        return f"audience {self.name}" if self.name is not None else f"unsaved audience: {self.title}"[:_LONGEST]


def subject_of(tx: Transaction, definition: Definition) -> Subject:
    """Return what a definition is called. Raises NotFoundError for a name or a snapshot that is not there."""
    match definition:
        case Frozen(number):
            snapshot = read_snapshot(tx, number)
            called = f"snapshot {number} of audience {snapshot.name!r}"
            return Subject(called, snapshot.name, snapshot.audience_id, snapshot)
        case Stored(name, number):
            return Subject(title(definition), name, read_revision(tx, name, number).audience_id)
        case _:
            return Subject(f"the audience {title(definition)}", None)


def explain_person(
    evaluation: Evaluation, doors: Doors, definition: Definition, user_id: str, purpose: str | None
) -> tuple[AudienceExplanation, Subject]:
    """Return why a user is in the audience of a definition, or is not; an unknown user is an answer too.

    Raises what evaluating the definition raises, and NotFoundError for a purpose that nobody was asked about.
    """
    tx = evaluation.request.tx
    if not isinstance(user_id, str):
        raise ConfigError(f"a user id is text, not {user_id!r}")
    if purpose is not None:
        check_purpose(tx, purpose)
    subject = subject_of(tx, definition)
    known = keys_of(tx, [user_id])
    told: dict[str, Any]
    if not known:
        told = {"status": "unknown user", "because": (_unknown(tx, user_id),), "reason": "unknown user"}
    else:
        told = _told(evaluation, doors, definition, subject, (user_id, known[user_id]))
        asked = Sending(purpose, subject.audience, None if subject.snapshot is None else subject.snapshot.id)
        told = _with_delivery(told, read_delivery(tx, user_id, known[user_id], asked))
    source = evaluation.request.read.source if subject.snapshot is None else subject.snapshot.source
    number = None if subject.snapshot is None else subject.snapshot.id
    return AudienceExplanation(user_id, subject.title, **told, snapshot=number, **source), subject


def _told(
    evaluation: Evaluation, doors: Doors, definition: Definition, subject: Subject, user: tuple[str, int]
) -> dict[str, Any]:
    mask = evaluation.mask(definition)
    places = Places(evaluation.universe, mask, doors.show)
    person = Person(evaluation, doors.ways, doors.named, places, *user)
    steps = Steps(evaluation, person.key, places.words)
    if subject.snapshot is not None:
        doors.check(_asked_for(subject.snapshot))
        members = read_members(evaluation.request.tx, subject.snapshot.id)
        found = explain_snapshot(person, subject.snapshot, members, steps)
        status = "in" if found.member else "out"
        return {"status": status, "because": found.because, "reason": found.reason, "standings": found.standings}
    told = steps.of(definition)
    inside = bool(mask[person.key])
    reason = None if inside else next(one.text for one in told if not one.passed)
    because = tuple(one.text for one in told) or ("every known user is in it",)
    standings = tuple(standings_of(person, definition))
    return {"status": "in" if inside else "out", "because": because, "reason": reason, "standings": standings}


def _asked_for(snapshot: Snapshot) -> Iterator[str]:
    """Yield the entities that a snapshot was ranked by, and those on the paths to them."""
    for question in snapshot.questions:
        for picked in picked_of(question):
            yield from picked.path


def _with_delivery(told: dict[str, Any], delivery: Delivery) -> dict[str, Any]:
    return {**told, "because": (*told["because"], *delivery.because), "sendable": delivery.sendable}


def _unknown(tx: Transaction, user_id: str) -> str:
    """Say that nobody has this id, and name one that differs by space or case alone."""
    near = list(keys_of(tx, [user_id.strip(), user_id.lower(), user_id.upper(), user_id.title()]))
    hint = f"there is {near[0]!r}" if near else "user ids are those of the loaded users and events"
    return f"No user has this id: {hint}."
