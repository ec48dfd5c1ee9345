"""The facts of all pairs as columns: those of pair i are start[i] : start[i + 1]."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

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
