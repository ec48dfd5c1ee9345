"""Lift of fused ranks on a grid of weights, over many sentences, and the weight that is chosen by it.

The lift at 5 % of one sentence is coarse: of a few positives some are above the cut. The mean over all sentences, each
counting the same, is not. Intervals: entities drawn with replacement (each window may have a sentence about one), all
weights on the same draws; they do not hold the chance of which users were held out. Chosen is the best weight, or the
default where the best cannot be told apart from it (the 95 % interval of the difference holds 0).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audience_graph.audience.fusion import GRAPH_WEIGHT, fuse
from audience_trainers.users.bootstrap import draws
from audience_trainers.users.graph_weight.pasts import Flags, Indices
from audience_trainers.users.measures import auc, lift

Values = npt.NDArray[np.float64]
GRID = tuple(round(0.1 * i, 1) for i in range(11))
REPLICATES = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One sentence: `lift` (g,) at each weight of GRID, the AUC of each side alone, how many positives it has."""

    entity: int
    positives: int
    lift: Values
    graph_auc: float
    sentence_auc: float


@dataclass(frozen=True, slots=True)
class Point:
    """The lift at one weight with its 95 % interval."""

    weight: float
    lift: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen weight, and the grid that it was chosen from."""

    weight: float
    grid: tuple[Point, ...]


def judge(
    graph: tuple[Indices, Values], sentence: tuple[Indices, Values], positive: Flags, eligible: Flags
) -> tuple[Values, float, float]:
    """Return the lift (g,) at each weight, and the AUC of each side alone; users without a vector come last."""
    y = positive.astype(np.int8)
    lifts, alone = [], []
    for weight in GRID:
        fused = fuse(graph, sentence, weight=weight)
        score = np.full(len(y), -1.0)
        score[fused.keys] = fused.scores
        lifts.append(lift(score[eligible], y[eligible]))
        if weight in (0.0, 1.0):
            alone.append(auc(score[eligible], y[eligible]))
    return np.array(lifts), alone[1], alone[0]


def choose(judged: Sequence[Judged], *, default: float = GRAPH_WEIGHT, seed: int = 7) -> Choice:
    """Return the weight by the module's rule; `default` is one of GRID."""
    found = np.stack([one.lift for one in judged])  # (s, g)
    entities, of = np.unique([one.entity for one in judged], return_inverse=True)
    drawn = np.concatenate(list(draws(len(entities), REPLICATES, seed=seed)))[:, of]  # (b, s)
    replicates = (drawn @ found) / drawn.sum(axis=1, keepdims=True)  # (b, g)
    lifts = found.mean(axis=0)
    low, high = np.percentile(replicates, [2.5, 97.5], axis=0)
    best = int(np.argmax(lifts))
    gain = replicates[:, best] - replicates[:, GRID.index(default)]
    chosen = default if np.percentile(gain, 2.5) <= 0 else GRID[best]
    points = [Point(w, *(round(float(v), 4) for v in row)) for w, *row in zip(GRID, lifts, low, high, strict=True)]
    return Choice(chosen, tuple(points))
