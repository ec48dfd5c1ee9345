"""Stage III of one mining run: the weeks before it from disk, this week's vectors and pairs, one fitted ensemble."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from audience_trainers.relations.ensemble.config import EnsembleConfig
from audience_trainers.relations.ensemble.infer import Ensemble
from audience_trainers.relations.ensemble.pairs import TrainingPairs, pool_pairs, thinned
from audience_trainers.relations.ensemble.scores import Ints, WeekScores, gather_scores, read_scores
from audience_trainers.relations.ensemble.train import fit_ensemble
from audience_trainers.relations.ensemble.weeks import (
    Note,
    WeekVectors,
    align,
    count_pairs_of,
    read_pairs,
    read_weeks,
    slots_of,
)
from audience_trainers.run import Progress, silent


def ensemble_of_week(
    runs: Path,
    now: WeekVectors,
    pairs: TrainingPairs,
    config: EnsembleConfig | None = None,
    *,
    scores: WeekScores | None = None,
    seed: int = 7,
    device: str = "cpu",
    progress: Progress = silent,
    note: Note = lambda _: None,
) -> Ensemble:
    """Fit on this week and the `config.weeks - 1` weeks before it that finished runs under `runs` keep.

    Vectors, pairs and scores of old weeks are read, never made again; with no old week it is the same network over this
    week alone. `scores` is what stage II says this week. `note` hears which runs are passed over. Raises RunError for
    an old week whose pairs or scores are damaged.
    """
    chosen = EnsembleConfig() if config is None else config
    weeks = [*read_weeks(runs, now.week, chosen.weeks - 1, note=note), now]
    aligned = align(weeks, now.ids)
    longest = max(len(pairs), *(count_pairs_of(week) for week in weeks))
    told: list[TrainingPairs | None] = [None] * aligned.h.shape[1]
    said: list[tuple[WeekScores | None, Ints]] = [(None, np.zeros(0, np.int64))] * len(told)
    for slot, week in zip(slots_of(weeks), weeks, strict=True):
        found = pairs if week is now else read_pairs(week, now.ids)
        said[slot] = (scores, np.arange(len(now.ids))) if week is now else read_scores(week, now.ids)
        told[slot] = None if found is None else thinned(found, len(now.ids), chosen.pairs_per_week / max(longest, 1))
    pooled = pool_pairs(told, aligned.mask, silence=chosen.silence)
    gathered = gather_scores(said, len(now.ids))
    return fit_ensemble(aligned, pooled, chosen, scores=gathered, seed=seed, device=device, progress=progress)
