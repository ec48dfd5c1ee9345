"""Linear probes as rows of the evaluation: logistic regression on what the user model says (FIND 5.2.3).

Fitted on the fitting part of a task (1/5), judged on the rest. Rows: the fused user vector, each modality alone
(behaviour, columns, searches), and the modalities side by side.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from audience_graph.errors import ConfigError
from audience_trainers.users.measures import Values
from audience_trainers.users.modalities import modality_vectors
from audience_trainers.users.prepared import prepare_users
from audience_trainers.users.scoring import Asked, Options, Scorer
from audience_trainers.users.tasks.history import History
from audience_trainers.users.user_model import Floats

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # C on standardised features, weakest first
FEW_STRENGTHS = (0.1, 1.0, 10.0, 100.0)  # C on unit vectors
FOLDS = 3
NEUTRAL = 0.0
Labels = npt.NDArray[np.int64]


def prepare_probe(history: History, options: Options) -> Scorer:
    """Return a probe of the fused user vector."""
    return _probe(history, options, ("fused",))


def prepare_probe_behaviour(history: History, options: Options) -> Scorer:
    """Return a probe of the pooled behaviour."""
    return _probe(history, options, ("behaviour",))


def prepare_probe_tabular(history: History, options: Options) -> Scorer:
    """Return a probe of the columns' tokens side by side."""
    return _probe(history, options, ("tabular",))


def prepare_probe_search(history: History, options: Options) -> Scorer:
    """Return a probe of the searches' token."""
    return _probe(history, options, ("search",))


def prepare_probe_concatenation(history: History, options: Options) -> Scorer:
    """Return a probe of the vectors of all modalities side by side."""
    return _probe(history, options, ("behaviour", "tabular", "search"))


def _probe(history: History, options: Options, names: Sequence[str]) -> Scorer:
    """Return a probe of some parts side by side; a user without a part has zeros there."""
    found = prepare_users(history, options)
    known = options.shared.once("modalities", lambda: modality_vectors(found.trained, found.moments))
    parts = known | {"fused": found.vectors}
    chosen = [parts[name] for name in names if name in parts]
    width = sum(part.shape[1] for part in chosen)
    features = np.zeros((len(history.users), width), np.float32)
    if chosen:
        features[found.row] = np.concatenate(chosen, axis=1)

    def score(asked: Asked) -> Values:
        if width == 0 or len(np.unique(asked.y)) < 2:
            return np.full(len(history.users), NEUTRAL)
        return fit_probe(features, asked.seeds, asked.y.astype(np.int64), seed=asked.seed)

    return score


def fit_probe(features: Floats, rows: npt.NDArray[np.int64], y: Labels, *, seed: int) -> Values:
    """Return the log-odds (n,) of users with features (n, f), fitted on the labels `y` of `rows`.

    Features are brought to mean 0 and deviation 1 of the rows; C is the one with the least log loss of folds left out.
    """
    told = features[rows].astype(np.float64)
    mean, deviation = told.mean(axis=0), told.std(axis=0)
    scale = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=deviation > 1e-6)
    told = (told - mean) * scale
    folds = _folds(y, FOLDS, np.random.default_rng([seed, 23]))
    weights, bias = _fit(told, y, _strength(told, y, folds, STRENGTHS))
    return np.asarray((features - mean) * scale @ weights + bias, np.float64)


def fit_few(vectors: Floats, rows: npt.NDArray[np.int64], y: Labels) -> Values:
    """Return the log-odds (k,) of users with unit vectors (k, d), fitted on a few of them, at least one of each label.

    C is the one with the least log loss of seeds left out one by one; where a label has one seed, the smallest. The
    weights lie in the span of the seeds, so the fit is made there.
    """
    told = vectors[rows].astype(np.float64)
    _, size, basis = np.linalg.svd(told, full_matrices=False)
    basis = basis[size > 1e-6 * size[0]]
    weights, bias = _fit(told @ basis.T, y, _strength(told @ basis.T, y, np.arange(len(y)), FEW_STRENGTHS))
    return np.asarray(vectors @ (basis.T @ weights) + bias, np.float64)


def _folds(y: Labels, count: int, rng: np.random.Generator) -> Labels:
    """Return the fold (s,) of each, labels evenly spread."""
    fold = np.zeros(len(y), np.int64)
    for label in (0, 1):
        rows = rng.permutation(np.flatnonzero(y == label))
        fold[rows] = np.arange(len(rows)) % count
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

    if told.shape[1] == 0 or len(np.unique(y)) < 2:
        raise ConfigError("a probe needs features and users of both labels")
    model = LogisticRegression(C=strength, max_iter=1_000, tol=1e-3).fit(told, y)
    return np.asarray(model.coef_[0], np.float64), float(model.intercept_[0])
