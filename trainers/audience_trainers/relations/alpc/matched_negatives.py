"""Negatives of a mined week: as often met as the positives are, so that popularity alone tells nothing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from audience_trainers.relations.alpc.config import AlpcConfig
from audience_trainers.relations.alpc.evidence import Evidence
from audience_trainers.relations.alpc.negatives import negative_sampler
from audience_trainers.relations.linkpred.task import Floats, Pairs

CELLS = 8


def matched_negatives(
    read: Evidence, candidates: Pairs, positive: Pairs, hard: Pairs, config: AlpcConfig, rng: np.random.Generator
) -> Pairs:
    """Return `config.negatives` pairs a positive (2, q), as often met as the positives are, so that nothing is learned
    from popularity alone: `hard_share` of them candidates that are not borne out, the rest strangers drawn by how often
    they are met. No stranger is a candidate: those of the examination would else be learned as false.
    """
    count = config.negatives * positive.shape[1]
    sampler = negative_sampler(read.graph.shape[0], positive, hard, hard_share=config.hard_share)
    met = np.asarray(read.together.window.sum(axis=1)).ravel() + 1.0
    strangers = negative_sampler(sampler.n, candidates, hard, hard_share=0.0).weighted(4 * count, met, rng)
    like = read.exposure(positive)
    wanted = round(count * config.hard_share) if sampler.hard.shape[1] else 0
    parts = [
        pool[:, matched(read.exposure(pool), like, size, rng)]
        for pool, size in ((sampler.hard, wanted), (strangers, count - wanted))
        if size and pool.shape[1]
    ]
    return np.concatenate([np.zeros((2, 0), np.int64), *parts], axis=1)


def matched(pool: Floats, like: Floats, count: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return `count` places in a pool (q, e), drawn so that its first two columns are spread as those of `like` (p, e).

    Both are cut into CELLS x CELLS cells at the quantiles of `like`; each cell gives its share, with replacement where
    it holds less. Cells that the pool lacks are left to the others.
    """
    cuts = [np.quantile(like[:, k], np.linspace(0, 1, CELLS + 1)[1:-1]) for k in (0, 1)]
    cell_pool, cell_like = (
        np.searchsorted(cuts[0], x[:, 0]) * CELLS + np.searchsorted(cuts[1], x[:, 1]) for x in (pool, like)
    )
    share = np.bincount(cell_like, minlength=CELLS * CELLS).astype(np.float64)
    there = np.bincount(cell_pool, minlength=CELLS * CELLS)
    share[there == 0] = 0.0
    if share.sum() == 0:
        return rng.integers(len(pool), size=count)
    weight = share[cell_pool] / there[cell_pool]
    return rng.choice(len(pool), size=count, p=weight / weight.sum())
