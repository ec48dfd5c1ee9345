"""One step of training: a batch of pairs, the view that may be read for them, and the three losses (EGL eq. 2-5)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from audience_trainers.processes import Processes
from audience_trainers.relations.alpc.config import AlpcConfig
from audience_trainers.relations.alpc.hops import Hop
from audience_trainers.relations.alpc.lessons import Lesson, View
from audience_trainers.relations.alpc.losses.contrast import info_nce
from audience_trainers.relations.alpc.losses.prediction import prediction_loss
from audience_trainers.relations.alpc.losses.threshold import threshold_loss
from audience_trainers.relations.alpc.model import Alpc
from audience_trainers.relations.alpc.negatives import Keys, contains
from audience_trainers.relations.alpc.sampler import sample_blocks
from audience_trainers.relations.linkpred.task import Floats, Pairs, pair_key


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Pairs (2, p) with labels, weights (p,) and features (p, k) or None; anchors (2, a) for the contrast."""

    pairs: Pairs
    label: Floats
    weight: Floats
    features: Floats | None
    anchors: Pairs


def draw_batch(lesson: Lesson, chosen: np.ndarray, config: AlpcConfig, rng: np.random.Generator) -> Batch:
    """Return the positives `chosen`, their negatives, `config.negatives` each, and the lesson's fixed negatives."""
    positive = lesson.positive[:, chosen]
    negative, negative_features = lesson.draw_negatives(config.negatives * len(chosen), rng)
    fixed = np.zeros((2, 0), np.int64) if lesson.fixed is None else lesson.fixed
    count = negative.shape[1] + fixed.shape[1]
    features = None
    if lesson.features is not None and negative_features is not None:
        parts = [lesson.features[chosen], negative_features]
        features = np.concatenate(parts if lesson.fixed_features is None else [*parts, lesson.fixed_features])
    close = chosen[lesson.anchor[chosen]][: config.anchors]
    return Batch(
        pairs=np.concatenate([positive, negative, fixed], axis=1),
        label=np.concatenate([np.ones(len(chosen), np.float32), np.zeros(count, np.float32)]),
        weight=np.concatenate([lesson.weight[chosen], np.ones(count, np.float32)]),
        features=features,
        anchors=lesson.positive[:, close],
    )


@dataclass(frozen=True, slots=True)
class Losses:
    """The three losses of a batch, this process's share of each: the shares of all processes add up to the loss.

    The paper's losses are sums over pairs and over anchors; all three are divided by the number of pairs, so that
    alpha = beta = 1 weighs a pair and an anchor alike whatever the batch size.
    """

    prediction: Tensor
    threshold: Tensor
    contrast: Tensor

    def total(self, config: AlpcConfig) -> Tensor:
        """Return L = L_pred + alpha L_th + beta L_cl (eq. 5)."""
        return self.prediction + config.alpha * self.threshold + config.beta * self.contrast

    def values(self) -> Tensor:
        """Return the three as one detached vector."""
        return torch.stack([self.prediction, self.threshold, self.contrast]).detach()


def batch_losses(
    model: Alpc, encoded: Encoded, batch: Batch, config: AlpcConfig, known: Keys, processes: Processes
) -> Losses:
    """Return this process's share of the losses of a batch whose entities are encoded."""
    mine = processes.mine(batch.pairs.shape[1])
    z, device = encoded.z, encoded.z.device
    u, v = (encoded.of(row[mine]) for row in batch.pairs)
    label, weight = (torch.from_numpy(np.ascontiguousarray(x[mine])).to(device) for x in (batch.label, batch.weight))
    extra = None if batch.features is None else torch.from_numpy(batch.features[mine]).to(device)
    share = float(weight.sum()) / float(batch.weight.sum())
    z_u = z.index_select(0, u)
    s = model.score(z_u, z.index_select(0, v), extra, exposed=True).float()
    prediction = prediction_loss(s, label, weight) * share
    nothing = torch.zeros((), device=device)
    threshold = threshold_loss(s, model.eps(z_u).float(), label, weight) * share if config.alpha else nothing
    contrast = _contrast(encoded, batch, config, known, processes) if config.beta else nothing
    return Losses(prediction, threshold, contrast)


def _contrast(encoded: Encoded, batch: Batch, config: AlpcConfig, known: Keys, processes: Processes) -> Tensor:
    anchors = batch.anchors
    count = anchors.shape[1]
    mine = np.arange(count)[processes.mine(count)]
    if count < 2 or len(mine) == 0:
        return torch.zeros((), device=encoded.z.device)
    rows, columns = anchors[0][mine], anchors[1]
    grid = np.stack([np.repeat(rows, count), np.tile(columns, len(mine))])
    related = contains(known, pair_key(grid, encoded.n)) | (grid[0] == grid[1])
    z_rows, z_columns = (encoded.z.index_select(0, encoded.of(ends)).float() for ends in (rows, columns))
    loss = info_nce(
        F.normalize(z_rows, dim=1),  # of unit length: else the loss falls by making z longer, whatever its direction
        F.normalize(z_columns, dim=1),
        temperature=config.temperature,
        place=torch.from_numpy(mine).to(encoded.z.device),
        known=torch.from_numpy(related.reshape(len(mine), count)).to(encoded.z.device),
    )
    share: Tensor = loss * (len(mine) / batch.pairs.shape[1])
    return share


class Encoded:
    """z of the entities that a batch needs, and where each one's row is."""

    def __init__(self, z: Tensor, nodes: np.ndarray | None, n: int) -> None:
        self.z, self.n = z, n
        self._place: np.ndarray | None = None
        if nodes is not None:
            self._place = np.full(n, -1, np.int64)
            self._place[nodes] = np.arange(len(nodes))

    def of(self, entities: np.ndarray) -> Tensor:
        """Return the rows (k,) of entities (k,)."""
        rows = entities if self._place is None else self._place[entities]
        return torch.from_numpy(np.ascontiguousarray(rows)).to(self.z.device)


class Reader:
    """Encodes for batches of one view: the whole graph, or a few drawn neighbours of the batch's entities."""

    def __init__(self, view: View, config: AlpcConfig, device: str) -> None:
        self.view, self.config, self.device = view, config, device
        self.x = torch.from_numpy(view.x)
        if config.fanout == 0:
            self.x = self.x.to(device)
            self.hop = Hop(torch.from_numpy(view.graph.all_edges(view.hidden)), view.graph.n, view.graph.n).to(device)

    def encode(self, model: Alpc, batch: Batch, processes: Processes, rng: np.random.Generator) -> Encoded:
        """Return z of what this process needs of a batch: its slice of the pairs, and all anchors."""
        graph, layers = self.view.graph, self.config.layers
        if not self.config.use_z:
            return Encoded(torch.zeros(graph.n, self.config.dims, device=self.device), None, graph.n)
        if self.config.fanout == 0:
            return Encoded(model.encode(self.x, [self.hop] * layers), None, graph.n)
        seeds = np.concatenate([batch.pairs[:, processes.mine(batch.pairs.shape[1])].ravel(), batch.anchors.ravel()])
        blocks = sample_blocks(graph, seeds, (self.config.fanout,) * layers, rng, self.view.hidden)
        x = self.x[torch.from_numpy(blocks.nodes)].to(self.device)
        read = len(blocks.nodes)
        z = model.encode(x, [Hop(torch.from_numpy(edges), read, read).to(self.device) for edges in blocks.hops])
        return Encoded(z, blocks.nodes, graph.n)
