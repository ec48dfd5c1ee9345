"""The text tower: sentences to unit vectors in the space of users (FIND eq. 12)."""

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

from audience_graph.errors import ConfigError
from audience_trainers.users.text_tower.config import DIMS, TowerConfig
from audience_trainers.users.text_tower.reader import TextReader
from audience_trainers.users.text_tower.save import write_folder


class TextTower(nn.Module):
    """e^q = project(pooled states) / |...|. `reader` reads, `project` carries its unit vectors into the space.

    The projection starts orthogonal: cosines between sentences are what the reader says until something is learned.
    """

    def __init__(
        self, config: TowerConfig, *, shape: Any = None, tokenizer: Any = None, head: nn.Linear | None = None
    ) -> None:
        super().__init__()
        if config.dims == 0:
            config = replace(config, dims=DIMS if head is None else head.out_features)
        self.config = config
        self.reader = TextReader(config, shape=shape, tokenizer=tokenizer)
        if head is None:
            head = nn.Linear(self.reader.width, config.dims)
            nn.init.orthogonal_(head.weight)
            nn.init.zeros_(head.bias)
        if head.weight.shape != (config.dims, self.reader.width):
            raise ConfigError(
                f"a head of {tuple(head.weight.shape)} does not fit: expected {(config.dims, self.reader.width)}"
            )
        self.project = head

    def forward(self, sentences: Sequence[str]) -> Tensor:
        """Return the unit vectors (n, dims) of sentences."""
        return self.place(self.reader(sentences))

    def place(self, read: Tensor) -> Tensor:
        """Return where in the space (n, dims) what was read (n, width) belongs."""
        return F.normalize(self.project(read).float(), dim=1)

    @torch.no_grad()
    def embed(self, sentences: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return the unit vectors (n, dims) of sentences as an array, without dropout."""
        mode = self.training
        self.eval()
        found: npt.NDArray[np.float32] = self(list(sentences)).cpu().numpy()
        self.train(mode)
        return found

    def save(self, folder: Path) -> None:
        """Write a folder that `sentence_transformers.SentenceTransformer(folder)` opens offline, with equal vectors.

        LoRA is merged into the weights that are written; the tower itself stays as it is.
        """
        write_folder(folder, self.reader, self.project)
