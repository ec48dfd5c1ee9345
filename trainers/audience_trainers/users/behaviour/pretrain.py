"""Pre-train the behaviour encoder: L_UB = L_CL + lambda KL (FIND eq. 7), best epoch on held-out users."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from audience_graph.errors import ConfigError
from audience_trainers.checkpoint import State, load_checkpoint, save_checkpoint
from audience_trainers.run import Progress, silent
from audience_trainers.users.behaviour.batches import Indices, Reading, by_length
from audience_trainers.users.behaviour.config import BehaviourConfig
from audience_trainers.users.behaviour.encoder import DAY, BehaviourEncoder, BehaviourStates, Events
from audience_trainers.users.behaviour.losses import cpc_loss, cyclic_kl

CLIP = 1.0
LEAST_EVENTS = 2  # a history of one event predicts nothing


@dataclass(frozen=True, slots=True)
class PretrainOptions:
    """Seed, device, and the folder that keeps checkpoints (None: none are kept); `key` names data and settings."""

    seed: int = 7
    device: str = "cpu"
    folder: Path | None = None
    key: str = ""
    bf16: bool = False
    progress: Progress = silent


@dataclass(frozen=True, slots=True, eq=False)
class Pretrained:
    """The encoder at its best epoch, its loss on held-out users, and the curves (epoch, name, value)."""

    encoder: BehaviourEncoder
    valid_loss: float
    curves: list[tuple[int, str, float]]


def pretrain_behaviour(
    reading: Reading, user: Indices, sources: int, config: BehaviourConfig, options: PretrainOptions
) -> Pretrained:
    """Train on histories, `user` (p,) whose each is, and return the encoder of the best epoch.

    A share of the users is held out whole. Same data, settings and seed: same weights on one machine; with a folder a
    killed run goes on to the same end. `mean` has nothing to learn by looking ahead but its projections. Raises
    ConfigError when fewer than two users have two events, RunError for a damaged checkpoint.
    """
    training, held = _parts(reading.block.length, user, config, options.seed)
    torch.manual_seed(options.seed)
    encoder = BehaviourEncoder(reading.vectors.shape[1], sources, config).to(options.device)
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    steps = config.epochs * len(list(by_length(reading.block.length[training], config.batch, _rng(options.seed, 0))))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warm_cosine(step, steps, config.warm))
    parts = {"encoder": encoder, "optimizer": optimizer, "schedule": schedule}
    state = State() if options.folder is None else load_checkpoint(options.folder, parts, options.key, options.device)
    while state.epoch < config.epochs and state.since < config.patience:
        torch.manual_seed(hash((options.seed, state.epoch)) & 0x7FFFFFFF)
        losses = []
        for rows in _batches(reading, training, config, _rng(options.seed, state.epoch)):
            encoder.train()
            loss = behaviour_loss(encoder, *_states(encoder, reading, rows, options), config)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(encoder.parameters(), CLIP)
            optimizer.step()
            schedule.step()
            losses.append(float(loss.detach()))
        _examine(encoder, reading, held, state, float(np.mean(losses)), config, options)
        if options.folder is not None:
            save_checkpoint(options.folder, state, parts, options.key)
        options.progress("behaviour", state.epoch, config.epochs)
    encoder.load_state_dict(state.best_weights)
    return Pretrained(encoder, -state.best, state.curves)


def behaviour_loss(
    encoder: BehaviourEncoder, states: BehaviourStates, events: Events, config: BehaviourConfig
) -> Tensor:
    """Return L_UB of a batch. Other users' events are drawn with torch's generator: seed it to repeat a loss."""
    others = None
    if config.others:
        known = states.z[states.there]
        others = known[torch.randint(len(known), (config.others,), device=known.device)]
    loss = cpc_loss(states.c, states.z, states.there, steps=config.steps, temperature=config.temperature, others=others)
    if config.cyclic and encoder.over is not None:
        cycle = config.cycle_days * DAY
        loss = loss + config.cyclic * cyclic_kl(states.c, events.time, states.there, cycle=cycle)
    return loss


def warm_cosine(step: int, steps: int, warm: float) -> float:
    """Return the share of the full learning rate: a linear rise over the first `warm` of the steps, then a cosine."""
    rise = max(1, round(warm * steps))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1.0 + math.cos(math.pi * min(1.0, (step - rise) / max(1, steps - rise))))


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


def _states(
    encoder: BehaviourEncoder, reading: Reading, rows: Indices, options: PretrainOptions
) -> tuple[BehaviourStates, Events]:
    events, _ = reading.events(rows, options.device)
    with torch.autocast(options.device, torch.bfloat16, enabled=options.bf16):
        return encoder(events), events


@torch.no_grad()
def _examine(
    encoder: BehaviourEncoder,
    reading: Reading,
    held: Indices,
    state: State,
    training_loss: float,
    config: BehaviourConfig,
    options: PretrainOptions,
) -> None:
    """Measure the loss on held-out users, keep the weights when it is the best, and add to the curves."""
    encoder.eval()
    torch.manual_seed(options.seed)  # the same negatives every epoch
    total, seen = 0.0, 0
    for rows in _batches(reading, held, config, _rng(options.seed, 0)):
        total += len(rows) * float(behaviour_loss(encoder, *_states(encoder, reading, rows, options), config))
        seen += len(rows)
    valid = total / seen
    state.epoch += 1
    state.curves += [(state.epoch, "loss", training_loss), (state.epoch, "valid_loss", valid)]
    state.since += 1
    if not state.best_weights or -valid > state.best:
        state.best, state.since = -valid, 0
        state.best_weights = {name: value.detach().clone() for name, value in encoder.state_dict().items()}


def _rng(seed: int, epoch: int) -> np.random.Generator:
    return np.random.default_rng([seed, 2, epoch])
