"""From behaviour and texts to relations and entity vectors, in memory: no store, no file, no clock."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from audience_graph.errors import RunError
from audience_trainers.relations.behaviour import Behaviour, Entities
from audience_trainers.relations.candidates import Candidates, Pair
from audience_trainers.relations.config import MineConfig
from audience_trainers.relations.judge import Decided, Learning, Verdict, judge_by_alpc, judge_by_walk
from audience_trainers.relations.metrics import describe_run
from audience_trainers.relations.propose import STEPS, Known, Proposal, propose
from audience_trainers.relations.select import Relations, select_relations
from audience_trainers.relations.topn import Floats
from audience_trainers.relations.vectors import preference_vectors
from audience_trainers.run import Progress, seed_everything, silent
from audience_trainers.text_cache import Encode


@dataclass(frozen=True, slots=True)
class Overlay:
    """What people decided, as pairs of entity indices: confirmed relations are kept, rejected ones removed."""

    confirmed: frozenset[Pair] = frozenset()
    rejected: frozenset[Pair] = frozenset()


@dataclass(frozen=True, slots=True)
class Mined:
    """Everything that a mining run writes, in index order of the entities."""

    verdict: Verdict
    relations: Relations
    entity_vectors: Floats  # (n, dims) h_e
    proposal: Proposal
    metrics: dict[str, Any]


def mine_behaviour(
    entities: Entities,
    behaviour: Behaviour,
    config: MineConfig,
    *,
    seed: int,
    encode: Encode,
    overlay: Overlay | None = None,
    known: Known | None = None,
    learning: Learning | None = None,
    progress: Progress = silent,
) -> Mined:
    """Mine relations and entity vectors. Same input and seed on the same machine: same result.

    Raises RunError when there is nothing to relate, or when no relation passes its threshold.
    """
    if len(entities) < 2 or len(behaviour.entity) == 0:
        raise RunError(
            f"nothing to mine: {len(entities)} entities, {len(behaviour.entity)} mentions of them",
            hint="load entities and events, or choose another day with --as-of",
        )
    decided = Overlay() if overlay is None else overlay
    seed_everything(seed)
    given = replace(Known() if known is None else known, confirmed=decided.confirmed, rejected=decided.rejected)
    proposal = propose(entities, behaviour, config, seed=seed, encode=encode, known=given, progress=progress)
    if len(proposal.candidates) == 0:
        raise _nothing_found(behaviour, proposal.candidates, config)
    if config.model == "walk":
        verdict = judge_by_walk(behaviour, proposal, config)
    else:
        people = Decided(decided.confirmed - decided.rejected, decided.rejected)
        chosen = Learning(progress=progress) if learning is None else learning
        verdict = judge_by_alpc(entities, behaviour, proposal, people, config, seed=seed, learning=chosen)
    candidates = verdict.candidates
    relations = select_relations(
        candidates, verdict.logit, verdict.thresholds, confirmed=decided.confirmed - decided.rejected
    )
    progress("scores", STEPS - 1, STEPS)
    if len(relations) == 0:
        raise _nothing_found(behaviour, candidates, config)
    vectors = verdict.entity_vectors
    if vectors is None:
        vectors = preference_vectors(verdict.graph, dims=config.dims, power=config.power, seed=seed)
    progress("entity vectors", STEPS, STEPS)
    metrics = describe_run(len(entities), candidates, relations, vectors) | verdict.metrics
    metrics["held_out_candidates"] = proposal.metrics
    return Mined(verdict, relations, vectors, proposal, metrics)


def _nothing_found(behaviour: Behaviour, candidates: Candidates, config: MineConfig) -> RunError:
    """Return the error of a run without relations: what there was, and which settings give more."""
    users = int((np.diff(behaviour.start) > 0).sum())
    if len(candidates):
        cut = "cut_score" if config.model == "walk" else "alpc_cut"
        lower = f"lower the cut (--set {cut}={getattr(config, cut) / 2:g})"
    else:
        lower = f"propose more candidates (--set min_co={config.min_co / 2:g} --set min_se={config.min_se / 2:g})"
    return RunError(
        f"no relation passed its threshold: {len(candidates):,} candidates from {len(behaviour.entity):,} mentions of "
        f"entities by {users:,} users in {config.days} days",
        hint=f"load more events, read more days (--set days={2 * config.days}), or {lower}",
    )
