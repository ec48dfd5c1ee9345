"""What a sample of users says of the entities: a weighted graph, E^Co vectors, and features of pairs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from audience_trainers.relations.alpc.inputs import unit_size, walk_vectors
from audience_trainers.relations.alpc.sampler import MessageGraph, message_graph
from audience_trainers.relations.behaviour import Behaviour
from audience_trainers.relations.cooccurrence import at
from audience_trainers.relations.ensemble.spaces import rotation
from audience_trainers.relations.linkpred.task import Floats, Pairs, Values
from audience_trainers.relations.together import Closeness, Together, count_together
from audience_trainers.relations.topn import pair_products, unit_rows
from audience_trainers.relations.vectors import preference_vectors
from audience_trainers.relations.walk import walk_affinity, walk_scores

FEATURE_NAMES = (
    "walk_affinity",  # log of the entry of the cubed normalised evidence graph
    "two_step_affinity",  # the same of the square
    "window_information",  # shrunk positive mutual information of meeting within the window ...
    "session_information",  # ... in one session
    "event_information",  # ... in one event
    "co_cosine",
    "text_cosine",
    "spectral_cosine",  # of the leading eigenvectors of the normalised evidence graph
)
# log(1 + pairs of the sample with each end), the end that is met less often first: by window, session and event
EXPOSURE_NAMES = ("window_min", "window_max", "session_min", "session_max", "event_min", "event_max")
SPECTRAL_DIMS = 64
LOWEST = -20.0  # log of an affinity that is not there


@dataclass(frozen=True, eq=False)  # without slots: what is asked again is kept beside the fields
class Evidence:
    """Counts of a sample, its graph (n, n) = information + text edges, and E^Co (n, d) of the same sample.

    What features read of the whole sample is worked out at the first question and kept.
    """

    together: Together
    closeness: Closeness
    graph: sp.csr_matrix
    co: Floats
    text: Floats  # (n, t) unit rows: E^Se, for the cosine of a pair

    def messages(self) -> MessageGraph:
        """Return the graph that carries messages: every pair with evidence."""
        upper = sp.triu(self.graph, k=1).tocoo()
        return message_graph(self.graph.shape[0], np.stack([upper.row, upper.col]).astype(np.int64))

    def walks(self, *, dims: int, hops: int, seed: int) -> Floats:
        """Return random vectors after 1 .. `hops` steps over the weighted graph (n, hops * dims)."""
        return walk_vectors(self.graph, dims=dims, hops=hops, seed=seed)

    @cached_property
    def information(self) -> tuple[sp.csr_matrix, sp.csr_matrix, sp.csr_matrix]:
        """Shrunk mutual information (n, n) of meeting within the window, in one session, in one event."""
        return self.together.information(self.closeness)

    @cached_property
    def spectral(self) -> Floats:
        """Leading eigenvectors (n, SPECTRAL_DIMS) of the normalised evidence graph, unit rows."""
        return preference_vectors(self.graph, dims=SPECTRAL_DIMS, power=1.0, seed=0)

    @cached_property
    def half_step(self) -> sp.csr_matrix:
        """D^-1/2 A D^-1/2 (n, n), whose square is the two-step affinity."""
        degree = np.asarray(self.graph.sum(axis=1)).ravel()
        root = sp.diags(np.sqrt(np.divide(1.0, degree, out=np.zeros(len(degree)), where=degree > 0)))
        return (root @ self.graph @ root).tocsr()

    @cached_property
    def met(self) -> Values:
        """How often an entity is met at all, log(1 + pairs) by window, session and event (3, n)."""
        kinds = (self.together.window, self.together.session, self.together.event)
        return np.stack([np.log1p(np.asarray(counts.sum(axis=1)).ravel()) for counts in kinds])

    def features(self, pairs: Pairs) -> Floats:
        """Return the features (p, len(FEATURE_NAMES)) of pairs (2, p) in any order."""
        order = np.argsort(pairs[0], kind="stable")
        u, v = pairs[:, order]
        columns = [
            np.maximum(walk_affinity(self.graph, u, v, walk_scores(self.graph, u, v)), LOWEST),
            np.maximum(_two_steps(self.half_step, u, v), LOWEST),
            *(at(kind, u, v) for kind in self.information),
            pair_products(unit_rows(self.co), u, v),
            pair_products(self.text, u, v),
            pair_products(self.spectral, u, v),
        ]
        found = np.empty((len(u), len(columns)), np.float32)
        found[order] = np.stack(columns, axis=1)
        return found

    def exposure(self, pairs: Pairs) -> Floats:
        """Return how often each end of pairs (2, p) is met in this sample (p, len(EXPOSURE_NAMES))."""
        columns = []
        for often in self.met:
            ends = often[pairs]
            columns += [ends.min(axis=0), ends.max(axis=0)]
        return np.stack(columns, axis=1).astype(np.float32)


def gather_evidence(
    behaviour: Behaviour, semantic: sp.csr_matrix, co: Floats, text: Floats, closeness: Closeness
) -> Evidence:
    """Count a sample's pairs and return its evidence; `semantic` (n, n) are the text edges, `co` its E^Co (n, d)."""
    together = count_together(behaviour, window=closeness.window)
    graph = (together.evidence(closeness) + semantic).tocsr()
    return Evidence(together, closeness, graph, co, unit_rows(text))


def aligned(vectors: Floats, reference: Floats) -> Floats:
    """Return vectors (n, d) turned so that they lie as close as they can to the reference (orthogonal Procrustes).

    Two skip-gram runs differ by a rotation; behind one, an encoder can read both.
    """
    return np.asarray(vectors @ rotation(vectors, reference), np.float32)


def co_inputs(evidence: Evidence, *, dims: int, hops: int, seed: int) -> Floats:
    """Return E^Co as the encoder reads it: the sample's skip-gram vectors, and walks over its weighted graph."""
    return np.concatenate([unit_size(evidence.co), evidence.walks(dims=dims, hops=hops, seed=seed)], axis=1)


def _two_steps(half_step: sp.csr_matrix, u: npt.NDArray[np.int64], v: npt.NDArray[np.int64]) -> Values:
    """Return log of (D^-1/2 A D^-1 A D^-1/2)_uv, -inf where there is none."""
    shared = np.empty(len(u))
    for begin in range(0, len(u), 100_000):
        part = slice(begin, begin + 100_000)
        shared[part] = np.asarray(half_step[u[part]].multiply(half_step[v[part]]).sum(axis=1)).ravel()
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(shared))
