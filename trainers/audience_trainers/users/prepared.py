"""The user model as the rows of the evaluation need it: trained once per cut, with everybody's vector at the cut.

It is trained on what lies before the cut alone: histories up to each t1, descriptions of windows that end before the
cut. No sentence and no label of a task is seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from audience_trainers.run import resolve_config
from audience_trainers.users.config import UsersConfig
from audience_trainers.users.fit import TrainedUsers, train_users
from audience_trainers.users.histories import Moments
from audience_trainers.users.measures import Values
from audience_trainers.users.scoring import Options, model_settings
from audience_trainers.users.source import open_folder, seconds_of
from audience_trainers.users.tasks.history import History
from audience_trainers.users.texts import encode_with, kept_beside
from audience_trainers.users.training import TrainOptions
from audience_trainers.users.user_model import Floats

Indices = npt.NDArray[np.int64]
WITHOUT_EVENTS = -1.0  # the score of a user of whom the model reads nothing: the lowest cosine


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A trained model and the k users of a history who have events, at the cut.

    `row` (k,) are their rows among the history's n users, `moments` (k,) where the model reads them, `vectors` (k, d)
    their unit vectors; `place` (n,) points back, -1 for a user without events.
    """

    trained: TrainedUsers
    config: UsersConfig
    row: Indices
    place: Indices
    moments: Moments
    vectors: Floats

    def spread(self, score: Values) -> Values:
        """Return scores (n,) of everybody from those of users with events (k,); the others come last."""
        found = np.full(len(self.place), WITHOUT_EVENTS)
        found[self.row] = score
        return found

    def cosine(self, query: Floats) -> Values:
        """Return the cosine (n,) of everybody with a unit vector (d,)."""
        return self.spread(np.asarray(self.vectors @ query, np.float64))


def prepare_users(history: History, options: Options) -> Prepared:
    """Return the model of a cut, trained when it is first asked for. Raises as `train_users` does."""
    return options.shared.once("users", lambda: _train(history, options))


def _train(history: History, options: Options) -> Prepared:
    encode = options.encode if options.encode is not None else encode_with(options.cache)
    config = settings_of(model_settings(options))
    with open_folder(options.folder) as source:
        past = replace(source, events=source.events.filter(seconds_of(source.events.time) < history.cut))
        how = TrainOptions(seed=options.training, progress=options.progress, cache=kept_beside(options.cache))
        trained = train_users(past, config, encode, how)
    known = {user: i for i, user in enumerate(trained.known.histories.user_ids)}
    at = np.array([known.get(user, -1) for user in history.users], np.int64)
    row = np.flatnonzero(at >= 0)
    place = np.full(len(at), -1, np.int64)
    place[row] = np.arange(len(row))
    moments = Moments(at[row], np.full(len(row), history.cut, np.int64))
    return Prepared(trained, config, row, place, moments, trained.embed(moments))


def settings_of(settings: tuple[str, ...]) -> UsersConfig:
    """Return the settings asked for. The test lies behind the cut already: no window before it is kept for testing."""
    config = resolve_config(UsersConfig, settings)
    return replace(config, pairs=replace(config.pairs, windows=replace(config.pairs.windows, test_cuts=0)))
