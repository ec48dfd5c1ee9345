"""What each modality of the user model says of users by itself, before anything is fused."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch

from audience_trainers.users.fit import TrainedUsers
from audience_trainers.users.histories import Moments
from audience_trainers.users.inputs import read_inputs
from audience_trainers.users.user_model import Floats, UserModel

_ROWS = 8_192
_BATCH = 256


@torch.no_grad()
def modality_vectors(trained: TrainedUsers, moments: Moments) -> dict[str, Floats]:
    """Return the vectors (p, d) of users at moments by modality, 0 for a user without it.

    behaviour: the pooled states. search: the token of the last searches. tabular: the columns' tokens side by side.
    A modality that the model does not read is not there.
    """
    users = cast("UserModel", trained.model.users)
    users.eval()
    found: dict[str, Floats] = {}
    for begin in range(0, len(moments), _ROWS):
        inputs = read_inputs(trained.known, moments[begin : begin + _ROWS])
        order = np.argsort(inputs.reading.block.length, kind="stable")
        for first in range(0, len(order), _BATCH):
            rows = order[first : first + _BATCH]
            read = users.parts(inputs, rows)
            for name, tokens, there in zip(users.modalities, read.tokens, read.present, strict=True):
                told = tokens[:, 0] if name == "behaviour" else tokens.flatten(1)
                out = found.setdefault(name, np.zeros((len(moments), told.shape[1]), np.float32))
                out[begin + rows] = (told * there.unsqueeze(1)).float().cpu().numpy()
    return found
