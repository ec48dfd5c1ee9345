"""How well held-out users and descriptions find each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from audience_trainers.users.measures import auc


def retrieval_measures(batches: Sequence[tuple[Tensor, Tensor, Tensor]]) -> dict[str, float]:
    """Return `retrieval` and `auc` of batches of users (b, d), distinct descriptions (s, d), and each user's one (b,).

    `retrieval` is the share of users whose own description is the nearest in their batch; `auc` the mean over
    descriptions of the chance that a user it describes lies nearer than one it does not; NaN where a batch has one
    description only.
    """
    right: list[float] = []
    areas: list[float] = []
    for users, texts, place in batches:
        score = torch.nn.functional.normalize(users.detach().float(), dim=1) @ texts.detach().float().T
        right += (score.argmax(dim=1) == place).float().tolist()
        scores, own = score.double().cpu().numpy(), place.cpu().numpy()
        areas += [auc(scores[:, text], own == text) for text in range(scores.shape[1]) if scores.shape[1] > 1]
    return {"retrieval": float(np.mean(right)), "auc": float(np.mean(areas)) if areas else float("nan")}
