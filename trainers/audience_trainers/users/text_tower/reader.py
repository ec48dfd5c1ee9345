"""Read texts: tokenizer, Hugging Face model and pooling to unit vectors, tuned by LoRA, whole, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audience_graph.errors import ConfigError
from audience_trainers.users.text_tower.architecture import (
    compute_again,
    is_decoder,
    open_folder,
    random_model,
    with_lora,
)
from audience_trainers.users.text_tower.config import TowerConfig
from audience_trainers.users.text_tower.pooling import last_token_pool, mean_pool

_LENGTH_STEP = 8  # tokens


class TextReader(nn.Module):
    """Texts -> unit vectors (n, width): the mean of an encoder's states, or a decoder's last one.

    The model comes from `config.folder`, or with random weights from a Hugging Face configuration `shape` and its
    `tokenizer`. With tune=head it is frozen, never drops out, and the vector of each text is kept once read.
    """

    def __init__(self, config: TowerConfig, *, shape: Any = None, tokenizer: Any = None) -> None:
        super().__init__()
        if shape is None:
            model, tokenizer = open_folder(config.folder)
        elif tokenizer is None:
            raise ConfigError("a model made of a configuration needs a tokenizer")
        else:
            model = random_model(shape)
        self.config, self.tokenizer = config, tokenizer
        self.width = int(model.config.hidden_size)
        self.decoder = is_decoder(model.config)
        self.pooling = {"auto": "last" if self.decoder else "mean"}.get(config.pooling, config.pooling)
        positions = int(getattr(model.config, "max_position_embeddings", config.max_tokens))
        self.longest = min(positions, int(tokenizer.model_max_length))
        self.max_tokens = min(config.max_tokens, self.longest)
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        tokenizer.padding_side = "right"
        if config.tune != "full":
            model.requires_grad_(False)
        if config.checkpointing and config.tune != "head":
            compute_again(model)
        if config.tune == "lora":
            model = with_lora(
                model, targets=config.targets, rank=config.rank, alpha=config.alpha, dropout=config.dropout
            )
        self.model = model
        self._kept: dict[str, Tensor] = {}

    def train(self, mode: bool = True) -> TextReader:
        """Set the mode; a frozen model stays as it is."""
        super().train(mode)
        if self.config.tune == "head":
            self.model.eval()
        return self

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        found: torch.device = next(self.model.parameters()).device
        return found

    def forward(self, texts: Sequence[str]) -> Tensor:
        """Return the unit vectors (n, width) of texts; a text without any token has a vector too."""
        if self.config.tune == "head":
            return self._frozen(texts)
        if torch.is_grad_enabled():
            return self._read(texts)
        return self._in_batches(texts)

    def states(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """Return the pooled unit vectors (n, width) of token embeddings (n, t, e) with mask (n, t)."""
        return self._pool({"inputs_embeds": inputs}, mask)

    @torch.no_grad()
    def alone(self, texts: Sequence[str]) -> Tensor:
        """Return unit vectors (n, width) that do not depend on what else is read, so that they may be kept.

        Texts of about equal length go together, filled up to one of a few shapes: the last bits of a product depend on
        its shape, not on its neighbours.
        """
        self.model.eval()
        found = torch.empty(len(texts), self.width, device=self.device)
        if len(texts) == 0:
            return found
        tokens = self.tokenizer(list(texts), truncation=True, max_length=self.max_tokens)["input_ids"]
        filled = np.array([max(1, -(-len(own) // _LENGTH_STEP)) * _LENGTH_STEP for own in tokens])
        for length in np.unique(filled).tolist():
            chosen = np.flatnonzero(filled == length)
            for part in np.split(chosen, range(self.config.batch, len(chosen), self.config.batch)):
                batch = [texts[i] for i in np.resize(part, self.config.batch).tolist()]
                found[part] = self._read(batch, min(length, self.max_tokens))[: len(part)]
        return found

    def settle(self) -> None:
        """End the training: LoRA goes into the weights, and the reader stays as it is, like one that is opened."""
        if self.config.tune == "lora":
            self.model = self.model.merge_and_unload()
        self.config = replace(self.config, tune="head")
        self._kept.clear()
        self.model.requires_grad_(False).eval()

    def tokens(self, texts: Sequence[str], length: int | None = None) -> tuple[Tensor, Tensor]:
        """Return token numbers and mask, (n, t) both, padded to the longest text, or cut and padded to a length."""
        padding = True if length is None else "max_length"
        most = self.max_tokens if length is None else length
        found = self.tokenizer(list(texts), padding=padding, truncation=True, max_length=most)
        ids, mask = (torch.tensor(found[name], dtype=torch.long) for name in ("input_ids", "attention_mask"))
        if ids.shape[1] == 0:
            ids, mask = (part.new_zeros(len(texts), 1) for part in (ids, mask))
        nothing = mask.sum(dim=1) == 0  # of a tokenizer that adds nothing to an empty text: one padding token is read
        ids[nothing, 0], mask[nothing, 0] = int(self.tokenizer.pad_token_id), 1
        return ids.to(self.device), mask.to(self.device)

    def _read(self, texts: Sequence[str], length: int | None = None) -> Tensor:
        ids, mask = self.tokens(texts, length)
        return self._pool({"input_ids": ids}, mask)

    def _pool(self, inputs: dict[str, Tensor], mask: Tensor) -> Tensor:
        if self.decoder:  # a place is counted from the first token, so that padding on the left changes nothing
            inputs = inputs | {"position_ids": (mask.cumsum(dim=1) - 1).clamp_min(0)}
        extra = {"use_cache": False} if self.decoder else {}
        states = self.model(**inputs, attention_mask=mask, **extra).last_hidden_state
        pooled = last_token_pool(states, mask) if self.pooling == "last" else mean_pool(states, mask)
        return F.normalize(pooled, dim=1)

    @torch.no_grad()
    def _in_batches(self, texts: Sequence[str]) -> Tensor:
        """Return the vectors of texts, those of like length together."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        found = torch.empty(len(texts), self.width, device=self.device)
        for begin in range(0, len(order), self.config.batch):
            rows = order[begin : begin + self.config.batch]
            found[rows] = self._read([texts[i] for i in rows])
        return found

    def keep(self, texts: Sequence[str], vectors: Tensor) -> None:
        """Keep unit vectors (n, width) that this very model gave to texts elsewhere (tune=head alone reads them)."""
        self._kept |= zip(texts, F.normalize(vectors.detach().float().cpu(), dim=1), strict=True)

    def _frozen(self, texts: Sequence[str]) -> Tensor:
        new = [text for text in dict.fromkeys(texts) if text not in self._kept]
        if new:
            self._kept |= zip(new, self._in_batches(new).cpu(), strict=True)
        if len(texts) == 0:
            return torch.empty(0, self.width, device=self.device)
        return torch.stack([self._kept[text] for text in texts]).to(self.device)
