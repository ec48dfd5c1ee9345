"""Fuse what is known of a user: cross-attention among modalities, any of which may be missing (FIND eq. 11)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Fusion(nn.Module):
    """e^f = CA(e^V, e^tab, e^r): `layers` of cross-attention, then attention pooling to one vector.

    Each modality is a few tokens. In a layer (pre-norm) a token attends to the tokens of the *other* modalities and to
    one learned token that says nothing, then passes a feed-forward net; so a user with one modality is still a user.
    Missing tokens are never attended to. In training a modality is dropped for a user with chance `drop`, never the
    last one.
    """

    def __init__(
        self, modalities: int, dims: int, out: int, *, layers: int = 5, heads: int = 4, drop: float = 0.0
    ) -> None:
        super().__init__()
        self.modality = nn.Parameter(torch.randn(modalities, dims) * 0.02)
        self.nothing = nn.Parameter(torch.randn(1, 1, dims) * 0.02)
        self.layers = nn.ModuleList(_CrossLayer(dims, heads) for _ in range(layers))
        self.leave = nn.LayerNorm(dims)
        self.ask = nn.Linear(dims, 1)
        self.project = nn.Linear(dims, out)
        self.drop = drop

    def forward(self, parts: Sequence[Tensor], present: Sequence[Tensor]) -> Tensor:
        """Return (b, out) of one tensor (b, k_i, d) and one mask (b,) bool per modality."""
        kept = torch.stack(list(present), dim=1)
        if self.training and self.drop:
            kept = drop_modalities(kept, self.drop)
        sizes = torch.tensor([part.shape[1] for part in parts], device=kept.device)
        owner = torch.repeat_interleave(torch.arange(len(parts), device=kept.device), sizes)  # (k,)
        there = kept[:, owner]  # (b, k)
        h = torch.cat([part + own for part, own in zip(parts, self.modality, strict=True)], dim=1)
        h = h.masked_fill(~there.unsqueeze(2), 0.0)
        seen = (owner.unsqueeze(0) != owner.unsqueeze(1)).unsqueeze(0) & there.unsqueeze(1)  # (b, k, k)
        nothing = self.nothing.expand(len(h), 1, -1)
        for layer in self.layers:
            h = layer(h, nothing, seen)
        h = torch.cat([self.leave(h), nothing], dim=1)
        weight = self.ask(h).squeeze(2)
        alone = ~there.any(dim=1, keepdim=True)
        weight = weight.masked_fill(~torch.cat([there, alone], dim=1), float("-inf")).softmax(dim=1)
        found: Tensor = self.project((weight.unsqueeze(2) * h).sum(dim=1))
        return found


class Concatenation(nn.Module):
    """The ablation: the mean token of each modality, 0 where missing, side by side, then a linear layer."""

    def __init__(self, modalities: int, dims: int, out: int) -> None:
        super().__init__()
        self.project = nn.Linear(modalities * dims, out)

    def forward(self, parts: Sequence[Tensor], present: Sequence[Tensor]) -> Tensor:
        """Return (b, out), see Fusion."""
        means = [part.mean(dim=1).masked_fill(~has.unsqueeze(1), 0.0) for part, has in zip(parts, present, strict=True)]
        found: Tensor = self.project(torch.cat(means, dim=1))
        return found


class _CrossLayer(nn.Module):
    def __init__(self, dims: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.after = nn.LayerNorm(dims), nn.LayerNorm(dims)
        self.query, self.key_value = nn.Linear(dims, dims), nn.Linear(dims, 2 * dims)
        self.out = nn.Linear(dims, dims)
        self.net = nn.Sequential(nn.Linear(dims, 4 * dims), nn.GELU(), nn.Linear(4 * dims, dims))

    def forward(self, h: Tensor, nothing: Tensor, seen: Tensor) -> Tensor:
        b, k, d = h.shape
        normal = self.before(h)
        q = self.query(normal).view(b, k, self.heads, -1).transpose(1, 2)
        heard = self.key_value(torch.cat([normal, nothing], dim=1)).view(b, k + 1, 2, self.heads, -1)
        keys, values = heard.permute(2, 0, 3, 1, 4)
        mask = F.pad(seen, (0, 1), value=True).unsqueeze(1)
        found = F.scaled_dot_product_attention(q, keys, values, attn_mask=mask)
        h = h + self.out(found.transpose(1, 2).reshape(b, k, d))
        rest: Tensor = self.net(self.after(h))
        return h + rest


def drop_modalities(present: Tensor, chance: float) -> Tensor:
    """Return present (b, m) bool with each one dropped by chance; where nothing would be left, as it was."""
    kept = present & (torch.rand(present.shape, device=present.device) >= chance)
    return torch.where(kept.any(dim=1, keepdim=True), kept, present)
