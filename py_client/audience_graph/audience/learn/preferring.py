"""What came of the users who prefer each entity most, beside users whom the audience ranked alike.

Users whom the ranking puts first convert more often whatever else they like, and so do users of whatever they all use.
So those who prefer an entity most are compared with users of like score: the score is cut into `STRATA` equal parts,
and within each the conversions expected of the group are its share of those of the part,

    E = sum_k g_k c_k / n_k

with n_k users, c_k who converted and g_k of the group in part k (indirect standardisation). What is above it is an
interest that the ranking does not know yet. An entity's group is the `SHARE` of the users with the largest r_u . h_e,
ties with them, so that every group is large enough to be shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from audience_graph.audience.disclosure import MINIMUM_SIZE
from audience_graph.audience.keep.picked import picked_of, space_of
from audience_graph.audience.learn.exported import IN_EXPORT, Export
from audience_graph.audience.learn.outcomes import Outcome
from audience_graph.vectors.store import Transaction, identifier

SHARE = 0.05
STRATA = 10
CANDIDATES = 1_000  # entities looked at: those that lie farthest in the direction of who converted unexpectedly
_USERS_AT_ONCE = 50_000
_CELLS = 50_000_000  # of a block of preferences
Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Preferring:
    """The users who prefer one entity most: exact counts, and the conversions `expected` of users of like score."""

    outcome: Outcome
    expected: float


@dataclass(frozen=True, slots=True)
class Preferred:
    """Groups of the entities looked at, and how many entities they were chosen from."""

    groups: tuple[Preferring, ...]
    compared: int


def outcomes_of_preferring(tx: Transaction, export: Export) -> Preferred:
    """Return the outcome of the users who were sent, by each entity that was not picked: of those who prefer it most.

    `near` is the picked entity that is most like it. Nothing where too few users were sent to be told apart, or nobody
    converted.
    """
    space, picked = space_of(tx, export.snapshot), picked_of(export.snapshot)
    if space is None or not picked:
        return Preferred((), 0)
    ids, vectors = _entities(tx, space)
    place = {entity: n for n, entity in enumerate(ids)}
    own = [p for p in picked if p.id in place]
    sent = _sent(tx, export, space, vectors.shape[1] if len(ids) else 0)
    if not own or len(sent.converted) < 2 * MINIMUM_SIZE or not sent.converted.any():
        return Preferred((), 0)
    asked = vectors[[place[p.id] for p in own]]
    score = sent.vectors @ (asked * np.array([[p.weight] for p in own], np.float32)).sum(axis=0)
    ranked = sent.ordered(np.argsort(-score, kind="stable"))
    others = np.setdiff1d(np.arange(len(ids)), [place[p.id] for p in own])
    groups = []
    for at in _blocks(_promising(ranked, vectors, others), len(score)):
        nearest = np.argmax(vectors[at] @ asked.T, axis=1)
        for row, found in enumerate(_judged(ranked, vectors[at])):
            if found is not None:
                users, exposures, conversions = (int(count) for count in found[:3])
                outcome = Outcome(ids[at[row]], users, exposures, conversions, own[nearest[row]].id)
                groups.append(Preferring(outcome, float(found[3])))
    return Preferred(tuple(groups), len(others))


@dataclass(frozen=True, slots=True)
class _Sent:
    """Users who were sent: `vectors` (n, d), whether each was exposed, and whether each converted (n,)."""

    vectors: Floats
    exposed: Flags
    converted: Flags

    def ordered(self, order: npt.NDArray[np.intp]) -> _Sent:
        return _Sent(self.vectors[order], self.exposed[order], self.converted[order])

    def parts(self) -> list[slice]:
        """Return the strata of users in the order of their scores."""
        ends = [n * len(self.converted) // STRATA for n in range(STRATA + 1)]
        return [slice(a, b) for a, b in pairwise(ends) if b - a > 1]


def _promising(ranked: _Sent, vectors: Floats, others: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Return the entities that lie farthest in the direction of who converted more than users of like score do."""
    unexpected = ranked.converted.astype(np.float32)
    for part in ranked.parts():
        unexpected[part] -= unexpected[part].mean()
    along = vectors[others] @ (unexpected @ ranked.vectors)
    return others[np.argsort(-along, kind="stable")[:CANDIDATES]]


def _judged(ranked: _Sent, entities: Floats) -> Iterator[npt.NDArray[np.float64] | None]:
    """Give users, exposures, conversions and expected ones of each entity's group; None for one that ties make half of
    all users and more."""
    liking = ranked.vectors @ entities.T
    size = max(MINIMUM_SIZE, round(SHARE * len(liking)))
    inside = liking >= np.partition(liking, len(liking) - size, axis=0)[len(liking) - size]
    users = inside.sum(axis=0)
    expected = np.zeros(len(entities))
    for part in ranked.parts():
        expected += inside[part].sum(axis=0) * ranked.converted[part].mean()
    exposures, conversions = inside[ranked.exposed].sum(axis=0), inside[ranked.converted].sum(axis=0)
    for row in np.stack([users, exposures, conversions, expected], axis=1):
        yield row if 2 * row[0] < len(liking) and row[3] > 0 else None


def _blocks(places: npt.NDArray[np.intp], users: int) -> Iterator[npt.NDArray[np.intp]]:
    step = max(1, _CELLS // users)
    for start in range(0, len(places), step):
        yield places[start : start + step]


def _entities(tx: Transaction, space: str) -> tuple[list[str], Floats]:
    table = identifier(f"entity_vector_{space}")
    rows = tx.rows(f"SELECT entity_id FROM {table} ORDER BY entity_id")
    query = f"SELECT array_send(array_agg(vector::real[] ORDER BY entity_id)) AS vectors FROM {table}"
    found = tx.packed(query, {"vectors": "f4"})[0]
    return [row["entity_id"] for row in rows], found.reshape(len(rows), -1) if rows else np.empty((0, 0), np.float32)


def _sent(tx: Transaction, export: Export, space: str, dims: int) -> _Sent:
    query = f"""
    WITH told AS (
        SELECT m.key, coalesce(r.exposures, 0) > 0 AS exposed, coalesce(r.conversions, 0) > 0 AS converted, u.vector
        FROM export_member m JOIN {identifier(f"user_vector_{space}")} u USING (key)
        LEFT JOIN result_user r ON r.export_id = m.export_id AND r.key = m.key
        WHERE {IN_EXPORT} AND m.sent AND m.key > %(after)s ORDER BY m.key LIMIT {_USERS_AT_ONCE})
    SELECT array_send(array_agg(key ORDER BY key)) AS keys, array_send(array_agg(exposed::int ORDER BY key)) AS exposed,
           array_send(array_agg(converted::int ORDER BY key)) AS converted,
           array_send(array_agg(vector::real[] ORDER BY key)) AS vectors
    FROM told
    """
    types = {"keys": "i8", "exposed": "i4", "converted": "i4", "vectors": "f4"}
    vectors, exposed, converted, after = [], [], [], -1
    while True:
        keys, *found = tx.packed(query, types, {"export": export.id, "after": after})
        exposed.append(found[0] > 0)
        converted.append(found[1] > 0)
        vectors.append(found[2].reshape(len(keys), dims))
        if len(keys) < _USERS_AT_ONCE:
            return _Sent(np.concatenate(vectors), np.concatenate(exposed), np.concatenate(converted))
        after = int(keys[-1])
