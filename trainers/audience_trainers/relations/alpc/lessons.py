"""Lessons: each shows the encoder one graph, and asks for pairs that this graph has not seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audience_trainers.relations.alpc.sampler import MessageGraph
from audience_trainers.relations.linkpred.task import Floats, Pairs, Values

# Draw negatives: (count, generator) -> pairs (2, count) and their features (count, k) or None.
DrawNegatives = Callable[[int, np.random.Generator], tuple[Pairs, Floats | None]]


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What the encoder reads: inputs [E^Se || E^Co] (n, f), and the edges that carry messages, less the hidden ones."""

    x: Floats
    graph: MessageGraph
    hidden: npt.NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """Pairs to predict from a view that does not contain them.

    `positive` (2, m) with `weight` (m,) and, with structure, `features` (m, k); `anchor` (m,) marks those whose
    semantic similarity is high. `fixed` (2, q) are negatives that every epoch must see (rejected relations).
    """

    view: View
    positive: Pairs
    weight: Floats
    anchor: npt.NDArray[np.bool_]
    draw_negatives: DrawNegatives
    features: Floats | None = None
    fixed: Pairs | None = None
    fixed_features: Floats | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Examination:
    """Validation: pairs (2, p) with labels (p,) and features (p, k) or None, read through the whole view."""

    view: View
    pairs: Pairs
    labels: Values
    features: Floats | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Everything that training reads. `lesson(k)` builds the k-th on demand, so that one is in memory at a time.

    `known` are the sorted keys of true pairs: in-batch negatives of the contrast that are relations are left out.
    """

    n: int
    lessons: int
    lesson: Callable[[int], Lesson]
    examination: Examination
    known: npt.NDArray[np.int64]
    text_dims: int
    co_dims: int
    pair_dims: int = 0
    exposure_dims: int = 0  # the last columns of the features: how often the ends are met at all
