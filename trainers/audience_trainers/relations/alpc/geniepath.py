"""GeniePath: adaptive breadth by attention over neighbours, adaptive depth by an LSTM (Liu et al., AAAI 2019)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from audience_trainers.relations.alpc.hops import Hop, additive_attention, weighted_sum


class AdaptiveBreadth(nn.Module):
    """h_i' = tanh(W sum_j a(h_i, h_j) h_j) over j in N(i) + {i}, a = softmax_j v . tanh(W_s h_i + W_d h_j)."""

    def __init__(self, dims: int, attention_dims: int) -> None:
        super().__init__()
        self.source = nn.Linear(dims, attention_dims, bias=False)  # W_d: the neighbour that speaks
        self.target = nn.Linear(dims, attention_dims, bias=False)  # W_s: the node that listens
        self.v = nn.Parameter(torch.empty(attention_dims))
        self.out = nn.Linear(dims, dims, bias=False)
        nn.init.uniform_(self.v, -(attention_dims**-0.5), attention_dims**-0.5)

    def forward(self, h: Tensor, edge_index: Tensor) -> Tensor:
        """Return h' (n, d) from h (n, d) and edges (2, E), row 0 the neighbour j, row 1 the node i."""
        return self.hear(h, h, Hop(edge_index, len(h), len(h)))

    def hear(self, h: Tensor, own: Tensor, hop: Hop) -> Tensor:
        """Return h' (k, d) of the nodes `own` (k, d), whose neighbours are places in h (n, d)."""
        speaks, listens = self.source(h), self.target(own)  # (n, a), (k, a)
        # |v . tanh| is at most |v|_1, so the exponentials need no maximum taken out as long as it is clamped.
        of_self = torch.exp((torch.tanh(self.source(own) + listens) @ self.v).clamp(-30.0, 30.0))  # (k,)
        of_edge = torch.exp(additive_attention(speaks, listens, self.v, hop).clamp(-30.0, 30.0))  # (E,)
        total = of_self + hop.heard(of_edge)  # (k,)
        heard = of_self.unsqueeze(1) * own + weighted_sum(of_edge, h, hop)  # (k, d)
        return torch.tanh(self.out(heard / total.unsqueeze(1)))


class AdaptiveDepth(nn.Module):
    """Gates of an LSTM over the layers: what of each further hop a node keeps."""

    def __init__(self, input_dims: int, dims: int) -> None:
        super().__init__()
        self.gates = nn.Linear(input_dims, 4 * dims, bias=False)

    def forward(self, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Return (h, C) (n, d) each: C = f * C + i * tanh(W_c x), h = o * tanh(C)."""
        keep, write, show, new = self.gates(x).chunk(4, dim=-1)
        memory = torch.sigmoid(keep) * memory + torch.sigmoid(write) * torch.tanh(new)
        return torch.sigmoid(show) * torch.tanh(memory), memory


class GeniePath(nn.Module):
    """z = f_GeniePath(x): (n, input_dims) -> (n, dims), over `layers` hops (EGL eq. 1).

    Plain: depth follows breadth at each hop, h(t+1) = depth(breadth(h(t))). Lazy: all hops of breadth first, then the
    LSTM runs over them from mu(0) = W_x x, its gates reading [h(t) || mu(t)]: the receptive path of each node is
    chosen last, and what a node is itself reaches z without passing through its neighbours.

    Averages over many neighbours are small, and three gates make them smaller: z starts near zero and learns slowly.
    Two remedies, each can be switched off: `residual` adds W_x x and each hop of breadth to z, so that what a node
    and its neighbourhoods are reaches z without passing a gate; `normalise` puts a layer norm behind W_x, behind each
    breadth and before z, which costs the length of z (how much an entity co-occurs at all).
    """

    def __init__(
        self,
        input_dims: int,
        dims: int,
        *,
        layers: int = 2,
        attention_dims: int = 32,
        lazy: bool = False,
        normalise: bool = False,
        residual: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.enter = nn.Linear(input_dims, dims)
        self.breadth = nn.ModuleList(AdaptiveBreadth(dims, attention_dims) for _ in range(layers))
        self.depth = nn.ModuleList(AdaptiveDepth(2 * dims if lazy else dims, dims) for _ in range(layers))
        self.norms = nn.ModuleList(nn.LayerNorm(dims) if normalise else nn.Identity() for _ in range(layers + 2))
        self.lazy = lazy
        self.residual = residual
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Return z (n, dims) of features x (n, f); edges (2, E) are directed, list both ways of an undirected one."""
        return self.over_blocks(x, [Hop(edge_index, len(x), len(x))] * len(self.breadth))

    def over_blocks(self, x: Tensor, blocks: list[Hop]) -> Tensor:
        """Return z (n, dims) where hop t sees only the edges blocks[t], e.g. sampled neighbours."""
        return self.over_hops(x, lambda hop, h: self.hear(hop, h, h, blocks[hop]))

    def hear(self, hop: int, h: Tensor, own: Tensor, edges: Hop) -> Tensor:
        """Return what the nodes `own` (k, d) hear at a hop from the nodes h (n, d)."""
        breadth = self.breadth[hop]
        assert isinstance(breadth, AdaptiveBreadth)
        return breadth.hear(h, own, edges)

    def over_hops(self, x: Tensor, hear: Callable[[int, Tensor], Tensor]) -> Tensor:
        """Return z (n, dims) where `hear(t, h)` is the breadth of hop t over all nodes (n, d)."""
        start: Tensor = self.norms[0](self.enter(self.dropout(x)))
        h, memory, hops = start, torch.zeros_like(start), []
        for hop, depth in enumerate(self.depth):
            heard = self.norms[hop + 1](hear(hop, h))
            hops.append(heard)
            if self.lazy:
                h = heard
            else:
                h, memory = depth(self.dropout(heard), memory)
        if self.lazy:
            h = start
            for heard, depth in zip(hops, self.depth, strict=True):
                h, memory = depth(torch.cat([self.dropout(heard), h], dim=-1), memory)
        if self.residual:
            h = sum(hops, h + start)
        z: Tensor = self.norms[-1](h)
        return z
