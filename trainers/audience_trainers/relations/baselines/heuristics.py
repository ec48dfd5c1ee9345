"""Link prediction without learning: shared neighbours, degrees, and the 3-step walk."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from audience_trainers.relations.linkpred.models import Setting
from audience_trainers.relations.linkpred.structure import shared_neighbours, walk_of
from audience_trainers.relations.linkpred.task import FitOptions, Pairs, Scorer, Training, Values


def fit_common_neighbours(training: Training, setting: Setting, options: FitOptions) -> Scorer:  # noqa: ARG001
    """Return |N(u) & N(v)|."""
    return _weighted(training, np.ones_like)


def fit_adamic_adar(training: Training, setting: Setting, options: FitOptions) -> Scorer:  # noqa: ARG001
    """Return the sum of 1 / log d_w over shared neighbours w; one of degree 1 is shared by nobody."""
    return _weighted(training, lambda degree: 1.0 / np.log(np.maximum(degree, 2.0)))


def fit_resource_allocation(training: Training, setting: Setting, options: FitOptions) -> Scorer:  # noqa: ARG001
    """Return the sum of 1 / d_w over shared neighbours w."""
    return _weighted(training, lambda degree: 1.0 / np.maximum(degree, 1.0))


def fit_jaccard(training: Training, setting: Setting, options: FitOptions) -> Scorer:  # noqa: ARG001
    """Return |N(u) & N(v)| / |N(u) | N(v)|, 0 where both are empty."""
    graph = training.adjacency()
    degree = np.diff(graph.indptr).astype(np.float64)

    def score(pairs: Pairs) -> Values:
        shared = shared_neighbours(graph, pairs, np.ones((1, training.n)))[0]
        union = degree[pairs[0]] + degree[pairs[1]] - shared
        return np.asarray(np.divide(shared, union, out=np.zeros(len(shared)), where=union > 0))

    return score


def fit_preferential_attachment(training: Training, setting: Setting, options: FitOptions) -> Scorer:  # noqa: ARG001
    """Return d_u d_v."""
    degree = np.diff(training.adjacency().indptr).astype(np.float64)
    return lambda pairs: np.asarray(degree[pairs[0]] * degree[pairs[1]])


def fit_walk(training: Training, setting: Setting, options: FitOptions) -> Scorer:  # noqa: ARG001
    """Return the 3-step degree-normalised walk A D^-1 A D^-1 A of the training edges."""
    graph = training.adjacency()
    return lambda pairs: walk_of(graph, pairs)


def _weighted(training: Training, weight: Callable[[Values], Values]) -> Scorer:
    graph = training.adjacency()
    weights = weight(np.diff(graph.indptr).astype(np.float64))[None, :]
    return lambda pairs: shared_neighbours(graph, pairs, weights)[0]
