"""v = r(x): the texts of events as vectors that training changes, each distinct text of a batch read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audience_trainers.users.alignment.gradient_cache import Chunk, embed_in_chunks
from audience_trainers.users.behaviour.batches import Reading
from audience_trainers.users.behaviour.encoder import Events
from audience_trainers.users.event_text.config import EventTextConfig
from audience_trainers.users.event_text.kept import kept_vectors
from audience_trainers.users.text_tower.reader import TextReader

Floats = npt.NDArray[np.float32]
_ROWS = 65_536


class EventText(nn.Module):
    """Texts -> vectors (n, dims): what `reader` says of the words, then the `beside` columns that others know of them.

    Without a reader of its own the words have the vectors (n, `words`) that are there anyway; with tune=head a map over
    them, that starts as the identity, is what is trained.
    """

    def __init__(
        self, config: EventTextConfig, *, words: int, beside: int = 0, shape: Any = None, tokenizer: Any = None
    ) -> None:
        super().__init__()
        self.config, self.beside = config, beside
        self.reader = TextReader(config.reader(), shape=shape, tokenizer=tokenizer) if config.reads else None
        self.width = words if self.reader is None else self.reader.width
        self.turn = _identity(self.width) if config.tune == "head" else None

    @property
    def dims(self) -> int:
        """Return the width of the vectors."""
        return self.width + self.beside

    def forward(self, events: Events, reading: Reading) -> Events:
        """Return events with the vectors of the `words` of their reading, for training.

        In memory are the activations of `config.batch` texts, and the vectors of all distinct texts of the batch.
        """
        if reading.words is None or events.text is None:
            raise ValueError("a model that reads events needs their words")
        there = events.there()
        distinct, place = torch.unique(events.text[there], return_inverse=True)
        rows = distinct.cpu().numpy()
        known = torch.from_numpy(reading.vectors[rows]).to(events.vectors.device)
        table = self._vectors([reading.words[i] for i in rows.tolist()], known)
        at = torch.zeros_like(events.source).masked_scatter(there, place)
        if len(rows) == 0:
            table = events.vectors.new_zeros(1, self.dims)
        return replace(events, vectors=F.embedding(at, table))

    def _vectors(self, texts: Sequence[str], known: Tensor) -> Tensor:
        """Return the vectors (s, dims) of texts of which the vectors (s, any) that training starts from are known."""
        trains = self.reader is not None and self.config.trains_reader
        words = self._read(texts) if trains else known[:, : self.width]
        return torch.cat([self._turned(words), known[:, known.shape[1] - self.beside :]], dim=1)

    def _turned(self, words: Tensor) -> Tensor:
        return words if self.turn is None else F.normalize(self.turn(words).float(), dim=1)

    def _read(self, texts: Sequence[str]) -> Tensor:
        """Return what the reader says (s, width); while training with a gradient for at most `config.most` of them."""
        drawn = list(range(len(texts)))
        if self.training and 0 < self.config.most < len(texts):
            drawn = torch.randperm(len(texts)).tolist()
        most = self.config.most if self.training and self.config.most else len(texts)
        learned, rest = (sorted(part, key=lambda i: len(texts[i])) for part in (drawn[:most], drawn[most:]))
        parts = [self._in_chunks([texts[i] for i in learned])]
        with torch.no_grad():
            parts += [self._in_chunks([texts[i] for i in rest])] if rest else []
        back = torch.tensor(learned + rest).argsort().to(parts[0].device)
        return torch.cat(parts).index_select(0, back)

    def _in_chunks(self, texts: Sequence[str]) -> Tensor:
        """Return what the reader says (s, width) of texts of like length, `config.batch` at a time.

        Of several chunks each has its own dropout, drawn by torch: the same where a gradient cache around reads again.
        """
        assert self.reader is not None
        if not texts:
            return torch.zeros(0, self.width, device=self.reader.device)
        size, device = self.config.batch, str(self.reader.device)
        parts = [texts[begin : begin + size] for begin in range(0, len(texts), size)]
        if len(parts) == 1:
            found: Tensor = self.reader(texts).float()
            return found
        seeds = torch.randint(2**31 - 1, (len(parts),)).tolist()
        chunks = [Chunk(part, seed) for part, seed in zip(parts, seeds, strict=True)]
        return embed_in_chunks(self.reader, chunks, dims=self.width, device=device)

    def settle(self) -> None:
        """End the training: LoRA goes into the weights, nothing changes any more."""
        if self.reader is not None:
            self.reader.settle()
        self.requires_grad_(False)
        self.eval()

    def start(self, texts: Sequence[str], known: Floats, cache: Path | None) -> Floats:
        """Return the vectors (n, dims) of texts before the map of tune=head: what its training starts from."""
        words = known[:, : known.shape[1] - self.beside]
        if self.reader is not None:
            words = kept_vectors(self.reader, texts, cache)
        return np.hstack([words, known[:, known.shape[1] - self.beside :]])

    @torch.no_grad()
    def table(self, texts: Sequence[str], known: Floats, cache: Path | None) -> Floats:
        """Return the vectors (n, dims) of texts for use, of which `known` (n, any) are there anyway.

        What the reader says is kept in the folder `cache`, if one is named, under the content of its weights.
        """
        found = self.start(texts, known, cache)
        if self.turn is not None:
            for begin in range(0, len(found), _ROWS):
                rows = found[begin : begin + _ROWS, : self.width]
                words = torch.from_numpy(np.ascontiguousarray(rows)).to(self.turn.weight.device)
                rows[:] = self._turned(words).cpu().numpy()
        return found


def _identity(width: int) -> nn.Linear:
    found = nn.Linear(width, width)
    nn.init.eye_(found.weight)
    nn.init.zeros_(found.bias)
    return found
