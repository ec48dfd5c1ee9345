"""A sentence with learnable tokens in front of its own, read by a frozen tower."""

from __future__ import annotations

import torch
from torch import Tensor

from audience_trainers.users.text_tower.tower import TextTower

NOISE = 0.1  # of the size of word embeddings


class SoftPrompt:
    """The token embeddings of one sentence, and the place where learnable ones go: after a leading special token."""

    def __init__(self, tower: TextTower, sentence: str) -> None:
        self.tower = tower
        reader = tower.reader
        with torch.no_grad():
            ids, mask = reader.tokens([sentence])
            around = reader.tokenizer("")["input_ids"]  # what the tokenizer puts around any text
            self.lead = int(bool(around) and int(ids[0, 0]) == around[0])
            self.embeddings = reader.model.get_input_embeddings()(ids)[0]  # (t, e)
            self.mask = mask[0]

    def start(self, count: int, words: str, generator: torch.Generator) -> Tensor:
        """Return `count` tokens (m, e) to start from: the words' embeddings, over and over, or small noise."""
        reader = self.tower.reader
        table: Tensor = reader.model.get_input_embeddings().weight.detach()
        plain = reader.tokenizer(words, add_special_tokens=False)["input_ids"] if words.strip() else []
        if not plain:
            scale = NOISE * table.square().mean().sqrt().cpu()
            return (torch.randn(count, table.shape[1], generator=generator) * scale).to(table.device)
        return table[torch.tensor([plain[i % len(plain)] for i in range(count)], device=table.device)].clone()

    def read(self, tokens: Tensor) -> Tensor:
        """Return the unit vectors (k, dims) of the sentence after each of k prompts (k, m, e)."""
        k, m, _ = tokens.shape
        rest = self.embeddings[self.lead : self.tower.reader.longest - m].expand(k, -1, -1)
        inputs = torch.cat([self.embeddings[: self.lead].expand(k, -1, -1), tokens, rest], dim=1)
        mask = torch.cat([self.mask.new_ones(m), self.mask])[: inputs.shape[1]].expand(k, -1)
        return self.tower.place(self.tower.reader.states(inputs, mask))
