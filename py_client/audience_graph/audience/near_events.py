"""Explain the sentence's side: a user's own events, by how near their texts lie to the sentence in the space."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from audience_graph.errors import NotFoundError
from audience_graph.vectors.store import Transaction
from audience_graph.vectors.topk import Floats, storable, user_vector
from audience_graph.vectors.window import Window

MOST_EVENTS = 500  # texts that are encoded for one explanation: the newest
SHOWN = 10
Withheld = Callable[[Iterable[str]], Collection[str]]


def nothing_withheld(entity_ids: Iterable[str]) -> Collection[str]:  # noqa: ARG001 - one of a kind
    """Withhold nothing."""
    return ()


@dataclass(frozen=True, slots=True)
class NearEvent:
    """One own event and the cosine of its text with the sentence, in the space of users."""

    similarity: float
    time: datetime
    channel: str
    text: str


@dataclass(frozen=True, slots=True)
class Nearness:
    """How near a user is to a sentence: cosine of the user's vector, None without one, and own events, nearest first.

    The events do not add up to the cosine: the vector is learned from all of them in their order, and from what else
    is known of the user.
    """

    score: float | None
    events: tuple[NearEvent, ...]
    note: str


def near_events(
    tx: Transaction,
    space: str,
    query: Floats,
    user_id: str,
    *,
    window: Window,
    encode: Callable[[Sequence[str]], Floats],
    withheld: Withheld = nothing_withheld,
) -> Nearness:
    """Return how near a user and the user's own events of a window are to `query` (d,), a vector of the space.

    `encode(texts)` gives unit vectors (n, d) of the space. Events that name an entity which `withheld(entity_ids)`
    gives back are left out. Raises NotFoundError for an unknown user.
    """
    user = user_vector(tx, space, user_id, query) if storable(user_id) else None
    if user is None:
        raise NotFoundError(f"no user {user_id!r}", hint="user ids are those of the loaded users and events")
    if user.score is None:
        return Nearness(None, (), "Known, but without a vector in the user-text space: not eligible for the sentence.")
    rows = tx.rows(
        "SELECT time, channel, text, entity_ids FROM user_event "
        "WHERE key = %(key)s AND time >= %(start)s AND time < %(end)s "
        "AND text <> '' ORDER BY time DESC, event_id LIMIT %(most)s",
        {"key": user.key, "start": window.start, "end": window.end, "most": MOST_EVENTS},
    )
    if not rows:
        return Nearness(user.score, (), "No event with a text is kept of this user in the window of the release.")
    hidden = set(withheld([i for row in rows for i in row["entity_ids"] or ()]))
    rows = [row for row in rows if hidden.isdisjoint(row["entity_ids"] or ())]
    note = "Events about something sensitive are not shown." if hidden else ""
    if not rows:
        return Nearness(user.score, (), note)
    texts = list(dict.fromkeys(row["text"] for row in rows))
    cosine = dict(zip(texts, (encode(texts) @ (query / np.linalg.norm(query))).tolist(), strict=True))
    events = [NearEvent(round(cosine[row["text"]], 4), row["time"], row["channel"], row["text"]) for row in rows]
    events.sort(key=lambda event: -event.similarity)  # stable: of equal ones the newest first
    return Nearness(user.score, tuple(events[:SHOWN]), note)
