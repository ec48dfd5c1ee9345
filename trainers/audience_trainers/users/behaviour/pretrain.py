"""Pre-train the behaviour encoder: L_UB = L_CL + lambda KL (FIND eq. 7), best epoch on held-out users."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from audience_graph.errors import ConfigError
from audience_trainers.users.behaviour.batches import Indices, Reading, by_length
from audience_trainers.users.behaviour.config import BehaviourConfig
from audience_trainers.users.behaviour.encoder import DAY, BehaviourEncoder, BehaviourStates, Events
from audience_trainers.users.behaviour.losses import cpc_loss, cyclic_kl
from audience_trainers.users.training import Lessons, TrainOptions, train

LEAST_EVENTS = 2  # a history of one event predicts nothing


@dataclass(frozen=True, slots=True, eq=False)
class Pretrained:
    """The encoder at its best epoch, its loss on held-out users, and the curves (epoch, name, value)."""

    encoder: BehaviourEncoder
    valid_loss: float
    curves: list[tuple[int, str, float]]


def pretrain_behaviour(
    reading: Reading, user: Indices, sources: int, config: BehaviourConfig, options: TrainOptions
) -> Pretrained:
    """Train on histories, `user` (p,) whose each is, and return the encoder of the best epoch.

    A share of the users is held out whole. `mean` has nothing to learn by looking ahead but its projections. Raises
    ConfigError when fewer than two users have two events, and as `train` does.
    """
    training, held = _parts(reading.block.length, user, config, options.seed)
    torch.manual_seed(options.seed)
    encoder = BehaviourEncoder(reading.vectors.shape[1], sources, config).to(options.device)

    def loss(rows: Indices, epoch: int) -> Tensor:  # noqa: ARG001
        events, _ = reading.events(rows, options.device)
        return behaviour_loss(encoder(events), events, config)

    lessons = Lessons(
        name="behaviour",
        batches=lambda rng: _batches(reading, training, config, rng),
        loss=loss,
        held=list(_batches(reading, held, config, np.random.default_rng(options.seed))),
    )
    outcome = train(encoder, lessons, config, options)
    return Pretrained(encoder, outcome.valid_loss, outcome.curves)


def behaviour_loss(states: BehaviourStates, events: Events, config: BehaviourConfig) -> Tensor:
    """Return L_UB of a batch. Other users' events are drawn with torch's generator: seed it to repeat a loss."""
    others = None
    if config.others:
        known = states.z[states.there]
        others = known[torch.randint(len(known), (config.others,), device=known.device)]
    loss = cpc_loss(
        states.c, states.z, states.there, steps=config.steps, temperature=config.temperature, others=others,
        printed=config.printed,
    )  # fmt: skip
    if config.cyclic and config.kind != "mean":
        cycle = config.cycle_days * DAY
        loss = loss + config.cyclic * cyclic_kl(states.c, events.time, states.there, cycle=cycle)
    return loss


def _parts(length: Indices, user: Indices, config: BehaviourConfig, seed: int) -> tuple[Indices, Indices]:
    usable = np.flatnonzero(length >= LEAST_EVENTS)
    users = np.unique(user[usable])
    if len(users) < 2:
        raise ConfigError(
            f"{len(users)} users have {LEAST_EVENTS} events or more; at least 2 are needed to train and to hold out"
        )
    count = min(len(users) - 1, max(1, round(config.held_out * len(users))))
    held = np.isin(user[usable], np.random.default_rng([seed, 1]).choice(users, count, replace=False))
    return usable[~held], usable[held]


def _batches(reading: Reading, rows: Indices, config: BehaviourConfig, rng: np.random.Generator) -> Iterator[Indices]:
    for batch in by_length(reading.block.length[rows], config.batch, rng):
        yield rows[batch]
