"""Who is met together: in one event, in one session, within a few mentions. The closer, the more it says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from audience_trainers.relations.behaviour import Behaviour, Ints
from audience_trainers.relations.cooccurrence import at, borne_out, count_pairs, information

MOST_APART = 63  # mentions from an entity of a session or event to another that still counts


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
        """Return which pairs (p,) these users show: one names both in one event, or sessions bear the pair out.

        Where no session is known, the window stands for it.
        """
        counts = self.session if self.session.nnz else self.window
        return np.asarray(borne_out(counts, source, target) | (at(self.event, source, target) > 0))


def count_together(behaviour: Behaviour, *, window: int) -> Together:
    """Count a sample's pairs of all three kinds; those that the behaviour does not know are empty."""
    return Together(
        count_pairs(behaviour, window=window),
        count_pairs(behaviour, window=MOST_APART, within="session"),
        count_pairs(behaviour, window=MOST_APART, within="event"),
    )
