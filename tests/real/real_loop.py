"""Load, mine, stage and publish files of the input contract on real servers, then ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from shared_data import Files

from audience_graph.client import AudienceGraph
from audience_graph.config import Connections, Home
from audience_graph.ingest import load
from audience_graph.release import Release
from audience_trainers.push import publish_release, stage_run
from audience_trainers.relations.config import MineConfig
from audience_trainers.relations.mine import MineOptions, mine_week
from audience_trainers.run import RunFolder


@dataclass(frozen=True, slots=True)
class Published:
    """A mined run and the release that it became."""

    run: RunFolder
    release: Release


def load_files(home: Home, connections: Connections, files: Files) -> None:
    """Load entities, users and events."""
    for what in ("entities", "users", "events"):
        load(what, files.folder / f"{what}.parquet", home=home, connections=connections)


def mine_and_publish(home: Home, connections: Connections, as_of: date, config: MineConfig) -> Published:
    """Mine the window that ends with a day and make it the current release."""
    run = mine_week(home, connections, MineOptions(as_of=as_of, config=config))
    return Published(run, publish_release(connections, stage_run(home, connections, run)))


def score_users(ag: AudienceGraph, phrases: Sequence[str], users: Sequence[str]) -> np.ndarray:
    """Return the score of each user for phrases, -inf for one without a vector."""
    best = ag.target(list(phrases), size=1_000_000)
    found = dict(zip(best.user_ids, best.scores.tolist(), strict=True))
    return np.array([found.get(user, -np.inf) for user in users])
