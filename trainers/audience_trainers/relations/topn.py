"""Exact nearest neighbours by blocked matrix products: bounded memory at any number of entities."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
BLOCK_BYTES = 128 << 20


def unit_rows(vectors: npt.NDArray[np.floating]) -> Floats:
    """Return the rows at length 1; a zero row (an entity never seen) stays zero."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(length > 0, length, 1.0)).astype(np.float32)


def top_n(vectors: Floats, n: int, *, minimum: float = 0.0, block_bytes: int = BLOCK_BYTES) -> tuple[Indices, Indices]:
    """Return (source, target) of the n most similar other rows of each row, similarity > `minimum`.

    `vectors` (e, d) have unit rows. Pairs are ordered by source, then similarity descending, then target.
    One block of at most `block_bytes` of products is in memory at a time.
    """
    count = len(vectors)
    n = min(n, count - 1)
    if n <= 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    step = max(1, block_bytes // (4 * count))
    sources, targets = [], []
    for begin in range(0, count, step):
        rows = np.arange(begin, min(begin + step, count))
        similar = vectors[rows] @ vectors.T  # (b, e)
        similar[np.arange(len(rows)), rows] = -np.inf
        best = np.argpartition(similar, count - n, axis=1)[:, count - n :]  # (b, n), in no order
        value = np.take_along_axis(similar, best, axis=1)
        order = np.lexsort((best, -value), axis=1)
        best, value = np.take_along_axis(best, order, axis=1), np.take_along_axis(value, order, axis=1)
        keep = value > minimum
        sources.append(np.repeat(rows, keep.sum(axis=1)))
        targets.append(best[keep])
    return np.concatenate(sources), np.concatenate(targets)


def pair_products(vectors: Floats, source: Indices, target: Indices, *, block: int = 262_144) -> Floats:
    """Return the inner product of each listed pair, shape (p,), in blocks."""
    out = np.empty(len(source), np.float32)
    for begin in range(0, len(source), block):
        part = slice(begin, begin + block)
        out[part] = np.einsum("pd,pd->p", vectors[source[part]], vectors[target[part]])
    return out
