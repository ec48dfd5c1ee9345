"""What any model has to beat: the most frequent items, and item-item cosine summed over a user's history.

Both count what lies before each user's asked item, the validation items too when the test is asked: more than a
trained model learns from.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp

from audience_trainers.users.next_item.models import Floats
from audience_trainers.users.next_item.ranking import Indices
from audience_trainers.users.next_item.sequences import Asked


def popularity(asked: Asked, items: int) -> Callable[[Indices], Floats]:
    """Return what scores all items (b, n) by how often anybody had them."""
    count = np.bincount(asked.had, minlength=items).astype(np.float32)
    return lambda rows: np.tile(count, (len(rows), 1))


def item_cosine(asked: Asked, items: int) -> Callable[[Indices], Floats]:
    """Return what scores all items (b, n): sum over i in the history of |users of i and j| / sqrt(|of i| |of j|)."""
    ones = np.ones(len(asked.had), np.float32)
    held = sp.csr_matrix((ones, asked.had, asked.had_start), shape=(len(asked.target), items))
    held.sum_duplicates()
    held.data[:] = 1.0
    holders = np.asarray(held.sum(axis=0)).ravel()
    scale = np.divide(1.0, np.sqrt(holders), out=np.zeros_like(holders), where=holders > 0)
    unit = (held @ sp.diags(scale)).tocsr()
    near = (unit.T @ unit).tocsr()
    return lambda rows: np.asarray((held[rows] @ near).todense(), np.float32)
