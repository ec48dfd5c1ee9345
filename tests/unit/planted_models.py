"""A model for tests of the frame."""

from __future__ import annotations

import numpy as np

from audience_trainers.users.measures import Values
from audience_trainers.users.scoring import Asked, Model, Options, Scorer
from audience_trainers.users.tasks.history import History


def prepare_by_heart(history: History, options: Options) -> Scorer:  # noqa: ARG001
    """Return a scorer that repeats the labels that it was given, and knows nothing else."""

    def score(asked: Asked) -> Values:
        known = np.full(len(history.users), 0.5)
        known[asked.seeds] = asked.y
        return known

    return score


BY_HEART = Model(f"{__name__}:prepare_by_heart", "fitting", needs="")
