"""Random scores: what no knowledge at all reaches."""

from __future__ import annotations

from zlib import crc32

import numpy as np

from audience_trainers.users.measures import Values
from audience_trainers.users.scoring import Asked, Options, Scorer
from audience_trainers.users.tasks.history import History


def prepare_random(history: History, options: Options) -> Scorer:  # noqa: ARG001
    """Return a scorer: uniform numbers, of their own for each task and seed."""

    def score(asked: Asked) -> Values:
        return np.random.default_rng([asked.seed, crc32(asked.name.encode())]).random(len(history.users))

    return score
