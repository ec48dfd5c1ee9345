"""A course from one graph: the edges are cut into folds, and each lesson predicts the fold that it hides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audience_trainers.relations.alpc.config import AlpcConfig
from audience_trainers.relations.alpc.inputs import degree_inputs, text_inputs, unit_size, walk_vectors
from audience_trainers.relations.alpc.lessons import Course, DrawNegatives, Examination, Lesson, View
from audience_trainers.relations.alpc.negatives import NegativeSampler, negative_sampler
from audience_trainers.relations.alpc.sampler import MessageGraph, message_graph
from audience_trainers.relations.linkpred.hard import near_pairs
from audience_trainers.relations.linkpred.structure import FEATURE_NAMES, pair_features
from audience_trainers.relations.linkpred.task import Floats, Pairs, Training
from audience_trainers.relations.topn import pair_products, unit_rows

KEPT_BYTES = 1 << 30
POOL = 6  # times the negatives of an epoch: seen again and again, they would be learned by heart
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What all lessons share: E^Se and, from sequences, E^Co inputs; the graph; the fold of each edge (m,)."""

    training: Training
    config: AlpcConfig
    text: Floats
    co: Floats
    graph: MessageGraph
    fold: npt.NDArray[np.int64]
    seed: int

    def view(self, hidden: Mask | None = None) -> View:
        """Return what may be read when the `hidden` (m,) edges may not: E^Co of walks is made of the others only."""
        config = self.config
        graph = self.training.adjacency(hidden)
        walks = walk_vectors(graph, dims=config.walk_dims, hops=config.walk_hops, seed=self.seed)
        parts = [self.text, self.co, walks, degree_inputs(graph)]
        return View(np.concatenate(parts, axis=1), self.graph, hidden)

    def features(self, pairs: Pairs, hidden: Mask | None = None) -> Floats | None:
        """Return the structural features (p, k) of pairs on the visible graph, or None when g takes none."""
        if not self.config.structure:
            return None
        return pair_features(self.training.adjacency(hidden), self.training.features, pairs)


def course_from_edges(training: Training, config: AlpcConfig, *, seed: int) -> tuple[Course, Material]:
    """Return a course of `config.folds` lessons over the training edges, examined on the validation pairs.

    Lesson k hides fold k: neither messages, nor E^Co, nor structural features see an edge that is predicted.
    """
    rng = np.random.default_rng([seed, 0])
    material = Material(
        training=training,
        config=config,
        text=text_inputs(training.features, training.n, config.text_dims),
        co=np.zeros((training.n, 0), np.float32) if training.co is None else unit_size(training.co),
        graph=message_graph(training.n, training.edges),
        fold=rng.permutation(training.edges.shape[1]) % config.folds,
        seed=seed,
    )
    near = near_pairs(training) if config.hard_share else np.zeros((2, 0), np.int64)
    sampler = negative_sampler(training.n, training.edges, near, hard_share=config.hard_share)
    anchor = anchors_of(training, config)
    examination = _examination(material)
    inputs = examination.view.x
    wide = 4 * len(FEATURE_NAMES) if config.structure else 0  # bytes of one pair's features
    pooled = wide * (1 + POOL * config.negatives) * training.edges.shape[1]
    fits = config.folds * inputs.nbytes + pooled <= KEPT_BYTES
    course = Course(
        n=training.n,
        lessons=config.folds,
        lesson=kept(lambda place: _lesson(material, sampler, anchor, place), fits),
        examination=examination,
        known=sampler.known,
        text_dims=material.text.shape[1],
        co_dims=inputs.shape[1] - material.text.shape[1],
        pair_dims=len(FEATURE_NAMES) if config.structure else 0,
    )
    return course, material


def _lesson(material: Material, sampler: NegativeSampler, anchor: Mask, place: int) -> Lesson:
    """Return the lesson that hides fold `place` and asks for it; `anchor` (m,) marks the anchors among all edges."""
    config, hidden = material.config, material.fold == place
    positive = material.training.edges[:, hidden]
    draw = drawn_afresh(sampler)
    if config.structure:
        count = POOL * config.negatives * positive.shape[1]
        pool = sampler.draw(count, np.random.default_rng([material.seed, 1, place]))
        draw = draw_from(pool, material.features(pool, hidden))
    return Lesson(
        view=material.view(hidden),
        positive=positive,
        weight=np.ones(positive.shape[1], np.float32),
        anchor=anchor[hidden],
        draw_negatives=draw,
        features=material.features(positive, hidden),
    )


def _examination(material: Material) -> Examination:
    """Return the validation pairs, read through all training edges."""
    training = material.training
    pairs = np.concatenate([training.valid_positive, training.valid_negative], axis=1)
    labels = np.repeat([1.0, 0.0], [training.valid_positive.shape[1], training.valid_negative.shape[1]])
    return Examination(material.view(), pairs, labels, material.features(pairs))


def anchors_of(training: Training, config: AlpcConfig) -> Mask:
    """Mark the training edges (m,) whose ends are semantically close: the `anchor_share` of highest feature cosine.

    These are the pairs <e, e+> of the contrast (eq. 4): correlated, and similar above a threshold. Without features
    every edge is one.
    """
    if training.features is None:
        return np.ones(training.edges.shape[1], np.bool_)
    unit = unit_rows(training.features)
    cosine = pair_products(unit, training.edges[0], training.edges[1], block=16_384)
    return np.asarray(cosine >= np.quantile(cosine, 1.0 - config.anchor_share))


def drawn_afresh(sampler: NegativeSampler) -> DrawNegatives:
    """Return a way to draw new negatives each time, without features."""
    return lambda count, rng: (sampler.draw(count, rng), None)


def draw_from(pool: Pairs, features: Floats | None) -> DrawNegatives:
    """Return a way to draw from a fixed pool of pairs (2, q) with their features (q, k), each at most once a draw."""

    def draw(count: int, rng: np.random.Generator) -> tuple[Pairs, Floats | None]:
        chosen = rng.permutation(pool.shape[1])[:count]
        return pool[:, chosen], None if features is None else features[chosen]

    return draw


def kept(lesson: Callable[[int], Lesson], keep: bool) -> Callable[[int], Lesson]:
    """Return the same function, remembering its answers where they fit in memory."""
    if not keep:
        return lesson
    known: dict[int, Lesson] = {}

    def remembered(place: int) -> Lesson:
        if place not in known:
            known[place] = lesson(place)
        return known[place]

    return remembered
