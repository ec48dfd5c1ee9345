"""Few-shot targeting as rows of the evaluation: a sentence and a few labelled users, 5 + 5 in FIND (4.4.2).

Seeds are drawn from the fitting part of a task, so none of them counts in its numbers. Where the task names users who
look like positives and are none (business feedback), some of the negative seeds are such users, see `seed_users`.
"""

from __future__ import annotations

import numpy as np
import torch

from audience_trainers.users.measures import Values
from audience_trainers.users.prepared import Indices, Prepared, prepare_users
from audience_trainers.users.probe import NEUTRAL, fit_few
from audience_trainers.users.prompt.config import PromptConfig
from audience_trainers.users.prompt.crowd import Crowd, read_crowd
from audience_trainers.users.prompt.tune import TunedPrompt, tune_prompt
from audience_trainers.users.scoring import Asked, Options, Scorer
from audience_trainers.users.tasks.history import History
from audience_trainers.users.text_tower.tower import TextTower


def prepare_few_shot(history: History, options: Options) -> Scorer:
    """Return a scorer: the cosine between each user and a prompt tuned on the seeds.

    The towers stay frozen, and the prompt starts at the sentence. Everybody at the cut is the crowd: vectors without
    labels, as a stored space has them. Without a seed of either label that has events, the sentence alone is asked.
    """
    found = prepare_users(history, options)
    whole = options.shared.once("tower", found.trained.tower)
    crowd = crowd_of(found, options)

    def score(asked: Asked) -> Values:
        tuned = tuned_prompt(found, whole, crowd, asked)
        if tuned is None:
            return found.cosine(tower_of(found, whole, asked.sentence).embed([asked.sentence])[0])
        return found.cosine(tuned.vector)

    return score


def crowd_of(found: Prepared, options: Options) -> Crowd | None:
    """Return the crowd of a cut, made once; None without two users."""
    return options.shared.once("crowd", lambda: read_crowd(found.vectors)) if len(found.vectors) > 1 else None


def tuned_prompt(found: Prepared, whole: TextTower, crowd: Crowd | None, asked: Asked) -> TunedPrompt | None:
    """Return the prompt of a question tuned on its seeds; None without a seed of either label that has events."""
    positives, negatives = (place_of(found, asked, label) for label in (1, 0))
    if len(positives) == 0 or len(negatives) == 0:
        return None
    tower = tower_of(found, whole, asked.sentence)
    config = PromptConfig(seed=asked.seed)
    seeds = found.vectors[positives], found.vectors[negatives]
    return tune_prompt(tower, asked.sentence, *seeds, config, crowd=crowd)


def prepare_probe_few(history: History, options: Options) -> Scorer:
    """Return a scorer: the log-odds of a logistic regression on user vectors, fitted on the same few seeds.

    How strongly it is held back is chosen by leaving each seed out in turn.
    """
    found = prepare_users(history, options)

    def score(asked: Asked) -> Values:
        positives, negatives = (place_of(found, asked, label) for label in (1, 0))
        if len(positives) == 0 or len(negatives) == 0:
            return np.full(len(history.users), NEUTRAL)
        y = np.repeat([1, 0], [len(positives), len(negatives)])
        odds = fit_few(found.vectors, np.concatenate([positives, negatives]), y)
        out = np.full(len(history.users), float(odds.min()) - 1.0)
        out[found.row] = odds
        return out

    return score


def place_of(found: Prepared, asked: Asked, label: int) -> Indices:
    """Return the places among the users with events of the seeds of one label."""
    place = found.place[asked.seeds[asked.y == label]]
    return np.asarray(place[place >= 0], np.int64)


def tower_of(found: Prepared, tower: TextTower, sentence: str) -> TextTower:
    """Return the tower for one sentence: the same reader, and the entities that the sentence names in the bias.

    What the entities give stays as it is while words are tuned. A reader that was not trained gets the vector of the
    sentence that is kept already, so that no encoder runs twice.
    """
    texts = found.trained.texts
    if found.trained.model.tower is None:
        tower.reader.keep([sentence], torch.from_numpy(np.asarray(texts.base([sentence]), np.float32)))
    return tower.knowing(texts.sentence_entities([sentence])[0])
