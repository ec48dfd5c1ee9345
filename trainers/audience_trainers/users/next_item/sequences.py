"""Sequences of items and what leave-one-out lets a model see of them.

Of a user's n items in order the last is the test, the one before it the validation. A model learns items 2 .. n - 2,
each from those before it, is validated on item n - 1 given 1 .. n - 2, and tested on item n given 1 .. n - 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from audience_graph.errors import InputError
from audience_trainers.users.histories import Histories

Indices = npt.NDArray[np.int64]
Split = Literal["valid", "test"]
LEAST_ITEMS = 3  # one to read, one for validation, one for the test
_AFTER: dict[Split, int] = {"valid": 2, "test": 1}  # how many of the last items a prediction may not read


@dataclass(frozen=True, slots=True, eq=False)
class Sequences:
    """Items of n users in order: those of user u are start[u] : start[u + 1] of `item`, `source` and `time` (m,).

    `items` counts the distinct items, `sources` the channels. Times are seconds; where only the order is known, any
    that rise with the place in the sequence, counted from its start: never from its end, which would tell how much
    follows.
    """

    start: Indices
    item: Indices
    source: Indices
    time: Indices
    items: int
    sources: int = 1

    def __len__(self) -> int:
        return len(self.start) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """The last `width` events that are read of p users, oldest first, padding (0) at the end; `length` (p,)."""

    item: Indices  # (p, w)
    source: Indices  # (p, w)
    time: Indices  # (p, w)
    length: Indices  # (p,)

    def batch(self, rows: Indices, device: str = "cpu") -> Batch:
        """Return rows as tensors, cut to the longest of them."""
        most = max(1, int(self.length[rows].max(initial=0)))
        parts = (self.item[rows, :most], self.source[rows, :most], self.time[rows, :most], self.length[rows])
        return Batch(*(torch.from_numpy(np.ascontiguousarray(part)).to(device) for part in parts))


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """A part of a Block as tensors: `item`, `source`, `time` (b, w), `length` (b,)."""

    item: Tensor
    source: Tensor
    time: Tensor
    length: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What is asked of p users: given `block`, which item is next; `target` (p,) is it.

    `had` are the items that each user had before, all of them, also those that the block is too narrow for: those of
    row i are had_start[i] : had_start[i + 1]. They are no candidates.
    """

    block: Block
    target: Indices
    had: Indices
    had_start: Indices


def sequences_of(histories: Histories) -> Sequences:
    """Return the sequences of users with enough events, where an item is what is said of an event (its text).

    Raises InputError when no user has LEAST_ITEMS events.
    """
    length, users = np.diff(histories.start), _enough(histories)
    if len(users) == 0:
        raise InputError(f"no user has {LEAST_ITEMS} events", hint="leave-one-out takes the last two of each")
    place = _places(histories.start[users], length[users])
    return Sequences(
        start=_starts(length[users]),
        item=histories.text[place].astype(np.int64),
        source=histories.source[place].astype(np.int64),
        time=histories.time[place],
        items=len(histories.texts),
        sources=len(histories.sources),
    )


def users_of(histories: Histories) -> list[str]:
    """Return the ids of the users that `sequences_of` has, in its order."""
    return [histories.user_ids[i] for i in _enough(histories).tolist()]


def lessons(sequences: Sequences, width: int) -> Block:
    """Return what is learned from: items 1 .. n - 2; each position is asked for the item after it."""
    return _block(sequences, sequences.start[1:] - _AFTER["valid"], width)


def ask(sequences: Sequences, split: Split, width: int) -> Asked:
    """Return what validation or test asks. Nothing of the target, nor of what follows it, is in the block."""
    end = sequences.start[1:] - _AFTER[split]
    length = end - sequences.start[:-1]
    had = sequences.item[_places(sequences.start[:-1], length)]
    return Asked(_block(sequences, end, width), sequences.item[end], had, _starts(length))


def ask_ahead(sequences: Sequences, width: int) -> Asked:
    """Return what comes after all that is known. There is no answer yet: the target is the last item that was had."""
    end = sequences.start[1:]
    return Asked(_block(sequences, end, width), sequences.item[end - 1], sequences.item, sequences.start)


def _enough(histories: Histories) -> Indices:
    return np.flatnonzero(np.diff(histories.start) >= LEAST_ITEMS)


def _block(sequences: Sequences, end: Indices, width: int) -> Block:
    begin = np.maximum(sequences.start[:-1], end - width)
    length = end - begin
    there = np.arange(width) < length[:, None]
    place = np.where(there, begin[:, None] + np.arange(width), 0)
    item, source, time = (
        np.where(there, part[place], 0) for part in (sequences.item, sequences.source, sequences.time)
    )
    return Block(item, source, time, length)


def _starts(length: Indices) -> Indices:
    return np.concatenate([[0], np.cumsum(length)]).astype(np.int64)


def _places(begin: Indices, length: Indices) -> Indices:
    """Return begin[i] .. begin[i] + length[i] - 1 of all i, one after the other."""
    return np.repeat(begin - _starts(length)[:-1], length) + np.arange(length.sum())
