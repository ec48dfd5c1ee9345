"""Which sizes of audiences are shown. Two promises, whatever is asked, in whatever order:

    no number about fewer than 100 users
    the difference of two numbers is that of two audiences that differ in at least 100 users

The shown numbers are the rounded sizes of a family of audiences, of which any two with different numbers differ in at
least 100 users. An audience of the family shows its own number; one that is nearer than 100 users to the family shows
that of its neighbour there. So whoever asks with one user more, or one less, is answered the same, and no difference
is about a small group. The family is kept in table `disclosed`, as bitmaps over keys.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from audience_graph.audience.disclosure import MINIMUM_SIZE, shown
from audience_graph.audience.evaluate.keysets import Mask, count
from audience_graph.vectors.store import Store, Transaction

KEPT = 20_000  # sets; older ones are forgotten
_LOCK = 0x61756469656E6365  # one writer at a time: two that show near audiences at once see each other


def show_sizes(store: Store, sets: Sequence[Mask]) -> list[int | None]:
    """Return what is shown of the size of each set, None under the minimum; remembers what was shown.

    One transaction of its own. The order counts: of two near sets the first one's number stands for both.
    """
    if all(count(mask) < MINIMUM_SIZE for mask in sets):
        return [None] * len(sets)
    with store.transaction() as tx:
        tx.rows("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        found = [_show(tx, mask) for mask in sets]
        tx.execute("DELETE FROM disclosed WHERE id <= (SELECT max(id) FROM disclosed) - %s", (KEPT,))
    return found


def _show(tx: Transaction, mask: Mask) -> int | None:
    size = count(mask)
    own = shown(size)
    if own is None:
        return None
    bits = np.packbits(mask)
    near = tx.rows(
        "SELECT shown, members FROM disclosed WHERE size > %(size)s - %(least)s AND size < %(size)s + %(least)s "
        "AND shown <> %(own)s ORDER BY id",
        {"size": size, "least": MINIMUM_SIZE, "own": own},
    )
    for row in near:
        if _differ_in(bits, unpacked(row["members"])) < MINIMUM_SIZE:
            return int(row["shown"])
    told = packed(mask)
    tx.execute(
        "INSERT INTO disclosed (size, shown, members) SELECT %(size)s, %(own)s, %(told)s WHERE NOT EXISTS "
        "(SELECT FROM disclosed WHERE size = %(size)s AND members = %(told)s)",
        {"size": size, "own": own, "told": told},
    )
    return own


def packed(mask: Mask) -> bytes:
    """Return a set as a compressed bitmap, without the empty end."""
    last = int(np.flatnonzero(mask)[-1]) + 1 if mask.any() else 0
    return zlib.compress(np.packbits(mask[:last]).tobytes(), 1)


def unpacked(told: bytes) -> np.ndarray:
    """Return the bytes of a compressed bitmap."""
    return np.frombuffer(zlib.decompress(told), np.uint8)


def _differ_in(a: np.ndarray, b: np.ndarray) -> int:
    """Return how many users are in one bitmap and not in the other."""
    shared = min(len(a), len(b))
    rest = np.concatenate([a[shared:], b[shared:]])
    return int(_ones(a[:shared] ^ b[:shared]) + _ones(rest))


def _ones(bits: np.ndarray) -> int:
    return int(np.bitwise_count(bits).sum(dtype=np.int64))
