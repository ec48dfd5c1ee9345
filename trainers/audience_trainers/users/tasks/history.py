"""All that a scorer may see at a cut: events with time < cut and profile rows with as_of <= cut, as columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp

from audience_graph.ingest.contract import CONSENT
from audience_trainers.users.tasks.source import Source, quoted

Indices = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """Words as codes: `code` (m,) points into `words`; -1 = not given."""

    code: Indices
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """What is known at `cut` of `users` (n,), sorted; m events in order of user, then time.

    `user` (m,) is a row of `users`, `row` (m,) the event's place in its file. `text` says what an event is: its text,
    else the names of its items or entities. A mention is one thing of one event: `mention_event` (k,) and `mention`
    (its items, else its entities, else its text). `profile` holds columns (n,) in which anything is known by then.
    """

    cut: int
    users: npt.NDArray[np.object_]
    user: Indices
    row: Indices
    time: Indices
    amount: Values
    channel: Coded
    category: Coded
    text: Coded
    mention_event: Indices
    mention: Coded
    profile: dict[str, npt.NDArray[np.object_]]

    def counts(self, coded: Coded, *, where: npt.NDArray[np.bool_] | None = None) -> sp.csr_matrix:
        """Return how often each user has each word (n, words) float64, of events or of mentions, whichever it codes."""
        user = self.user[self.mention_event] if coded is self.mention else self.user
        keep = (coded.code >= 0) if where is None else (coded.code >= 0) & where
        shape = (len(self.users), len(coded.words))
        cells = (np.ones(int(keep.sum())), (user[keep], coded.code[keep]))
        return sp.coo_matrix(cells, shape=shape).tocsr()


def read_history(source: Source, cut: int) -> History:
    """Read what is known at a cut (seconds). Nothing of it is later: events are < cut, profile rows <= cut."""
    users = np.array(sorted(source.known(cut)), dtype=object)
    events = source.table(_EVENTS, [cut])
    event, mention = _mentions(events)
    return History(
        cut=cut,
        users=users,
        user=_places(users, events["user_id"]),
        row=events["row"].to_numpy().astype(np.int64),
        time=events["t"].to_numpy().astype(np.int64),
        amount=events["amount"].to_numpy(zero_copy_only=False).astype(np.float64),
        channel=_coded(events["channel"]),
        category=_coded(events["category"]),
        text=_coded(events["said"]),
        mention_event=event,
        mention=mention,
        profile=_profile(source, cut, users),
    )


# Of an event without text the names of its items are its text, without items the names of its entities.
_EVENTS = """
WITH past AS (SELECT * FROM events WHERE t < $1),
named AS (
    SELECT e.row, string_agg(coalesce(n.name, e.id), ', ' ORDER BY e.id) AS names
    FROM (SELECT row, unnest(entity_ids) AS id FROM past
          WHERE coalesce(text, '') = '' AND coalesce(len(items), 0) = 0) e
    LEFT JOIN entities n ON n.id = e.id GROUP BY e.row
)
SELECT user_id, t, p.row AS row, channel, category, amount,
       coalesce(nullif(text, ''), nullif(array_to_string(items, ', '), ''), names) AS said,
       CASE WHEN coalesce(len(items), 0) > 0 THEN items WHEN coalesce(len(entity_ids), 0) > 0 THEN entity_ids
            ELSE [coalesce(text, '')] END AS things
FROM past p LEFT JOIN named ON named.row = p.row
ORDER BY user_id, t, event_id, p.row
"""


def _coded(column: pa.ChunkedArray) -> Coded:
    encoded = column.combine_chunks().dictionary_encode()
    code = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    words = cast("list[str]", encoded.dictionary.to_pylist())
    order = np.argsort(np.array(words, dtype=object), kind="stable") if words else np.empty(0, np.int64)
    rank = np.append(np.empty(len(words), np.int64), -1)  # code -1 stays -1
    rank[order] = np.arange(len(words))
    return Coded(rank[code], tuple(words[i] for i in order.tolist()))


def _mentions(events: pa.Table) -> tuple[Indices, Coded]:
    things = events["things"].combine_chunks()
    event = np.repeat(np.arange(len(things)), np.diff(things.offsets.to_numpy()))
    return event.astype(np.int64), _coded(pa.chunked_array([things.flatten()]))


def _places(users: npt.NDArray[np.object_], ids: pa.ChunkedArray) -> Indices:
    return np.asarray(np.searchsorted(users, ids.to_numpy(zero_copy_only=False)), np.int64)


def _profile(source: Source, cut: int, users: npt.NDArray[np.object_]) -> dict[str, npt.NDArray[np.object_]]:
    names = [name for name in source.columns["profiles"] if not name.lower().startswith(CONSENT)]
    if not names:
        return {}
    sql = (
        f"SELECT user_id, {', '.join(map(quoted, names))} FROM profiles WHERE as_of <= ? OR as_of IS NULL "
        "QUALIFY row_number() OVER (PARTITION BY user_id ORDER BY as_of DESC NULLS LAST) = 1"
    )
    table = source.table(sql, [cut])
    table = table.filter(pc.is_in(table["user_id"], value_set=pa.array(users, pa.string())))
    rows = _places(users, table["user_id"])
    profile: dict[str, npt.NDArray[np.object_]] = {}
    for name in names:
        values: list[Any] = table[name].to_pylist()
        if any(value is not None for value in values):
            cells = np.full(len(users), None, dtype=object)
            cells[rows] = values
            profile[name] = cells
    return profile
