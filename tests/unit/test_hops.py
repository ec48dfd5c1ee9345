"""Sparse sums of message passing equal gathers and scatters, forward and backward."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from audience_trainers.relations.alpc.hops import Hop, additive_attention, weighted_sum


@pytest.fixture
def hop() -> Hop:
    """Return 40 edges in no order, repeated ones among them, from 9 nodes to 7, the last of which hears nobody."""
    drawn = torch.Generator().manual_seed(3)
    edges = torch.stack([torch.randint(9, (40,), generator=drawn), torch.randint(6, (40,), generator=drawn)])
    return Hop(edges, 9, 7)


def gathered(weight: Tensor, h: Tensor, hop: Hop) -> Tensor:
    rows = weight.unsqueeze(1) * h[hop.j]
    return torch.zeros(hop.listeners, h.shape[1], dtype=h.dtype).index_add(0, hop.i, rows)


def test_edges_are_sorted_by_listener(hop: Hop) -> None:
    assert (hop.i.diff() >= 0).all()
    assert hop.start.tolist()[-2:] == [40, 40]
    order, start = hop.by_speaker()
    assert (hop.j[order].diff() >= 0).all()
    assert start[-1] == 40


def test_weighted_sum_equals_gather_and_scatter(hop: Hop) -> None:
    weight, h = torch.rand(40), torch.randn(9, 5)
    torch.testing.assert_close(weighted_sum(weight, h, hop), gathered(weight, h, hop))
    low = weighted_sum(weight.bfloat16(), h.bfloat16(), hop)  # the way of an accelerator
    torch.testing.assert_close(low.float(), gathered(weight, h, hop), atol=0.1, rtol=0.1)


def test_gradients_are_those_of_the_function(hop: Hop) -> None:
    weight = torch.rand(40, dtype=torch.float64, requires_grad=True)
    h = torch.randn(9, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda w, x: weighted_sum(w, x, hop), (weight, h))
    listens = torch.randn(7, 4, dtype=torch.float64, requires_grad=True)
    speaks = torch.randn(9, 4, dtype=torch.float64, requires_grad=True)
    v = torch.randn(4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda s, m, u: additive_attention(s, m, u, hop), (speaks, listens, v))
    assert torch.autograd.gradcheck(hop.heard, (weight,))


def test_both_ways_of_attention_agree(hop: Hop) -> None:
    speaks, listens, v = torch.randn(9, 4), torch.randn(7, 4), torch.randn(4)
    wanted = torch.tanh(speaks[hop.j] + listens[hop.i]) @ v
    torch.testing.assert_close(additive_attention(speaks, listens, v, hop), wanted)
    low = additive_attention(speaks.bfloat16(), listens.bfloat16(), v.bfloat16(), hop)
    torch.testing.assert_close(low.float(), wanted, atol=0.1, rtol=0.1)


def test_no_edge_at_all_is_heard_as_zero() -> None:
    hop = Hop(torch.zeros(2, 0, dtype=torch.int64), 3, 2)
    h = torch.randn(3, 4, requires_grad=True)
    weight = torch.zeros(0, requires_grad=True)
    found = weighted_sum(weight, h, hop)
    assert torch.equal(found, torch.zeros(2, 4))
    found.sum().backward()  # type: ignore[no-untyped-call]
    assert h.grad is not None
    assert not h.grad.any()
