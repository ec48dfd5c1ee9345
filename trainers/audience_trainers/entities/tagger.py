"""BERT-CRF: an encoder, one emission per word from its first subword, and a CRF over the labels (Souza et al. 2019).

`new_words`: the encoder's word embeddings start from nothing, and so learn at the head's rate.
With head `softmax` each word is classified alone: the plain token classifier, everything else being the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from audience_trainers.entities.batches import Batch
from audience_trainers.entities.crf import LinearChainCRF


class TaggingModel(Protocol):
    """What training and inference ask of a model: it is an `nn.Module` too."""

    def loss(self, batch: Batch) -> Tensor:
        """Return the mean loss per word, a scalar."""

    def decode(self, batch: Batch) -> list[list[int]]:
        """Return one label index for each word of each window."""

    def head_parameters(self) -> Iterator[nn.Parameter]:
        """Yield the parameters that learn at the head's rate."""


class Tagger(nn.Module):
    """Encoder (any that returns `last_hidden_state` (b, t, d)), dropout, linear emissions (b, w, l), head."""

    def __init__(
        self,
        encoder: nn.Module,
        labels: Sequence[str],
        *,
        head: str = "crf",
        dropout: float = 0.1,
        new_words: bool = False,
    ) -> None:
        super().__init__()
        config: Any = encoder.config
        self.encoder = encoder
        self.labels = tuple(labels)
        self.new_words = new_words
        self.dropout = nn.Dropout(dropout)
        self.emission = nn.Linear(config.hidden_size, len(labels))
        nn.init.normal_(self.emission.weight, std=0.02)
        nn.init.zeros_(self.emission.bias)
        self.crf = LinearChainCRF(labels) if head == "crf" else None

    def emissions(self, batch: Batch) -> Tensor:
        """Return a score for each word and label (b, w, l) float32, from the word's first subword."""
        hidden = self.encoder(input_ids=batch.ids, attention_mask=batch.attention).last_hidden_state
        words = hidden.gather(1, batch.first.unsqueeze(2).expand(-1, -1, hidden.shape[2]))  # (b, w, d)
        scores: Tensor = self.emission(self.dropout(words)).float()
        return scores

    def loss(self, batch: Batch) -> Tensor:
        """Return -log p(tags | words) per word, a scalar."""
        emissions = self.emissions(batch)
        if self.crf is None:
            return nn.functional.cross_entropy(emissions[batch.mask], batch.tags[batch.mask])
        return -self.crf.log_likelihood(emissions, batch.tags, batch.mask).sum() / batch.mask.sum()

    @torch.no_grad()
    def decode(self, batch: Batch) -> list[list[int]]:
        """Return the best labels of each window: the best valid sequence, with head `softmax` each word's best."""
        emissions = self.emissions(batch)
        if self.crf is not None:
            return self.crf.decode(emissions, batch.mask)
        best, lengths = emissions.argmax(2).tolist(), batch.mask.sum(1).tolist()
        return [row[:length] for row, length in zip(best, lengths, strict=True)]

    def head_parameters(self) -> Iterator[nn.Parameter]:
        """Yield the parameters of emissions and CRF, and those of word embeddings that are new."""
        yield from self.emission.parameters()
        if self.crf is not None:
            yield from self.crf.parameters()
        if self.new_words:
            encoder: Any = self.encoder
            yield from encoder.get_input_embeddings().parameters()
