"""The true relations of the demo world: two entities are related when the same want leads to both."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from audience_graph.demo.entities import Entities
from audience_graph.demo.services import Services
from audience_graph.demo.sizes import HISTORY_DAYS

BoolArray = npt.NDArray[np.bool_]


def true_relations(entities: Entities, services: Services, day: int = HISTORY_DAYS) -> pd.DataFrame:
    """Return the directed true relations in force at the start of `day` (the as-of day by default).

    Columns source_id, target_id, grade: 1.0 when both serve one service, 0.5 when their services are neighbours.
    Symmetric: both directions are rows. Hubs are related to nothing.
    """
    members = entities.members
    active = (members.since < day) & (members.until >= day)
    serves: BoolArray = np.zeros((len(entities), len(services)), dtype=bool)
    serves[members.entity[active], members.service[active]] = True
    by_service = [np.flatnonzero(serves[:, s]) for s in range(len(services))]
    parts = []
    for e in range(len(entities)):
        own = np.flatnonzero(serves[e])
        if not len(own):
            continue
        near = np.unique(np.concatenate([services.near[s] for s in own]))
        same = np.unique(np.concatenate([by_service[s] for s in own]))
        around = np.setdiff1d(np.unique(np.concatenate([by_service[s] for s in near])), same)
        targets = np.concatenate([same[same != e], around])
        grade = np.concatenate([np.ones(len(same) - 1), np.full(len(around), 0.5)])
        parts.append((np.full(len(targets), e), targets, grade))
    ids = np.array(entities.ids)
    source = np.concatenate([p[0] for p in parts])
    target = np.concatenate([p[1] for p in parts])
    frame = pd.DataFrame(
        {"source_id": ids[source], "target_id": ids[target], "grade": np.concatenate([p[2] for p in parts])}
    )
    return frame.sort_values(["source_id", "target_id"], ignore_index=True)
