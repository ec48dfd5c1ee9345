"""A shortlist of users by few numbers, re-ranked at full width: much faster over many users, nearly the same.

    user_short_<space>  key, vector halfvec(128) = P u, fingerprint

P (128, d) holds the principal directions of the users' vectors (uncentred: products are what is kept, not distances),
learned once from the first users of the space. The best `factor` x K users by (P u) . (P q) are ranked by u . q.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from pgvector import HalfVector

from audience_graph.errors import NotFoundError
from audience_graph.user_text.space import TextSpace
from audience_graph.vectors.packing import pack_users
from audience_graph.vectors.store import Transaction, identifier
from audience_graph.vectors.topk import PLAN, Floats, TopUsers, ranked, top_users

SHORT_DIMS = 128
FACTOR = 2
_LEARN_FROM = 20_000  # users

Singles = npt.NDArray[np.float32]
Keys = npt.NDArray[np.int64]

# two queries: a scan inside a CTE is not parallel
_NEAR = """
SELECT key FROM {short} WHERE %(exclude)s::bigint[] IS NULL OR key <> ALL (%(exclude)s::bigint[])
ORDER BY vector <#> %(short)s, key LIMIT %(most)s
"""
_TOP = """
SELECT key, -(vector <#> %(query)s) AS score FROM {table}
WHERE key = ANY (%(near)s) AND (%(least)s::float8 IS NULL OR vector <#> %(query)s <= -%(least)s::float8)
ORDER BY vector <#> %(query)s, key LIMIT %(size)s
"""


class Shorts:
    """Collects users' vectors, block by block, as short ones: `directions` (128, d) are learned when they are None."""

    def __init__(self, directions: Singles | None) -> None:
        self.directions = directions
        self._waiting: list[tuple[Keys, Keys, Singles]] = []
        self._short: list[tuple[Keys, Keys, Singles]] = []

    def add(self, keys: Keys, prints: Keys, vectors: Singles) -> None:
        """Take users (n,) with their vectors (n, d)."""
        if self.directions is None:
            self._waiting.append((keys, prints, vectors))
            if sum(len(part[0]) for part in self._waiting) >= _LEARN_FROM:
                self._learn()
        else:
            self._short.append((keys, prints, vectors @ self.directions.T))

    def blocks(self) -> Iterator[bytes]:
        """Yield all users as tuples of binary COPY."""
        if self._waiting:
            self._learn()
        for keys, prints, vectors in self._short:
            yield pack_users(keys, prints, vectors)

    def _learn(self) -> None:
        self.directions = principal_directions(np.concatenate([vectors for *_, vectors in self._waiting]))
        waiting, self._waiting = self._waiting, []
        for part in waiting:
            self.add(*part)


def principal_directions(vectors: Singles, dims: int = SHORT_DIMS) -> Singles:
    """Return the `dims` orthonormal directions (dims, d) that keep most of the products of vectors (n, d)."""
    found, directions = np.linalg.eigh(vectors.T.astype(np.float64) @ vectors)
    order = np.argsort(-found, kind="stable")[:dims]
    return np.ascontiguousarray(directions[:, order].T, np.float32)


def short_table(space: str) -> str:
    """Return the name of the table of short vectors."""
    return identifier(f"user_short_{space}")


def read_directions(tx: Transaction, space: str) -> Singles | None:
    """Return P (128, d) of a space, None before it was learned."""
    rows = tx.rows("SELECT shortlist FROM sentence_encoder WHERE space = %s", (space,))
    if not rows or rows[0]["shortlist"] is None:
        return None
    return np.frombuffer(rows[0]["shortlist"], np.float32).reshape(SHORT_DIMS, -1)


def top_by_sentence(
    tx: Transaction,
    space: TextSpace,
    query: Floats,
    size: int,
    *,
    least: float | None = None,
    exclude_keys: list[int] | None = None,
) -> TopUsers:
    """Return the `size` users with the largest product with `query` (d,), exactly; short rows are read to count."""
    counted = short_table(space.space) if space.dims > SHORT_DIMS else None
    return top_users(tx, space.space, query, size, least=least, exclude_keys=exclude_keys, counted=counted)


def top_by_shortlist(
    tx: Transaction,
    space: str,
    query: Floats,
    size: int,
    *,
    least: float | None = None,
    exclude_keys: list[int] | None = None,
    factor: int = FACTOR,
) -> TopUsers:
    """Return nearly the `size` users with the largest product with `query` (d,): a shortlist, ranked exactly.

    Raises NotFoundError for a space without short vectors (of 128 dimensions or less).
    """
    directions = read_directions(tx, space)
    if directions is None:
        raise NotFoundError(f"space {space} has no shortlist", hint=f"up to {SHORT_DIMS} dimensions need none")
    table = identifier(f"user_vector_{space}")
    parameters = {
        "query": HalfVector(query),
        "short": HalfVector(directions @ query),
        "exclude": exclude_keys or None,
        "least": least,
        "size": size,
        "most": factor * size,
        "workers": "4",
    }
    tx.rows(PLAN, parameters)
    near = [row["key"] for row in tx.rows(_NEAR.format(short=short_table(space)), parameters)]
    best = tx.rows(_TOP.format(table=table), parameters | {"near": near})
    return ranked(tx, best, short_table(space), exclude_keys)  # counted there: its rows are few bytes
