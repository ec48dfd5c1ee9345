"""One hop of message passing: edges sorted by the node that listens, and sums over them as sparse products.

A gather and a scatter of (E, d) rows read and write memory E * d three times forth and three back. As products of a
sparse (k, n) matrix the same sums read each row from the cache (`tests/bench/bench_hops.py` measures both).
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor


class Hop:
    """Directed edges from `speakers` nodes to `listeners` nodes: edge e goes from j[e] to i[e], i ascending.

    `start` (listeners + 1,) says where the edges of each listener begin. The order by speaker, which gradients need,
    is found once, when it is first asked for.
    """

    def __init__(self, edges: Tensor, speakers: int, listeners: int) -> None:
        """Take edges (2, E), row 0 the neighbour that speaks, row 1 the node that listens, in any order."""
        j, i = edges
        if len(i) and bool((i[1:] < i[:-1]).any()):
            order = torch.argsort(i, stable=True)
            j, i = j[order], i[order]
        self.speakers, self.listeners = speakers, listeners
        self.j, self.i = j.int(), i.int()
        self.start = _starts(i, listeners)
        self._by_speaker: tuple[Tensor, Tensor] | None = None

    def __len__(self) -> int:
        return len(self.j)

    def to(self, device: str | torch.device) -> Hop:
        """Return the same edges on a device."""
        return Hop(torch.stack([self.j, self.i]).to(device), self.speakers, self.listeners)

    def by_speaker(self) -> tuple[Tensor, Tensor]:
        """Return the order (E,) of the edges by speaker, and where each speaker's begin (speakers + 1,)."""
        if self._by_speaker is None:
            self._by_speaker = torch.argsort(self.j, stable=True).int(), _starts(self.j, self.speakers)
        return self._by_speaker

    def heard(self, values: Tensor) -> Tensor:
        """Return the sum of values (E,) or (E, a) over the edges of each listener: (k,) or (k, a)."""
        return _sums(values, self.start)

    def spoken(self, values: Tensor) -> Tensor:
        """Return the sum of values (E, a) over the edges of each speaker (n, a)."""
        order, start = self.by_speaker()
        return _product(start, order, torch.ones_like(values[:, 0]), len(self), values)


def weighted_sum(weight: Tensor, h: Tensor, hop: Hop) -> Tensor:
    """Return sum_j weight_ij h_j (k, d) of weights (E,) and h (n, d)."""
    if _plain(h):
        found: Tensor = _WeightedSum.apply(weight, h, hop)
        return found
    rows = weight.unsqueeze(1) * h.index_select(0, hop.j)
    return rows.new_zeros(hop.listeners, h.shape[1]).index_add(0, hop.i, rows)


def additive_attention(speaks: Tensor, listens: Tensor, v: Tensor, hop: Hop) -> Tensor:
    """Return v . tanh(speaks_j + listens_i) of each edge (E,), of speaks (n, a), listens (k, a), v (a,)."""
    if _plain(speaks):
        found: Tensor = _AdditiveAttention.apply(speaks, listens, v, hop)
        return found
    return torch.tanh(speaks.index_select(0, hop.j) + listens.index_select(0, hop.i)) @ v


class _WeightedSum(torch.autograd.Function):
    """Forward A h with A_ij = weight_ij; backward A' g for h, and g_i . h_j on the edges for the weights."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, h: Tensor, hop: Hop) -> Tensor:
        ctx.save_for_backward(weight, h)
        ctx.hop = hop
        return _product(hop.start, hop.j, weight, hop.speakers, h)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        weight, h = ctx.saved_tensors
        hop, g = ctx.hop, gradients[0].contiguous()
        order, start = hop.by_speaker()
        for_h = _product(start, hop.i[order], weight[order], hop.listeners, g)
        pattern = sparse_rows(hop.start, hop.j, torch.zeros_like(weight), hop.speakers)
        for_weight = torch.sparse.sampled_addmm(pattern, g, h.t(), beta=0.0).values()
        return for_weight, for_h, None


class _AdditiveAttention(torch.autograd.Function):
    """Keeps tanh (E, a) alone for the way back."""

    @staticmethod
    def forward(ctx: Any, speaks: Tensor, listens: Tensor, v: Tensor, hop: Hop) -> Tensor:
        curved = speaks.index_select(0, hop.j).add_(listens.index_select(0, hop.i)).tanh_()
        ctx.save_for_backward(curved, v)
        ctx.hop = hop
        return curved @ v

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        curved, v = ctx.saved_tensors
        g = gradients[0]
        for_v = g @ curved
        slope = (1.0 - curved * curved).mul_(v).mul_(g.unsqueeze(1))
        return ctx.hop.spoken(slope), ctx.hop.heard(slope), for_v, None


def _sums(values: Tensor, start: Tensor) -> Tensor:
    wide = values if values.dim() == 2 else values.unsqueeze(1)
    if not _plain(wide):
        places = torch.repeat_interleave(torch.arange(len(start) - 1, device=start.device), start.diff())
        found = wide.new_zeros(len(start) - 1, wide.shape[1]).index_add(0, places, wide)
    else:
        found = _SegmentSums.apply(wide, start)
    return found if values.dim() == 2 else found.squeeze(1)


class _SegmentSums(torch.autograd.Function):
    """Sums of consecutive rows; backward repeats each sum's gradient over its rows."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, start: Tensor) -> Tensor:
        ctx.save_for_backward(start)
        places = torch.arange(len(values), dtype=torch.int32, device=values.device)
        return _product(start, places, torch.ones_like(values[:, 0]), len(values), values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (start,) = ctx.saved_tensors
        return torch.repeat_interleave(gradients[0], start.diff(), dim=0), None


def _product(start: Tensor, column: Tensor, value: Tensor, columns: int, h: Tensor) -> Tensor:
    """Return the sparse (k, n) matrix of rows `start`, `column`, `value` times h (n, d)."""
    if len(column) == 0:
        return h.new_zeros(len(start) - 1, h.shape[1])
    found: Tensor = sparse_rows(start, column, value, columns) @ h
    return found


def sparse_rows(start: Tensor, column: Tensor, value: Tensor, columns: int) -> Tensor:
    """Return the sparse CSR matrix (k, columns) of rows `start` (k + 1,), `column` (E,) and `value` (E,)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # "CSR is in beta", "checks are disabled": once a process
        return torch.sparse_csr_tensor(start, column, value, (len(start) - 1, columns), check_invariants=False)


def _starts(places: Tensor, count: int) -> Tensor:
    start = torch.zeros(count + 1, dtype=torch.int32, device=places.device)
    start[1:] = torch.bincount(places, minlength=count).cumsum(0)
    return start


def _plain(h: Tensor) -> bool:
    """Return whether the sparse products take h: float32 or float64 on a CPU."""
    return h.device.type == "cpu" and h.dtype in (torch.float32, torch.float64)
