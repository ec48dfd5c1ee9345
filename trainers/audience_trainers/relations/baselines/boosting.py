"""Gradient boosting over structural pair features: what a careful person without a neural network would use."""

from __future__ import annotations

import numpy as np

from audience_trainers.relations.linkpred.models import Setting
from audience_trainers.relations.linkpred.strangers import random_strangers
from audience_trainers.relations.linkpred.structure import graphs_without_folds, pair_features
from audience_trainers.relations.linkpred.task import FitOptions, Floats, Pairs, Scorer, Training, Values

FOLDS = 10


def fit_boosting(training: Training, setting: Setting, options: FitOptions) -> Scorer:
    """Fit boosted trees on the training edges and `ratio` times as many random strangers.

    Both get their features on the graph without the fold of edges that they belong to, so the trees learn from
    features of pairs whose own edge is hidden; a pair that is asked about later is described by the whole graph.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        learning_rate=setting.get("learning_rate", 0.05),
        max_iter=setting.get("iterations", 400),
        max_leaf_nodes=setting.get("leaves", 31),
        min_samples_leaf=40,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=options.seed,
    )
    features, label = _examples(training, setting.get("ratio", 3), options)
    model.fit(features, label)
    graph = training.adjacency()

    def score(pairs: Pairs) -> Values:
        return np.asarray(model.decision_function(pair_features(graph, training.features, pairs)), dtype=np.float64)

    return score


def _examples(training: Training, ratio: int, options: FitOptions) -> tuple[Floats, Values]:
    count = training.edges.shape[1]
    strangers = random_strangers(training, ratio * count, seed=options.seed)
    fold_of = np.random.default_rng(options.seed).integers(FOLDS, size=strangers.shape[1])
    features, labels = [], []
    for k, (fold, graph) in enumerate(graphs_without_folds(training, FOLDS, options.seed)):
        edges, others = training.edges[:, fold], strangers[:, fold_of == k]
        features.append(pair_features(graph, training.features, np.concatenate([edges, others], axis=1)))
        labels.append(np.repeat([1.0, 0.0], [edges.shape[1], others.shape[1]]))
        options.progress("pair features", k + 1, FOLDS)
    return np.concatenate(features), np.concatenate(labels)
