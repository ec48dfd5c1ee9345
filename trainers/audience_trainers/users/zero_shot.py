"""Zero-shot targeting as a row of the evaluation: one sentence, no labels (FIND 4.4.1).

The model is trained on what lies before the cut alone: histories up to each t1, descriptions of windows that end
before the cut. It is then asked with sentences that it has never seen.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from audience_trainers.run import resolve_config
from audience_trainers.users.fit import UsersConfig, train_users
from audience_trainers.users.histories import Moments
from audience_trainers.users.measures import Values
from audience_trainers.users.scoring import Asked, Options, Scorer, model_settings
from audience_trainers.users.source import open_folder, seconds_of
from audience_trainers.users.tasks.history import History
from audience_trainers.users.texts import encode_with
from audience_trainers.users.training import TrainOptions


def prepare_zero_shot(history: History, options: Options) -> Scorer:
    """Return a scorer: the cosine between a sentence and each user; a user without events comes last."""
    encode = options.encode if options.encode is not None else encode_with(options.cache)
    with open_folder(options.folder) as source:
        past = replace(source, events=source.events.filter(seconds_of(source.events.time) < history.cut))
        trained = train_users(past, _settings(options), encode, TrainOptions(progress=options.progress))
    place = {user: i for i, user in enumerate(trained.known.histories.user_ids)}
    there = np.array([user in place for user in history.users], np.bool_)
    at = np.array([place[user] for user in history.users[there]], np.int64)
    users = trained.embed(Moments(at, np.full(len(at), history.cut, np.int64)))

    def score(asked: Asked) -> Values:
        found = np.full(len(history.users), -1.0)
        found[there] = users @ trained.embed_sentences([asked.sentence])[0]
        return found

    return score


def _settings(options: Options) -> UsersConfig:
    """Return the settings asked for. The test lies behind the cut already: no window before it is kept for testing."""
    config = resolve_config(UsersConfig, model_settings(options))
    return replace(config, pairs=replace(config.pairs, windows=replace(config.pairs.windows, test_cuts=0)))
