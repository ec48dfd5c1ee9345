"""What was known of users, and since when: the row in force at a moment, never a later one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audience_trainers.users.histories import Histories, Indices, Moments
from audience_trainers.users.segments import bisect
from audience_trainers.users.source import Source


@dataclass(frozen=True, slots=True, eq=False)
class Profiles:
    """Rows of users with events, sorted by user, then time.

    `columns`: by name, each (r,): float64 with NaN for missing numbers, objects (text or None) for all else. Row i is
    known of user `user[i]` from `since[i]` (seconds) on; rows of user u are start[u] : start[u + 1].
    """

    user: Indices  # (r,)
    since: Indices  # (r,)
    start: Indices  # (n + 1,)
    columns: Mapping[str, npt.NDArray[Any]]

    def as_of(self, moments: Moments) -> Indices:
        """Return (p,) the row in force at each moment, the latest with since <= t1; -1 where there is none."""
        if len(self.since) == 0:
            return np.full(len(moments), -1, np.int64)
        low = self.start[moments.user]
        end = bisect(self.since, low, self.start[moments.user + 1], moments.time, right=True)
        return np.where(end > low, end - 1, -1)

    def rows(self, moments: Moments) -> dict[str, npt.NDArray[Any]]:
        """Return the columns (p,) as they were known at each moment; missing (NaN, None) where no row is in force."""
        row = self.as_of(moments)
        known: dict[str, npt.NDArray[Any]] = {}
        for name, values in self.columns.items():
            missing = np.nan if values.dtype.kind == "f" else None
            cells = np.full(len(row), missing, values.dtype)
            cells[row >= 0] = values[row[row >= 0]]
            known[name] = cells
        return known


def read_profiles(source: Source, histories: Histories) -> Profiles:
    """Read what is known of the users of `histories`; rows of other users are left out.

    Of two rows of one user and time the last counts.
    """
    table = source.read_profiles()
    place = pc.index_in(table["user_id"], value_set=pa.array(histories.user_ids, pa.string()))
    table = table.filter(pc.is_valid(place))
    user = place.drop_null().to_numpy().astype(np.int64)
    since = table["as_of"].to_numpy().astype(np.int64)
    order = np.lexsort((np.arange(len(user)), since, user))
    user, since = user[order], since[order]
    taken = table.take(pa.array(order))
    return Profiles(
        user=user,
        since=since,
        start=np.searchsorted(user, np.arange(len(histories.user_ids) + 1)).astype(np.int64),
        columns={name: _column(taken[name]) for name in taken.column_names if name not in ("user_id", "as_of")},
    )


def _column(values: pa.ChunkedArray) -> npt.NDArray[Any]:
    if pa.types.is_floating(values.type):
        return np.asarray(values.to_numpy(), np.float64)
    cells = np.empty(len(values), object)
    cells[:] = values.to_pylist()
    return cells
