"""Item kNN: users whose past items are near the wanted ones, by item-item cosine over users.

    cos(i, j) = |users of i and j| / sqrt(|users of i| |users of j|),   score(u) = sum over items i of u of
    sum over items j of  w_j cos(i, j)

Every item is a neighbour (k = all), as in the item-item cosine that beats SASRec on Beauty; no item x item matrix is
made. An item is an event's items, else its entities, else its text.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from audience_trainers.users.measures import Values
from audience_trainers.users.scoring import Asked, Options, Scorer
from audience_trainers.users.tasks.history import History


def prepare_item_knn(history: History, options: Options) -> Scorer:  # noqa: ARG001
    """Return a scorer without labels: the wanted items are those of past events, of anybody, that the query counts."""
    owned, near = _owned(history)

    def score(asked: Asked) -> Values:
        wanted = np.zeros(owned.shape[1])
        chosen = asked.matching[history.mention_event] & (history.mention.code >= 0)
        wanted[np.unique(history.mention.code[chosen])] = 1.0
        return nearness(owned, near, wanted)

    return score


def prepare_item_knn_few(history: History, options: Options) -> Scorer:  # noqa: ARG001
    """Return a scorer with few labels: w is the mean item vector of the positive seeds minus that of the negative."""
    owned, near = _owned(history)

    def score(asked: Asked) -> Values:
        wanted = np.zeros(owned.shape[1])
        for label, sign in ((1, 1.0), (0, -1.0)):
            rows = asked.seeds[asked.y == label]
            if len(rows):
                wanted += sign * np.asarray(near[rows].mean(axis=0)).ravel()
        return nearness(owned, near, wanted)

    return score


def nearness(owned: sp.csr_matrix, near: sp.csr_matrix, wanted: Values) -> Values:
    """Return score(u) (n,) of owned items (n, items) 0 / 1, their columns at length 1, and wanted weights (items,)."""
    return np.asarray(owned @ (near.T @ (near @ wanted)))


def _owned(history: History) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    owned = history.counts(history.mention)
    owned.data[:] = 1.0
    holders = np.asarray(owned.sum(0)).ravel()
    scale = np.divide(1.0, np.sqrt(holders), out=np.zeros_like(holders), where=holders > 0)
    return owned, (owned @ sp.diags(scale)).tocsr()
