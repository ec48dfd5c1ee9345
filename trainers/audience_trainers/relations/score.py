"""The plain scorer: evidence graph, walk, calibration. The floor that learned models must beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from audience_trainers.relations.behaviour import Behaviour
from audience_trainers.relations.calibrate import Logistic, fit_logistic
from audience_trainers.relations.candidates import Candidates
from audience_trainers.relations.config import MineConfig
from audience_trainers.relations.cooccurrence import borne_out, count_pairs, information
from audience_trainers.relations.linkpred.ranking import area_under_curve
from audience_trainers.relations.walk import walk_affinity, walk_scores

Values = npt.NDArray[np.float64]
# Below any affinity that was seen: what a pair gets that the walk does not reach.
UNREACHED = 1.0


@dataclass(frozen=True, slots=True)
class Scored:
    """Logits s_uv of all candidates (p,), the evidence graph they come from, and how well the curve foretells."""

    logit: Values
    graph: sp.csr_matrix
    curve: Logistic
    held_out_auc: float


def score_candidates(behaviour: Behaviour, candidates: Candidates, config: MineConfig) -> Scored:
    """Score candidates by the three-step walk; sigmoid(logit) is the chance that unseen users bear the pair out.

    The curve is fitted on halves of the users: the walk over one half's graph against the pairs of the other half.
    """
    semantic = semantic_edges(candidates, behaviour.entities, config)
    halves = [count_pairs(behaviour.half(k), window=config.pair_window) for k in (0, 1)]
    shown, label = [], []
    for seen, unseen in ((0, 1), (1, 0)):
        shown.append(_affinity(_graph(halves[seen], semantic, config), candidates))
        label.append(borne_out(halves[unseen], candidates.source, candidates.target))
    x, y = np.concatenate(shown), np.concatenate(label).astype(np.float64)
    curve = fit_logistic(x, y)
    graph = _graph(count_pairs(behaviour, window=config.pair_window), semantic, config)
    return Scored(curve.logit(_affinity(graph, candidates)), graph, curve, area_under_curve(x, y))


def _graph(counts: sp.csr_matrix, semantic: sp.csr_matrix, config: MineConfig) -> sp.csr_matrix:
    return (information(counts, shift=config.shift, prior=config.prior) + semantic).tocsr()


def semantic_edges(candidates: Candidates, n: int, config: MineConfig) -> sp.csr_matrix:
    """Return symmetric edges (n, n) of pairs that text proposes: weight grows from 0 at `min_se`."""
    proposed = candidates.provenance > 0
    above = np.maximum(candidates.se[proposed].astype(np.float64) - config.min_se, 0.0) / (1.0 - config.min_se)
    place = (candidates.source[proposed], candidates.target[proposed])
    edges = sp.coo_matrix((config.semantic_weight * above, place), shape=(n, n)).tocsr()
    edges = edges.maximum(edges.T).tocsr()
    edges.eliminate_zeros()
    return edges


def _affinity(graph: sp.csr_matrix, candidates: Candidates) -> Values:
    score = walk_scores(graph, candidates.source, candidates.target)
    affinity = walk_affinity(graph, candidates.source, candidates.target, score)
    reached = np.isfinite(affinity)
    lowest = float(affinity[reached].min()) if reached.any() else 0.0
    return np.where(reached, affinity, lowest - UNREACHED)
