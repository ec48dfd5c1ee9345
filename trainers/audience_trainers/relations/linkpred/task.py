"""A link-prediction task: what a model may see while it is fitted, and the pairs on which it is judged afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from audience_trainers.run import Progress, silent

Pairs = npt.NDArray[np.int64]  # (2, p): row 0 the sources u, row 1 the targets v
Values = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

# A fitted model: pairs (2, p) -> s_uv (p,), a logit where the model has one, else any number that grows with it.
Scorer = Callable[[Pairs], Values]


@runtime_checkable
class WithMargins(Protocol):
    """A scorer with thresholds of its own: which pairs are relations is decided by margin, not by score."""

    def margins(self, pairs: Pairs) -> Values:
        """Return s_uv - eps_u of pairs (2, p), shape (p,), u the first row."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Training:
    """Everything that a model may see: `edges` to learn from, validation pairs to tune and stop on. No test pair.

    Edges and pairs are undirected and listed once. `features` (n, f) is what is known of an entity besides the graph
    (E^Se, or a bag of words); `co` (n, d) is E^Co from sequences when there are any, else None: a model that wants it
    makes it from the edges that it may see at that moment. `provenance` (m,) says which side proposed an edge
    (an index into candidates.PROVENANCE), None when nobody knows.
    """

    n: int
    edges: Pairs
    valid_positive: Pairs
    valid_negative: Pairs
    features: Floats | None = None
    co: Floats | None = None
    provenance: npt.NDArray[np.int8] | None = None

    def adjacency(self, hidden: npt.NDArray[np.bool_] | None = None) -> sp.csr_matrix:
        """Return the symmetric 0/1 adjacency (n, n) float64 of the edges, without those where `hidden` (m,) is set."""
        edges = self.edges if hidden is None else self.edges[:, ~hidden]
        both = np.concatenate([edges, edges[::-1]], axis=1)
        matrix = sp.coo_matrix((np.ones(both.shape[1]), (both[0], both[1])), shape=(self.n, self.n)).tocsr()
        matrix.data[:] = 1.0
        return matrix


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Pairs with their labels: `positive` (2, p) are edges, `negative` (2, q) are not.

    `truth` (p + q,) is what people or a planted world say of the pairs, positives first: 0, 0.5 or 1 (EGL IV-A1);
    None where nobody said. An edge that was mined wrongly has label 1 and truth 0.
    """

    positive: Pairs
    negative: Pairs
    truth: Values | None = None

    def pairs(self) -> Pairs:
        """Return all pairs (2, p + q), positives first."""
        return np.concatenate([self.positive, self.negative], axis=1)

    def labels(self) -> Values:
        """Return 1 for the positives, 0 for the negatives (p + q,)."""
        return np.concatenate([np.ones(self.positive.shape[1]), np.zeros(self.negative.shape[1])])


@dataclass(frozen=True, slots=True, eq=False)
class LinkTask:
    """A task: its name, what models see, and the test pairs by kind of negative (`random`, `hard`)."""

    name: str
    training: Training
    test: dict[str, Judged]


@dataclass(frozen=True, slots=True)
class FitOptions:
    """How to fit: seed, device (`cpu`, `cuda`), and whom to tell. Same seed, same machine: same scores.

    `data_dir` names the data folder whose servers a model may ask (FastRP); None = the default one.
    """

    seed: int
    device: str = "cpu"
    progress: Progress = silent
    data_dir: str | None = None


def pair_key(pairs: Pairs, n: int) -> npt.NDArray[np.int64]:
    """Return one number per undirected pair, min * n + max (p,): equal for (u, v) and (v, u)."""
    return np.asarray(np.minimum(pairs[0], pairs[1]) * n + np.maximum(pairs[0], pairs[1]))
