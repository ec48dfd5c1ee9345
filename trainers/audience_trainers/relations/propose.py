"""Stage I as one step: vectors of both sides, the candidate graph G^C, and how good it is (EGL III-B)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from audience_trainers.relations.behaviour import Behaviour, Entities
from audience_trainers.relations.candidates import Candidates, Pair, Retrieval, find_candidates, pair_keys
from audience_trainers.relations.config import MineConfig
from audience_trainers.relations.recall import borne_out_pairs, candidate_recall, hold_out
from audience_trainers.relations.review import Review, reviewed, sample_buckets
from audience_trainers.relations.skipgram import skip_gram
from audience_trainers.relations.text_vectors import CorpusPart, Document, semantic_vectors
from audience_trainers.relations.topn import Floats
from audience_trainers.run import Progress, silent
from audience_trainers.text_cache import Encode

PARTS = 3
STEPS = PARTS + 2  # of a whole mining run


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beside behaviour and dictionary: the corpus, a review of earlier candidates, decided pairs."""

    documents: Iterable[Document] = ()
    review: Review | None = None
    confirmed: Collection[Pair] = ()
    rejected: Collection[Pair] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """The candidate graph and the vectors it comes from, in index order of the entities."""

    candidates: Candidates
    co_vectors: Floats  # (n, dims_co) E^Co
    se_vectors: Floats  # (n, 384) E^Se: names, descriptions and corpus
    own_vectors: Floats  # (n, 384) of names and descriptions alone, which phrases are compared with
    buckets: pa.Table
    samples: pa.Table
    metrics: dict[str, Any]


def propose(
    entities: Entities,
    behaviour: Behaviour,
    config: MineConfig,
    *,
    seed: int,
    encode: Encode,
    known: Known | None = None,
    progress: Progress = silent,
) -> Proposal:
    """Learn E^Co and E^Se, retrieve and merge candidates, drop buckets that a review found wanting.

    `config.held_out` of the users are not seen by E^Co: the pairs that they bear out give the recall in the metrics.
    """
    given = Known() if known is None else known
    split = hold_out(behaviour, config.held_out, seed=seed)
    co_vectors = skip_gram(split.seen, dims=config.dims_co, window=config.window, epochs=config.epochs, seed=seed)
    progress("skip-gram", 1, STEPS)
    own = encode(entities.texts())
    corpus = CorpusPart(config.text_weight, config.texts_per_entity)
    se_vectors = semantic_vectors(own, given.documents, corpus, encode)
    progress("text vectors", 2, STEPS)
    retrieval = Retrieval(config.top_co, config.top_se, config.min_co, config.min_se, config.popularity)
    found = find_candidates(co_vectors, se_vectors, retrieval, confirmed=given.confirmed, rejected=given.rejected)
    n = len(entities)
    asked = np.isin(found.source * n + found.target, pair_keys(given.confirmed, n))
    candidates, buckets = reviewed(found, entities, given.review, keep=asked)
    true = borne_out_pairs(split.unseen, window=config.pair_window)
    metrics = candidate_recall(candidates, true, n) | {"dropped_by_review": len(found) - len(candidates)}
    progress("candidates", 3, STEPS)
    samples = sample_buckets(candidates, entities, seed=seed)
    return Proposal(candidates, co_vectors, se_vectors, own, buckets, samples, metrics)
