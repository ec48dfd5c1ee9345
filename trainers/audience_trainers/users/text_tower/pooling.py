"""From the states of tokens to one vector of the text."""

from __future__ import annotations

import torch
from torch import Tensor


def mean_pool(states: Tensor, mask: Tensor) -> Tensor:
    """Return the mean (b, d) of states (b, t, d) where mask (b, t) is 1; 0 for a row without tokens."""
    there = mask.unsqueeze(2).to(torch.float32)
    return (states.float() * there).sum(dim=1) / there.sum(dim=1).clamp_min(1e-9)


def last_token_pool(states: Tensor, mask: Tensor) -> Tensor:
    """Return the state (b, d) of each row's last token that is no padding, wherever the padding lies."""
    place = torch.arange(mask.shape[1], device=mask.device)
    last = (place * (mask > 0)).argmax(dim=1)
    return states[torch.arange(len(states), device=states.device), last].float()
