"""Co-occurrence counts of entities over sequences, and their shrunk positive mutual information."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from audience_trainers.relations.behaviour import Behaviour, Ints

MENTIONS_PER_BLOCK = 400_000
# A pair is borne out when two users show it, e times as often as chance.
BORNE_OUT_USERS, BORNE_OUT_SHIFT = 2, 1.0
Within = Literal["user", "session", "event"]


def count_pairs(
    behaviour: Behaviour, *, window: int, within: Within = "user", mentions_per_block: int = MENTIONS_PER_BLOCK
) -> sp.csr_matrix:
    """Return the symmetric matrix (n, n) of how many users have both entities within `window` mentions.

    A user counts once per pair, so that heavy users do not decide; the diagonal is empty. Only mentions of one
    `within` make a pair: of one user, session or event; where the behaviour does not know these, nothing is counted.
    Memory is that of the counts and of the pairs of `mentions_per_block` mentions.
    """
    n = behaviour.entities
    sums: list[sp.csr_matrix] = []  # each larger than the next, so that a count is added up few times
    for part in behaviour.blocks(mentions_per_block):
        count = _count_block(part, window, within)
        while sums and sums[-1].nnz <= count.nnz:
            count = sums.pop() + count
        sums.append(count)
    total = sp.csr_matrix((n, n), dtype=np.float64)
    for count in reversed(sums):
        total = total + count
    return (total + total.T).tocsr()


def _count_block(part: Behaviour, window: int, within: Within) -> sp.csr_matrix:
    n, user = part.entities, part.user()
    group = {"user": user, "session": part.session, "event": part.event}[within]
    if group is None:
        return sp.csr_matrix((n, n), dtype=np.float64)
    seen = np.zeros(0, np.int64)
    for distance in range(1, window + 1):
        together = group[:-distance] == group[distance:]
        if not together.any():
            break  # groups ascend: none is longer than this
        a, b = part.entity[:-distance], part.entity[distance:]
        inside = together & (a != b)
        low, high = np.minimum(a, b)[inside], np.maximum(a, b)[inside]
        seen = np.union1d(seen, (user[:-distance][inside] * n + low) * n + high)
    pair = seen % (n * n)
    ones = np.ones(len(pair))
    return sp.coo_matrix((ones, (pair // n, pair % n)), shape=(n, n)).tocsr()


def information(
    counts: sp.csr_matrix, *, smoothing: float = 0.75, shift: float = 0.0, prior: float = 2.0
) -> sp.csr_matrix:
    """Return the shrunk, shifted positive pointwise mutual information of symmetric counts.

    max(0, log(c_uv T / (c_u c_v)) - shift) * c_uv / (c_uv + prior): a pair seen by few users weighs little.
    `smoothing` flattens the marginals (exponent of Levy et al. 2015), half on either side to stay symmetric.
    """
    coo = counts.tocoo()
    marginal = np.asarray(counts.sum(axis=1)).ravel()
    power = (1.0 + smoothing) / 2.0
    flat = np.power(marginal, power)
    total = flat.sum() ** 2 / max(marginal.sum(), 1.0)
    ratio = coo.data * total / (flat[coo.row] * flat[coo.col])
    value = np.maximum(np.log(ratio) - shift, 0.0) * coo.data / (coo.data + prior)
    weighted = sp.csr_matrix((value, (coo.row, coo.col)), shape=counts.shape)
    weighted.eliminate_zeros()
    return weighted


def borne_out(counts: sp.csr_matrix, source: Ints, target: Ints) -> npt.NDArray[np.bool_]:
    """Return which pairs (p,) the users behind the counts (n, n) show: BORNE_OUT_USERS of them, far beyond chance."""
    often = information(counts, shift=BORNE_OUT_SHIFT, prior=0.0)
    return np.asarray((at(often, source, target) > 0) & (at(counts, source, target) >= BORNE_OUT_USERS))


def at(matrix: sp.csr_matrix, source: Ints, target: Ints) -> npt.NDArray[np.float64]:
    """Return the entries of a sparse matrix (n, n) at listed places (p,)."""
    if len(source) == 0:
        return np.zeros(0)  # of no places scipy makes a sparse matrix
    return np.asarray(matrix[source, target], dtype=np.float64).ravel()
