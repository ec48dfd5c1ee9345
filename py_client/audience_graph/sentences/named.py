"""What a sentence names, as weights of entities: what its vector takes from the entities' own vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from audience_graph.sentences.demand import Demand

Floats = npt.NDArray[np.float32]
_SOFT = 0.05  # of the softmax over entities that one phrase is near to
_NO_TRUST = 0.5  # cosine at which a meaning counts for nothing; at 1 it counts as a name


@dataclass(frozen=True, slots=True)
class Named:
    """Entities by id with their weights, and how much to trust them: 1 where all is named, less by meaning."""

    weights: Mapping[str, float]
    trust: float = 1.0


def named_in(demand: Demand) -> Named:
    """Return what a demand names. Each phrase weighs the same; of several entities near to one, the nearest most.

    Trust is that of the mean phrase, times the share of the meaningful words that were understood.
    """
    weights: dict[str, float] = {}
    trusts: list[float] = []
    for _, found in groupby(demand.found, key=lambda one: (one.said, one.how)):
        group = [one for one in found if one.value.id is not None]
        if not group:
            continue
        best = max(one.score for one in group)
        soft = np.exp([(one.score - best) / _SOFT for one in group])
        for one, share in zip(group, (soft / soft.sum()).tolist(), strict=True):
            weights[str(one.value.id)] = weights.get(str(one.value.id), 0.0) + share
        trusts.append(1.0 if group[0].how == "name" else float(np.clip((best - _NO_TRUST) / (1 - _NO_TRUST), 0, 1)))
    return Named(weights, float(np.mean(trusts)) * demand.coverage if trusts else 0.0)


def entity_part(named: Sequence[Named], vectors: Mapping[str, Floats], dims: int) -> Floats:
    """Return (n, dims): for each text the direction of its entities' weighted mean, as long as the trust in them.

    `vectors` are unit vectors (dims,) by entity id; an entity without one says nothing.
    """
    part = np.zeros((len(named), dims), np.float32)
    for row, one in zip(part, named, strict=True):
        for entity, weight in one.weights.items():
            if entity in vectors:
                row += np.float32(weight) * vectors[entity]
        size = float(np.linalg.norm(row))
        row *= 0.0 if size == 0.0 else one.trust / size
    return part
