"""L_cl: InfoNCE between an entity and a semantically close, correlated one (EGL eq. 4)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def info_nce(
    z_e: Tensor, z_positive: Tensor, *, temperature: float, place: Tensor | None = None, known: Tensor | None = None
) -> Tensor:
    """Return the mean of -log( exp(z_e . z_e+ / tau) / sum over e+ and e- of exp(z_e . z_e- / tau) ).

    `z_e` (r, d) are the anchors, `z_positive` (a, d) the positives of the batch; row i belongs to column `place[i]`
    (None: row i to column i), and the other columns are its e- (in-batch negatives). `known` (r, a) bool marks pairs
    that are relations themselves: they are no negatives.

    Two readings of the printed equation: it lacks its minus sign, without which minimising it would push anchors
    apart; and its denominator runs over e- alone, with which the loss has no lower bound. Here the positive is in the
    denominator too, as in the InfoNCE that the paper cites, so the loss is at least 0.
    """
    place = torch.arange(len(z_e), device=z_e.device) if place is None else place
    logits = z_e @ z_positive.T / temperature  # (r, a)
    if known is not None:
        own = torch.zeros_like(known).scatter(1, place.unsqueeze(1), True)
        logits = logits.masked_fill(known & ~own, float("-inf"))
    return F.cross_entropy(logits, place)
