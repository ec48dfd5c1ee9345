"""Batches of histories of like length, so that little padding is computed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from audience_trainers.users.behaviour.encoder import Events
from audience_trainers.users.histories import EventBlock

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
POOL = 32  # batches that are sorted by length together


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """Histories with the vectors (texts, t) of their texts: `block` of p histories, `moment` (p,) when each is read.

    `words` are the texts themselves, for a model that is trained to read them; None where the vectors are all there is.
    """

    block: EventBlock
    moment: Indices
    vectors: Floats
    words: tuple[str, ...] | None = None

    def events(self, rows: Indices, device: str = "cpu") -> tuple[Events, Tensor]:
        """Return the histories of rows, cut to the longest of them, and their moments (b,)."""
        block = self.block
        most = max(1, int(block.length[rows].max(initial=0)))
        text = torch.from_numpy(block.text[rows, :most])
        table = torch.from_numpy(self.vectors)
        vectors = table.index_select(0, text.reshape(-1)).view(*text.shape, -1).to(device)
        source, time, length, moment = (
            torch.from_numpy(np.ascontiguousarray(part)).to(device)
            for part in (block.source[rows, :most], block.time[rows, :most], block.length[rows], self.moment[rows])
        )
        return Events(vectors, source, time, length, text.to(device)), moment


def by_length(length: Indices, batch: int, rng: np.random.Generator) -> Iterator[Indices]:
    """Yield all rows once in batches of at most `batch`, of like length within, in random order."""
    order = rng.permutation(len(length))
    batches: list[Indices] = []
    for begin in range(0, len(order), POOL * batch):
        pool = order[begin : begin + POOL * batch]
        pool = pool[np.argsort(length[pool], kind="stable")]
        batches += [pool[i : i + batch] for i in range(0, len(pool), batch)]
    for place in rng.permutation(len(batches)).tolist():
        yield batches[place]
