"""Pre-train the tabular encoder: masked cells (FIND eq. 8) and replaced cells, jointly with the generator."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audience_trainers.users.tabular.config import TabularConfig
from audience_trainers.users.tabular.encoder import CellClassifier, ReplacedClassifier, TabularEncoder
from audience_trainers.users.tabular.schema import FIRST, UNSEEN, Rows, TabularSchema
from audience_trainers.users.training import Indices, Lessons, Trained, TrainOptions, equal_parts, hold_out, train


class TabularPretraining(nn.Module):
    """The encoder with what only training needs: its two classifiers, and the generator.

        L = L_MLM(encoder) + L_MLM(generator) + replaced * L_RTD

    Cells are masked; encoder and generator tell what stood there (L_MLM, the mean cross-entropy over masked cells).
    What the generator samples is put in their place, and one binary classifier per column tells from the encoder's h
    which cells are not what they were (L_RTD). A sample that hits the original is not a replacement. The generator
    learns by L_MLM alone: nothing flows back through its samples (ELECTRA).
    """

    def __init__(self, schema: TabularSchema, config: TabularConfig) -> None:
        super().__init__()
        self.encoder = TabularEncoder(schema, config)
        self.generator = TabularEncoder(schema, config, dims=config.generator_dims, layers=1)
        self.says = CellClassifier(schema, config.dims)
        self.guesses = CellClassifier(schema, config.generator_dims)
        self.doubts = ReplacedClassifier(len(schema.columns), config.dims)
        most = max(column.codes for column in schema.columns)
        centres = torch.zeros(len(schema.columns), most)
        for place, column in enumerate(schema.columns):
            if column.numeric:
                centres[place, FIRST : column.codes] = torch.tensor(column.centres)
        self.centres = nn.Buffer(centres)
        self.share, self.weight = config.mask, config.replaced

    def forward(self, codes: Tensor, values: Tensor) -> Tensor:
        """Return L of rows (b, F); what is masked is drawn with torch's generator."""
        masked = torch.rand(codes.shape, device=codes.device) < self.share
        hidden = torch.where(masked, self.encoder.masked, codes)
        guesses = self.guesses(self.generator(hidden, values.masked_fill(masked, 0.0)))
        loss = mlm_loss(self.says(self.encoder(hidden, values.masked_fill(masked, 0.0))), codes, masked)
        loss = loss + mlm_loss(guesses, codes, masked)
        if not self.weight:
            return loss
        new_codes, new_values, replaced = self.replace(codes, values, masked, guesses)
        doubts = self.doubts(self.encoder(new_codes, new_values)).float()
        return loss + self.weight * F.binary_cross_entropy_with_logits(doubts, replaced.float())

    @torch.no_grad()
    def replace(
        self, codes: Tensor, values: Tensor, masked: Tensor, guesses: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return codes and values with samples of the generator where masked, and (b, F) where that changed the cell.

        A sampled bin's value is that of a random row of the batch in this bin, else its median: were it always the
        median, a replaced number could be told by its exact value. UNSEEN is never sampled.
        """
        guesses = [
            guess.float().index_fill(1, torch.tensor([UNSEEN], device=codes.device), -torch.inf) for guess in guesses
        ]
        drawn = torch.stack([torch.multinomial(g.float().softmax(dim=1), 1).squeeze(1) for g in guesses], dim=1)
        replaced = masked & (drawn != codes)
        centre = self.centres.expand(len(codes), -1, -1).gather(2, drawn.unsqueeze(2)).squeeze(2)
        other = torch.stack(
            [
                _same_code(codes[:, f], values[:, f], drawn[:, f].contiguous(), centre[:, f])
                for f in range(codes.shape[1])
            ],
            dim=1,
        )
        return torch.where(replaced, drawn, codes), torch.where(replaced, other, values), replaced


def _same_code(codes: Tensor, values: Tensor, wanted: Tensor, otherwise: Tensor) -> Tensor:
    """Return for each wanted code the value of a random row of the column (b,) with it, else `otherwise`."""
    mixed = torch.randperm(len(codes), device=codes.device)
    order = mixed[torch.argsort(codes[mixed], stable=True)]
    low = torch.searchsorted(codes[order], wanted)
    count = torch.searchsorted(codes[order], wanted, right=True) - low
    place = low + (torch.rand(len(wanted), device=codes.device) * count).long()
    return torch.where(count > 0, values[order[place.clamp_max(len(codes) - 1)]], otherwise)


def mlm_loss(logits: Sequence[Tensor], codes: Tensor, masked: Tensor) -> Tensor:
    """Return the mean cross-entropy over the masked cells (FIND eq. 8), a scalar; 0 when none is masked."""
    total = torch.zeros((), device=codes.device)
    for place, own in enumerate(logits):
        losses = F.cross_entropy(own.float(), codes[:, place], reduction="none")
        total = total + (losses * masked[:, place]).sum()
    return total / masked.sum().clamp_min(1)


def pretrain_tabular(
    schema: TabularSchema, rows: Rows, user: Indices, config: TabularConfig, options: TrainOptions
) -> Trained[TabularEncoder]:
    """Train on rows, `user` (p,) whose each is, and return the encoder of the best epoch.

    A share of the users is held out whole. Raises ConfigError for fewer than two users, and as `train` does.
    """
    held = hold_out(user, config.held_out, options.seed)
    torch.manual_seed(options.seed)
    model = TabularPretraining(schema, config).to(options.device)

    def loss(batch: Indices, epoch: int) -> Tensor:  # noqa: ARG001
        codes, values = (torch.from_numpy(part[batch]).to(options.device) for part in (rows.codes, rows.values))
        found: Tensor = model(codes, values)
        return found

    lessons = Lessons(
        name="columns",
        batches=lambda rng: equal_parts(np.flatnonzero(~held), config.batch, rng),
        loss=loss,
        held=equal_parts(np.flatnonzero(held), config.batch, np.random.default_rng(options.seed)),
    )
    trained = train(model, lessons, config, options)
    return Trained(model.encoder, trained.valid_loss, trained.curves)


@torch.no_grad()
def encode_rows(encoder: TabularEncoder, rows: Rows, *, batch: int = 1_024, device: str = "cpu") -> np.ndarray:
    """Return e^tab (p, d) float32 of all rows, batch by batch."""
    encoder.eval()
    parts = [
        encoder.pooled(
            encoder(
                torch.from_numpy(rows.codes[i : i + batch]).to(device),
                torch.from_numpy(rows.values[i : i + batch]).to(device),
            )
        )
        for i in range(0, len(rows), batch)
    ]
    return torch.cat(parts).float().cpu().numpy() if parts else np.zeros((0, encoder.column.shape[1]), np.float32)
