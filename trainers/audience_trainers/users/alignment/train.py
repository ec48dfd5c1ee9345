"""Train users and sentences into one space: InfoNCE over pairs of a past and a description of its future (FIND 4.3.2).

One loop for a head over kept vectors and for a tower under LoRA. Large batches go through the gradient cache; under
`torchrun` every process embeds its part of each batch and sees all negatives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from audience_graph.errors import ConfigError
from audience_trainers.processes import Processes, join_processes
from audience_trainers.users.alignment.aligned import Aligned, Described
from audience_trainers.users.alignment.config import AlignConfig
from audience_trainers.users.alignment.gather import gather
from audience_trainers.users.alignment.gradient_cache import Chunk, Embed, embed_in_chunks, seeded
from audience_trainers.users.alignment.info_nce import info_nce
from audience_trainers.users.alignment.reach import Deeds, reach_loss
from audience_trainers.users.alignment.retrieval import retrieval_measures
from audience_trainers.users.training import (
    Indices,
    Lessons,
    Trained,
    TrainOptions,
    check_rows,
    equal_parts,
    train,
)


@dataclass(frozen=True, slots=True, eq=False)
class IdleRows:
    """Rows of the inputs of users without a future, and how many of them there are for each pair, here or not."""

    training: Indices
    validation: Indices
    training_rate: float
    validation_rate: float


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Pairs: inputs and descriptions of the same p moments; `training` and `validation` rows of them.

    `inputs` is what the users' side reads rows of, UserInputs for a UserModel. `deeds` say who else does what a
    description says, where that is known. `idle` are more rows of the inputs, without a description.
    """

    inputs: Any
    described: Described
    training: Indices
    validation: Indices
    deeds: Deeds | None = None
    idle: IdleRows | None = None

    def __post_init__(self) -> None:
        check_rows(self.training, self.validation)


def align(model: Aligned, material: Material, config: AlignConfig, options: TrainOptions) -> Trained[Aligned]:
    """Train both sides on L_CP (FIND eq. 13) and return the model of the best epoch by validation loss.

    One AdamW for all that is not frozen. Negatives are the other pairs of a batch, of any length of history. Curves:
    loss, valid_loss, retrieval (the share of held-out users whose own description is the nearest of its batch) and auc
    (mean over held-out descriptions). Under `torchrun` every process calls this with the same arguments: losses and
    weights are those of one process. Raises ConfigError for several processes without chunks, and as `train` does.
    """
    model = model.to(options.device)
    options = replace(options, bf16=options.bf16 or config.bf16)
    step = Step(model, material, config, options, join_processes(options.device))
    held = equal_parts(material.validation, config.batch, np.random.default_rng(options.seed))
    lessons = Lessons(
        name="alignment",
        batches=lambda rng: equal_parts(_drawn(material.training, config.pairs, rng), config.batch, rng),
        loss=step.loss,
        held=held,
        measure=lambda: retrieval_measures([step.vectors(part, 0) for part in held]),
        processes=step.processes,
    )
    return train(model, lessons, config, options)


def _drawn(rows: Indices, count: int, rng: np.random.Generator) -> Indices:
    """Return some of the rows, or all where `count` is 0 or not fewer."""
    return rows if count == 0 or count >= len(rows) else rng.choice(rows, max(2, count), replace=False)


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """The loss of one batch of rows; a description that several of them share is read once."""

    model: Aligned
    material: Material
    config: AlignConfig
    options: TrainOptions
    processes: Processes

    def __post_init__(self) -> None:
        if self.processes.size > 1 and self.config.chunk == 0:
            raise ConfigError(
                f"{self.processes.size} processes share a batch by its chunks, and setting chunk is 0",
                hint="--set align.chunk=128",
            )

    def loss(self, rows: Indices, epoch: int) -> Tensor:
        """Return this process's share of L_CP for a batch, with the descriptions of the epoch."""
        idle, offset = self._idle(rows, epoch)
        users, texts, place = self.vectors(rows, epoch, idle)
        texts, scale, mine = texts.index_select(0, place), self.model.temperature(), self.processes.mine(len(rows))
        deeds = self.material.deeds
        found = info_nce(
            users[: len(rows)],
            texts,
            scale,
            same=place if self.config.mask_equal else None,
            both=self.config.both and deeds is None,
            block=self.config.block,
            mine=mine,
        )
        if deeds is None or not self.config.both:
            return found
        done, partly = (torch.from_numpy(part).to(users.device) for part in deeds.shared(rows, epoch))
        stands = torch.cat([users.new_zeros(len(rows)), users.new_full((len(idle),), offset)]).float()
        reach = reach_loss(texts, users, scale, done=done, partly=partly, offset=stands, mine=mine)
        return (1.0 - self.config.reach) * found + self.config.reach * reach

    def _idle(self, rows: Indices, epoch: int) -> tuple[Indices, float]:
        """Return some rows without a future (e,) to stand beside a batch of pairs, and the logarithm of how many each
        stands for; those held out beside pairs held out."""
        idle = self.material.idle
        if idle is None or self.material.deeds is None:
            return np.empty(0, np.int64), 0.0
        held = bool(np.isin(rows[0], self.material.validation))
        pool, rate = (idle.validation, idle.validation_rate) if held else (idle.training, idle.training_rate)
        count = min(len(pool), round(min(rate, self.config.idle) * len(rows)))
        if count == 0:
            return np.empty(0, np.int64), 0.0
        drawn = np.random.default_rng([self.options.seed, 9, epoch, int(rows[0]), len(rows)])
        return drawn.choice(pool, count, replace=False), float(np.log(rate * len(rows) / count))

    def vectors(
        self, rows: Indices, epoch: int, more: Indices = np.empty(0, np.int64)
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return users (b, d), distinct descriptions (s, d), and which of these is each user's (b,).

        Behind the users those of `more` rows, which have no description.
        """
        described, inputs = self.material.described, self.material.inputs
        chosen, place = described.drawn(rows, epoch)
        if self.config.chunk:  # like lengths share a chunk
            order = np.array(sorted(range(len(chosen)), key=lambda i: len(described.sentences[chosen[i]])), np.int64)
            chosen, place = chosen[order], np.argsort(order)[place]
        drawn = [self.options.seed, 6, epoch, int(rows[0]), len(rows)]
        users = self._embed(lambda part: self.model.users(inputs, part), np.concatenate([rows, more]), [*drawn, 0])
        texts = self._embed(lambda part: self.model.read(described, part), chosen, [*drawn, 1])
        return users, texts, torch.from_numpy(place).to(self.options.device)

    def _embed(self, embed: Embed, parts: Indices, drawn: Sequence[int]) -> Tensor:
        """Return the vectors of all parts, in one pass, or through the cache where they are more than a chunk.

        Each chunk has its own dropout, whoever embeds it; this process embeds every size-th.
        """
        size, device, alone = self.config.chunk, self.options.device, self.processes.size == 1
        if size == 0:
            return embed(parts)
        if alone and len(parts) <= size:
            with seeded(_seed([*drawn, 0]), device):
                return embed(parts)
        mine = range(0, len(parts), size)[self.processes.mine(-(-len(parts) // size))]
        chunks = [Chunk(parts[begin : begin + size], _seed([*drawn, begin])) for begin in mine]
        own = embed_in_chunks(embed, chunks, dims=self.model.dims, device=device)
        place = [i for begin in mine for i in range(begin, min(begin + size, len(parts)))]
        return gather(own, torch.tensor(place, dtype=torch.long, device=device), len(parts), self.processes)


def _seed(numbers: Sequence[int]) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
