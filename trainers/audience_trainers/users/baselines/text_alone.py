"""The text encoder alone: the mean vector of a user's past texts (MiniLM), with a linear probe.

FIND Table 4 has QWEN2-7B over searches in this place. Here all texts of the past are read (the profile in words where
there are no events), and the encoder is the one that every other row has.
"""

from __future__ import annotations

import numpy as np

from audience_trainers.users.baselines.linear_probe import probe, unit
from audience_trainers.users.baselines.user_text import user_texts
from audience_trainers.users.scoring import Options, Scorer
from audience_trainers.users.tasks.history import History
from audience_trainers.users.texts import encode_with


def prepare_text_alone(history: History, options: Options) -> Scorer:
    """Return a linear probe of the mean text vector at length 1; of whom nothing is said, it is 0."""
    encode = options.encode if options.encode is not None else encode_with(options.cache)
    said, texts = user_texts(history)
    return probe(unit(np.asarray(said.astype(np.float32) @ encode(texts), np.float32)))
