"""The mentions of entities of some users, and the users' preferences as of a past moment (EGL eq. 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import scipy.sparse as sp

from audience_graph.entities.linking import Linker
from audience_graph.ingest.sequences import link_phrases, mentions_of
from audience_trainers.users.pairs.windows import DAY
from audience_trainers.users.source import Source, seconds_of

Indices = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Mentions:
    """m mentions of E entities by n users, in order of user and time: all that was ever loaded of these users.

    `user` (m,) places among the n users, `entity` (m,) places in the dictionary, `time` (m,) seconds, `channel` (m,)
    places in `channels`.
    """

    user: Indices
    entity: Indices
    time: Indices
    channel: Indices
    channels: tuple[str, ...]
    users: int
    entities: int

    def between(self, begin: int | None, end: int) -> Flags:
        """Return (m,) which mentions lie in begin <= time < end; None = from the first on."""
        inside = self.time < end
        return inside if begin is None else inside & (self.time >= begin)

    def who(self, chosen: Flags) -> sp.csc_matrix:
        """Return (n, E) how often each user has each entity among the chosen mentions."""
        shape = (self.users, self.entities)
        return sp.csc_matrix((np.ones(int(chosen.sum())), (self.user[chosen], self.entity[chosen])), shape=shape)


def read_mentions(source: Source, user_ids: Sequence[str]) -> Mentions:
    """Return what these users' events mention: linked as the sequences are that preferences are made of."""
    import ibis

    ids = pa.table({"user_id": pa.array(user_ids, pa.string())})
    none = ibis.literal([], type="array<string>")
    events = source.events.semi_join(ibis.memtable(ids), "user_id")
    events = events.mutate(
        entity_ids=ibis.coalesce(events.entity_ids, none), items=ibis.coalesce(events["items"], none)
    )
    phrases = pa.table(link_phrases(source.backend, events, Linker(source.dictionary)),
                       schema=pa.schema([("phrase", pa.string()), ("entity_id", pa.string())]))  # fmt: skip
    known = ibis.memtable(pa.table({"entity_id": pa.array(source.dictionary.ids, pa.string())}))
    found = mentions_of(events, ibis.memtable(phrases), known, source.mentions)
    found = found.mutate(seconds=seconds_of(found.time)).order_by(["user_id", "time", "event_id", "entity_id"])
    table = source.backend.to_pyarrow(found.select("user_id", "entity_id", "seconds", "channel"))
    channel = table["channel"].combine_chunks().dictionary_encode()
    return Mentions(
        user=_places(table["user_id"], user_ids),
        entity=_places(table["entity_id"], source.dictionary.ids),
        time=table["seconds"].to_numpy().astype(np.int64),
        channel=np.asarray(channel.indices, np.int64),
        channels=tuple(channel.dictionary.to_pylist()),
        users=len(user_ids),
        entities=len(source.dictionary),
    )


def preferences_at(mentions: Mentions, vectors: Floats, has: Flags, *, at: int, days: int) -> tuple[Indices, Floats]:
    """Return (places of users with a vector, their vectors (p, d)) as of a moment, by events before it alone.

    r_u = mean of h_e over the mentions of the `days` days before `at` (eq. 7), rounded to halfvec as it is stored.
    `vectors` (E, d) are the stored entity vectors, `has` (E,) which entities have one.
    """
    chosen = mentions.between(at - days * DAY, at) & has[mentions.entity]
    counts = mentions.who(chosen).tocsr()
    length = np.asarray(counts.sum(axis=1)).ravel()
    there = np.flatnonzero(length > 0).astype(np.int64)
    means = (counts[there] @ vectors) / length[there, None]
    return there, means.astype(np.float16).astype(np.float32)


def _places(column: pa.ChunkedArray, words: Sequence[str]) -> Indices:
    coded = column.combine_chunks().dictionary_encode()
    place = {word: i for i, word in enumerate(words)}
    table = np.array([place[word] for word in coded.dictionary.to_pylist()], np.int64)
    return table[np.asarray(coded.indices, np.int64)] if len(table) else np.empty(0, np.int64)
