"""Who is met together: in one event, in one session, within a few mentions. The closer, the more it says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from audience_trainers.relations.behaviour import Behaviour, Ints
from audience_trainers.relations.cooccurrence import count_pairs, information

MOST_APART = 63  # mentions from an entity of a session or event to another that still counts
# A pair is borne out by one user who names both in one event, or by two within a session or window, e times as often
# as chance.
BORNE_OUT_USERS, BORNE_OUT_SHIFT = 2, 1.0


@dataclass(frozen=True, slots=True)
class Closeness:
    """How counts become evidence: window in mentions, shift and prior of the information, weights of closer kinds."""

    window: int
    shift: float
    prior: float
    session_weight: float
    event_weight: float


@dataclass(frozen=True, slots=True, eq=False)
class Together:
    """Symmetric counts (n, n): users who met both within `window` mentions, in one session, in one event."""

    window: sp.csr_matrix
    session: sp.csr_matrix
    event: sp.csr_matrix

    def information(self, closeness: Closeness) -> tuple[sp.csr_matrix, sp.csr_matrix, sp.csr_matrix]:
        """Return the information of each kind; an event needs no shift: chance hardly puts two entities into it."""
        prior = closeness.prior
        return (
            information(self.window, shift=closeness.shift, prior=prior),
            information(self.session, shift=closeness.shift, prior=prior / 2),
            information(self.event, shift=0.0, prior=prior / 4),
        )

    def evidence(self, closeness: Closeness) -> sp.csr_matrix:
        """Return the weighted sum of the information of the three kinds (n, n)."""
        window, session, event = self.information(closeness)
        return (window + closeness.session_weight * session + closeness.event_weight * event).tocsr()

    def borne_out(self, source: Ints, target: Ints) -> npt.NDArray[np.bool_]:
        """Return which pairs (p,) these users show."""
        counts = self.session if self.session.nnz else self.window
        often = information(counts, shift=BORNE_OUT_SHIFT, prior=0.0)
        users = at(counts, source, target)
        return np.asarray(
            ((at(often, source, target) > 0) & (users >= BORNE_OUT_USERS)) | (at(self.event, source, target) > 0)
        )


def count_together(behaviour: Behaviour, *, window: int) -> Together:
    """Count a sample's pairs of all three kinds; those that the behaviour does not know are empty."""
    return Together(
        count_pairs(behaviour, window=window),
        count_pairs(behaviour, window=MOST_APART, within="session"),
        count_pairs(behaviour, window=MOST_APART, within="event"),
    )


def at(matrix: sp.csr_matrix, source: Ints, target: Ints) -> npt.NDArray[np.float64]:
    """Return the entries of a sparse matrix (n, n) at listed places (p,)."""
    if len(source) == 0:
        return np.zeros(0)  # of no places scipy makes a sparse matrix
    return np.asarray(matrix[source, target], dtype=np.float64).ravel()
