"""Sentences to padded batches: windows that fit the encoder, ordered so that a batch holds equal lengths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from audience_trainers.entities.words import Pieces

Words = Sequence[str]


@dataclass(frozen=True, slots=True)
class Window:
    """Words of one sentence that fit the encoder together. `tags` are label indices, empty where unknown."""

    sentence: int
    pieces: tuple[tuple[int, ...], ...]
    tags: tuple[int, ...] = ()

    @property
    def length(self) -> int:
        return sum(map(len, self.pieces))


@dataclass(frozen=True, slots=True)
class Batch:
    """What an encoder and a tagger read: `ids`, `attention` (b, t); `first`, `mask`, `tags` (b, w).

    `first` is the place of each word's first subword in (t); `mask` is true for words. Padding: `tags` 0, `first` 0.
    """

    ids: Tensor
    attention: Tensor
    first: Tensor
    mask: Tensor
    tags: Tensor

    def to(self, device: str) -> Batch:
        """Return the batch on a device."""
        if device == "cpu":
            return self
        moved = {name: getattr(self, name).to(device) for name in ("ids", "attention", "first", "mask", "tags")}
        return replace(self, **moved)


def windows_of(
    sentences: Sequence[Words], pieces: Pieces, *, limit: int, tags: Sequence[Sequence[int]] | None = None
) -> list[Window]:
    """Return the windows of sentences in their order: as long as `limit` numbers allow, those around the text included.

    A longer sentence is cut between words, with `tags` where no I- stands (odd label indices are B-, even ones I-),
    if there is such a place. A sentence without words has no window.
    """
    known = pieces.numbers(word for words in sentences for word in words)
    room = limit - len(pieces.before) - len(pieces.after)
    windows = []
    for place, words in enumerate(sentences):
        numbers = [known[word] for word in words]
        mine = tags[place] if tags is not None else ()
        begin = 0
        while begin < len(numbers):
            end = _end(numbers, begin, room)
            if end < len(numbers) and mine:
                end = next((e for e in range(end, begin, -1) if mine[e] % 2 or mine[e] == 0), end)
            windows.append(Window(place, tuple(numbers[begin:end]), tuple(mine[begin:end])))
            begin = end
    return windows


def _end(numbers: Sequence[tuple[int, ...]], begin: int, room: int) -> int:
    used, end = 0, begin
    while end < len(numbers) and (end == begin or used + len(numbers[end]) <= room):
        used += len(numbers[end])
        end += 1
    return end


def collate(windows: Sequence[Window], pieces: Pieces) -> Batch:
    """Pad windows into one batch."""
    rows = [[*pieces.before, *(n for word in w.pieces for n in word), *pieces.after] for w in windows]
    wide, words = max(map(len, rows)), max(len(w.pieces) for w in windows)
    ids = np.full((len(rows), wide), pieces.pad, np.int64)
    attention = np.zeros((len(rows), wide), np.int64)
    first, tags = np.zeros((2, len(rows), words), np.int64)
    mask = np.zeros((len(rows), words), np.bool_)
    for i, (row, window) in enumerate(zip(rows, windows, strict=True)):
        ids[i, : len(row)] = row
        attention[i, : len(row)] = 1
        count = len(window.pieces)
        lengths = np.fromiter(map(len, window.pieces), np.int64, count)
        first[i, :count] = len(pieces.before) + np.cumsum(lengths) - lengths
        mask[i, :count] = True
        tags[i, : len(window.tags)] = window.tags
    return Batch(*(torch.from_numpy(array) for array in (ids, attention, first, mask, tags)))


def training_order(windows: Sequence[Window], size: int, generator: np.random.Generator) -> list[list[int]]:
    """Return batches of window indices for one epoch: random, but each of windows of nearly equal length.

    Windows are shuffled, sorted by length inside pools of 50 batches, and the batches are shuffled again.
    """
    shuffled = generator.permutation(len(windows))
    batches = []
    for begin in range(0, len(shuffled), 50 * size):
        pool = sorted(shuffled[begin : begin + 50 * size].tolist(), key=lambda i: windows[i].length)
        batches += [pool[at : at + size] for at in range(0, len(pool), size)]
    return [batches[i] for i in generator.permutation(len(batches))]


def sorted_batches(windows: Sequence[Window], size: int) -> Iterator[list[int]]:
    """Yield batches of window indices, longest first: the least padding, and memory runs out at once or never."""
    order = sorted(range(len(windows)), key=lambda i: (-windows[i].length, i))
    for begin in range(0, len(order), size):
        yield order[begin : begin + size]


def label_numbers(labels: Sequence[str]) -> Mapping[str, int]:
    """Return the index of each label."""
    return {label: place for place, label in enumerate(labels)}
