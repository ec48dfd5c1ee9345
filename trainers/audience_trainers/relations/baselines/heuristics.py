"""Link prediction without learning: the 3-step walk."""

from __future__ import annotations

import numpy as np

from audience_trainers.relations.linkpred.models import Setting
from audience_trainers.relations.linkpred.task import FitOptions, Pairs, Scorer, Training, Values
from audience_trainers.relations.walk import walk_scores


def fit_walk(training: Training, setting: Setting, options: FitOptions) -> Scorer:  # noqa: ARG001 - nothing to fit
    """Return the 3-step degree-normalised walk A D^-1 A D^-1 A of the training edges."""
    graph = training.adjacency()

    def score(pairs: Pairs) -> Values:
        order = np.argsort(pairs[0], kind="stable")
        found = np.empty(pairs.shape[1])
        found[order] = walk_scores(graph, pairs[0][order], pairs[1][order])
        return found

    return score
