"""One vector per user and moment: behaviour and searches, each through its encoder, fused (FIND Fig. 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audience_trainers.users.behaviour.batches import Reading
from audience_trainers.users.behaviour.encoder import BehaviourEncoder
from audience_trainers.users.fusion import Concatenation, Fusion
from audience_trainers.users.histories import Histories, Moments, last_events, last_texts

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
TOKENS = 2  # of behaviour: the pooled vector, and where the user is now


@dataclass(frozen=True, slots=True, eq=False)
class UserInputs:
    """What is known of p users, each at a moment: their histories, and the mean vector (p, t) of their last searches.

    `searched` (p,) marks those who have any.
    """

    reading: Reading
    search: Floats
    searched: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.reading.moment)


def read_inputs(
    histories: Histories,
    moments: Moments,
    vectors: Floats,
    *,
    width: int,
    searches: int,
    channels: Sequence[str],
) -> UserInputs:
    """Return the inputs at some moments: only events before each. `vectors` (texts, t) are those of `histories.texts`.

    `searches`: so many of the last events of `channels` count as searches.
    """
    block = last_events(histories, moments, width)
    place = {text: i for i, text in enumerate(histories.texts)}
    search = np.zeros((len(moments), vectors.shape[1]), np.float32)
    said = last_texts(histories, moments, searches, tuple(channels))
    for row, texts in enumerate(said):
        if texts:
            search[row] = vectors[[place[text] for text in texts]].mean(axis=0)
    return UserInputs(
        Reading(block, moments.time, vectors), search, np.array([bool(texts) for texts in said], np.bool_)
    )


class UserModel(nn.Module):
    """Inputs of users -> unit vectors (b, out)."""

    def __init__(self, behaviour: BehaviourEncoder, text_dims: int, out: int, *, fusion: str, layers: int, drop: float):
        super().__init__()
        d = behaviour.text.out_features
        self.behaviour = behaviour
        self.search = nn.Sequential(nn.Linear(text_dims, d), nn.LayerNorm(d))
        self.fusion = (
            Concatenation(2, d, out) if fusion == "concatenation" else Fusion(2, d, out, layers=layers, drop=drop)
        )

    def forward(self, inputs: UserInputs, rows: Indices) -> Tensor:
        """Return the vectors (b, out) of rows of the inputs."""
        device = next(self.parameters()).device
        events, moment = inputs.reading.events(rows, str(device))
        states = self.behaviour(events)
        pooled = self.behaviour.pooled(states, events.time, moment)
        last = states.c[torch.arange(len(rows)), (events.length - 1).clamp_min(0)]
        searched = torch.from_numpy(inputs.searched[rows]).to(device)
        parts = [
            torch.stack([pooled, last], dim=1),
            self.search(torch.from_numpy(inputs.search[rows]).to(device)).unsqueeze(1),
        ]
        return F.normalize(self.fusion(parts, [events.length > 0, searched]), dim=1)

    @torch.no_grad()
    def embed(self, inputs: UserInputs, *, batch: int = 256) -> Floats:
        """Return the vectors (p, out) of all users, in batches of like length; memory is that of one batch."""
        self.eval()
        order = np.argsort(inputs.reading.block.length, kind="stable")
        found = np.zeros((len(inputs), self.fusion.project.out_features), np.float32)
        for begin in range(0, len(order), batch):
            rows = order[begin : begin + batch]
            found[rows] = self(inputs, rows).float().cpu().numpy()
        return found
