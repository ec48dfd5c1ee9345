"""Linear probes of vectors that were learned without labels (FIND 5.2.3): on the fitting part, or on a few seeds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from audience_trainers.users.measures import Values
from audience_trainers.users.probe import fit_few, fit_probe
from audience_trainers.users.scoring import Asked, Scorer

Floats = npt.NDArray[np.float32]


def probe(features: Floats) -> Scorer:
    """Return a scorer of features (n, f): the log-odds of `fit_probe` on the seeds; 0 without seeds of both labels."""

    def score(asked: Asked) -> Values:
        y = asked.y.astype(np.int64)
        if len(np.unique(y)) < 2 or features.shape[1] == 0:
            return np.zeros(len(features))
        return fit_probe(features, asked.seeds, y, seed=asked.seed)

    return score


def probe_few(features: Floats) -> Scorer:
    """Return a scorer of features (n, f) for a few seeds: the log-odds of `fit_few` on unit vectors.

    What all users share is taken off first (their mean, which needs no label). Without seeds of both labels everybody
    scores 0.
    """
    vectors = unit(features - features.mean(axis=0))

    def score(asked: Asked) -> Values:
        y = asked.y.astype(np.int64)
        if len(np.unique(y)) < 2 or not vectors[asked.seeds].any():
            return np.zeros(len(features))
        return fit_few(vectors, asked.seeds, y)

    return score


def unit(vectors: Floats) -> Floats:
    """Return vectors (n, f) at length 1; 0 stays 0."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0), np.float32)
