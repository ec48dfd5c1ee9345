"""Pre-train the behaviour encoder: L_UB = L_CL + lambda KL (FIND eq. 7), best epoch on held-out users."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from audience_trainers.users.behaviour.batches import Indices, Reading, by_length
from audience_trainers.users.behaviour.config import BehaviourConfig
from audience_trainers.users.behaviour.encoder import DAY, BehaviourEncoder, BehaviourStates, Events
from audience_trainers.users.behaviour.losses import cpc_loss, cyclic_kl
from audience_trainers.users.event_text.encoder import EventText
from audience_trainers.users.training import Lessons, Trained, TrainOptions, hold_out, train

LEAST_EVENTS = 2  # a history of one event predicts nothing


def pretrain_behaviour(
    reading: Reading,
    user: Indices,
    sources: int,
    config: BehaviourConfig,
    options: TrainOptions,
    *,
    text: EventText | None = None,
) -> Trained[BehaviourEncoder]:
    """Train on histories, `user` (p,) whose each is, and return the encoder of the best epoch.

    With `text` what reads the events is trained along, in place; without, their vectors are as they are. A share of the
    users is held out whole. `mean` has nothing to learn by looking ahead but its projections. Raises ConfigError when
    fewer than two users have two events, and as `train` does.
    """
    usable = np.flatnonzero(reading.block.length >= LEAST_EVENTS)
    chosen = hold_out(user[usable], config.held_out, options.seed)
    training, held = usable[~chosen], usable[chosen]
    torch.manual_seed(options.seed)
    width = reading.vectors.shape[1] if text is None else text.dims
    encoder = BehaviourEncoder(width, sources, config).to(options.device)
    model: nn.Module = encoder if text is None else nn.ModuleList([encoder, text.to(options.device)])

    def loss(rows: Indices, epoch: int) -> Tensor:  # noqa: ARG001
        events, _ = reading.events(rows, options.device)
        events = events if text is None else text(events, reading)
        return behaviour_loss(encoder(events), events, config)

    lessons = Lessons(
        name="behaviour",
        batches=lambda rng: _batches(reading, training, config, rng),
        loss=loss,
        held=list(_batches(reading, held, config, np.random.default_rng(options.seed))),
    )
    trained = train(model, lessons, config, options)
    return Trained(encoder, trained.valid_loss, trained.curves)


def behaviour_loss(states: BehaviourStates, events: Events, config: BehaviourConfig) -> Tensor:
    """Return L_UB of a batch. Other users' events are drawn with torch's generator: seed it to repeat a loss."""
    others = alike = None
    if config.others:
        known = states.z[states.there]
        drawn = torch.randint(len(known), (config.others,), device=known.device)
        others = known[drawn]
        if config.mask_equal and events.text is not None:
            alike = events.text.unsqueeze(2) == events.text[states.there][drawn]
    loss = cpc_loss(
        states.c, states.z, states.there, steps=config.steps, temperature=config.temperature, others=others,
        alike=alike, printed=config.printed,
    )  # fmt: skip
    if config.cyclic and config.kind != "mean":
        cycle = config.cycle_days * DAY
        loss = loss + config.cyclic * cyclic_kl(states.c, events.time, states.there, cycle=cycle)
    return loss


def _batches(reading: Reading, rows: Indices, config: BehaviourConfig, rng: np.random.Generator) -> Iterator[Indices]:
    for batch in by_length(reading.block.length[rows], config.batch, rng):
        yield rows[batch]
