"""Linear probes of vectors that were learned without labels (FIND 5.2.3): on the fitting part, or on a few seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from audience_trainers.users.measures import Values
from audience_trainers.users.scoring import Asked, Scorer

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # C on standardised features, weakest first
FEW_STRENGTHS = (0.1, 1.0, 10.0, 100.0)  # C on unit vectors
FOLDS = 3
Labels = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


def probe(features: Floats) -> Scorer:
    """Return a scorer of features (n, f): the log-odds of a logistic regression on the seeds.

    Features are brought to mean 0 and deviation 1 of the seeds; C is the one with the least log loss over three folds
    of them. Without seeds of both labels everybody scores 0.
    """

    def score(asked: Asked) -> Values:
        y = asked.y.astype(np.int64)
        if len(np.unique(y)) < 2 or features.shape[1] == 0:
            return np.zeros(len(features))
        told = features[asked.seeds].astype(np.float64)
        mean, deviation = told.mean(axis=0), told.std(axis=0)
        scale = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=deviation > 1e-6)
        told = (told - mean) * scale
        weights, bias = _fit(told, y, _strength(told, y, _folds(y, asked.seed), STRENGTHS))
        return np.asarray((features - mean) * scale @ weights + bias, np.float64)

    return score


def probe_few(features: Floats) -> Scorer:
    """Return a scorer of features (n, f) for a few seeds: the log-odds of a logistic regression on unit vectors.

    What all users share is taken off first (their mean, which needs no label). C is the one with the least log loss of
    seeds left out one by one. Without seeds of both labels everybody scores 0.
    """
    vectors = unit(features - features.mean(axis=0))

    def score(asked: Asked) -> Values:
        y = asked.y.astype(np.int64)
        if len(np.unique(y)) < 2 or features.shape[1] == 0:
            return np.zeros(len(features))
        told = vectors[asked.seeds].astype(np.float64)
        weights, bias = _fit(told, y, _strength(told, y, np.arange(len(y)), FEW_STRENGTHS))
        return np.asarray(vectors @ weights + bias, np.float64)

    return score


def unit(vectors: Floats) -> Floats:
    """Return vectors (n, f) at length 1; 0 stays 0."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0), np.float32)


def _folds(y: Labels, seed: int) -> Labels:
    """Return the fold (s,) of each, labels evenly spread."""
    rng = np.random.default_rng([seed, 23])
    fold = np.zeros(len(y), np.int64)
    for label in (0, 1):
        rows = rng.permutation(np.flatnonzero(y == label))
        fold[rows] = np.arange(len(rows)) % FOLDS
    return fold


def _strength(told: Values, y: Labels, fold: Labels, strengths: Sequence[float]) -> float:
    """Return the C with the least log loss over the folds; the smallest where no fold leaves both labels."""
    loss = np.zeros(len(strengths))
    for k in np.unique(fold):
        held = fold == k
        if len(np.unique(y[~held])) < 2:
            continue
        for i, strength in enumerate(strengths):
            weights, bias = _fit(told[~held], y[~held], strength)
            odds = told[held] @ weights + bias
            loss[i] += np.logaddexp(0.0, np.where(y[held] == 1, -odds, odds)).sum()
    return strengths[int(np.argmin(loss))]


def _fit(told: Values, y: Labels, strength: float) -> tuple[Values, float]:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=1_000, tol=1e-3).fit(told, y)
    return np.asarray(model.coef_[0], np.float64), float(model.intercept_[0])
