"""From behaviour and texts to relations and entity vectors, in memory: no store, no file, no clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from audience_graph.errors import ConfigError, RunError
from audience_trainers.relations.behaviour import Behaviour, Entities
from audience_trainers.relations.candidates import Candidates, Pair, Retrieval, find_candidates
from audience_trainers.relations.config import MODELS, MineConfig
from audience_trainers.relations.metrics import describe_run
from audience_trainers.relations.score import score_candidates
from audience_trainers.relations.select import Cut, Relations, select_relations, source_thresholds
from audience_trainers.relations.skipgram import skip_gram
from audience_trainers.relations.topn import Floats
from audience_trainers.relations.vectors import preference_vectors
from audience_trainers.run import Progress, seed_everything, silent

Encode = Callable[[Sequence[str]], Floats]
STEPS = 5


@dataclass(frozen=True, slots=True)
class Overlay:
    """What people decided, as pairs of entity indices: confirmed relations are kept, rejected ones removed."""

    confirmed: frozenset[Pair] = frozenset()
    rejected: frozenset[Pair] = frozenset()


@dataclass(frozen=True, slots=True)
class Mined:
    """Everything that a mining run writes, in index order of the entities."""

    candidates: Candidates
    relations: Relations
    thresholds: npt.NDArray[np.float64]  # (n,) eps_u, a logit
    entity_vectors: Floats  # (n, dims) h_e
    text_vectors: Floats  # (n, 384) E^Se
    metrics: dict[str, Any]


def mine_behaviour(
    entities: Entities,
    behaviour: Behaviour,
    config: MineConfig,
    *,
    seed: int,
    encode: Encode,
    overlay: Overlay | None = None,
    progress: Progress = silent,
) -> Mined:
    """Mine relations and entity vectors. Same input and seed on the same machine: same result.

    Raises RunError when there is nothing to relate, ConfigError for an unknown model.
    """
    if config.model not in MODELS:
        raise ConfigError(f"unknown model {config.model!r}", hint=f"models: {', '.join(MODELS)}")
    if len(entities) < 2 or len(behaviour.entity) == 0:
        raise RunError(
            f"nothing to mine: {len(entities)} entities, {len(behaviour.entity)} mentions of them",
            hint="load entities and events, or choose another day with --as-of",
        )
    decided = Overlay() if overlay is None else overlay
    seed_everything(seed)
    co_vectors = skip_gram(behaviour, dims=config.dims_co, window=config.window, epochs=config.epochs, seed=seed)
    progress("skip-gram", 1, STEPS)
    text_vectors = encode(entities.texts())
    progress("text vectors", 2, STEPS)
    retrieval = Retrieval(config.top_co, config.top_se, config.min_co, config.min_se)
    candidates = find_candidates(
        co_vectors, text_vectors, retrieval, confirmed=decided.confirmed, rejected=decided.rejected
    )
    progress("candidates", 3, STEPS)
    scored = score_candidates(behaviour, candidates, config)
    cut = Cut(config.cut_score, config.source_weight, config.cut_floor)
    eps = source_thresholds(candidates.source, scored.logit, len(entities), cut)
    relations = select_relations(candidates, scored.logit, eps, confirmed=decided.confirmed - decided.rejected)
    progress("scores", 4, STEPS)
    vectors = preference_vectors(scored.graph, dims=config.dims, power=config.power, seed=seed)
    progress("entity vectors", 5, STEPS)
    metrics = describe_run(len(entities), candidates, scored, relations, vectors)
    return Mined(candidates, relations, eps, vectors, text_vectors, metrics)
