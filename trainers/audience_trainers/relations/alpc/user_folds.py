"""A course from behaviour: one half of the users is read, the other half says which candidates are borne out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from audience_trainers.relations.alpc.config import AlpcConfig
from audience_trainers.relations.alpc.edge_folds import draw_from
from audience_trainers.relations.alpc.evidence import (
    EXPOSURE_NAMES,
    FEATURE_NAMES,
    Evidence,
    aligned,
    co_inputs,
    gather_evidence,
)
from audience_trainers.relations.alpc.inputs import text_inputs
from audience_trainers.relations.alpc.lessons import Course, Examination, Lesson, View
from audience_trainers.relations.alpc.matched_negatives import matched_negatives
from audience_trainers.relations.behaviour import Behaviour
from audience_trainers.relations.candidates import Candidates
from audience_trainers.relations.linkpred.task import Floats, Pairs, pair_key
from audience_trainers.relations.skipgram import skip_gram
from audience_trainers.relations.together import Closeness, Together
from audience_trainers.relations.topn import pair_products, top_n, unit_rows

VALID_SHARE = 0.1
MIX = np.uint64(0xD6E8FEB86659FD93)


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What stage I hands over: behaviour, candidates, E^Co of everyone (n, d), E^Se (n, t), text edges, decisions.

    `codes` (n,) number the entities alike in every week, so that every week holds the same pairs out; None = by index.
    """

    behaviour: Behaviour
    candidates: Candidates
    co: Floats
    text: Floats
    semantic: sp.csr_matrix
    confirmed: Pairs
    rejected: Pairs
    codes: npt.NDArray[np.uint64] | None = None

    def held_out(self, pairs: Pairs) -> npt.NDArray[np.bool_]:
        """Return which pairs (2, p) no lesson asks, this week or another: a tenth, either way round alike."""
        codes = np.arange(len(self.text), dtype=np.uint64) if self.codes is None else self.codes
        mixed = (codes * MIX)[pairs].sum(axis=0, dtype=np.uint64)
        mixed ^= mixed >> np.uint64(29)
        mixed *= MIX
        return np.asarray((mixed >> np.uint64(32)) < np.uint64(2**32 * VALID_SHARE))


@dataclass(frozen=True, slots=True, eq=False)
class Half:
    """Evidence of one half of the users as the model reads it, and `told`: what the other half says."""

    evidence: Evidence
    view: View
    told: Together
    config: AlpcConfig

    def features(self, pairs: Pairs) -> Floats | None:
        """Return the features of pairs (2, p) over this half, or None when g takes none."""
        return _features(self.evidence, pairs, self.config)


@dataclass(frozen=True, slots=True, eq=False)
class UserMaterial:
    """The evidence of all users as the model reads it, to score with after training, and the halves of the lessons."""

    evidence: Evidence
    view: View
    config: AlpcConfig
    halves: tuple[Half, Half]

    def features(self, pairs: Pairs) -> Floats | None:
        """Return the features of pairs (2, p) over all users, or None when g takes none."""
        return _features(self.evidence, pairs, self.config)


@dataclass(frozen=True, slots=True)
class SkipGram:
    """How the halves' E^Co are trained: as that of everyone."""

    dims: int
    window: int
    epochs: int


def course_from_users(
    heard: Heard, config: AlpcConfig, options: Closeness, skip: SkipGram, *, seed: int
) -> tuple[Course, UserMaterial]:
    """Return a course of two lessons, one for each half of the users, and what to score with afterwards.

    A lesson reads one half: its graph, its skip-gram vectors turned towards those of everyone, its pair features. Its
    labels come from the other half: a candidate is positive when those users bear it out, a hard negative when they
    do not. So no message, vector or feature knows the users that the label counts. A tenth of the
    candidates of the first lesson is kept for validation, the same pairs every week, but for confirmed relations: these
    are positives of both lessons, of weight `confirmed_weight`. Rejected ones are negatives of every epoch.
    """
    text = text_inputs(heard.text, len(heard.text), config.text_dims)
    seen = [_evidence(heard, heard.behaviour.half(k), options, skip, seed) for k in (0, 1)]
    first, second = (
        Half(seen[read], _view(seen[read], text, config, seed), seen[told].together, config)
        for read, told in ((0, 1), (1, 0))
    )
    pairs = np.stack([heard.candidates.source, heard.candidates.target])
    pairs = pairs[:, np.unique(pair_key(pairs, len(text)), return_index=True)[1]]
    held = heard.held_out(pairs) & ~np.isin(pair_key(pairs, len(text)), pair_key(heard.confirmed, len(text)))
    lessons = []
    for half in (first, second):
        asked = np.concatenate([pairs[:, ~held], near_strangers(half.evidence, heard, config.explore)], axis=1)
        lessons.append(_lesson(heard, half, asked, seed))
    valid = pairs[:, held]
    examination = Examination(first.view, valid, first.told.borne_out(*valid).astype(np.float64), first.features(valid))
    everyone = gather_evidence(heard.behaviour, heard.semantic, heard.co, heard.text, options)
    course = Course(
        n=len(text),
        lessons=2,
        lesson=lambda place: lessons[place],
        examination=examination,
        known=np.unique(np.concatenate([pair_key(lesson.positive, len(text)) for lesson in lessons])),
        text_dims=text.shape[1],
        co_dims=first.view.x.shape[1] - text.shape[1],
        pair_dims=len(FEATURE_NAMES) if config.structure else 0,
        exposure_dims=len(EXPOSURE_NAMES) if config.structure else 0,
    )
    return course, UserMaterial(everyone, _view(everyone, text, config, seed), config, (first, second))


def _evidence(heard: Heard, sample: Behaviour, options: Closeness, skip: SkipGram, seed: int) -> Evidence:
    vectors = skip_gram(sample, dims=skip.dims, window=skip.window, epochs=skip.epochs, seed=seed)
    return gather_evidence(sample, heard.semantic, aligned(vectors, heard.co), heard.text, options)


def _view(evidence: Evidence, text: Floats, config: AlpcConfig, seed: int) -> View:
    co = co_inputs(evidence, dims=config.walk_dims, hops=config.walk_hops, seed=seed)
    return View(np.concatenate([text, co], axis=1), evidence.messages())


def _features(evidence: Evidence, pairs: Pairs, config: AlpcConfig) -> Floats | None:
    if not config.structure:
        return None
    return np.concatenate([evidence.features(pairs), evidence.exposure(pairs)], axis=1)


def near_strangers(read: Evidence, heard: Heard, count: int) -> Pairs:
    """Return undirected pairs (2, q) outside G^C: of each entity the `count` nearest by the leading eigenvectors.

    Explored pairs look like these: near, and yet proposed by nobody. A model that learned from candidates and from
    strangers at random would take all of them for good candidates.
    """
    known = np.stack([heard.candidates.source, heard.candidates.target])
    known = np.concatenate([known, heard.rejected, known[::-1], heard.rejected[::-1]], axis=1)
    found = np.stack(top_n(read.spectral, count, without=known))
    found = found[:, ~heard.held_out(found)]
    return found[:, np.unique(pair_key(found, len(heard.text)), return_index=True)[1]]


def _lesson(heard: Heard, half: Half, pairs: Pairs, seed: int) -> Lesson:
    n, config = len(heard.text), half.config
    confirmed = np.isin(pair_key(pairs, n), pair_key(heard.confirmed, n))
    rejected = np.isin(pair_key(pairs, n), pair_key(heard.rejected, n))
    yes = (half.told.borne_out(*pairs) | confirmed) & ~rejected
    positive, hard = pairs[:, yes], pairs[:, ~yes & ~rejected]
    candidates = np.stack([heard.candidates.source, heard.candidates.target])
    pool = matched_negatives(half.evidence, candidates, positive, hard, config, np.random.default_rng([seed, 3]))
    unit = unit_rows(heard.text)
    cosine = pair_products(unit, positive[0], positive[1])
    return Lesson(
        view=half.view,
        positive=positive,
        weight=np.where(confirmed[yes], config.confirmed_weight, 1.0).astype(np.float32),
        anchor=cosine >= np.quantile(cosine, 1.0 - config.anchor_share) if len(cosine) else np.zeros(0, np.bool_),
        draw_negatives=draw_from(pool, half.features(pool)),
        features=half.features(positive),
        fixed=heard.rejected if heard.rejected.shape[1] else None,
        fixed_features=half.features(heard.rejected) if heard.rejected.shape[1] else None,
    )
