"""The plain link-prediction score: three steps of a degree-normalised walk, A D^-1 A D^-1 A."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

BLOCK_BYTES = 128 << 20


def walk_scores(
    graph: sp.csr_matrix,
    source: npt.NDArray[np.int64],
    target: npt.NDArray[np.int64],
    *,
    block_bytes: int = BLOCK_BYTES,
) -> npt.NDArray[np.float64]:
    """Return (A D^-1 A D^-1 A)[source, target] for pairs sorted by source, shape (p,).

    `graph` is the symmetric weighted adjacency A (n, n); D its weighted degrees. Two steps are taken as sparse
    rows, the third only towards the listed targets; one block of rows is dense at a time.
    """
    n = graph.shape[0]
    degree = np.asarray(graph.sum(axis=1)).ravel()
    inverse = np.divide(1.0, degree, out=np.zeros(n), where=degree > 0)
    step = (sp.diags(inverse) @ graph).tocsr()  # D^-1 A
    right = step.T.tocsr()  # row v holds (D^-1 A)[:, v]
    rows_per_block = max(1, block_bytes // (8 * n))
    scores = np.zeros(len(source))
    for begin in range(0, n, rows_per_block):
        end = min(begin + rows_per_block, n)
        first, last = np.searchsorted(source, [begin, end])
        if first == last:
            continue
        two = (graph[begin:end] @ step).toarray()  # (b, n): A D^-1 A
        scores[first:last] = _towards(two, right, source[first:last] - begin, target[first:last])
    return scores


def _towards(
    two: npt.NDArray[np.float64], right: sp.csr_matrix, row: npt.NDArray[np.int64], target: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Return two[row] . (D^-1 A)[:, target] per pair, some pairs at a time."""
    out = np.zeros(len(row))
    lengths = np.diff(right.indptr)[target].astype(np.int64)
    parts = np.searchsorted(np.cumsum(lengths), np.arange(0, max(int(lengths.sum()), 1), 4_000_000))
    for first, last in zip(parts, [*parts[1:], len(row)], strict=True):
        length = lengths[first:last]
        ends = np.cumsum(length)
        place = np.arange(ends[-1] if len(ends) else 0) + np.repeat(
            right.indptr[target[first:last]] - (ends - length), length
        )
        pair = np.repeat(np.arange(last - first), length)
        product = two[row[first:last][pair], right.indices[place]] * right.data[place]
        out[first:last] = np.bincount(pair, weights=product, minlength=last - first)
    return out


def walk_affinity(
    graph: sp.csr_matrix, source: npt.NDArray[np.int64], target: npt.NDArray[np.int64], score: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return log(score / sqrt(d_u d_v)): hubs discounted on either side, at most 0; -inf where score is 0.

    D^-1/2 A D^-1 A D^-1 A D^-1/2 is the cube of the normalised adjacency, whose entries lie in 0..1.
    """
    degree = np.asarray(graph.sum(axis=1)).ravel()
    scale = np.sqrt(degree[source] * degree[target])
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.divide(score, scale, out=np.zeros(len(score)), where=scale > 0)))
