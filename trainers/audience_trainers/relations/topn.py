"""Exact nearest neighbours by blocked matrix products: bounded memory at any number of entities."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
BLOCK_BYTES = 128 << 20
THREADS = 2  # while one block is multiplied, another is searched
FOLD = 16  # columns per group of the bound


def unit_rows(vectors: npt.NDArray[np.floating]) -> Floats:
    """Return the rows at length 1; a zero row (an entity never seen) stays zero."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(length > 0, length, 1.0)).astype(np.float32)


def centred(vectors: Floats) -> Floats:
    """Return the rows less the mean of all that are not zero; zero rows (entities never seen) stay zero.

    What all rows share is how often anything is met at all; entities met with everything lie close to it, and would be
    everyone's neighbours.
    """
    known = np.abs(vectors).max(axis=1, initial=0.0) > 0
    if not known.any():
        return vectors
    mean = vectors[known].mean(axis=0, dtype=np.float64)
    return np.where(known[:, None], vectors - mean, 0.0).astype(np.float32)


def top_n(
    vectors: Floats, n: int, *, minimum: float = 0.0, without: Indices | None = None, block_bytes: int = BLOCK_BYTES
) -> tuple[Indices, Indices]:
    """Return (source, target) of the n most similar other rows of each row, similarity > `minimum`.

    `vectors` (e, d) have unit rows. Pairs are ordered by source, then similarity descending, then target; equal
    similarities at the end of a list go to the smaller target. Pairs `without` (2, w), directed, are passed over: the
    n most similar of the others come back. Two blocks of at most `block_bytes` of products are in memory at a time;
    the answer does not depend on which is ready first.
    """
    count = len(vectors)
    n = min(n, count - 1)
    if n <= 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    step = max(1, block_bytes // (4 * count))
    passed = np.zeros((2, 0), np.int64) if without is None else without[:, np.argsort(without[0], kind="stable")]

    def search(begin: int) -> tuple[Indices, Indices]:
        rows = np.arange(begin, min(begin + step, count))
        similar = vectors[rows] @ vectors.T  # (b, e)
        similar[np.arange(len(rows)), rows] = -np.inf
        first, last = np.searchsorted(passed[0], [begin, begin + len(rows)])
        similar[passed[0, first:last] - begin, passed[1, first:last]] = -np.inf
        row, target = best_of_rows(similar, n, minimum)
        return rows[row], target

    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(search, range(0, count, step)))
    return np.concatenate([s for s, _ in found]), np.concatenate([t for _, t in found])


def best_of_rows(values: npt.NDArray[np.floating], n: int, minimum: float) -> tuple[Indices, Indices]:
    """Return (row, column) of the n largest values above `minimum` of each row: rows ascending, values descending,
    columns ascending.

    Columns fold into groups; the n-th largest of the groups' largest values is not above the n-th largest of all. So
    only values at or above it are sorted, about n of a row, and no row is partitioned at full length.
    """
    rows, columns = values.shape
    groups = columns // FOLD
    bound = np.full(rows, minimum, np.float32)
    if groups > n:
        largest = values[:, : groups * FOLD].reshape(rows, FOLD, groups).max(axis=1)
        nth = np.partition(largest, groups - n, axis=1)[:, groups - n]
        bound = np.maximum(bound, nth)
    row, column = np.divmod(np.flatnonzero(values >= bound[:, None]), columns)
    value = values[row, column]
    above = value > minimum
    row, column, value = row[above], column[above], value[above]
    order = np.lexsort((column, -value, row))
    row, column = row[order], column[order]
    place = np.arange(len(row)) - np.searchsorted(row, row)
    return row[place < n], column[place < n]


def pair_products(vectors: Floats, source: Indices, target: Indices, *, block: int = 262_144) -> Floats:
    """Return the inner product of each listed pair, shape (p,), in blocks."""
    out = np.empty(len(source), np.float32)
    for begin in range(0, len(source), block):
        part = slice(begin, begin + block)
        out[part] = np.einsum("pd,pd->p", vectors[source[part]], vectors[target[part]])
    return out
