"""What a client remembers between requests: sets and scores that cost a scan, until what they were read from changes.

    known users     by how many there are and the largest key: keys are never given twice
    column filters  by the number of loads and erasures of users (`setting` profiles)
    scores          by release and query: vectors of a release never change

Everything remembered is intersected with the known users of the request, so that who was erased is in nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Any, Generic, TypeVar

from audience_graph.audience.evaluate.keysets import Mask, Universe, read_universe
from audience_graph.vectors.store import Transaction
from audience_graph.vectors.topk import Floats, Keys

T = TypeVar("T")


class Lately(Generic[T]):
    """The values that were used last, at most `most`; threads may share it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._values: OrderedDict[Any, T] = OrderedDict()

    def get(self, key: Any) -> T | None:
        """Return a value, None when it is not remembered."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key]

    def put(self, key: Any, value: T) -> T:
        """Remember a value and return it; the one that was not used for longest is forgotten."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self._most:
                self._values.popitem(last=False)
        return value


class Remembered:
    """Of one client: a megabyte a filter and 16 a ranking for a million users, at most about 130."""

    def __init__(self) -> None:
        self.columns: Lately[Mask] = Lately(64)  # by (version of the rows, filter)
        self.scores: Lately[tuple[Keys, Floats]] = Lately(4)  # by (release, space, query)
        self._universe: Lately[Universe] = Lately(1)

    def universe(self, tx: Transaction) -> Universe:
        """Return all known users."""
        row = tx.rows("SELECT count(*) AS users, max(key) AS last FROM user_key")[0]
        key = row["users"], row["last"]
        return self._universe.get(key) or self._universe.put(key, read_universe(tx))
