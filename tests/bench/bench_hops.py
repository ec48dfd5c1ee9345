"""A hop of message passing as sparse products beside the same sums as a gather and a scatter, forward and backward.

    python tests/bench/bench_hops.py [--nodes 7650] [--edges 238000] [--dims 128] [--attention 32] [--rounds 10]

The peer is what an implementation with index_select and index_add does, the way of ALPC on an accelerator. Random
edges, float32; both take turns, median and spread of the rounds are printed. Exits 1 when results differ or the
sparse way is not faster.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from audience_trainers.relations.alpc.hops import Hop, additive_attention, weighted_sum


def sparse(h: Tensor, speaks: Tensor, listens: Tensor, v: Tensor, hop: Hop) -> Tensor:
    """Return sum_j exp(v . tanh(speaks_j + listens_i)) h_j (n, d) by sparse products."""
    return weighted_sum(additive_attention(speaks, listens, v, hop).exp(), h, hop)


def gathered(h: Tensor, speaks: Tensor, listens: Tensor, v: Tensor, hop: Hop) -> Tensor:
    """Return the same by a gather and a scatter."""
    weight = (torch.tanh(speaks.index_select(0, hop.j) + listens.index_select(0, hop.i)) @ v).exp()
    rows = weight.unsqueeze(1) * h.index_select(0, hop.j)
    return rows.new_zeros(hop.listeners, h.shape[1]).index_add(0, hop.i, rows)


def timed(way: Callable[..., Tensor], inputs: list[Tensor], hop: Hop) -> tuple[float, list[Tensor]]:
    """Return milliseconds of one pass forth and back, and the result with all gradients."""
    begun = time.perf_counter()
    found = way(*inputs, hop)
    gradients = torch.autograd.grad(found.square().mean(), inputs)
    return 1000 * (time.perf_counter() - begun), [found.detach(), *gradients]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=7_650)
    parser.add_argument("--edges", type=int, default=238_000)
    parser.add_argument("--dims", type=int, default=128)
    parser.add_argument("--attention", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=10)
    chosen = parser.parse_args()
    torch.manual_seed(7)
    n, a = chosen.nodes, chosen.attention
    hop = Hop(torch.randint(n, (2, chosen.edges)), n, n)
    inputs = [torch.randn(n, chosen.dims), torch.randn(n, a), torch.randn(n, a), torch.randn(a) / a]
    inputs = [x.requires_grad_() for x in inputs]
    ways: dict[str, Callable[..., Tensor]] = {"sparse products": sparse, "gather and scatter": gathered}
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(chosen.rounds + 1):
        results = []
        for name, way in ways.items():
            took, result = timed(way, inputs, hop)
            results.append(result)
            if turn:  # the first is a warm-up
                times[name].append(took)
        for one, other in zip(*results, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)
    for name, took in times.items():
        print(f"| {name} | {statistics.median(took):.1f} ({min(took):.1f} - {max(took):.1f}) |")
    ratio = statistics.median(times["gather and scatter"]) / statistics.median(times["sparse products"])
    print(f"{ratio:.1f} times as fast, {torch.get_num_threads()} thread(s), {chosen.edges:,} edges")
    if ratio <= 1:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
