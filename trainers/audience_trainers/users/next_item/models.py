"""Sequence models that answer with a state per position, and the table of items that states are compared with."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from audience_trainers.users.behaviour.config import BehaviourConfig
from audience_trainers.users.behaviour.encoder import BehaviourEncoder, Events
from audience_trainers.users.next_item.config import NextItemConfig
from audience_trainers.users.next_item.sequences import Batch
from audience_trainers.users.transformer import Transformer

Floats = npt.NDArray[np.float32]


class NextItemModel(nn.Module):
    """A table of items (n, d), read in and compared with at the end (tied), around a reader of sequences.

    `features` (n, f), fixed, say what an item is: the vector of its text, or 1 / k at each of its k attributes, whose
    projection is then the mean of learned attribute vectors. An item is the sum of its own vector and this projection.
    """

    def __init__(self, items: int, config: NextItemConfig, *, features: Floats | None = None, sources: int = 1) -> None:
        super().__init__()
        self.config = config
        self.own = nn.Embedding(items, config.dims)
        nn.init.normal_(self.own.weight, std=config.dims**-0.5)
        self.side = None if features is None else nn.Linear(features.shape[1], config.dims, bias=False)
        if self.side is not None:
            nn.init.normal_(self.side.weight, std=config.dims**-0.5)
        self.register_buffer("features", None if features is None else torch.from_numpy(features), persistent=False)
        self.reader: nn.Module = SasRec(config) if config.kind == "sasrec" else BehaviourReader(config, sources)

    def table(self) -> Tensor:
        """Return the vectors of all items (n, d)."""
        weight: Tensor = self.own.weight
        return weight if self.side is None else weight + self.side(self.features)

    def forward(self, batch: Batch, table: Tensor | None = None) -> Tensor:
        """Return states (b, w, d), each of an event and those before it; those of padding mean nothing."""
        table = self.table() if table is None else table
        states: Tensor = self.reader(F.embedding(batch.item, table), batch)
        return states

    def start_from(self, encoder: BehaviourEncoder) -> None:
        """Take the weights of an encoder that was pre-trained on the same features, so that states begin as its own.

        Items' own vectors become a tenth as long as the projections: they are to tell how an item differs from those.
        """
        assert isinstance(self.reader, BehaviourReader)
        assert self.side is not None
        own, state = self.reader.encoder.state_dict(), encoder.state_dict()
        state |= {name: own[name] for name in own if name.startswith("text.")}
        state["source.weight"] = state["source.weight"] + encoder.text.bias  # which the projection here has not
        self.reader.encoder.load_state_dict(state)
        with torch.no_grad():
            self.side.weight.copy_(encoder.text.weight / self.config.dims**0.5)
            self.own.weight *= 0.1 * self.side(self.features).norm(dim=1).mean()


def behaviour_config(config: NextItemConfig) -> BehaviourConfig:
    """Return the settings of the encoder within, those of its pre-training too."""
    return BehaviourConfig(
        dims=config.dims, layers=config.layers, heads=config.heads, width=config.width, dropout=config.dropout,
        recency=False, epochs=max(1, config.pretrain), patience=max(1, config.pretrain), batch=config.batch,
        learning_rate=config.learning_rate,
    )  # fmt: skip


class SasRec(nn.Module):
    """SASRec (Kang & McAuley 2018): learned positions, dropout, causal self-attention; here pre-norm and with GELU.

    Places count from the first event that is read, so that no state depends on how many follow.
    """

    def __init__(self, config: NextItemConfig) -> None:
        super().__init__()
        d = config.dims
        self.dropout = config.dropout
        self.place = nn.Embedding(config.width, d)
        nn.init.normal_(self.place.weight, std=d**-0.5)
        self.over = Transformer(
            d, config.heads, layers=config.layers, hidden=4 * d, dropout=config.dropout, causal=True
        )

    def forward(self, items: Tensor, batch: Batch) -> Tensor:  # noqa: ARG002
        """Return states (b, w, d) of item vectors (b, w, d)."""
        h = items * items.shape[2] ** 0.5 + self.place.weight[: items.shape[1]]
        states: Tensor = self.over(F.dropout(h, self.dropout, self.training))
        return states


class BehaviourReader(nn.Module):
    """The behaviour encoder with item vectors in the place of projected event texts: its causal states c."""

    def __init__(self, config: NextItemConfig, sources: int) -> None:
        super().__init__()
        self.dropout = config.dropout
        self.encoder = BehaviourEncoder(1, sources, behaviour_config(config))

    def forward(self, items: Tensor, batch: Batch) -> Tensor:
        """Return states (b, w, d) of item vectors (b, w, d)."""
        items = F.dropout(items * items.shape[2] ** 0.5, self.dropout, self.training)
        events = Events(items, batch.source, batch.time, batch.length)
        return self.encoder.encode(items, events).c
