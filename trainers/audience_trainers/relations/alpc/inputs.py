"""[E^Se || E^Co]: what the encoder reads of each entity, made only of what may be seen at that moment."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from audience_trainers.relations.linkpred.task import Floats

TEXT_SEED = 0
SPARSE = 0.5  # features with at least this share of zeros, none negative, are counts or marks: weighted by rarity


def text_inputs(features: Floats | None, n: int, dims: int) -> Floats:
    """Return E^Se (n, k <= dims), columns of about unit size: reduced by a truncated SVD where it has more than `dims`.

    A bag of words is first weighted by inverse document frequency. Rows are brought to length 1, columns centred.
    Reads no edge.
    """
    if features is None or dims == 0:
        return np.zeros((n, 0), np.float32)
    x = features.astype(np.float32)
    if x.min() >= 0 and float((x == 0).mean()) >= SPARSE:
        x = x * np.log(n / (1.0 + (x > 0).sum(axis=0)) + 1.0).astype(np.float32)
    x /= np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9)
    x -= x.mean(axis=0)  # what all entities share tells none from another
    if x.shape[1] > dims:
        from sklearn.utils.extmath import randomized_svd

        left, value, _ = randomized_svd(x, dims, random_state=TEXT_SEED)
        x = (left * value).astype(np.float32)
    return unit_size(x)


def walk_vectors(graph: sp.csr_matrix, *, dims: int, hops: int, seed: int) -> Floats:
    """Return E^Co (n, hops * dims) of a graph: fixed random vectors after 1 .. `hops` steps of D^-1/2 A D^-1/2.

    Dot products of step k estimate how often two entities meet on walks of 2k steps (a random projection of the
    co-occurrence matrix, error ~ dims^-1/2), rows at length 1. The same seed gives comparable vectors on any graph of
    the same entities, so a hidden edge changes only what it carried. An entity without edges has a zero row.
    """
    n = graph.shape[0]
    if dims == 0:
        return np.zeros((n, 0), np.float32)
    degree = np.asarray(graph.sum(axis=1)).ravel()
    scale = np.divide(1.0, np.sqrt(degree), out=np.zeros(n), where=degree > 0)
    step = (sp.diags(scale) @ graph @ sp.diags(scale)).tocsr().astype(np.float32)
    now = np.random.default_rng(seed).standard_normal((n, dims)).astype(np.float32)
    found = []
    for _ in range(hops):
        now = step @ now
        found.append(now / np.maximum(np.linalg.norm(now, axis=1, keepdims=True), 1e-9))
    return np.concatenate(found, axis=1) * np.float32(dims**0.5)


def degree_inputs(graph: sp.csr_matrix) -> Floats:
    """Return log(1 + weighted degree) of each entity (n, 1), centred, of unit size: how much it co-occurs at all."""
    degree = np.log1p(np.asarray(graph.sum(axis=1)).ravel())
    return unit_size((degree - degree.mean()).astype(np.float32)[:, None])


def unit_size(x: Floats) -> Floats:
    """Return x scaled as a whole to a standard deviation of 1; zeros stay."""
    size = float(x.std())
    return np.asarray(x / size if size > 0 else x, np.float32)
