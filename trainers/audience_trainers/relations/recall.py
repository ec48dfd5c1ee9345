"""How many true pairs the candidates hold, judged by users whom the candidate step did not see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from audience_trainers.relations.behaviour import Behaviour
from audience_trainers.relations.candidates import PROVENANCE, Candidates
from audience_trainers.relations.cooccurrence import borne_out, count_pairs
from audience_trainers.relations.topn import Indices


@dataclass(frozen=True, slots=True)
class Split:
    """The users that the candidate step sees, and those that judge it."""

    seen: Behaviour
    unseen: Behaviour


def hold_out(behaviour: Behaviour, share: float, *, seed: int) -> Split:
    """Draw `share` of the users as those that are not seen; 0 sees all of them."""
    unseen = np.random.default_rng((seed, 1)).random(behaviour.users) < share
    return Split(behaviour.of_users(~unseen), behaviour.of_users(unseen))


def borne_out_pairs(unseen: Behaviour, *, window: int) -> Indices:
    """Return the keys source * n + target, ascending and in both directions, of pairs that the users bear out.

    At least 2 users have both within `window` mentions, at least e times as often as chance.
    """
    counts = count_pairs(unseen, window=window)
    source, target = (side.astype(np.int64) for side in counts.nonzero())
    keep = borne_out(counts, source, target)
    pairs: Indices = np.sort(source[keep] * unseen.entities + target[keep])
    return pairs


def candidate_recall(candidates: Candidates, true: Indices, n: int) -> dict[str, Any]:
    """Return how many true pairs (ascending keys) there are, the share of them among the candidates, by provenance too.

    `chance` is what as many pairs drawn blindly would hold. Shares are None when no pair is true.
    """
    hit = np.isin(candidates.source * n + candidates.target, true)
    by = np.bincount(candidates.provenance[hit], minlength=len(PROVENANCE))
    pairs = len(true)

    def share(count: int) -> float | None:
        return count / pairs if pairs else None

    return {
        "pairs": pairs,
        "recall": share(int(hit.sum())),
        "recall_by_provenance": {name: share(int(c)) for name, c in zip(PROVENANCE, by, strict=True)},
        "chance": len(candidates) / (n * (n - 1)) if n > 1 else None,
    }
