"""Explain one user's score: phrase -> path -> entity -> the user's own events, with parts that add up.

By EGL eq. 7 a user's vector is r_u = sum_j h_{e_j} / l over the l linked entities of the release's window (30
days by default), so

    r_u . q = sum_j (h_{e_j} . q) / l

and each mention of an entity in an event owns one term. Terms are computed in float64 from the stored entity vectors;
the score that ranks is the product with the stored user vector, which is rounded to halfvec. The difference is given
as `rounding` and is at most `rounding_bound` = 2^-11 sum_i |r_i q_i| + d 2^-24 (subnormal halves and float32 sums).

q is a weighted mean over the picked entities, so a term splits over them: w_i (h_{e_j} . h_i). Each event entity is
shown with the picked entity, and its path, that has the largest of these products.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

import numpy as np

from audience_graph.answer import Answer
from audience_graph.audience.near_events import Nearness
from audience_graph.audience.pick import Picked
from audience_graph.audience.weighing import Weighing
from audience_graph.errors import NotFoundError
from audience_graph.vectors.store import Transaction
from audience_graph.vectors.topk import Floats, entity_vectors, query_vector, storable, user_vector
from audience_graph.vectors.window import Window, events_of


@dataclass(frozen=True, slots=True)
class Reason:
    """One entity of the user's own events and what it adds to the score.

    `part` is its share of the score in units of the score; `share` = part / sum of all parts, None when that is 0.
    `path` runs from the seed to the picked entity that it speaks for; `events` holds (time, channel, text), newest
    first, and `mentions` how often they name the entity.
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


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Explanation(Answer):
    """Why one user has this score. `sum(r.part for r in reasons) + rounding == score`, exactly.

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
            "last_event": [*(x.time for x in near), *(x.events[0][0] for x in r)],
            "channel": [*(x.channel for x in near), *(x.events[0][1] for x in r)],
            "text": [*(x.text for x in near), *(x.events[0][2] for x in r)],
        }
        if self.nearness is None:
            return columns
        near_columns = {"similarity": [*(x.similarity for x in near), *([None] * len(r))]}
        if not r:
            return near_columns | {name: columns[name] for name in ("last_event", "channel", "text")}
        return near_columns | columns


@dataclass(frozen=True, slots=True)
class Question:
    """What a user is explained against: the picked entities of a release's space, its window, the phrases."""

    space: str
    window: Window
    picked: tuple[Picked, ...]
    phrases: tuple[str, ...]


def explain_user(tx: Transaction, question: Question, user_id: str) -> Explanation:
    """Return why the user has the score that the picked entities give. Ids stand in for the names of event entities.

    Raises NotFoundError for a user who is not known at all.
    """
    picked = {p.id: p for p in question.picked}
    vectors = entity_vectors(tx, question.space, list(picked))
    query = query_vector({p.id: p.weight for p in question.picked}, vectors)
    user = user_vector(tx, question.space, user_id, query) if storable(user_id) else None
    if user is None:
        raise NotFoundError(f"no user {user_id!r}", hint="user ids are those of the loaded users and events")
    if user.vector is None or user.score is None:
        window = question.window
        note = f"Known, but no event linked to an entity in the {window.days} days to {window.as_of}: not eligible."
        return Explanation(user_id, None, (), 0.0, 0.0, question.phrases, note)
    mentions = events_of(tx, user.key, question.window)
    own = entity_vectors(tx, question.space, list({m.entity_id for m in mentions}))
    mentions = [m for m in mentions if m.entity_id in own]
    reasons = _reasons(mentions, own, query, [(picked[i], v) for i, v in vectors.items()])
    bound = float(np.abs(user.vector * query).sum() * 2.0**-11 + len(query) * 2.0**-24)
    rounding = user.score - float(sum(r.part for r in reasons))
    return Explanation(user_id, user.score, reasons, rounding, bound, question.phrases, _note(rounding, bound))


def _note(rounding: float, bound: float) -> str:
    if abs(rounding) <= bound:
        return ""
    return "The stored events and vectors are of different days: the parts do not add up to the score."


def _reasons(
    mentions: Sequence[Any], own: Mapping[str, Floats], query: Floats, picked: Sequence[tuple[Picked, Floats]]
) -> tuple[Reason, ...]:
    length = len(mentions)
    reasons = []
    for entity_id, group in groupby(sorted(mentions, key=lambda m: m.entity_id), key=lambda m: m.entity_id):
        found = sorted(group, key=lambda m: (m.time, m.event_id), reverse=True)
        vector = own[entity_id]
        speaks_for = max(picked, key=lambda pair: (pair[0].weight * float(vector @ pair[1]), pair[0].id == entity_id))[
            0
        ]
        reasons.append(
            Reason(
                id=entity_id,
                name=entity_id,
                part=len(found) * float(vector @ query) / length,
                share=None,
                mentions=len(found),
                phrase=speaks_for.phrase,
                picked=speaks_for.id,
                picked_name=speaks_for.name,
                path=speaks_for.path,
                path_names=speaks_for.path,
                events=tuple(dict.fromkeys((m.time, m.channel, m.text) for m in found)),
            )
        )
    reasons.sort(key=lambda r: (-r.part, r.id))
    total = float(sum(r.part for r in reasons))
    return tuple(replace(r, share=r.part / total if total else None) for r in reasons)


def name_entities(explanation: Explanation, names: Mapping[str, str]) -> Explanation:
    """Return the explanation with the names of its entities in place of their ids."""
    return replace(
        explanation,
        reasons=tuple(
            replace(r, name=names.get(r.id, r.id), path_names=tuple(names.get(i, i) for i in r.path))
            for r in explanation.reasons
        ),
    )
