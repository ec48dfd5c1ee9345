"""Explain one user's score: phrase -> path -> entity -> the user's own events, with parts that add up.

Each mention of an entity in an event owns one term of the user's vector, and so of the score: `why/parts.py` splits it.
The parts are those of the stored vector; `rounding` is what the float32 sum of the score leaves, at most
`rounding_bound`.

q is a weighted mean over the picked entities, so a term splits over them: w_i (h_{e_j} . h_i). Each event entity is
shown with the picked entity, and its path, that has the largest of these products. Where nothing is picked (likeness to
seed users) it speaks for itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from audience_graph.answer import Answer
from audience_graph.audience.near_events import Nearness
from audience_graph.audience.pick import Picked
from audience_graph.audience.weighing import Weighing
from audience_graph.audience.why.parts import Split, split_scores
from audience_graph.errors import NotFoundError
from audience_graph.vectors.store import Transaction
from audience_graph.vectors.topk import Floats, entity_vectors, keys_of, query_vector
from audience_graph.vectors.window import Mention, Window, events_of


@dataclass(frozen=True, slots=True)
class Reason:
    """One entity of the user's own events and what it adds to the score.

    `part` is its share of the score in units of the score; `share` = part / sum of all parts, None when that is 0.
    `path` runs from the seed to the picked entity that it speaks for; `events` holds (time, channel, text), newest
    first, and `mentions` how often they name the entity. Without a reason to ask for them, sensitive entities are one
    row together, without a name and without events, and events that name one have no text.
    """

    id: str
    name: str
    part: float
    share: float | None
    mentions: int
    phrase: str
    picked: str
    picked_name: str
    path: tuple[str, ...]
    path_names: tuple[str, ...]
    events: tuple[tuple[datetime, str, str | None], ...]

    @property
    def last(self) -> tuple[datetime | None, str | None, str | None]:
        """The newest of the events; nothing where they are withheld."""
        return self.events[0] if self.events else (None, None, None)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Explanation(Answer):
    """Why one user has this score. `sum(r.part for r in reasons) + rounding == score`, exactly.

    `adds_up` is false where the stored events are not those that the vector was made of: then `rounding` is none.
    `score` is None for a user without a vector; `note` then says why. `chosen` says whether the user is in the
    target that was explained (None when only phrases were given), `below_cut` by how much the score misses it.

    Where a sentence was asked too, `nearness` tells how near the user and the user's own events are to it; by the
    sentence alone there are no `reasons`, and `score` is the cosine. `weighing`: how much the graph counts beside it.
    """

    user_id: str
    score: float | None
    reasons: tuple[Reason, ...]
    rounding: float
    rounding_bound: float
    phrases: tuple[str, ...]
    note: str
    chosen: bool | None = None
    below_cut: float | None = None
    nearness: Nearness | None = None
    weighing: Weighing | None = None
    adds_up: bool = True
    release: int | None = None
    version: str | None = None
    week: str | None = None

    def _title(self) -> str:
        score = "no score" if self.score is None else f"score {self.score:.4g}"
        near = self.nearness
        cosine = "" if near is None or near.score is None else f", cosine with the sentence {near.score:.4g}"
        notes = " ".join(filter(None, (self.note, "" if near is None else near.note)))
        weighed = "" if self.weighing is None else f" ({self.weighing.line()})"
        asked = ", ".join(repr(p) for p in self.phrases)
        return f"user {self.user_id}: {score}{cosine} for {asked}{weighed}. {notes}".rstrip()

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        r = self.reasons
        near = () if self.nearness is None else self.nearness.events
        none = [None] * len(near)  # the sentence's side comes first
        columns: dict[str, list[Any]] = {
            "share": [*none, *(x.share for x in r)],
            "part": [*none, *(x.part for x in r)],
            "phrase": [*none, *(x.phrase for x in r)],
            "path": [*none, *(list(x.path_names) for x in r)],
            "entity": [*none, *(x.name for x in r)],
            "mentions": [*none, *(x.mentions for x in r)],
            "last_event": [*(x.time for x in near), *(x.last[0] for x in r)],
            "channel": [*(x.channel for x in near), *(x.last[1] for x in r)],
            "text": [*(x.text for x in near), *(x.last[2] for x in r)],
        }
        if self.nearness is None:
            return columns
        near_columns = {"similarity": [*(x.similarity for x in near), *([None] * len(r))]}
        if not r:
            return near_columns | {name: columns[name] for name in ("last_event", "channel", "text")}
        return near_columns | columns


@dataclass(frozen=True, slots=True)
class Question:
    """What a user is explained against: the picked entities of a release's space, its window, the phrases.

    `query` (d,) is what scores are products with: None for the mean vector of the picked entities.
    """

    space: str
    window: Window
    picked: tuple[Picked, ...]
    phrases: tuple[str, ...]
    query: Floats | None = None


def explain_user(tx: Transaction, question: Question, user_id: str) -> Explanation:
    """Return why the user has the score that the picked entities give. Ids stand in for the names of event entities.

    Raises NotFoundError for a user who is not known at all.
    """
    known = keys_of(tx, [user_id])
    if not known:
        raise NotFoundError(f"no user {user_id!r}", hint="user ids are those of the loaded users and events")
    key, window = known[user_id], question.window
    vectors = entity_vectors(tx, question.space, [p.id for p in question.picked])
    query = question.query
    if query is None:
        query = query_vector({p.id: p.weight for p in question.picked}, vectors)
    found = split_scores(tx, question.space, query, window, [key])
    score = float(found.scores[0])
    if np.isnan(score):
        note = f"Known, but no event linked to an entity in the {window.days} days to {window.as_of}: not eligible."
        return Explanation(user_id, None, (), 0.0, 0.0, question.phrases, note)
    own = entity_vectors(tx, question.space, found.entities)
    speak = [(p, vectors[p.id]) for p in question.picked if p.id in vectors]
    told = _Told(question, speak, own, events_of(tx, key, window))
    bound, whole = float(found.bound[0]), bool(found.whole[0])
    note = "" if whole else "The stored events and vectors are of different days: the parts do not add up to the score."
    reasons = _reasons(found, told)
    rounding = left_over(score, reasons) if whole else float(found.rounding[0])
    return Explanation(user_id, score, reasons, rounding, bound, question.phrases, note, adds_up=whole)


def left_over(score: float, reasons: Sequence[Reason]) -> float:
    """Return what the parts, added up in their order, leave of the score: so near to it that the sum is exact."""
    return score - sum(reason.part for reason in reasons)


@dataclass(frozen=True, slots=True)
class _Told:
    question: Question
    speak: Sequence[tuple[Picked, Floats]]
    own: Mapping[str, Floats]
    events: Sequence[Mention]

    def spoken_for(self, entity_id: str) -> Picked:
        """Return the picked entity that an own entity adds most to; itself where nothing is picked."""
        if not self.speak:
            phrase = ", ".join(self.question.phrases)
            return Picked(entity_id, entity_id, "", 0, 1.0, 1.0, (entity_id,), phrase)
        vector = self.own[entity_id]
        return max(self.speak, key=lambda s: (s[0].weight * float(vector @ s[1]), s[0].id == entity_id))[0]


def _reasons(found: Split, told: _Told) -> tuple[Reason, ...]:
    total = float(found.parts.sum())
    reasons = []
    for entity, mentions, part in zip(
        found.entity.tolist(), found.mentions.tolist(), found.parts.tolist(), strict=True
    ):
        entity_id = found.entities[entity]
        events = [m for m in told.events if m.entity_id == entity_id]
        events.sort(key=lambda m: (m.time, m.event_id), reverse=True)
        picked = told.spoken_for(entity_id)
        reasons.append(
            Reason(
                id=entity_id,
                name=entity_id,
                part=part,
                share=part / total if total else None,
                mentions=mentions,
                phrase=picked.phrase,
                picked=picked.id,
                picked_name=picked.name,
                path=picked.path,
                path_names=picked.path,
                events=tuple(dict.fromkeys((m.time, m.channel, m.text) for m in events)),
            )
        )
    return tuple(sorted(reasons, key=lambda r: (-r.part, r.id)))


def name_entities(explanation: Explanation, names: Mapping[str, str]) -> Explanation:
    """Return the explanation with the names of its entities in place of their ids."""
    return replace(
        explanation,
        reasons=tuple(
            replace(
                r,
                name=names.get(r.id, r.id),
                picked_name=names.get(r.picked, r.picked_name),
                path_names=tuple(names.get(i, i) for i in r.path),
            )
            for r in explanation.reasons
        ),
    )
