"""GeniePath: adaptive breadth by attention over neighbours, adaptive depth by an LSTM (Liu et al., AAAI 2019)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


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
        j, i = edge_index
        speaks, listens = self.source(h), self.target(h)  # (n, a)
        # |v . tanh| is at most |v|_1, so the exponentials need no maximum taken out as long as it is clamped.
        own = torch.exp((torch.tanh(speaks + listens) @ self.v).clamp(-30.0, 30.0))  # (n,) the node to itself
        of_edge = torch.exp((torch.tanh(speaks[j] + listens[i]) @ self.v).clamp(-30.0, 30.0))  # (E,)
        total = own.index_add(0, i, of_edge)  # (n,)
        heard = (own.unsqueeze(1) * h).index_add(0, i, of_edge.unsqueeze(1) * h[j])  # (n, d)
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
    chosen last.
    """

    def __init__(
        self,
        input_dims: int,
        dims: int,
        *,
        layers: int = 2,
        attention_dims: int = 32,
        lazy: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.enter = nn.Linear(input_dims, dims)
        self.breadth = nn.ModuleList(AdaptiveBreadth(dims, attention_dims) for _ in range(layers))
        self.depth = nn.ModuleList(AdaptiveDepth(2 * dims if lazy else dims, dims) for _ in range(layers))
        self.lazy = lazy
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Return z (n, dims) of features x (n, f); edges (2, E) are directed, list both ways of an undirected one."""
        return self.over_blocks(x, [edge_index] * len(self.breadth))

    def over_blocks(self, x: Tensor, blocks: list[Tensor]) -> Tensor:
        """Return z (n, dims) where hop t sees only the edges blocks[t] (2, E_t), e.g. sampled neighbours."""
        start = self.enter(self.dropout(x))
        memory = torch.zeros_like(start)
        h = start
        if not self.lazy:
            for breadth, depth, edges in zip(self.breadth, self.depth, blocks, strict=True):
                h, memory = depth(self.dropout(breadth(h, edges)), memory)
            return h
        hops = []
        for breadth, edges in zip(self.breadth, blocks, strict=True):
            h = breadth(h, edges)
            hops.append(h)
        state = start
        for hop, depth in zip(hops, self.depth, strict=True):
            state, memory = depth(torch.cat([self.dropout(hop), state], dim=-1), memory)
        return state
