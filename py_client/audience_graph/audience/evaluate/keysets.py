"""Sets of users as masks over keys: a bool for each key up to the largest, so that algebra is exact and takes no time.

Keys are dense (an identity column), so a million users are a megabyte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from audience_graph.vectors.store import Transaction
from audience_graph.vectors.topk import PLAN, Keys

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Universe:
    """All known users as a mask (n,), n = largest key + 1. Everything is a part of it."""

    base: Mask

    def of_keys(self, keys: npt.NDArray[Any]) -> Mask:
        """Return the set of these keys; those of nobody known are left out."""
        mask = np.zeros(len(self.base), np.bool_)
        mask[keys[(keys >= 0) & (keys < len(mask))]] = True
        return mask & self.base

    def within(self, mask: Mask) -> Mask:
        """Return a set of an earlier or later moment among the users known now."""
        if len(mask) < len(self.base):
            mask = np.concatenate([mask, np.zeros(len(self.base) - len(mask), np.bool_)])
        return mask[: len(self.base)] & self.base


def read_universe(tx: Transaction) -> Universe:
    """Return the set of all known users: one scan of an index."""
    keys = fetch_keys(tx, "SELECT key FROM user_key")
    mask = np.zeros(int(keys.max(initial=-1)) + 1, np.bool_)
    mask[keys] = True
    return Universe(mask)


def fetch_keys(tx: Transaction, query: str, parameters: dict[str, Any] | None = None) -> Keys:
    """Return the column `key` (n,) of a query, in no order; plans may be parallel."""
    tx.rows(PLAN, {"workers": "4"})
    return tx.columns(query, {"key": "i8"}, parameters)[0]


def count(mask: Mask) -> int:
    """Return how many users are in a set."""
    return int(np.count_nonzero(mask))


def content_hash(keys: Keys, scores: Sequence[float] | npt.NDArray[np.float64]) -> str:
    """Return a hash of users in their order with their scores: equal members, equal hash."""
    return hashlib.sha256(keys.astype("<i8").tobytes() + np.asarray(scores, "<f8").tobytes()).hexdigest()[:16]
