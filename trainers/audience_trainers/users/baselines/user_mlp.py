"""U-MLP: a small MLP on frozen user vectors that says whom a target means, trained on a few seeds."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from audience_trainers.users.baselines.linear_probe import Floats, unit
from audience_trainers.users.measures import Values
from audience_trainers.users.scoring import Asked, Scorer

HIDDEN, STEPS, RATE, DECAY = 64, 200, 1e-3, 0.01  # the same for every task: nothing is tuned


def user_mlp(features: Floats) -> Scorer:
    """Return a scorer of features (n, f): the logit of an MLP with one hidden layer, by cross-entropy on the seeds.

    Vectors are centred on the mean of all users and brought to length 1. The labels are weighed so that each label
    counts alike. Without seeds of both labels everybody scores 0. Same seeds, same numbers.
    """
    vectors = torch.from_numpy(unit(features - features.mean(axis=0)))

    def score(asked: Asked) -> Values:
        if len(np.unique(asked.y)) < 2 or features.shape[1] == 0:
            return np.zeros(len(features))
        y = torch.from_numpy(asked.y.astype(np.float32))
        told = vectors[torch.from_numpy(asked.seeds)]
        weight = torch.where(y == 1, 0.5 / y.sum(), 0.5 / (1 - y).sum())
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(asked.seed)
            model = nn.Sequential(nn.Linear(told.shape[1], HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1))
        optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=DECAY)
        for _ in range(STEPS):
            loss = (weight * F.binary_cross_entropy_with_logits(model(told)[:, 0], y, reduction="none")).sum()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        with torch.no_grad():
            return np.asarray(model(vectors)[:, 0].numpy(), np.float64)

    return score
