"""Popularity of the past: the most active users first, of all events or of those that a task's query counts."""

from __future__ import annotations

import numpy as np

from audience_trainers.users.measures import Values
from audience_trainers.users.scoring import Asked, Options, Scorer
from audience_trainers.users.tasks.history import History


def prepare_popularity(history: History, options: Options) -> Scorer:  # noqa: ARG001
    """Return a scorer: the number of past events of a user, whatever the sentence."""
    events = np.bincount(history.user, minlength=len(history.users)).astype(np.float64)
    return lambda asked: events.copy()  # noqa: ARG005


def prepare_popularity_matching(history: History, options: Options) -> Scorer:  # noqa: ARG001
    """Return a scorer: the number of past events that the query counts, among equals the number of all.

    It reads the query, which a marketer who types a sentence does not write: what a hand-made segment would reach.
    """
    n = len(history.users)
    events = np.bincount(history.user, minlength=n)

    def score(asked: Asked) -> Values:
        matching = np.bincount(history.user[asked.matching], minlength=n)
        return np.asarray(matching + events / (1.0 + events.max(initial=0)))

    return score
