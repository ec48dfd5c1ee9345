"""Two user-text spaces side by side: for each sentence, the audience that one gives and the audience of the other.

    jaccard            users in both audiences / users in either
    both, only_a ...   how many users are in both, or in one alone
    rank_correlation   Spearman's rho of the two orders over the users of either audience; who has no vector in a space
                       comes last there
    median_a, _b       median cosine of an audience with its sentence, in its own space
    left, joined       some users of A's audience that B's lacks, best of A first, and the other way round

No number is shown about fewer than 100 users; counts are rounded to 10, and jaccard is computed from rounded counts
(a part under 100 counts as 0 or 100), so that no two answers tell of one user.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from audience_graph.answer import Answer
from audience_graph.audience.disclosure import MINIMUM_SIZE, coarse, shown
from audience_graph.audience.fusion import ranks
from audience_graph.vectors.topk import Floats, Keys

MOVERS = 10


@dataclass(frozen=True, slots=True)
class Change:
    """One sentence in both spaces; see the module. None where too few users are there to say it."""

    sentence: str
    jaccard: float | None
    both: int | None
    only_a: int | None
    only_b: int | None
    rank_correlation: float | None
    median_a: float | None
    median_b: float | None
    left: tuple[Any, ...] = ()
    joined: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class ComparedSpace:
    """A space that is compared: `users` with a vector (rounded), its day, and what its model reached.

    `auc`: mean AUC of its sentences on windows of the past, over users whom its model did not train on, with
    `auc_from`; None where that was never measured.
    """

    space: str
    run: str
    as_of: str
    users: int | None
    valid_loss: float | None
    auc: float | None
    auc_from: str


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Comparison(Answer):
    """Two spaces over some sentences: audiences of `size` users each, a row for each sentence."""

    a: ComparedSpace
    b: ComparedSpace
    size: int
    changes: tuple[Change, ...]
    release: int | None = None
    version: str | None = None
    week: str | None = None

    def _title(self) -> str:
        return "\n".join([*(f"{name}: {_told(one)}" for name, one in (("A", self.a), ("B", self.b))),
                          f"audiences of {self.size:,} users"])  # fmt: skip

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        return {name: [getattr(one, name) for one in self.changes] for name in Change.__dataclass_fields__}

    def _shown(self) -> Mapping[str, Sequence[Any]]:
        return {name: cells for name, cells in self._columns().items() if name not in ("left", "joined")}


def compare_audiences(sentence: str, a: tuple[Keys, Floats], b: tuple[Keys, Floats], size: int) -> Change:
    """Return how the best `size` users differ, of two sets of (keys, cosines) sorted by key; movers are keys.

    Ties go to the smaller key, as in a target.
    """
    best_a, best_b = (_best(side, size) for side in (a, b))
    if min(len(best_a), len(best_b)) < MINIMUM_SIZE:
        return Change(sentence, None, None, None, None, None, None, None)
    both = len(np.intersect1d(best_a, best_b))
    alone_a, alone_b = (own[~np.isin(own, other)] for own, other in ((best_a, best_b), (best_b, best_a)))
    parts = coarse(both), coarse(len(alone_a)), coarse(len(alone_b))
    return Change(
        sentence=sentence,
        jaccard=round(parts[0] / max(1, sum(parts)), 3),
        both=shown(both),
        only_a=shown(len(alone_a)),
        only_b=shown(len(alone_b)),
        rank_correlation=_correlation(np.union1d(best_a, best_b), a, b),
        median_a=_median(best_a, a),
        median_b=_median(best_b, b),
        left=_movers(alone_a),
        joined=_movers(alone_b),
    )


def _best(side: tuple[Keys, Floats], size: int) -> Keys:
    keys, scores = side
    return keys[np.lexsort((keys, -scores))[:size]]


def _median(best: Keys, side: tuple[Keys, Floats]) -> float:
    return round(float(np.median(side[1][np.searchsorted(side[0], best)])), 3)


def _movers(alone: Keys) -> tuple[int, ...]:
    return tuple(alone[:MOVERS].tolist()) if len(alone) >= MINIMUM_SIZE else ()


def _correlation(users: Keys, a: tuple[Keys, Floats], b: tuple[Keys, Floats]) -> float | None:
    orders = [ranks(_scores(users, *side)) for side in (a, b)]
    if min(np.ptp(order) for order in orders) == 0:
        return None
    return round(float(np.asarray(np.corrcoef(np.stack(orders)))[0, 1]), 2) + 0.0  # no negative zero


def _scores(users: Keys, keys: Keys, scores: Floats) -> Floats:
    """Return the scores of some users (n,), NaN where a user has none."""
    place = np.minimum(np.searchsorted(keys, users), len(keys) - 1)
    return np.where(keys[place] == users, scores[place], np.nan)


def _told(one: ComparedSpace) -> str:
    users = f"under {MINIMUM_SIZE}" if one.users is None else f"{one.users:,}"
    auc = "" if one.auc is None else f", AUC {one.auc:.3f} ({one.auc_from})"
    return f"{one.space}, {users} users of {one.as_of}{auc}"
