"""The text tower: sentences to unit vectors in the space of users (FIND eq. 12)."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audience_graph.errors import ConfigError
from audience_trainers.users.text_tower.config import DIMS, TowerConfig
from audience_trainers.users.text_tower.reader import TextReader
from audience_trainers.users.text_tower.save import write_folder


class TextTower(nn.Module):
    """e^q = project(pooled states) / |...|. `reader` reads, `project` carries its unit vectors into the space.

    With `beside` columns more the projection takes what else is known of a sentence (the entities that it names); it is
    0 where nothing is given. The projection starts orthogonal: cosines between sentences are what the reader says until
    something is learned.
    """

    def __init__(
        self,
        config: TowerConfig,
        *,
        shape: Any = None,
        tokenizer: Any = None,
        head: nn.Linear | None = None,
        beside: int = 0,
    ) -> None:
        super().__init__()
        if config.dims == 0:
            config = replace(config, dims=DIMS if head is None else head.out_features)
        self.config = config
        self.reader = TextReader(config, shape=shape, tokenizer=tokenizer)
        if head is None:
            head = nn.Linear(self.reader.width + beside, config.dims)
            nn.init.orthogonal_(head.weight)
            nn.init.zeros_(head.bias)
        if head.out_features != config.dims or head.in_features < self.reader.width:
            raise ConfigError(
                f"a head of {tuple(head.weight.shape)} does not fit: expected {(config.dims, self.reader.width)}, "
                "or more columns"
            )
        self.project = head

    def forward(self, sentences: Sequence[str]) -> Tensor:
        """Return the unit vectors (n, dims) of sentences."""
        return self.place(self.reader(sentences))

    def read(self, sentences: Sequence[str], beside: npt.NDArray[np.float32] | None = None) -> Tensor:
        """Return the unit vectors (n, dims) of sentences of which `beside` (n, columns) is known."""
        read = self.reader(sentences)
        if beside is None:
            return self.place(read)
        return self.place(torch.cat([read, torch.from_numpy(beside).to(read.device)], dim=1))

    def place(self, read: Tensor) -> Tensor:
        """Return where in the space (n, dims) what was read (n, width), and what stands beside it, belongs."""
        missing = self.project.in_features - read.shape[1]
        if missing:
            read = F.pad(read, (0, missing))
        return F.normalize(self.project(read).float(), dim=1)

    @torch.no_grad()
    def embed(self, sentences: Sequence[str], beside: npt.NDArray[np.float32] | None = None) -> npt.NDArray[np.float32]:
        """Return the unit vectors (n, dims) of sentences as an array, without dropout; `beside` (n, columns)."""
        mode = self.training
        self.eval()
        found: npt.NDArray[np.float32] = self.read(list(sentences), beside).cpu().numpy()
        self.train(mode)
        return found

    def knowing(self, beside: npt.NDArray[np.float32]) -> TextTower:
        """Return a frozen tower of the same reader that takes words alone, for sentences of which `beside` is known.

        `beside` (columns,) goes into the bias, where it stays as it is while words are tuned.
        """
        width = self.reader.width
        head = nn.Linear(width, self.config.dims)
        with torch.no_grad():
            weight = self.project.weight
            head.weight.copy_(weight[:, :width])
            head.bias.copy_(self.project.bias + weight[:, width:] @ torch.from_numpy(beside).to(weight))
        found = copy.copy(self)
        found._modules = {**self._modules, "project": head}
        return found.eval()

    def save(self, folder: Path) -> None:
        """Write a folder that `sentence_transformers.SentenceTransformer(folder)` opens offline, with equal vectors.

        LoRA is merged into the weights that are written; the tower itself stays as it is. Where the projection takes
        more than the words, the folder holds the reader alone, whose vectors (n, width) the projection starts from.
        """
        write_folder(folder, self.reader, self.project if self.project.in_features == self.reader.width else None)
