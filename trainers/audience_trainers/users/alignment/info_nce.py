"""The contrastive loss between users and descriptions, dense or in blocks that bound its memory."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

LONGEST = 100.0  # of the scale, as in CLIP


class Temperature(nn.Module):
    """A learned scale 1 / tau of the cosine, at most 100."""

    def __init__(self, tau: float = 0.07) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(math.log(1.0 / tau)))

    def forward(self) -> Tensor:
        """Return the scale."""
        return self.log_scale.exp().clamp(max=LONGEST)


def info_nce(
    users: Tensor,
    texts: Tensor,
    scale: Tensor,
    *,
    same: Tensor | None = None,
    both: bool = False,
    block: int = 0,
    mine: slice = slice(None),
) -> Tensor:
    """Return L_CP of FIND eq. 13, a scalar: each user has to tell its description from the others of the batch.

        L = -1/B sum_i log [ exp s(f_i, q_i) / sum_j exp s(f_i, q_j) ],   s = scale * cosine

    users, texts (b, d). `same` (b,) long: descriptions with one number are one description, and none of them is a
    negative of another's user. `both` averages with the other direction, text to user. `block` > 0: never more than
    `block` rows of logits at a time, computed again for the gradient; same loss, memory block x b. `mine`: these rows'
    share alone; the shares of all processes add up to the loss.
    """
    users, texts = F.normalize(users.float(), dim=1), F.normalize(texts.float(), dim=1)
    numbers = torch.arange(len(users), device=users.device) if same is None else same
    loss = _one_way(users, texts, scale, numbers, block, mine)
    if both:
        loss = 0.5 * (loss + _one_way(texts, users, scale, numbers, block, mine))
    return loss


def _one_way(queries: Tensor, keys: Tensor, scale: Tensor, numbers: Tensor, block: int, mine: slice) -> Tensor:
    chosen = torch.arange(len(queries), device=queries.device)[mine]
    total = scale.new_zeros(())
    for rows in chosen.split(block or max(len(chosen), 1)):
        if block and torch.is_grad_enabled():
            part = checkpoint(_rows, queries[rows], keys, scale, numbers, rows, use_reentrant=False)
        else:
            part = _rows(queries[rows], keys, scale, numbers, rows)
        total = total + part.sum()
    return total / len(queries)


def _rows(queries: Tensor, keys: Tensor, scale: Tensor, numbers: Tensor, rows: Tensor) -> Tensor:
    """Return the loss (r,) of some rows."""
    logits = scale * (queries @ keys.T)
    place = torch.arange(len(keys), device=keys.device)
    alike = (numbers[rows].unsqueeze(1) == numbers) & (rows.unsqueeze(1) != place)
    return F.cross_entropy(logits.masked_fill(alike, float("-inf")), rows, reduction="none")
