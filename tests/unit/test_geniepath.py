"""GeniePath against a dense reference written from the paper."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from audience_trainers.relations.alpc.geniepath import GeniePath


def dense_reference(model: GeniePath, x: Tensor, neighbours: list[list[int]]) -> Tensor:
    """Compute z node by node and neighbour by neighbour."""
    h = torch.stack([model.norms[0](model.enter(row)) for row in x])
    memory = torch.zeros_like(h)
    hops: list[Tensor] = []
    start = h
    for breadth in model.breadth:
        rows = []
        for i, near in enumerate(neighbours):
            among = [i, *near]
            energy = torch.stack([breadth.v @ torch.tanh(breadth.target(h[i]) + breadth.source(h[j])) for j in among])
            share = torch.softmax(energy, dim=0)
            rows.append(torch.tanh(breadth.out(sum(a * h[j] for a, j in zip(share, among, strict=True)))))
        heard = model.norms[len(hops) + 1](torch.stack(rows))
        if model.lazy:
            hops.append(heard)
            h = heard
            continue
        h, memory = lstm(model.depth[len(hops)], heard, memory)
        hops.append(heard)
    if model.lazy:
        h = torch.stack([model.norms[0](model.enter(row)) for row in x])
        for depth, hop in zip(model.depth, hops, strict=True):
            h, memory = lstm(depth, torch.cat([hop, h], dim=1), memory)
    if model.residual:
        h = h + start + torch.stack(hops).sum(dim=0)
    return model.norms[-1](h)


def lstm(depth: torch.nn.Module, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
    keep, write, show, new = (x @ part.T for part in depth.gates.weight.chunk(4))
    memory = torch.sigmoid(keep) * memory + torch.sigmoid(write) * torch.tanh(new)
    return torch.sigmoid(show) * torch.tanh(memory), memory


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize("lazy", [False, True])
def test_it_equals_the_equations(lazy: bool, normalise: bool, residual: bool) -> None:
    torch.manual_seed(1)
    neighbours = [[1, 2], [0], [0, 3, 4], [2], [2], []]
    edges = torch.tensor([(j, i) for i, near in enumerate(neighbours) for j in near]).T
    model = GeniePath(5, 4, layers=3, attention_dims=3, lazy=lazy, normalise=normalise, residual=residual)
    x = torch.randn(6, 5)
    torch.testing.assert_close(model(x, edges), dense_reference(model, x, neighbours))


def test_a_node_without_neighbours_hears_itself_only() -> None:
    torch.manual_seed(1)
    model = GeniePath(3, 4)
    x = torch.randn(3, 3)
    edges = torch.tensor([[0, 1], [1, 0]])
    changed = x.clone()
    changed[:2] += 1.0
    assert torch.equal(model(x, edges)[2], model(changed, edges)[2])
    assert not torch.equal(model(x, edges)[0], model(changed, edges)[0])
