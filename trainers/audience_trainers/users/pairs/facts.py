"""The facts of all pairs as columns: those of pair i are start[i] : start[i + 1]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """f facts of p pairs. family, outcome, kind are places in FAMILIES, OUTCOMES, KINDS; way and value in their words.

    `weight` is how likely a description speaks of a fact, relative to the others of its pair.
    """

    start: Indices  # (p + 1,)
    family: npt.NDArray[np.int8]  # (f,)
    outcome: npt.NDArray[np.int8]
    kind: npt.NDArray[np.int8]
    way: npt.NDArray[np.int32]
    value: npt.NDArray[np.int32]
    count: Indices
    cents: Indices
    first: npt.NDArray[np.bool_]
    weight: npt.NDArray[np.float64]
    ways: tuple[str, ...]
    values: tuple[str, ...]

    def deeds(self) -> FactDeeds:
        """Return the facts as deeds: the same family, outcome, kind, way and value are one, whatever the numbers."""
        parts = (self.family, self.outcome, self.kind, self.way, self.value)
        _, deed = np.unique(np.stack([part.astype(np.int64) for part in parts]), axis=1, return_inverse=True)
        return FactDeeds(deed.ravel().astype(np.int64), self.start)


@dataclass(frozen=True, slots=True, eq=False)
class FactDeeds:
    """`deed` (f,) of each fact; those of pair i are start[i] : start[i + 1]."""

    deed: Indices
    start: Indices

    @property
    def done(self) -> sp.csr_matrix:
        """Return what each pair's user does (p, deeds), 1 or nothing."""
        return self._matrix(self.deed, self.start)

    def of(self, facts: Sequence[Sequence[int]]) -> sp.csr_matrix:
        """Return the deeds (n, deeds) of n lists of places of facts, 1 or nothing."""
        ends = np.concatenate([[0], np.cumsum([len(one) for one in facts])])
        return self._matrix(self.deed[np.fromiter((i for one in facts for i in one), np.int64, ends[-1])], ends)

    def _matrix(self, deed: Indices, ends: Indices) -> sp.csr_matrix:
        shape = (len(ends) - 1, int(self.deed.max(initial=-1)) + 1)
        found = sp.csr_matrix((np.ones(len(deed), np.float32), deed, ends), shape=shape)
        found.sum_duplicates()
        found.data[:] = 1.0
        return found
