"""h_e: entity vectors of the preference space, where r_u . h_e is the preference of a user (EGL eq. 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.sparse.linalg import ArpackError, eigsh

from audience_graph.errors import RunError
from audience_trainers.relations.topn import Floats, unit_rows

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard ARPACK tries: Lanczos vectors per wanted eigenvector, and restarts (None = its default, 10 n)."""

    lanczos: float = 2.0
    restarts: int | None = None


# The first is ARPACK's own default; a graph with many equal eigenvalues needs the wider basis of the second.
EFFORTS = (Effort(), Effort(lanczos=4.0))


def preference_vectors(graph: sp.csr_matrix, *, dims: int, power: float, seed: int) -> Floats:
    """Return h_e (n, dims), rows of length 1 or 0: the leading positive eigenvectors of D^-1/2 A D^-1/2.

    Each eigenvector is weighted by its eigenvalue ^ `power`: the larger the smoother, the smaller the closer to
    identity. Rows have equal length, so popular entities do not win a dot product by their size, and the trivial
    first direction (the square root of the degrees, which every pair shares) is left out. An entity without
    evidence has a zero row. Signs are fixed (largest entry positive), so equal input gives equal vectors. Raises
    RunError when the eigenvectors are not found.
    """
    n = graph.shape[0]
    vectors = np.zeros((n, dims), np.float32)
    degree = np.asarray(graph.sum(axis=1)).ravel()
    scale = np.divide(1.0, np.sqrt(degree), out=np.zeros(n), where=degree > 0)
    normal = (sp.diags(scale) @ graph @ sp.diags(scale)).tocsr()
    wanted = min(dims + 1, n - 1)
    if wanted < 2 or normal.nnz == 0:
        return vectors
    start = np.random.default_rng(seed).standard_normal(n)
    value, basis = leading_eigenvectors(normal, wanted, start)
    value, basis = value[::-1][1:], basis[:, ::-1][:, 1:]
    basis = basis * np.sign(basis[np.abs(basis).argmax(axis=0), np.arange(basis.shape[1])])
    weighted = basis * np.power(np.maximum(value, 0.0), power)
    vectors[:, : weighted.shape[1]] = unit_rows(weighted)
    return vectors


def leading_eigenvectors(
    matrix: sp.csr_matrix, wanted: int, start: Values, *, efforts: Sequence[Effort] = EFFORTS
) -> tuple[Values, Values]:
    """Return the `wanted` largest eigenvalues, ascending, and their eigenvectors (n, wanted) of a symmetric matrix.

    Efforts are tried in turn; RunError when the last one does not converge either.
    """
    n = matrix.shape[0]
    trouble: ArpackError | None = None
    for effort in efforts:
        lanczos = min(n, max(int(effort.lanczos * wanted) + 1, 20))
        try:
            value, basis = eigsh(matrix, k=wanted, which="LA", v0=start, ncv=lanczos, maxiter=effort.restarts)
        except ArpackError as exc:
            trouble = exc
        else:
            return value, basis
    raise RunError(
        f"the entity vectors did not converge: {wanted} eigenvectors of {n:,} entities ({trouble})",
        hint=f"ask for fewer dimensions (--set dims={max(wanted // 2, 1)}), or load more events",
    ) from trouble


def coverage(vectors: npt.NDArray[np.float32]) -> float:
    """Return the share of entities with a vector that is not zero."""
    return float((np.abs(vectors).max(axis=1) > 0).mean()) if len(vectors) else 0.0
