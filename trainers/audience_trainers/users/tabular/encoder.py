"""The TabTransformer: each cell a token with an embedding of its column, contextual through self-attention."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from audience_trainers.users.tabular.config import TabularConfig
from audience_trainers.users.tabular.schema import FIRST, UNSEEN, TabularSchema


class TabularEncoder(nn.Module):
    """Rows -> contextual columns h (b, F, d); e^tab (b, d) is their mean (FIND eq. 9).

    A token is the embedding of its code (a table of its own per column) plus the column's embedding; in `periodic` a
    number enters as a linear map of sines and cosines of its standardised value at learned frequencies instead
    (Gorishniy et al., NeurIPS 2022), missing and masked cells by their code. An unseen value enters as a masked one:
    something is there, and what is not known; so it meets an embedding that was trained.
    """

    def __init__(self, schema: TabularSchema, config: TabularConfig, *, dims: int = 0, layers: int = 0) -> None:
        super().__init__()
        d = dims or config.dims
        sizes = [column.codes + 1 for column in schema.columns]  # the last code of each is the mask
        self.start = nn.Buffer(torch.tensor(np.cumsum([0, *sizes[:-1]])))
        self.masked = nn.Buffer(torch.tensor(sizes) - 1)
        self.numeric = nn.Buffer(torch.tensor([column.numeric for column in schema.columns]))
        self.cell = nn.Embedding(sum(sizes), d)
        self.column = nn.Parameter(torch.randn(len(sizes), d) * 0.02)
        self.waves = _Waves(len(sizes), config.waves, d) if config.numbers == "periodic" else None
        heads = config.heads if d % config.heads == 0 else 1
        layer = nn.TransformerEncoderLayer(
            d, heads, dim_feedforward=4 * d, dropout=config.dropout, activation="gelu", batch_first=True,
            norm_first=True,
        )  # fmt: skip
        self.over = nn.TransformerEncoder(layer, layers or config.layers, enable_nested_tensor=False)
        self.leave = nn.LayerNorm(d)

    def forward(self, codes: Tensor, values: Tensor) -> Tensor:
        """Return h (b, F, d) of codes and standardised values, (b, F) each; a masked cell has the code `masked`."""
        codes = torch.where(codes == UNSEEN, self.masked, codes)
        cells = self.cell(codes + self.start)
        if self.waves is not None:
            known = self.numeric & (codes >= FIRST) & (codes != self.masked)
            cells = torch.where(known.unsqueeze(2), self.waves(values), cells)
        found: Tensor = self.leave(self.over(cells + self.column))
        return found

    @staticmethod
    def pooled(h: Tensor) -> Tensor:
        """Return e^tab (b, d), the mean over columns."""
        return h.mean(dim=1)


class CellClassifier(nn.Module):
    """h (b, F, d) -> logits over each column's codes, a linear map per column."""

    def __init__(self, schema: TabularSchema, dims: int) -> None:
        super().__init__()
        self.heads = nn.ModuleList(nn.Linear(dims, column.codes) for column in schema.columns)

    def forward(self, h: Tensor) -> Sequence[Tensor]:
        """Return one tensor (b, codes) per column."""
        return [head(h[:, place]) for place, head in enumerate(self.heads)]


class ReplacedClassifier(nn.Module):
    """h (b, F, d) -> (b, F): the logit that a cell was replaced, one binary classifier per column."""

    def __init__(self, columns: int, dims: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(columns, dims) * dims**-0.5)
        self.bias = nn.Parameter(torch.zeros(columns))

    def forward(self, h: Tensor) -> Tensor:
        """Return the logits."""
        return (h * self.weight).sum(dim=2) + self.bias


class _Waves(nn.Module):
    def __init__(self, columns: int, waves: int, dims: int) -> None:
        super().__init__()
        self.frequency = nn.Parameter(torch.randn(columns, waves))
        self.weight = nn.Parameter(torch.randn(columns, 2 * waves, dims) * (2 * waves) ** -0.5)

    def forward(self, values: Tensor) -> Tensor:
        angle = 2.0 * torch.pi * values.unsqueeze(2) * self.frequency  # (b, F, waves)
        return torch.einsum("bfw,fwd->bfd", torch.cat([angle.sin(), angle.cos()], dim=2), self.weight)
