"""Mean text embedding: the cosine between a sentence and the mean vector of a user's past texts (MiniLM)."""

from __future__ import annotations

import numpy as np

from audience_trainers.users.baselines.user_text import user_texts
from audience_trainers.users.measures import Values
from audience_trainers.users.scoring import Asked, Options, Scorer
from audience_trainers.users.tasks.history import History
from audience_trainers.users.texts import encode_with


def prepare_text_mean(history: History, options: Options) -> Scorer:
    """Return a scorer. Each distinct text is encoded once; vectors are kept in `options.cache` when that is named.

    A user's vector is the mean of unit vectors, one per event (per cell of the profile where there are no events);
    of whom nothing is said, the cosine is 0.
    """
    encode = options.encode if options.encode is not None else encode_with(options.cache)
    said, texts = user_texts(history)
    mean = np.asarray(said.astype(np.float32) @ encode(texts), np.float64)
    length = np.linalg.norm(mean, axis=1, keepdims=True)
    users = np.divide(mean, length, out=np.zeros_like(mean), where=length > 0)

    def score(asked: Asked) -> Values:
        return np.asarray(users @ encode([asked.sentence])[0].astype(np.float64))

    return score
