"""Logistic regression on raw profile columns. Labels: the whole fitting part."""

from __future__ import annotations

import numpy as np

from audience_trainers.users.baselines.columns import Columns, read_columns
from audience_trainers.users.measures import Values
from audience_trainers.users.scoring import Asked, Options, Scorer
from audience_trainers.users.tasks.history import History


def prepare_logistic(history: History, options: Options) -> Scorer:  # noqa: ARG001
    """Return a scorer: the log-odds of a logistic regression (L2, C = 1) fitted on the seeds."""
    features = design(read_columns(history.profile, len(history.users)))

    def score(asked: Asked) -> Values:
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(C=1.0, max_iter=2_000).fit(features[asked.seeds], asked.y)
        return np.asarray(model.decision_function(features), np.float64)

    return score


def design(columns: Columns) -> Values:
    """Return the matrix (n, f): numbers at mean 0 and deviation 1 with a mark where missing, one column per category.

    Means and deviations are of everybody known at the cut; they need no label.
    """
    missing = np.isnan(columns.numbers)
    known = np.maximum((~missing).sum(0), 1)
    mean = np.where(missing, 0.0, columns.numbers).sum(0) / known
    centred = np.where(missing, 0.0, columns.numbers - mean)
    deviation = np.sqrt((centred**2).sum(0) / known)
    scaled = np.divide(centred, deviation, out=np.zeros_like(centred), where=deviation > 0)
    marks = missing[:, missing.any(0)].astype(np.float64)
    hot = [(columns.categories[:, [b]] == np.arange(size)).astype(np.float64) for b, size in enumerate(columns.sizes)]
    return np.column_stack([scaled, marks, *hot])
