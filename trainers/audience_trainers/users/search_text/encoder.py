"""e^(r) = f_omega(R_i): the last searches of a user before t1 as one token for the fusion (FIND eq. 10)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from audience_trainers.users.text_tower.config import DIMS, TowerConfig
from audience_trainers.users.text_tower.reader import TextReader

SEPARATOR = "; "


class SearchText(nn.Module):
    """Searches -> tokens (b, 1, dims) and who has any (b,): what `Fusion` takes as a part and its presence.

    `config.tune` says what alignment trains: a projection over kept vectors (head), LoRA beside it, or all of it.
    """

    def __init__(self, config: TowerConfig, *, shape: Any = None, tokenizer: Any = None) -> None:
        super().__init__()
        self.reader = TextReader(config, shape=shape, tokenizer=tokenizer)
        self.dims = config.dims or DIMS
        self.project = nn.Sequential(nn.Linear(self.reader.width, self.dims), nn.LayerNorm(self.dims))

    def forward(self, searches: Sequence[Sequence[str]]) -> tuple[Tensor, Tensor]:
        """Return tokens (b, 1, dims), 0 for a user without searches, and presence (b,) bool.

        `searches` holds each user's, newest last, as `last_texts` gives them. Equal texts are read once.
        """
        device = self.reader.device
        texts = [join_searches(said) for said in searches]
        present = torch.tensor([bool(text) for text in texts], dtype=torch.bool, device=device)
        distinct = {text: place for place, text in enumerate(dict.fromkeys(text for text in texts if text))}
        if not distinct:
            return torch.zeros(len(texts), 1, self.dims, device=device), present
        tokens = self.project(self.reader(list(distinct)))
        place = torch.tensor([distinct.get(text, 0) for text in texts], device=device)
        return tokens.index_select(0, place).masked_fill(~present.unsqueeze(1), 0.0).unsqueeze(1), present


def join_searches(searches: Sequence[str]) -> str:
    """Return one text, the newest search first, each once: what does not fit the encoder is the oldest."""
    return SEPARATOR.join(dict.fromkeys(text.strip() for text in reversed(searches) if text.strip()))
