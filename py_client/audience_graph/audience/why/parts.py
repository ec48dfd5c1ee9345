"""Split scores of users over the entities of their own events, in columns: for one user, or for ten thousand.

By EGL eq. 7 a user's vector is the mean of h_e over the l linked entities of the window. What is stored is that mean
rounded to halfvec, r = (sum_j h_j) / l + delta, and the score is the product of r, as stored, with the query q. So

    r . q = sum_j (h_j + delta) . q / l

exactly: what rounding moved is shared evenly by the mentions, which moves each of them least, and a part is that of the
*stored* vector. What is left, `rounding`, is the score's float32 sum: at most `bound` = (d + 2) 2^-24 sum_i |r_i q_i|.

delta is rounding only where it is as small as that: |delta_i| <= 2^-11 |r_i| + 2^-25 and the float32 sum of the mean.
A user of whom this does not hold has other events than the vector was made of: `whole` is false, delta is not shared,
and the parts do not add up to the score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audience_graph.vectors.store import Transaction
from audience_graph.vectors.topk import Floats, Keys, entity_vectors, user_vectors
from audience_graph.vectors.window import Window

_BLOCK = 1_000  # users at once: a row of d numbers for each of their entities
_OWN = """
SELECT e.key, m.entity_id, count(*) AS mentions
FROM user_event e CROSS JOIN LATERAL unnest(e.entity_ids) AS m(entity_id)
WHERE e.key = ANY (%(keys)s) AND e.time >= %(start)s AND e.time < %(end)s GROUP BY 1, 2 ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Scores of users, split. By user, by key (n,): `scores` (NaN without a vector), `rounding`, `bound`, `whole`.

    By part (m,): `user` and `entity`, places in `keys` and `entities`; `mentions`; `parts`, in units of scores.
    """

    keys: Keys
    scores: Floats
    rounding: Floats
    bound: Floats
    whole: npt.NDArray[np.bool_]
    entities: tuple[str, ...]
    user: Keys
    entity: Keys
    mentions: Keys
    parts: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Own:
    """The linked entities of users' own events: for each (user, entity), sorted by user, how often it is mentioned.

    `user` (m,) and `entity` (m,) are places: among users, and in `vectors` (k, d).
    """

    user: Keys
    entity: Keys
    mentions: Keys
    vectors: Floats


def split_scores(tx: Transaction, space: str, query: Floats, window: Window, keys: Sequence[int]) -> Split:
    """Return the scores of users in a space by `query` (d,), split over the entities of their events of a window."""
    wanted = np.unique(np.asarray(keys, np.int64))
    blocks = [wanted[i : i + _BLOCK] for i in range(0, len(wanted), _BLOCK)] or [wanted]
    return _joined([_split_block(tx, space, query, window, block) for block in blocks])


def split(keys: Keys, stored: Floats, scores: Floats, query: Floats, own: Own, entities: tuple[str, ...]) -> Split:
    """Split `scores` (n,), the float32 products of `stored` (n, d), NaN without a vector, with `query` (d,)."""
    users = len(keys)
    length = np.bincount(own.user, own.mentions, users)
    sums, sizes = np.zeros((users, len(query))), np.zeros((users, len(query)))
    weighed = own.mentions[:, None] * own.vectors[own.entity] if len(own.user) else np.zeros((0, len(query)))
    np.add.at(sums, own.user, weighed)
    np.add.at(sizes, own.user, np.abs(weighed))
    each = np.maximum(length, 1.0)[:, None]
    mean = sums / each
    delta = stored - mean
    allowed = 2.0**-11 * np.abs(mean) + 2.0**-25 + (length[:, None] + 2) * 2.0**-24 * sizes / each
    whole = (length > 0) & ~np.isnan(scores) & np.all(np.abs(delta) <= allowed, axis=1)
    shared = np.where(whole, np.nan_to_num(delta) @ query, 0.0)
    parts = own.mentions * ((own.vectors @ query)[own.entity] + shared[own.user]) / length[own.user]
    rounding = scores - np.bincount(own.user, parts, users)
    bound = (len(query) + 2) * 2.0**-24 * (np.abs(np.nan_to_num(stored)) @ np.abs(query))
    return Split(keys, scores, rounding, bound, whole, entities, own.user, own.entity, own.mentions, parts)


def _split_block(tx: Transaction, space: str, query: Floats, window: Window, keys: Keys) -> Split:
    stored, scores = user_vectors(tx, space, keys, query)
    rows = tx.rows(_OWN, {"keys": keys.tolist(), "start": window.start, "end": window.end})
    vectors = entity_vectors(tx, space, sorted({row["entity_id"] for row in rows}))
    place = {entity: n for n, entity in enumerate(vectors)}
    known = [row for row in rows if row["entity_id"] in place]
    own = Own(
        np.searchsorted(keys, np.array([row["key"] for row in known], np.int64)),
        np.array([place[row["entity_id"]] for row in known], np.int64),
        np.array([row["mentions"] for row in known], np.int64),
        np.stack(list(vectors.values())) if vectors else np.zeros((0, len(query))),
    )
    return split(keys, stored, scores, query, own, tuple(vectors))


def _joined(blocks: Sequence[Split]) -> Split:
    if len(blocks) == 1:
        return blocks[0]
    entities = tuple(dict.fromkeys(entity for block in blocks for entity in block.entities))
    place = {entity: n for n, entity in enumerate(entities)}
    before = np.cumsum([0, *(len(block.keys) for block in blocks)])
    return Split(
        keys=np.concatenate([block.keys for block in blocks]),
        scores=np.concatenate([block.scores for block in blocks]),
        rounding=np.concatenate([block.rounding for block in blocks]),
        bound=np.concatenate([block.bound for block in blocks]),
        whole=np.concatenate([block.whole for block in blocks]),
        entities=entities,
        user=np.concatenate([block.user + start for block, start in zip(blocks, before, strict=False)]),
        entity=np.concatenate([np.array([place[e] for e in b.entities], np.int64)[b.entity] for b in blocks]),
        mentions=np.concatenate([block.mentions for block in blocks]),
        parts=np.concatenate([block.parts for block in blocks]),
    )
