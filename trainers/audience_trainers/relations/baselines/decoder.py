"""From vectors of entities to scores of pairs: cosine, or logistic regression on the product of the two vectors."""

from __future__ import annotations

import numpy as np

from audience_trainers.relations.linkpred.evaluate import validation_auc
from audience_trainers.relations.linkpred.strangers import random_strangers
from audience_trainers.relations.linkpred.task import Floats, Pairs, Scorer, Training, Values
from audience_trainers.relations.topn import pair_products, unit_rows

MOST_EDGES = 200_000  # more training pairs do not move some hundred coefficients
BLOCK = 65_536


def best_decoder(vectors: Floats, training: Training, *, seed: int) -> Scorer:
    """Return the scorer of the vectors (n, d) with the better AUC on the validation pairs: cosine or regression."""
    found = [cosine_decoder(vectors), regression_decoder(vectors, training, seed=seed)]
    return max(found, key=lambda scorer: validation_auc(scorer, training))


def cosine_decoder(vectors: Floats) -> Scorer:
    """Return the cosine of the two vectors; 0 for an entity without one."""
    unit = unit_rows(vectors)
    return lambda pairs: pair_products(unit, pairs[0], pairs[1]).astype(np.float64)


def regression_decoder(vectors: Floats, training: Training, *, seed: int) -> Scorer:
    """Fit logistic regression on x_u * x_v (Hadamard), d columns: training edges against as many random strangers."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(seed)
    edges = training.edges
    if edges.shape[1] > MOST_EDGES:
        edges = edges[:, rng.choice(edges.shape[1], MOST_EDGES, replace=False)]
    strangers = random_strangers(training, edges.shape[1], seed=seed)
    pairs = np.concatenate([edges, strangers], axis=1)
    products = (vectors[pairs[0]] * vectors[pairs[1]]).astype(np.float64)
    scale = np.maximum(products.std(axis=0), 1e-12)  # no centring: a pair without vectors is undecided
    label = np.repeat([1.0, 0.0], [edges.shape[1], strangers.shape[1]])
    model = LogisticRegression(C=1.0, solver="newton-cholesky").fit(products / scale, label)
    weight = (model.coef_[0] / scale).astype(np.float32)
    bias = float(model.intercept_[0])

    def score(pairs: Pairs) -> Values:
        out = np.empty(pairs.shape[1])
        for first in range(0, pairs.shape[1], BLOCK):
            u, v = pairs[:, first : first + BLOCK]
            out[first : first + BLOCK] = (vectors[u] * vectors[v]) @ weight + bias
        return out

    return score
