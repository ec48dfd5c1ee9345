"""Which scored candidates become relations: a threshold per source, margin, rank."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audience_trainers.relations.calibrate import sigmoid
from audience_trainers.relations.candidates import Candidates, Pair, pair_keys
from audience_trainers.relations.topn import Indices

Values = npt.NDArray[np.float64]
DECIMALS = 6
CONFIRMED_MARGIN = 0.01


@dataclass(frozen=True, slots=True)
class Relations:
    """Relations sorted by (source, rank); source and target are entity indices (r,)."""

    source: Indices
    target: Indices
    score: Values
    logit: Values
    margin: Values
    rank: Indices
    provenance: pa.Array

    def __len__(self) -> int:
        return len(self.source)

    def to_table(self, ids: tuple[str, ...]) -> pa.Table:
        """Return the run folder's relations.parquet."""
        names = pa.array(ids, pa.string())
        return pa.table(
            {
                "source_id": names.take(pa.array(self.source)),
                "target_id": names.take(pa.array(self.target)),
                "score": pa.array(self.score),
                "logit": pa.array(self.logit),
                "margin": pa.array(self.margin),
                "rank": pa.array(self.rank.astype(np.int32)),
                "provenance": self.provenance,
            }
        )


@dataclass(frozen=True, slots=True)
class Cut:
    """Where to cut: a common score, how far each source moves it, and the least score of any threshold."""

    score: float
    source_weight: float
    floor: float
    best: int = 10


def source_thresholds(source: Indices, logit: Values, n: int, cut: Cut) -> Values:
    """Return eps_u per entity, a logit (n,), for pairs sorted by source.

    Score distributions differ by source (EGL, challenge 1): a little known entity scores all its targets low, in
    the right order. So eps_u = logit(cut.score) + source_weight * (m_u - median of m), where m_u is the mean logit
    of u's `cut.best` best candidates; never below logit(cut.floor). Without candidates eps_u is the common cut.
    """
    common, lowest = (math.log(p / (1.0 - p)) for p in (cut.score, cut.floor))
    order = np.lexsort((-logit, source))
    ordered, value = source[order], logit[order]
    place = np.arange(len(ordered)) - np.searchsorted(ordered, ordered)
    top = place < cut.best
    count = np.bincount(ordered[top], minlength=n)
    total = np.bincount(ordered[top], weights=value[top], minlength=n)
    known = count > 0
    if not known.any():
        return np.full(n, common)
    mean = np.divide(total, count, out=np.zeros(n), where=known)
    shift = np.where(known, mean - np.median(mean[known]), 0.0)
    return np.asarray(np.maximum(common + cut.source_weight * shift, lowest))


def select_relations(
    candidates: Candidates, logit: Values, eps: Values, *, confirmed: Collection[Pair] = ()
) -> Relations:
    """Keep candidates with margin s_uv - eps_u > 0. A confirmed pair below its threshold is lifted just above it.

    Rank 1 is the source's highest score; equal scores (rounded to 6 decimals) go by target, whose ids ascend.
    """
    n = len(eps)
    must = np.isin(candidates.source * n + candidates.target, pair_keys(confirmed, n))
    lifted = np.where(must, np.maximum(logit, eps[candidates.source] + CONFIRMED_MARGIN), logit)
    margin = lifted - eps[candidates.source]
    keep = np.flatnonzero(margin > 0)
    score = np.clip(np.round(sigmoid(lifted[keep]), DECIMALS), 10.0**-DECIMALS, 1.0)
    order = np.lexsort((candidates.target[keep], -score, candidates.source[keep]))
    keep, score = keep[order], score[order]
    source = candidates.source[keep]
    return Relations(
        source=source,
        target=candidates.target[keep],
        score=score,
        logit=lifted[keep],
        margin=margin[keep],
        rank=np.arange(len(source)) - np.searchsorted(source, source) + 1,
        provenance=candidates.provenance_names().take(pa.array(keep)),
    )
