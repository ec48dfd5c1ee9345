"""The contrastive loss between users and descriptions, dense or in blocks that bound its memory."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audience_trainers.users.alignment.blocks import blocked_loss

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
    `block` rows of logits at a time; same loss, memory block x b. `mine`: these rows' share alone; the shares of all
    processes add up to the loss. Always in float32: half precision is too coarse for a scale of 100.
    """
    with torch.autocast(users.device.type, enabled=False):
        users, texts = F.normalize(users.float(), dim=1), F.normalize(texts.float(), dim=1)
        rows = torch.arange(len(users), device=users.device)[mine]
        total = _one_way(users, texts, scale, same, rows, block)
        if both:
            total = 0.5 * (total + _one_way(texts, users, scale, same, rows, block))
        return total / len(users)


def _one_way(queries: Tensor, keys: Tensor, scale: Tensor, numbers: Tensor | None, rows: Tensor, block: int) -> Tensor:
    """Return the summed loss of some rows."""
    if block:
        return blocked_loss(queries, keys, scale, numbers=numbers, rows=rows, block=block)
    logits = scale * (queries[rows] @ keys.T)
    if numbers is not None:
        alike = numbers[rows].unsqueeze(1) == numbers
        own = torch.zeros_like(alike).scatter_(1, rows.unsqueeze(1), True)
        logits = logits.masked_fill(alike & ~own, float("-inf"))
    return F.cross_entropy(logits, rows, reduction="sum")
