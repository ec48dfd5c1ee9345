"""Train a user side and a text tower together: LoRA and user encoders on InfoNCE with large batches (FIND 4.3.2).

Nothing here knows how users are read: the user side is a module with `embed(rows)`, descriptions come from a function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np
import torch
from torch import Tensor, nn

from audience_trainers.processes import Processes, join_processes
from audience_trainers.settings import Range, check_ranges
from audience_trainers.users.alignment.gather import gather
from audience_trainers.users.alignment.gradient_cache import Chunk, Embed, embed_in_chunks
from audience_trainers.users.alignment.info_nce import Temperature, info_nce
from audience_trainers.users.alignment.retrieval import retrieval_measures
from audience_trainers.users.text_tower.tower import TextTower
from audience_trainers.users.training import (
    STEP_RANGES,
    Indices,
    Lessons,
    Trained,
    TrainOptions,
    check_rows,
    equal_parts,
    train,
)

Describe = Callable[[Indices, np.random.Generator], list[str]]
_RANGES = STEP_RANGES | {
    "batch": Range(2, 10_000_000),
    "chunk": Range(1, 1_000_000),
    "block": Range(0, 1_000_000),
    "temperature": Range(1e-2, 100),
}


class UserSide(Protocol):
    """What is asked of the user side, an nn.Module: vectors (b, dims) of some rows of its own data."""

    def embed(self, rows: Indices) -> Tensor: ...


@dataclass(frozen=True, slots=True)
class TowersConfig:
    """Resolved settings. Raises ConfigError, naming the setting and its range, for a value out of range."""

    batch: int = 4_096
    chunk: int = 256  # users, or distinct sentences, whose activations are in memory at a time
    block: int = 1_024  # rows of logits in memory at a time; 0 = all
    both: bool = True  # users to sentences, as printed, and sentences to users
    mask_equal: bool = True  # equal descriptions are no negatives of each other
    temperature: float = 0.07  # where the learned one starts
    epochs: int = 10
    patience: int = 3
    learning_rate: float = 4e-4
    warm: float = 0.05
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        check_ranges(self, _RANGES)


@dataclass(frozen=True, slots=True, eq=False)
class DescribedRows:
    """Rows of the user side, to train and to validate on; `describe(rows, rng)` says each one's future, fresh."""

    describe: Describe
    training: Indices
    validation: Indices

    def __post_init__(self) -> None:
        check_rows(self.training, self.validation)


class Towers(nn.Module):
    """The user side, the text tower and the learned temperature."""

    def __init__(self, users: UserSide, text: TextTower, temperature: float = 0.07) -> None:
        super().__init__()
        self.users = cast("nn.Module", users)
        self.text = text
        self.temperature = Temperature(temperature)

    def embed(self, rows: Indices) -> Tensor:
        """Return the user side's vectors (b, dims)."""
        return cast("UserSide", self.users).embed(rows)


def align_towers(model: Towers, rows: DescribedRows, config: TowersConfig, options: TrainOptions) -> Trained[Towers]:
    """Train both sides on L_CP (FIND eq. 13) and return them at their best epoch.

    Curves: loss, valid_loss, retrieval (the share of held-out users whose own description is the nearest of its batch)
    and auc (mean over held-out descriptions). Under `torchrun` every process calls this with the same arguments: each
    embeds its part of every batch, all see all negatives, losses and weights are those of one process. Raises as
    `train` does.
    """
    model = model.to(options.device)
    step = Step(model, rows.describe, config, options, join_processes(options.device))
    held = equal_parts(rows.validation, config.batch, np.random.default_rng(options.seed))
    lessons = Lessons(
        name="alignment",
        batches=lambda rng: equal_parts(rows.training, config.batch, rng),
        loss=step.loss,
        held=held,
        measure=lambda: retrieval_measures([step.vectors(part, 0) for part in held]),
        processes=step.processes,
    )
    return train(model, lessons, config, options)


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """The loss of one batch of rows, through the gradient cache; a description that is shared is read once."""

    model: Towers
    describe: Describe
    config: TowersConfig
    options: TrainOptions
    processes: Processes

    def loss(self, rows: Indices, epoch: int) -> Tensor:
        """Return this process's share of L_CP for a batch, with descriptions drawn for the epoch."""
        users, texts, place = self.vectors(rows, epoch)
        return info_nce(
            users,
            texts.index_select(0, place),
            self.model.temperature(),
            same=place if self.config.mask_equal else None,
            both=self.config.both,
            block=self.config.block,
            mine=self.processes.mine(len(rows)),
        )

    def vectors(self, rows: Indices, epoch: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return users (b, d), distinct descriptions (s, d), and which of these is each user's (b,)."""
        drawn = [self.options.seed, 6, epoch, int(rows[0]), len(rows)]
        said = self.describe(rows, np.random.default_rng(drawn))
        sentences = sorted(set(said), key=lambda sentence: (len(sentence), sentence))  # like lengths share a chunk
        number = {sentence: i for i, sentence in enumerate(sentences)}
        users = self._embed(self.model.embed, rows, [*drawn, 0])
        texts = self._embed(self.model.text, sentences, [*drawn, 1])
        return users, texts, torch.tensor([number[sentence] for sentence in said], device=self.options.device)

    def _embed(self, embed: Embed, parts: Sequence[Any] | Indices, drawn: list[int]) -> Tensor:
        """Return the vectors of all parts; this process embeds every size-th chunk; a chunk has its own dropout."""
        size, device = self.config.chunk, self.options.device
        mine = range(0, len(parts), size)[self.processes.mine(-(-len(parts) // size))]
        chunks = [Chunk(parts[begin : begin + size], _seed([*drawn, begin])) for begin in mine]
        own = embed_in_chunks(embed, chunks, dims=self.model.text.config.dims, device=device)
        place = [i for begin in mine for i in range(begin, min(begin + size, len(parts)))]
        return gather(own, torch.tensor(place, dtype=torch.long, device=device), len(parts), self.processes)


def _seed(numbers: list[int]) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
