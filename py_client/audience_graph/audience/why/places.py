"""A user's place in a ranking, and what is shown of it: a place is the size of a set, and is shown as sizes are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from audience_graph.audience.disclosure import MINIMUM_SIZE
from audience_graph.audience.evaluate.keysets import Mask, Universe
from audience_graph.audience.evaluate.rankings import Chosen
from audience_graph.vectors.topk import Keys

Show = Callable[[Sequence[Mask]], list[int | None]]


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where a user stands: the score, that of the cut, whether above it; those up to the user, and all ranked ones."""

    score: float
    cut: float | None
    taken: bool
    upto: Keys
    ranked: Keys


def place_of(chosen: Chosen, key: int) -> Place | None:
    """Return a user's place among those whom a ranking can rank; None for who has no score there."""
    keys, scores = chosen.eligible_keys, chosen.eligible_scores
    at = int(np.searchsorted(keys, key))
    if at == len(keys) or keys[at] != key:
        return None
    score = float(scores[at])
    before = (scores > score) | ((scores == score) & (keys <= key))
    cut = float(chosen.scores[-1]) if len(chosen.scores) else None
    return Place(score, cut, bool(np.any(chosen.keys == key)), keys[before], keys)


@dataclass(frozen=True, slots=True)
class Places:
    """Shows places as `show` does sizes: `own` first, the audience itself, so that its size keeps its own number."""

    universe: Universe
    own: Mask
    show: Show

    def numbers(self, place: Place) -> tuple[int | None, int | None]:
        """Return a place and among how many, rounded; None under 100."""
        masks = [self.own, self.universe.of_keys(place.ranked), self.universe.of_keys(place.upto)]
        _, ranked, upto = self.show(masks)
        return (None if upto is None or ranked is None else min(upto, ranked)), ranked

    def words(self, place: Place) -> str:
        """Return a place in words."""
        upto, ranked = self.numbers(place)
        if ranked is None:
            return f"of under {MINIMUM_SIZE} who can be ranked"
        told = f"among the first {MINIMUM_SIZE}" if upto is None else f"about place {upto:,}"
        return f"{told} of {ranked:,} who can be ranked"
