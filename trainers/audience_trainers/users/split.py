"""The 1:4 split of a task (FIND 5.1.1): a fitting part for cuts, seeds and probes, an evaluation part for numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audience_trainers.users.measures import Labels

Rows = npt.NDArray[np.int64]
FITTING = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Rows of a task's users: `fitting` and `evaluation`, each sorted; together everyone once."""

    fitting: Rows
    evaluation: Rows


def split_users(y: Labels, *, seed: int, strata: Labels | None = None) -> Split:
    """Split users 1:4, with the same share of positives in both parts (and of each stratum, such as a treatment arm).

    Of each kind a fifth is fitted on, rounded, but at least one user and never all of them when there are two.
    """
    rng = np.random.default_rng([seed, 14])
    kind = y.astype(np.int64) if strata is None else y + 2 * strata.astype(np.int64)
    chosen = np.zeros(len(y), np.bool_)
    for one in np.unique(kind):
        rows = np.flatnonzero(kind == one)
        count = min(max(round(FITTING * len(rows)), 1), max(len(rows) - 1, 1))
        chosen[rng.permutation(rows)[:count]] = True
    return Split(np.flatnonzero(chosen), np.flatnonzero(~chosen))


def seed_users(
    y: Labels, fitting: Rows, *, positives: int, negatives: int, seed: int, hard: npt.NDArray[np.bool_] | None = None
) -> Rows:
    """Return rows of the fitting part: up to so many positives, then up to so many negatives, by lot.

    Where `hard` (n,) marks users who look like positives and are none, about half of the negatives (rounded down) are
    such users, as business feedback would give them; as many as the fitting part has.
    """
    rng = np.random.default_rng([seed, 55])
    picked = [rng.permutation(fitting[y[fitting] == label]) for label in (1, 0)]
    if hard is not None:
        told = picked[1][hard[picked[1]]][: negatives // 2]
        picked[1] = np.concatenate([told, picked[1][~np.isin(picked[1], told)]])
    return np.concatenate([picked[0][:positives], picked[1][:negatives]])
