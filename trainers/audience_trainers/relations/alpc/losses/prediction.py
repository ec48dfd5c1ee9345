"""L_pred: weighted cross-entropy of a pair's logit (EGL eq. 2)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def prediction_loss(s: Tensor, y: Tensor, weight: Tensor | None = None) -> Tensor:
    """Return the weighted mean of -[y log sigma(s) + (1 - y) log(1 - sigma(s))] over pairs.

    `s` logits (p,), `y` labels in 0..1 (p,), `weight` (p,) >= 0 or None for ones. The mean, not the sum of the paper:
    the loss then does not depend on the batch size.
    """
    loss = F.binary_cross_entropy_with_logits(s, y, reduction="none")
    if weight is None:
        return loss.mean()
    return (loss * weight).sum() / weight.sum().clamp_min(torch.finfo(weight.dtype).tiny)
