"""The triplet loss between a prompt and its seed users (FIND eq. 14)."""

from __future__ import annotations

from torch import Tensor


def triplet_loss(
    query: Tensor, positive: Tensor, negative: Tensor, margin: float, kept: Tensor | None = None
) -> Tensor:
    """Return the sum over all pairs of max(0, |e^q - e^f+|^2 - |e^q - e^f-|^2 + alpha).

    query (d,) or (k, d), positive (p, d), negative (q, d): every positive seed is compared with every negative one.
    The answer is a scalar, or (k,) for k queries; `kept` (k, p, q) bool leaves triplets of a query out.
    """
    far, near = (_squared(query, users) for users in (negative, positive))  # (..., q), (..., p)
    each = (near.unsqueeze(-1) - far.unsqueeze(-2) + margin).clamp_min(0.0)
    if kept is not None:
        each = each * kept
    return each.sum(dim=(-2, -1))


def _squared(query: Tensor, users: Tensor) -> Tensor:
    return query.square().sum(-1, keepdim=True) - 2.0 * query @ users.T + users.square().sum(-1)
