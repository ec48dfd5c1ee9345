"""Where users stand on a day: what the model reads of each, as a fingerprint, and their vectors."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audience_graph.errors import RunError
from audience_trainers.run import Progress, silent
from audience_trainers.users.fit import TrainedUsers
from audience_trainers.users.histories import Moments, last_codes
from audience_trainers.users.inputs import Known
from audience_trainers.users.taste import MOST
from audience_trainers.users.user_model import Floats

Prints = npt.NDArray[np.int64]
_BLOCK = 20_000
_ODD = np.uint64(0x9E3779B97F4A7C15)


class Standing:
    """The users of a model at the end of a day (UTC), those with an event before it."""

    def __init__(self, trained: TrainedUsers, as_of: date, *, progress: Progress = silent) -> None:
        self._trained = trained
        self._progress = progress
        self._end = int(datetime.combine(as_of + timedelta(days=1), time.min, UTC).timestamp())
        histories = trained.known.histories
        everyone = Moments(np.arange(len(histories.user_ids)), np.full(len(histories.user_ids), self._end, np.int64))
        there = histories.before(everyone) > histories.start[everyone.user]
        self._moments = everyone[there]
        self._place = {histories.user_ids[i]: i for i in self._moments.user.tolist()}
        self._done = 0
        if not self._place:
            raise RunError(f"no user has an event up to {as_of}", hint="load events, or name a later day")

    def users(self) -> pa.Table:
        """Return user_id and fingerprint of every user, sorted: equal as long as the model reads the same of a user.

        The day is not part of it: the vector of a user without anything new is the one of the day of the last change.
        """
        known = self._trained.known
        parts = [fingerprints(known, self._moments[i : i + _BLOCK]) for i in range(0, len(self._moments), _BLOCK)]
        ids = list(self._place)
        return pa.table({"user_id": pa.array(ids, pa.string()), "fingerprint": pa.array(np.concatenate(parts))})

    def embed(self, user_ids: Sequence[str]) -> Floats:
        """Return the unit vectors (n, d) of users at the end of the day."""
        rows = np.array([self._place[user] for user in user_ids], np.int64)
        found = self._trained.embed(Moments(rows, np.full(len(rows), self._end, np.int64)))
        self._done += len(rows)
        self._progress("users", self._done, max(self._done, len(self._place)))
        return found


def fingerprints(known: Known, moments: Moments) -> Prints:
    """Return (p,) of all that the model reads at each moment: last events, searches, the row of columns in force.

    Of events those of the sequence, and as many as `taste` reads. Equal on every machine and for any later data: texts
    and channels count by their content, not by their numbers.
    """
    histories = known.histories
    text, source = _hashes(histories.texts), _hashes(histories.sources)
    end, start = histories.before(moments), histories.start[moments.user]
    count = end - start  # activity counts older events too
    first, last = start.min(initial=len(histories.time)), end.max(initial=0)
    with np.errstate(over="ignore"):
        event = _mixed(histories.time[first:last].astype(np.uint64))
        event = _mixed(text[histories.text[first:last]] ^ _mixed(source[histories.source[first:last]] ^ event))
        so_far = np.concatenate([[np.uint64(0)], np.cumsum(event, dtype=np.uint64)])  # sums modulo 2^64, undone below
        begin = np.maximum(start, end - max(known.width, MOST))
        total = so_far[np.maximum(end - first, 0)] - so_far[np.maximum(begin - first, 0)]
        total ^= _mixed(count.astype(np.uint64))
        code, ends = last_codes(histories, moments, known.searches, known.channels)
        row = np.repeat(np.arange(len(moments)), np.diff(ends))
        said = np.zeros(len(moments), np.uint64)
        np.add.at(said, row, _mixed(text[code] + _ODD))
        found = _mixed(total ^ _mixed(said)) ^ _rows(known, moments)
    return (found >> np.uint64(1)).astype(np.int64)


def _rows(known: Known, moments: Moments) -> npt.NDArray[np.uint64]:
    if known.profiles is None or known.schema is None:
        return np.zeros(len(moments), np.uint64)
    table = known.schema.encode(known.profiles.rows(moments))
    in_force = known.profiles.as_of(moments) >= 0
    weights = _mixed(np.arange(1, 2 * table.codes.shape[1] + 1).astype(np.uint64))
    bits = np.concatenate([table.codes.astype(np.uint64), table.values.view(np.uint32).astype(np.uint64)], axis=1)
    return np.where(in_force, _mixed((_mixed(bits + weights)).sum(axis=1, dtype=np.uint64)), np.uint64(0))


def _hashes(words: Sequence[str]) -> npt.NDArray[np.uint64]:
    digests = b"".join(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest() for word in words)
    return np.frombuffer(digests or bytes(8), "<u8").astype(np.uint64)


def _mixed(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return x with all its bits stirred (the end of splitmix64)."""
    x = (x + _ODD).astype(np.uint64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)), np.uint64)
