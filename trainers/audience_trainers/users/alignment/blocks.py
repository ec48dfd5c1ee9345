"""The rows of the contrastive loss some at a time: one buffer of block x b, and no logits computed twice."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def blocked_loss(
    queries: Tensor, keys: Tensor, scale: Tensor, *, numbers: Tensor | None, rows: Tensor, block: int
) -> Tensor:
    """Return the sum over `rows` (r,) of -log softmax(scale queries keys')[row, row].

    queries, keys (b, d) unit vectors; a key j with `numbers[j] == numbers[row]` is no negative of a row. The gradient
    (softmax, minus one at the own key) is worked out block by block in the forward pass: nothing b x b is kept.
    """
    found: Tensor = _Blocked.apply(queries, keys, scale, numbers, rows, block)
    return found


class _Blocked(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, queries: Tensor, keys: Tensor, scale: Tensor, numbers: Tensor | None, rows: Tensor, block: int
    ) -> Tensor:
        wanted = any(ctx.needs_input_grad[:3])
        of_queries, of_keys = (torch.zeros_like(part) if wanted else None for part in (queries, keys))
        of_scale, total = torch.zeros_like(scale), torch.zeros_like(scale)
        buffer = queries.new_empty(min(block, max(len(rows), 1)), len(keys))
        for some in torch.split(rows, block):
            asked = queries[some]
            share = torch.mm(asked, keys.T, out=buffer[: len(some)]).mul_(scale)
            total += _softmax(share, some, numbers)  # share now holds dL / dlogits
            if of_queries is not None and of_keys is not None:
                pulled = share @ keys
                of_queries[some] = pulled
                of_keys.addmm_(share.T, asked)
                of_scale += (asked * pulled).sum()
        if wanted:
            ctx.save_for_backward(of_queries, of_keys, of_scale, scale)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        of_queries, of_keys, of_scale, scale = ctx.saved_tensors
        return gradient * scale * of_queries, gradient * scale * of_keys, gradient * of_scale, None, None, None


def _softmax(logits: Tensor, rows: Tensor, numbers: Tensor | None) -> Tensor:
    """Return the summed loss of logits (r, b); put its gradient in their place."""
    place = torch.arange(len(rows), device=rows.device)
    own = logits[place, rows]
    if numbers is not None:
        alike = numbers[rows].unsqueeze(1) == numbers
        alike[place, rows] = False
        logits.masked_fill_(alike, float("-inf"))
    most = logits.amax(dim=1, keepdim=True)
    weight = logits.sub_(most).exp_().sum(dim=1, keepdim=True)
    logits.div_(weight)
    logits[place, rows] -= 1.0
    return (weight.log() + most).sum() - own.sum()
