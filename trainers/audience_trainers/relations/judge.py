"""Scores and thresholds of the candidates: by the plain walk, or by ALPC and the weekly ensemble."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from audience_trainers.relations.behaviour import Behaviour, Entities, codes_of
from audience_trainers.relations.candidates import Candidates, Pair
from audience_trainers.relations.config import MineConfig
from audience_trainers.relations.propose import Proposal
from audience_trainers.relations.score import score_candidates, semantic_edges
from audience_trainers.relations.select import Cut, source_thresholds
from audience_trainers.relations.together import Closeness
from audience_trainers.relations.topn import Floats
from audience_trainers.run import Progress, silent

if TYPE_CHECKING:
    from audience_trainers.relations.alpc.rank import Ranked
    from audience_trainers.relations.ensemble.infer import Ensemble
    from audience_trainers.relations.ensemble.pairs import TrainingPairs
    from audience_trainers.relations.ensemble.scores import WeekScores

Values = npt.NDArray[np.float64]
# Stage III: (z of this week (n, d), its training pairs, stage II's scores) -> the ensemble with the weeks before, or
# None without any.
WithPast = Callable[[Floats, "TrainingPairs", "WeekScores"], "Ensemble | None"]


@dataclass(frozen=True, slots=True)
class Learning:
    """Where a learned model works: device, folder of its checkpoint (None: none), and how it meets the past weeks."""

    device: str = "cpu"
    folder: Path | None = None
    with_past: WithPast | None = None
    progress: Progress = silent


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """Logits s_uv (p,) of the candidates (explored pairs among them), eps_u (n,), and the evidence graph (n, n).

    A learned model adds z (n, d), its training pairs, its curves (epoch, name, value), what stage II alone says, and
    h_e (n, D) when the ensemble has spoken.
    """

    candidates: Candidates
    logit: Values
    thresholds: Values
    graph: sp.csr_matrix
    metrics: dict[str, Any]
    z: Floats | None = None
    pairs: TrainingPairs | None = None
    curves: list[tuple[int, str, float]] = field(default_factory=list)
    stage_two: WeekScores | None = None
    entity_vectors: Floats | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """Pairs that people decided."""

    confirmed: frozenset[Pair]
    rejected: frozenset[Pair]


def judge_by_walk(behaviour: Behaviour, proposal: Proposal, config: MineConfig) -> Verdict:
    """Score by the three-step walk, cut by source: the floor that learned models must beat."""
    candidates = proposal.candidates
    scored = score_candidates(behaviour, candidates, config)
    cut = Cut(config.cut_score, config.source_weight, config.cut_floor)
    eps = source_thresholds(candidates.source, scored.logit, behaviour.entities, cut)
    metrics = {
        "held_out_auc": None if np.isnan(scored.held_out_auc) else scored.held_out_auc,
        "curve": {"slope": scored.curve.slope, "intercept": scored.curve.intercept},
    }
    return Verdict(candidates, scored.logit, eps, scored.graph, metrics)


def judge_by_alpc(
    entities: Entities,
    behaviour: Behaviour,
    proposal: Proposal,
    decided: Decided,
    config: MineConfig,
    *,
    seed: int,
    learning: Learning,
) -> Verdict:
    """Train ALPC on this week (stage II), let the ensemble of the last weeks decide where there is one (stage III)."""
    from audience_trainers.relations.alpc.rank import RankOptions, rank_candidates
    from audience_trainers.relations.alpc.user_folds import Heard, SkipGram

    candidates = proposal.candidates
    heard = Heard(
        behaviour=behaviour,
        candidates=candidates,
        co=proposal.co_vectors,
        text=proposal.se_vectors,
        semantic=semantic_edges(candidates, len(entities), config),
        confirmed=_columns(decided.confirmed),
        rejected=_columns(decided.rejected),
        codes=codes_of(entities.ids),
    )
    closeness = Closeness(config.pair_window, config.shift, config.prior, config.session_weight, config.event_weight)
    skip = SkipGram(config.dims_co, config.window, config.epochs)
    shift = math.log(config.alpc_cut / (1.0 - config.alpc_cut))
    options = RankOptions(seed, learning.device, learning.folder, learning.progress, cut=shift)
    ranked = rank_candidates(heard, config.alpc, closeness, skip, options)
    scores = ranked.scores(behaviour)
    ensemble = None if learning.with_past is None else learning.with_past(ranked.z, ranked.pairs, scores)
    logit, eps, vectors = ranked.logit, ranked.thresholds + shift, None
    if ensemble is not None:
        logit, eps = ensemble.decide(ranked.candidates.source, ranked.candidates.target, shift)
        vectors = ensemble.entity_vectors()
    return Verdict(
        candidates=ranked.candidates,
        logit=logit,
        thresholds=eps,
        graph=ranked.graph,
        metrics=_measures(ranked, ensemble),
        z=ranked.z,
        pairs=ranked.pairs,
        curves=ranked.curves,
        stage_two=scores,
        entity_vectors=vectors,
    )


def _measures(ranked: Ranked, ensemble: Ensemble | None) -> dict[str, Any]:
    """Return the measures of both stages; `validation_auc` is that of the one that decides, `validation_of` names it.

    Both are measured on candidates that stage II held out, over labels of users whom it did not read.
    """
    found = {"held_out_auc": None, "validation_auc": ranked.valid_auc, "validation_of": "alpc", "alpc": ranked.metrics}
    if ensemble is None:
        return found
    return found | {
        "validation_auc": ensemble.metrics["validation_auc"],
        "validation_of": "ensemble",
        "ensemble": ensemble.metrics,
    }


def _columns(pairs: frozenset[Pair]) -> npt.NDArray[np.int64]:
    """Return pairs as columns (2, p), sorted."""
    return np.array(sorted(pairs), np.int64).reshape(-1, 2).T
