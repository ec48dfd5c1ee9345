"""Learn to answer: the next token of answers, by the loop that trains every part of the user model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from audience_graph.errors import ConfigError
from audience_trainers.users.rewriter.causal import CausalModel
from audience_trainers.users.rewriter.config import StageConfig
from audience_trainers.users.rewriter.talk import Conversation, encode_talk, end_of, padded
from audience_trainers.users.training import Indices, Lessons, Trained, TrainOptions, equal_parts, train


def tune(
    causal: CausalModel,
    name: str,
    talks: Sequence[Conversation],
    held: Sequence[Conversation],
    *,
    limit: int,
    config: StageConfig,
    options: TrainOptions,
) -> Trained:  # type: ignore[type-arg]
    """Train the model in place on conversations and leave its best epoch on `held`; what is frozen stays.

    The loss is the mean cross-entropy of the tokens of answers. Raises ConfigError without conversations, and as
    `train` does.
    """
    if len(talks) == 0 or len(held) == 0:
        raise ConfigError(f"{name}: {len(talks)} conversations to learn from and {len(held)} to judge by; 1 is needed")
    rows = [encode_talk(causal.tokenizer, talk, limit) for talk in (*talks, *held)]
    pad = end_of(causal.tokenizer)

    def loss(batch: Indices, epoch: int) -> Tensor:  # noqa: ARG001
        told = {key: part.to(options.device) for key, part in padded([rows[i] for i in batch], pad).items()}
        found: Tensor = causal.model(**told, use_cache=False).loss
        return found

    lessons = Lessons(
        name=name,
        batches=lambda rng: equal_parts(np.arange(len(talks)), config.batch, rng),
        loss=loss,
        held=equal_parts(np.arange(len(talks), len(rows)), config.batch, np.random.default_rng(options.seed)),
    )
    return train(causal.model.to(options.device), lessons, config, options)
