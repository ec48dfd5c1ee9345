"""Train a next-item model: full cross-entropy at every position, the epoch with the best validation NDCG@10 kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from audience_graph.errors import ConfigError, InputError
from audience_trainers.users.behaviour.batches import Reading, by_length
from audience_trainers.users.behaviour.encoder import BehaviourEncoder
from audience_trainers.users.behaviour.pretrain import pretrain_behaviour
from audience_trainers.users.histories import EventBlock
from audience_trainers.users.next_item.config import NextItemConfig
from audience_trainers.users.next_item.full_softmax import full_softmax
from audience_trainers.users.next_item.models import Floats, NextItemModel, behaviour_config
from audience_trainers.users.next_item.ranking import Indices, gains, ranks
from audience_trainers.users.next_item.sequences import Asked, Block, Sequences, ask, lessons
from audience_trainers.users.training import Lessons, Trained, TrainOptions, train

LEAST = 2  # a history of one item asks for nothing


def fit_next_item(
    sequences: Sequences, config: NextItemConfig, options: TrainOptions, *, features: Floats | None = None
) -> Trained[NextItemModel]:
    """Train on items 1 .. n - 2 of every user and return the model of the best epoch; `valid_loss` is -NDCG@10.

    Raises InputError when nobody has two items to learn from, and as `train` does.
    """
    torch.manual_seed(options.seed)
    model = NextItemModel(sequences.items, config, features=features, sources=sequences.sources).to(options.device)
    block, valid = lessons(sequences, config.width), ask(sequences, "valid", config.width)
    usable = np.flatnonzero(block.length >= LEAST)
    if len(usable) == 0:
        raise InputError(f"no user has {LEAST + 2} events", hint="the last two of each are for validation and test")
    if config.pretrain:
        model.start_from(pretrained(block, features, sequences.sources, config, options))

    def loss(rows: Indices, epoch: int) -> Tensor:  # noqa: ARG001
        return next_item_loss(model, block, rows, options.device)

    def batches(rng: np.random.Generator) -> Iterator[Indices]:
        for batch in by_length(block.length[usable], config.batch, rng):
            yield usable[batch]

    def judge(rows: Indices) -> Tensor:
        return -torch.tensor(gains(ranks(valid, scorer(model, valid, options.device), rows))["ndcg"].mean())

    everybody = [np.arange(len(sequences))]
    taught = Lessons(f"next item, {config.kind}", batches, loss, everybody, judge=judge)
    return train(model, taught, config, options)


def pretrained(
    block: Block, features: Floats | None, sources: int, config: NextItemConfig, options: TrainOptions
) -> BehaviourEncoder:
    """Return the behaviour encoder pre-trained without labels on what is learned from, items said by their features.

    Raises ConfigError without features, and as `pretrain_behaviour` does.
    """
    if features is None:
        raise ConfigError("setting pretrain: nothing is known of items", hint="set texts=true")
    events = EventBlock(block.item, block.source, block.time, block.length)
    reading, user = Reading(events, block.time.max(axis=1), features), np.arange(len(block.length))
    within = options.within("pretrain")
    return pretrain_behaviour(reading, user, sources, behaviour_config(config), within).model


def next_item_loss(model: NextItemModel, block: Block, rows: Indices, device: str = "cpu") -> Tensor:
    """Return the mean cross-entropy, over all items, of the item after each position that has one."""
    batch = block.batch(rows, device)
    table = model.table()
    states = model(batch, table)[:, :-1]
    asked = torch.arange(1, batch.item.shape[1], device=states.device) < batch.length.unsqueeze(1)  # (b, w - 1)
    config = model.config
    return full_softmax(states[asked], table, batch.item[:, 1:][asked], smoothing=config.smoothing, bf16=config.bf16)


def scorer(model: NextItemModel, asked: Asked, device: str = "cpu") -> Callable[[Indices], Floats]:
    """Return what scores all items (b, n) for rows of what is asked, in float32, without dropout."""
    model.eval()
    with torch.inference_mode():
        table = model.table()

    def score(rows: Indices) -> Floats:
        batch = asked.block.batch(rows, device)
        with torch.inference_mode():
            states = model(batch, table)
            last = states[torch.arange(len(rows), device=states.device), batch.length - 1]
            return np.asarray((last @ table.T).float().cpu().numpy())

    return score
