"""Gradient caching (GradCache, Gao et al. 2021): a contrastive batch as large as its embeddings, not its activations.

First pass: every chunk is embedded without a graph. The loss gives the gradient of each embedding. Second pass, within
backward: each chunk is embedded again with a graph, and its embeddings' gradient goes on to the weights. At any time
one chunk's activations are in memory; the gradients are those of the plain pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

Embed = Callable[[Any], Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """A part of a batch: what `embed` reads, and the seed of what it draws (dropout), the same in both passes."""

    part: Any
    seed: int


def embed_in_chunks(embed: Embed, chunks: Sequence[Chunk], *, dims: int, device: str) -> Tensor:
    """Return the embeddings (n, dims) of all chunks, one after the other, in bounded memory.

    `embed(part) -> (k, dims)` must depend on nothing but its part, the weights and the random state.
    """
    if len(chunks) == 0:
        return torch.zeros(0, dims, device=device, requires_grad=torch.is_grad_enabled())
    if not torch.is_grad_enabled():
        return torch.cat([_embed(embed, chunk, device) for chunk in chunks])
    anchor = torch.zeros((), device=device, requires_grad=True)  # so that there is a gradient to ask for
    found: Tensor = _TwoPasses.apply(anchor, embed, chunks, device)
    return found


class _TwoPasses(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, anchor: Tensor, embed: Embed, chunks: Sequence[Chunk], device: str) -> Tensor:
        ctx.embed, ctx.chunks, ctx.device = embed, chunks, device
        kind = torch.device(device).type
        ctx.kind, ctx.mixed, ctx.type = kind, torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind)
        parts = [_embed(embed, chunk, device) for chunk in chunks]
        ctx.sizes = [len(part) for part in parts]
        return torch.cat(parts) + anchor

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        for chunk, wanted in zip(ctx.chunks, torch.split(gradient, ctx.sizes), strict=True):
            with torch.enable_grad(), torch.autocast(ctx.kind, ctx.type, enabled=ctx.mixed):
                again = _embed(ctx.embed, chunk, ctx.device)
            if again.requires_grad:
                torch.autograd.backward(again, wanted)
        return torch.zeros_like(gradient[0, 0]), None, None, None


def _embed(embed: Embed, chunk: Chunk, device: str) -> Tensor:
    with seeded(chunk.seed, device):
        return embed(chunk.part).float()


@contextmanager
def seeded(seed: int, device: str) -> Iterator[None]:
    """Draw from a seed of one's own within; the random state outside is as before."""
    with torch.random.fork_rng(devices=[device] if device.startswith("cuda") else []):
        torch.manual_seed(seed)
        yield
