"""z of all entities and s of many pairs, in bounded memory."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from audience_trainers.relations.alpc.hops import Hop
from audience_trainers.relations.alpc.lessons import View
from audience_trainers.relations.alpc.model import Alpc
from audience_trainers.relations.alpc.sampler import MessageGraph
from audience_trainers.relations.linkpred.task import Floats, Pairs, Values

EDGES_PER_BLOCK = 2_000_000
PAIRS_PER_BLOCK = 262_144


@torch.no_grad()
def encode_all(model: Alpc, view: View, *, device: str = "cpu", edges_per_block: int = EDGES_PER_BLOCK) -> Tensor:
    """Return z (n, d) of all entities with all their neighbours, hop by hop, a block of nodes at a time.

    Equal to the encoder over the whole graph; memory is that of `edges_per_block` edges and a few (n, d) arrays.
    """
    model.eval()
    encoder = model.encoder
    if not model.use_z:
        return torch.zeros(view.graph.n, encoder.enter.out_features, device=device)
    blocks = [(first, last, hop.to(device)) for first, last, hop in _node_blocks(view, edges_per_block)]

    def hear(hop: int, h: Tensor) -> Tensor:
        return torch.cat([encoder.hear(hop, h, h[first:last], edges) for first, last, edges in blocks])

    return encoder.over_hops(torch.from_numpy(view.x).to(device), hear)


def _node_blocks(view: View, edges_per_block: int) -> list[tuple[int, int, Hop]]:
    """Return (first, last, hop) of runs of nodes: the hop's listeners count from `first`."""
    graph: MessageGraph = view.graph
    cuts = np.searchsorted(graph.start, np.arange(edges_per_block, int(graph.start[-1]), edges_per_block))
    bounds = np.unique(np.concatenate([[0], cuts, [graph.n]]))
    found = []
    for first, last in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        begin, end = int(graph.start[first]), int(graph.start[last])
        node = np.repeat(np.arange(last - first), np.diff(graph.start[first : last + 1]))
        near = graph.neighbour[begin:end]
        if view.hidden is not None:
            shown = ~view.hidden[graph.edge[begin:end]]
            node, near = node[shown], near[shown]
        found.append((first, last, Hop(torch.from_numpy(np.stack([near, node])), graph.n, last - first)))
    return found


@torch.no_grad()
def score_pairs(
    model: Alpc, z: Tensor, pairs: Pairs, features: Floats | None = None, *, exposed: bool = False
) -> Values:
    """Return s_uv (p,) of pairs (2, p), a block at a time; `exposed` as labels see it, for validation."""
    model.eval()
    out = np.empty(pairs.shape[1])
    for begin in range(0, pairs.shape[1], PAIRS_PER_BLOCK):
        part = slice(begin, begin + PAIRS_PER_BLOCK)
        u, v = (torch.from_numpy(row[part]).to(z.device) for row in pairs)
        extra = None if features is None else torch.from_numpy(features[part]).to(z.device)
        out[part] = model.score(z[u], z[v], extra, exposed=exposed).double().cpu().numpy()
    return out


@torch.no_grad()
def thresholds(model: Alpc, z: Tensor) -> Values:
    """Return eps_u (n,) of all entities, logits."""
    model.eval()
    return np.asarray(model.eps(z).double().cpu().numpy())
