"""Events of all users as columns, and what of them lies before a moment.

A moment is (user, t1). Only events with time < t1 are ever returned for it: an event in the very second of t1 belongs
to the future. Codes of texts and channels are numbered by first appearance in time, so that what is returned for a
moment stays the same, byte by byte, whatever is added later.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from audience_graph.errors import InputError, NotFoundError
from audience_trainers.users.columns import Coded, fetch
from audience_trainers.users.segments import bisect
from audience_trainers.users.source import Source, seconds_of

Indices = npt.NDArray[np.int64]
# An event that only names entities: this mark, then their ids. Their names are put in later, once per distinct text.
_IDS, _NEXT = "\x1e", "\x1f"


@dataclass(frozen=True, slots=True, eq=False)
class Histories:
    """All events of n users, in order of user, then time; the event id breaks ties. Times are seconds since 1970 UTC.

    Events of user u are start[u] : start[u + 1]. `source` points into `sources` (channels), `text` into `texts`: an
    event's own text, else its items, else the names of its entities, else its merchant or category.
    """

    user_ids: tuple[str, ...]  # (n,) sorted
    start: Indices  # (n + 1,)
    time: Indices  # (m,)
    source: npt.NDArray[np.int16]  # (m,)
    text: npt.NDArray[np.int32]  # (m,)
    sources: tuple[str, ...]
    texts: tuple[str, ...]

    def users(self, ids: tuple[str, ...] | list[str]) -> Indices:
        """Return the place of each id. Raises NotFoundError for one without events."""
        place = {user: i for i, user in enumerate(self.user_ids)}
        missing = [user for user in ids if user not in place]
        if missing:
            raise NotFoundError(f"no events of user {missing[0]!r}" + (" and others" if len(missing) > 1 else ""))
        return np.array([place[user] for user in ids], np.int64)

    def before(self, moments: Moments) -> Indices:
        """Return (p,) where the events before each moment end: start[user] : before are those with time < t1."""
        return bisect(self.time, self.start[moments.user], self.start[moments.user + 1], moments.time)


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Who is described when: user (p,) places in `user_ids`, time (p,) seconds (t1)."""

    user: Indices
    time: Indices

    def __len__(self) -> int:
        return len(self.user)

    def __getitem__(self, rows: Any) -> Moments:
        return Moments(self.user[rows], self.time[rows])


@dataclass(frozen=True, slots=True, eq=False)
class EventBlock:
    """The last w events before each of p moments, oldest first, padding (0) at the end. `length` (p,) may be 0."""

    text: Indices  # (p, w)
    source: Indices  # (p, w)
    time: Indices  # (p, w)
    length: Indices  # (p,)


def read_histories(source: Source) -> Histories:
    """Read all events of a source in one pass of its engine. Raises InputError when there are none."""
    found = fetch(source.backend, _said(source.events), coded=("user_id", "channel", "said"))
    user, time = found.coded["user_id"].sorted(), found.values["seconds"].astype(np.int64)
    if len(time) == 0:
        raise InputError(f"{source.name} holds no events")
    said = found.coded["said"]
    if any(text.startswith(_IDS) for text in said.words):
        said = said.mapped([_with_names(text, source) for text in said.words])
    texts, channels = _by_appearance(said, time), _by_appearance(found.coded["channel"], time)
    if len(channels.words) > np.iinfo(np.int16).max:
        raise InputError(
            f"{source.name} has {len(channels.words):,} channels", hint="a channel is a kind of event, like search"
        )
    return Histories(
        user_ids=user.words,
        start=np.concatenate([[0], np.cumsum(np.bincount(user.code, minlength=len(user.words)))]).astype(np.int64),
        time=time,
        source=channels.code.astype(np.int16),
        text=texts.code,
        sources=channels.words,
        texts=texts.words,
    )


def last_events(histories: Histories, moments: Moments, width: int) -> EventBlock:
    """Return the last `width` events before each moment."""
    end = histories.before(moments)
    begin = np.maximum(histories.start[moments.user], end - width)
    length = end - begin
    place = begin[:, None] + np.arange(width)  # (p, w)
    there = np.arange(width) < length[:, None]
    place = np.where(there, place, 0)
    return EventBlock(
        text=np.where(there, histories.text[place], 0).astype(np.int64),
        source=np.where(there, histories.source[place], 0).astype(np.int64),
        time=np.where(there, histories.time[place], 0),
        length=length,
    )


def last_texts(histories: Histories, moments: Moments, count: int, sources: tuple[str, ...]) -> list[list[str]]:
    """Return the texts of the last `count` events of these channels before each moment, newest last."""
    text, start = last_codes(histories, moments, count, sources)
    words = [histories.texts[code] for code in text.tolist()]
    return [words[a:b] for a, b in pairwise(start.tolist())]


def last_codes(histories: Histories, moments: Moments, count: int, sources: tuple[str, ...]) -> tuple[Indices, Indices]:
    """Return (k,) codes of the texts of the last `count` events of these channels, moment by moment, newest last.

    Those of moment i are the places start[i] : start[i + 1] of it, `start` (p + 1,). Channels that no event has give
    none.
    """
    wanted = np.array([i for i, name in enumerate(histories.sources) if name in sources], np.int64)
    kept = np.isin(histories.source, wanted)
    places = np.flatnonzero(kept)
    so_far = np.concatenate([[0], np.cumsum(kept)])  # events of these channels before each event
    end = so_far[histories.before(moments)]
    begin = np.maximum(so_far[histories.start[moments.user]], end - count)
    start = np.concatenate([[0], np.cumsum(end - begin)]).astype(np.int64)
    row = np.repeat(np.arange(len(begin)), end - begin)
    chosen = places[begin[row] + np.arange(len(row)) - start[row]]
    return histories.text[chosen].astype(np.int64), start


def _said(events: Any) -> Any:
    """Return user_id, seconds, channel, said of every event, in order of user, time, event id."""
    import ibis

    said = ibis.coalesce(
        events.text.nullif(""),
        events.items.join(", ").nullif(""),
        (ibis.literal(_IDS) + events.entity_ids.join(_NEXT)).nullif(_IDS),
        events.merchant.nullif(""),
        events.category.nullif(""),
        ibis.literal(""),
    )
    rows = events.mutate(said=said, tie=ibis.coalesce(events.event_id, ""), seconds=seconds_of(events.time))
    ordered = rows.order_by(["user_id", "time", "tie", "channel", "said"])
    return ordered.select("user_id", "seconds", "channel", "said")


def _with_names(text: str, source: Source) -> str:
    if not text.startswith(_IDS):
        return text
    return ", ".join(source.names.get(id_, id_) for id_ in text.removeprefix(_IDS).split(_NEXT))


def _by_appearance(coded: Coded, time: Indices) -> Coded:
    """Number the words by their first time; the order of code points breaks ties."""
    first = np.full(len(coded.words), np.iinfo(np.int64).max)
    np.minimum.at(first, coded.code, time)
    words = coded.words
    return coded.ordered(np.array(sorted(range(len(words)), key=lambda i: (first[i], words[i])), np.int64))
