"""Exact top-K users by inner product, entity vectors, one user's score: one preference space, one transaction.

The scan is parallel and uses no index (measured: an HNSW scan was slower at K = 10,000 and missed members). The
query vector is rounded to halfvec once, in `query_vector`, and the rounded one is used everywhere, so that the score
of a list, of a cut and of an explanation are the same product. Ties go to the smaller key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pgvector import HalfVector

from audience_graph.errors import ConfigError, NotFoundError
from audience_graph.vectors.store import Row, Transaction, identifier

Floats = npt.NDArray[np.float64]
Keys = npt.NDArray[np.int64]

PLAN = """
SELECT set_config('max_parallel_workers_per_gather', %(workers)s, true), set_config('jit', 'off', true),
       set_config('work_mem', '64MB', true), set_config('random_page_cost', '1.1', true)
"""
_TOP = """
SELECT key, -(vector <#> %(query)s) AS score FROM {table}
WHERE (%(exclude)s::bigint[] IS NULL OR key <> ALL (%(exclude)s::bigint[]))
  AND (%(least)s::float8 IS NULL OR vector <#> %(query)s <= -%(least)s::float8)
ORDER BY vector <#> %(query)s, key LIMIT %(size)s
"""
# apart from the scan: joined to it, the planner reads all of user_key
_USER_IDS = "SELECT key, user_id FROM user_key WHERE key = ANY (%(keys)s)"
_ELIGIBLE = """
SELECT count(*) AS n FROM {table} WHERE %(exclude)s::bigint[] IS NULL OR key <> ALL (%(exclude)s::bigint[])
"""


@dataclass(frozen=True, slots=True, eq=False)
class TopUsers:
    """The best users, best first: ids, scores (float64 of a float32 sum), and how many users have a vector."""

    user_ids: tuple[str, ...]
    scores: Floats
    eligible: int


@dataclass(frozen=True, slots=True, eq=False)
class UserVector:
    """One user's row in a space: the stored vector (as float64), and its product with a query vector."""

    key: int
    vector: Floats | None
    score: float | None


def top_users(
    tx: Transaction,
    space: str,
    query: Floats,
    size: int,
    *,
    least: float | None = None,
    exclude_keys: Sequence[int] | None = None,
    workers: int = 4,
    counted: str | None = None,
) -> TopUsers:
    """Return the `size` users of a space with the largest product with `query`, of score >= `least`.

    Users in `exclude_keys` are neither returned nor counted as eligible. Reads every vector once. `counted` names a
    table with a row for each of the same users that is quicker to count.
    """
    parameters = {
        "query": HalfVector(query),
        "exclude": list(exclude_keys) if exclude_keys else None,
        "least": least,
        "size": size,
        "workers": str(workers),
    }
    table = identifier(f"user_vector_{space}")
    tx.rows(PLAN, parameters)
    return ranked(tx, tx.rows(_TOP.format(table=table), parameters), counted or table, exclude_keys)


def ranked(tx: Transaction, best: Sequence[Row], table: str, exclude_keys: Sequence[int] | None) -> TopUsers:
    """Return rows (key, score) of a table, best first, as users; those who are gone since are left out."""
    ids = user_ids_of(tx, np.array([row["key"] for row in best], np.int64))
    rows = [row for row in best if row["key"] in ids]
    exclude = {"exclude": list(exclude_keys) if exclude_keys else None}
    eligible = tx.rows(_ELIGIBLE.format(table=table), exclude)[0]["n"]
    scores = np.fromiter((row["score"] for row in rows), dtype=np.float64, count=len(rows))
    scores.flags.writeable = False
    return TopUsers(tuple(ids[row["key"]] for row in rows), scores, int(eligible))


def all_scores(tx: Transaction, space: str, query: Floats, *, workers: int = 4) -> tuple[Keys, Floats]:
    """Return the key (n,) and the product with `query` (n,) of every user of a space, by key: one parallel scan."""
    tx.rows(PLAN, {"workers": str(workers)})
    table = identifier(f"user_vector_{space}")
    scan = f"SELECT key, -(vector <#> %(query)s::halfvec) AS score FROM {table}"
    keys, scores = tx.columns(scan, {"key": "i8", "score": "f8"}, {"query": _text(query)})
    order = np.argsort(keys, kind="stable")
    return keys[order], scores[order]


def user_ids_of(tx: Transaction, keys: Keys) -> dict[int, str]:
    """Return the ids of users by key; users who are gone are left out."""
    return {row["key"]: row["user_id"] for row in tx.rows(_USER_IDS, {"keys": keys.tolist()})}


def plan_of_top(tx: Transaction, space: str, query: Floats, size: int) -> str:
    """Return the plan that Postgres would run for `top_users`, as text."""
    parameters = {"query": HalfVector(query), "exclude": None, "least": None, "size": size, "workers": "4"}
    tx.rows(PLAN, parameters)
    rows = tx.rows("EXPLAIN " + _TOP.format(table=identifier(f"user_vector_{space}")), parameters)
    return "\n".join(str(row["QUERY PLAN"]) for row in rows)


def entity_vectors(tx: Transaction, space: str, entity_ids: Sequence[str]) -> dict[str, Floats]:
    """Return the stored vectors (halfvec, as float64) of these entities; an entity without one is left out."""
    rows = tx.rows(
        f"SELECT entity_id, vector FROM {identifier(f'entity_vector_{space}')} WHERE entity_id = ANY (%(ids)s)",
        {"ids": list(entity_ids)},
    )
    return {row["entity_id"]: _float64(row["vector"]) for row in rows}


def query_vector(weights: Mapping[str, float], vectors: Mapping[str, Floats]) -> Floats:
    """Return the weighted mean of the entities' vectors, rounded to halfvec: (d,) float64.

    q = sum_i w_i h_i / sum_i w_i over the entities that have a vector, so that r_u . q is the (weighted) mean of
    the user's preferences r_u . h_i (EGL eq. 7) in one product. Raises NotFoundError when none has a vector.
    """
    known = {i: w for i, w in weights.items() if i in vectors and w > 0}
    if not known:
        raise NotFoundError(
            "none of the picked entities has a vector in this release",
            hint="no user event of the release's window mentions them: pick others, or expand further with more hops",
        )
    total = sum(known.values())
    mean = sum((w * vectors[i] for i, w in known.items()), start=np.zeros_like(next(iter(vectors.values())))) / total
    return np.asarray(mean, dtype=np.float16).astype(np.float64)


def user_vector(tx: Transaction, space: str, user_id: str, query: Floats) -> UserVector | None:
    """Return a user's stored vector and its product with `query`; None when there is no such user."""
    rows = tx.rows(
        f"SELECT u.key, v.vector, -(v.vector <#> %(query)s) AS score FROM user_key u "
        f"LEFT JOIN {identifier(f'user_vector_{space}')} v USING (key) WHERE u.user_id = %(user_id)s",
        {"query": HalfVector(query), "user_id": user_id},
    )
    if not rows:
        return None
    row: Mapping[str, Any] = rows[0]
    vector = None if row["vector"] is None else _float64(row["vector"])
    return UserVector(int(row["key"]), vector, None if vector is None else float(row["score"]))


def user_vectors(tx: Transaction, space: str, keys: Keys, query: Floats) -> tuple[Floats, Floats]:
    """Return the stored vectors (n, d) of users and their products with `query` (n,); NaN for who has none."""
    rows = tx.rows(
        f"SELECT key, vector, -(vector <#> %(query)s) AS score FROM {identifier(f'user_vector_{space}')} "
        "WHERE key = ANY (%(keys)s)",
        {"query": HalfVector(query), "keys": keys.tolist()},
    )
    found = {int(row["key"]): row for row in rows}
    vectors, scores = np.full((len(keys), len(query)), np.nan), np.full(len(keys), np.nan)
    for place, key in enumerate(keys.tolist()):
        if key in found:
            vectors[place], scores[place] = _float64(found[key]["vector"]), found[key]["score"]
    return vectors, scores


def user_keys(tx: Transaction, user_ids: Sequence[str]) -> list[int]:
    """Return the keys of those users who are known; unknown ids are left out."""
    return list(keys_of(tx, user_ids).values())


def keys_of(tx: Transaction, user_ids: Sequence[str]) -> dict[str, int]:
    """Return the key of each user who is known, by id."""
    if any(not isinstance(u, str) for u in user_ids):
        raise ConfigError("user ids are text", hint="exclude_users=['u1', 'u2']")
    clean = [u for u in user_ids if storable(u)]
    query = "SELECT user_id, key FROM user_key WHERE user_id = ANY (%(ids)s)"
    rows = tx.rows(query, {"ids": clean}) if clean else []
    return {row["user_id"]: int(row["key"]) for row in rows}


def storable(user_id: str) -> bool:
    """Say whether Postgres can hold this text at all: no NUL, no half of a surrogate pair."""
    return "\0" not in user_id and not any("\ud800" <= c <= "\udfff" for c in user_id)


def _text(query: Floats) -> str:
    return "[" + ",".join(map(repr, query.tolist())) + "]"


def _float64(vector: HalfVector) -> Floats:
    return np.asarray(vector.to_numpy(), dtype=np.float64)
