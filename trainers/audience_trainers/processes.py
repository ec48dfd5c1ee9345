"""One process, or several under `torchrun`: each takes a slice of every batch, gradients are summed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch import distributed as dist


@dataclass(frozen=True, slots=True)
class Processes:
    """This process's place among `size`. All draw the same batches, so losses and weights are equal on any number."""

    rank: int = 0
    size: int = 1

    def mine(self, count: int) -> slice:
        """Return the slice of `count` rows that this process works on: every size-th, from its rank."""
        return slice(self.rank, count, self.size)

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Add up the gradients of all processes, in one message."""
        if self.size == 1:
            return
        known = [p for p in parameters if p.requires_grad]
        flat = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).reshape(-1) for p in known])
        dist.all_reduce(flat)
        place = 0
        for p in known:
            p.grad = flat[place : place + p.numel()].view_as(p).clone()
            place += p.numel()

    def sum(self, values: Tensor) -> Tensor:
        """Return the sum of small tensors over all processes."""
        if self.size > 1:
            values = values.clone()
            dist.all_reduce(values)
        return values


def is_first() -> bool:
    """Return whether this process is the one, or the first of those that `torchrun` started: it alone writes files."""
    return os.environ.get("RANK", "0") == "0"


def join_processes(device: str) -> Processes:
    """Return this process's place: what `torchrun` put into the environment, else one of one. Joins the group once."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return Processes()
    if not dist.is_initialized():
        dist.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    return Processes(dist.get_rank(), dist.get_world_size())
