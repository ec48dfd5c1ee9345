"""Embeddings of all processes in one matrix, so that each process has the whole batch as negatives."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from audience_trainers.processes import Processes


def gather(own: Tensor, place: Tensor, count: int, processes: Processes) -> Tensor:
    """Return (count, d): the rows `own` (k, d) of each process at its `place` (k,), on every process.

    The gradient of a row is the sum of what all processes ask of it.
    """
    found: Tensor = _Gather.apply(own, place, count, processes)
    return found


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, own: Tensor, place: Tensor, count: int, processes: Processes) -> Tensor:
        ctx.place, ctx.processes = place, processes
        return processes.sum(own.new_zeros(count, own.shape[1]).index_copy(0, place, own))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return ctx.processes.sum(gradient.contiguous()).index_select(0, ctx.place), None, None, None
