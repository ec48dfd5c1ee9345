"""Behaviour: the dictionary and the sequences as index arrays, the input of every relation model."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audience_graph.errors import RunError

Ints = npt.NDArray[np.int64]
SESSION_GAP_SECONDS = 30 * 60  # the usual end of a session in web analytics


@dataclass(frozen=True, slots=True)
class Entities:
    """The dictionary in index order: row i of every vector matrix is entity i. Ids ascend by code point."""

    ids: tuple[str, ...]
    names: tuple[str, ...]
    types: tuple[str, ...]
    descriptions: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)

    def texts(self) -> list[str]:
        """Return what the text encoder reads of each entity: its name, then its description."""
        return [f"{n}. {d}" if d else n for n, d in zip(self.names, self.descriptions, strict=True)]

    def to_table(self) -> pa.Table:
        """Return the run folder's entities.parquet."""
        return pa.table(
            {
                "entity_id": pa.array(self.ids, pa.string()),
                "name": pa.array(self.names, pa.string()),
                "type": pa.array(self.types, pa.string()),
            }
        )


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Sequences of all users, one after the other.

    `entity[start[k]:start[k + 1]]` (m,) are the entity indices of user k in time order. `event` and `session` (m,)
    number the event and the session of each mention, ascending; None where they are not known. `side` (users,) says
    which half a user belongs to, the same one every week; None = by place.
    """

    entity: Ints
    start: Ints
    entities: int
    event: Ints | None = None
    session: Ints | None = None
    side: npt.NDArray[np.bool_] | None = None

    @property
    def users(self) -> int:
        return len(self.start) - 1

    def user(self) -> Ints:
        """Return the user index of each mention, shape (m,)."""
        return np.repeat(np.arange(self.users, dtype=np.int64), np.diff(self.start))

    def reach(self) -> Ints:
        """Return in how many users' sequences each entity occurs, shape (n,)."""
        pairs = np.unique(self.user() * self.entities + self.entity)
        return np.bincount(pairs % self.entities, minlength=self.entities).astype(np.int64)

    def blocks(self, mentions: int) -> Iterator[Behaviour]:
        """Split by whole users into parts of about `mentions` mentions each."""
        cuts = np.searchsorted(self.start, np.arange(0, len(self.entity) + mentions, mentions))
        cuts = np.unique(np.minimum(cuts, self.users))
        for first, last in itertools.pairwise(cuts):
            begin, end = self.start[first], self.start[last]
            yield self._part(slice(begin, end), self.start[first : last + 1] - begin)

    def half(self, which: int) -> Behaviour:
        """Return the users of one side, 0 or 1: two samples that share no user."""
        side = np.arange(self.users) % 2 == 1 if self.side is None else self.side
        return self.of_users(side == bool(which))

    def of_users(self, keep: npt.NDArray[np.bool_]) -> Behaviour:
        """Return the users for whom `keep` (u,) holds."""
        lengths = np.diff(self.start)
        start = np.concatenate(([0], np.cumsum(lengths[keep]))).astype(np.int64)
        side = None if self.side is None else self.side[keep]
        return replace(self._part(np.repeat(keep, lengths), start), side=side)

    def _part(self, mentions: slice | npt.NDArray[np.bool_], start: Ints) -> Behaviour:
        event, session = (None if x is None else x[mentions] for x in (self.event, self.session))
        return Behaviour(self.entity[mentions], start, self.entities, event, session)


def behaviour_from_sequences(sequences: pa.Table, entities: Entities) -> Behaviour:
    """Return the index arrays of a long-form sequence table (sorted by user, time, event).

    Mentions of an entity twice in one event count once. A session ends when a user does nothing for half an hour.
    Raises RunError for an entity outside the dictionary.
    """
    index = pc.index_in(sequences["entity_id"], value_set=pa.array(entities.ids, pa.string()))
    if index.null_count:
        stranger = sequences["entity_id"].filter(pc.is_null(index))[0].as_py()
        raise RunError(
            f"the sequences mention {stranger!r}, which is not in the dictionary", hint="load entities again"
        )
    entity = index.combine_chunks().to_numpy(zero_copy_only=False).astype(np.int64)
    users = sequences["user_id"].combine_chunks()
    if len(users) == 0:
        return Behaviour(entity, np.zeros(1, np.int64), len(entities))
    codes = users.dictionary_encode().indices.to_numpy(zero_copy_only=False).astype(np.int64)
    if np.any(np.diff(codes) < 0):
        raise RunError("the sequences are not sorted by user")
    start = np.concatenate(([0], np.flatnonzero(np.diff(codes)) + 1, [len(codes)])).astype(np.int64)
    new_user = np.zeros(len(codes), np.bool_)
    new_user[start[:-1]] = True
    moment = sequences["time"].cast(pa.int64()).to_numpy()  # microseconds
    quiet = np.diff(moment, prepend=moment[:1]) > SESSION_GAP_SECONDS * 1_000_000
    names = sequences["event_id"].combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
    other = np.diff(names, prepend=-1) != 0
    side = codes_of(users.dictionary_encode().dictionary.to_pylist()) % 2 == 1
    return Behaviour(entity, start, len(entities), np.cumsum(new_user | other), np.cumsum(new_user | quiet), side)


def codes_of(ids: Iterable[str]) -> npt.NDArray[np.uint64]:
    """Return a number of 64 bits for each id, the same one in every week and on every machine."""
    found = b"".join(hashlib.blake2b(str(name).encode(), digest_size=8).digest() for name in ids)
    return np.frombuffer(found, "<u8").astype(np.uint64)
