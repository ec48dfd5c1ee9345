"""Gradient boosting on counts and columns: what a data scientist would try first. Labels: the whole fitting part.

Features of a user: events in all, in the last 7 and 30 days, days since the last one, amount; events per channel,
category and commonest items; events that the task's query counts; profile columns as they are. Settings are fixed, the
same for every task: nothing is tuned.
"""

from __future__ import annotations

import numpy as np

from audience_trainers.users.baselines.columns import read_columns
from audience_trainers.users.measures import Values
from audience_trainers.users.scoring import Asked, Options, Scorer
from audience_trainers.users.tasks.history import Coded, History
from audience_trainers.users.tasks.task import DAY

MOST_WORDS = 100  # columns of one kind


def prepare_boosting(history: History, options: Options) -> Scorer:  # noqa: ARG001
    """Return a scorer: the log-odds of a boosted classifier fitted on the seeds."""
    profile = read_columns(history.profile, len(history.users))
    fixed = np.column_stack([count_features(history), profile.numbers, profile.categories])

    def score(asked: Asked) -> Values:
        from sklearn.ensemble import HistGradientBoostingClassifier

        matching = np.bincount(history.user[asked.matching], minlength=len(history.users))
        features = np.column_stack([fixed, matching])
        features = features[:, ~np.isnan(features[asked.seeds]).all(0)]  # known of somebody who is learnt from
        model = HistGradientBoostingClassifier(
            max_iter=100,
            max_leaf_nodes=15,
            min_samples_leaf=5,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=asked.seed,
        )
        model.fit(features[asked.seeds], asked.y)
        return np.asarray(model.decision_function(features), np.float64)

    return score


def count_features(history: History) -> Values:
    """Return the counts (n, f) of a history."""
    n = len(history.users)
    age = (history.cut - history.time) / DAY
    last = np.full(n, np.nan)
    last[history.user] = age  # events are in order of time: the last one stays
    paid = np.bincount(history.user, np.nan_to_num(history.amount), minlength=n)
    recent = [np.bincount(history.user[age <= days], minlength=n) for days in (7, 30, np.inf)]
    kinds = [_commonest(history, coded) for coded in (history.channel, history.category, history.mention)]
    return np.column_stack([*recent, last, paid, *kinds])


def _commonest(history: History, coded: Coded) -> Values:
    counts = history.counts(coded)
    order = np.argsort(-np.asarray(counts.sum(0)).ravel(), kind="stable")[:MOST_WORDS]
    return np.asarray(counts[:, order].todense())
