"""Unknown pairs outside G^C, retrieved in the space of z: which, and how far behaviour bears them out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from audience_trainers.relations.alpc.encode import score_pairs, thresholds
from audience_trainers.relations.alpc.lessons import Course, View
from audience_trainers.relations.alpc.model import Alpc
from audience_trainers.relations.alpc.offsets import common_offset
from audience_trainers.relations.alpc.user_folds import Half, Heard
from audience_trainers.relations.calibrate import sigmoid
from audience_trainers.relations.candidates import PROVENANCE, Candidates
from audience_trainers.relations.linkpred.task import Floats, Pairs, Values
from audience_trainers.relations.topn import pair_products, top_n, unit_rows

EXPLORED = PROVENANCE.index("explored")
RIDGE = 1.0  # weight of the belief that explored pairs are as right as candidates of their score


@dataclass(frozen=True, slots=True)
class Trial:
    """What half of the users says of pairs that the other half explored, beside held-out candidates.

    `discount` (a logit, at least 0) is taken from the score of an explored pair, so that it is as often borne out as a
    candidate of that score. The rest counts what is published then: pairs, and the share that is borne out, None
    without a pair; `expected` is the share that candidates of the explored pairs' scores have.
    """

    discount: float
    explored: int
    explored_share: float | None
    expected: float | None
    candidates: int
    candidates_share: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return the object of metrics.json; `against_candidates` estimates precision as a part of the candidates'."""
        ratio = None
        if self.explored_share is not None and self.expected:
            ratio = min(1.0, self.explored_share / self.expected)
        return {
            "discount": self.discount,
            "explored": {"pairs": self.explored, "borne_out": self.explored_share, "expected": self.expected},
            "candidates": {"pairs": self.candidates, "borne_out": self.candidates_share},
            "against_candidates": ratio,
        }


def seen_only(z: Floats, view: View) -> Floats:
    """Return z (n, d) with zero rows for entities that the view says nothing of: they are near nobody."""
    return np.where((np.diff(view.graph.start) > 0)[:, None], z, 0.0).astype(np.float32)


def explored_pairs(heard: Heard, z: Floats, count: int) -> Pairs:
    """Return the unknown pairs (2, q) of each entity nearest in z (n, d), `count` an entity, exact and in blocks.

    Candidates and rejected pairs are known: they are passed over, so that an entity whose nearest are all candidates
    explores what lies behind them.
    """
    known = np.stack([heard.candidates.source, heard.candidates.target])
    return np.stack(top_n(unit_rows(z), count, without=np.concatenate([known, heard.rejected], axis=1)))


def with_explored(heard: Heard, z: Floats, count: int) -> Candidates:
    """Return the candidates and, marked `explored`, the `count` unknown pairs of each entity nearest in z (n, d)."""
    found, fresh = heard.candidates, explored_pairs(heard, z, count)
    source, target = np.concatenate([found.source, fresh[0]]), np.concatenate([found.target, fresh[1]])
    provenance = np.concatenate([found.provenance, np.full(fresh.shape[1], EXPLORED, np.int8)])
    order = np.argsort(source * len(z) + target, kind="stable")
    source, target = source[order], target[order]
    co, text = unit_rows(heard.co), unit_rows(heard.text)
    return Candidates(
        source, target, pair_products(co, source, target), pair_products(text, source, target), provenance[order]
    )


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Pairs that the other half was asked about: `margin` (p,) that publishes them, `told` (p,) = the margin with how
    often the ends are met, which predicts the `label` (p,)."""

    margin: Values
    told: Values
    label: Values


def try_explored(model: Alpc, z: Tensor, heard: Heard, half: Half, course: Course, *, cut: float) -> Trial:
    """Explore what one half of the users shows, and ask the other half; `z` (n, d) are what the model
    encodes of that half, `cut` is the margin that makes a relation.

    The candidates beside them are those of the examination, which the model was not trained on.
    """
    eps = thresholds(model, z) if half.config.alpha else np.zeros(course.n)

    def ask(pairs: Pairs, features: Floats | None, label: Values) -> Asked:
        plain, told = (score_pairs(model, z, pairs, features, exposed=exposed) for exposed in (False, True))
        return Asked(plain - eps[pairs[0]], told - eps[pairs[0]], label)

    fresh = explored_pairs(heard, seen_only(z.float().cpu().numpy(), half.view), half.config.explore)
    paper = course.examination
    return weigh(
        ask(fresh, half.features(fresh), half.told.borne_out(*fresh).astype(np.float64)),
        ask(paper.pairs, paper.features, paper.labels),
        cut=cut,
    )


def weigh(explored: Asked, candidates: Asked, *, cut: float) -> Trial:
    """Return the discount of explored pairs, and how often what is published then is borne out.

    Both kinds are judged by those above the cut: what lies far below it decides nothing. Shares count pairs that are
    borne out, not true ones: half of the users bears out but a part of what is true, so that only their ratio tells.
    """
    near, kept = explored.margin > cut, candidates.margin > cut
    level = common_offset(candidates.told[kept], candidates.label[kept], ridge=RIDGE)
    discount = max(0.0, common_offset(explored.told[near] - level, explored.label[near], ridge=RIDGE))
    published = explored.margin - discount > cut
    return Trial(
        discount=discount,
        explored=int(published.sum()),
        explored_share=_mean(explored.label[published]),
        expected=_mean(sigmoid(explored.told[published] - level)),
        candidates=int(kept.sum()),
        candidates_share=_mean(candidates.label[kept]),
    )


def _mean(values: Values) -> float | None:
    return float(values.mean()) if len(values) else None
