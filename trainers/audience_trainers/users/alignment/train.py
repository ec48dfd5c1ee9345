"""Train users and sentences into one space: InfoNCE over pairs of a past and a description of its future."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audience_trainers.users.alignment.config import AlignConfig
from audience_trainers.users.alignment.info_nce import Temperature, info_nce
from audience_trainers.users.behaviour.encoder import BehaviourEncoder
from audience_trainers.users.tabular.encoder import TabularEncoder
from audience_trainers.users.training import Lessons, Trained, TrainOptions, check_rows, equal_parts, train
from audience_trainers.users.user_model import Floats, Indices, UserInputs, UserModel


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """Descriptions of p pairs: `text` (p, views) points into `vectors` (texts, t), one row per distinct sentence."""

    text: npt.NDArray[np.int64]
    vectors: Floats

    @classmethod
    def of(cls, sentences: Sequence[Sequence[str]], encode: Callable[[Sequence[str]], Floats]) -> Described:
        """Encode each distinct sentence of `sentences` (p, views) once, with `encode(texts) -> (n, t)`."""
        distinct: dict[str, int] = {}
        text = np.array([[distinct.setdefault(s, len(distinct)) for s in row] for row in sentences], np.int64)
        return cls(text, np.asarray(encode(list(distinct)), np.float32))


class Aligned(nn.Module):
    """Both sides and the temperature. `head` carries text vectors into the users' space: unit vectors (n, out)."""

    def __init__(
        self, behaviour: BehaviourEncoder, tabular: TabularEncoder | None, text_dims: int, config: AlignConfig
    ) -> None:
        super().__init__()
        self.head = nn.Linear(text_dims, config.dims)
        nn.init.orthogonal_(self.head.weight)  # cosines stay what they are
        nn.init.zeros_(self.head.bias)
        self.users = UserModel(behaviour, tabular, text_dims, config, self.head if config.anchor else None)
        self.temperature = Temperature(config.temperature)

    def texts(self, vectors: Tensor) -> Tensor:
        """Return the unit vectors (n, out) of text vectors (n, t)."""
        return F.normalize(self.head(vectors), dim=1)

    @torch.no_grad()
    def embed_texts(self, vectors: Floats) -> Floats:
        """Return the unit vectors (n, out) of text vectors (n, t) as an array."""
        self.eval()
        found: Floats = self.texts(torch.from_numpy(vectors).to(self.head.weight.device)).float().cpu().numpy()
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Pairs: inputs and descriptions of the same p moments; `training` and `validation` rows of them."""

    inputs: UserInputs
    described: Described
    training: Indices
    validation: Indices

    def __post_init__(self) -> None:
        check_rows(self.training, self.validation)


def align(model: Aligned, material: Material, config: AlignConfig, options: TrainOptions) -> Trained[Aligned]:
    """Train both sides on L_CP (FIND eq. 13) and return the model of the best epoch by validation loss.

    Negatives are the other pairs of a batch, of any length of history. Raises as `train` does.
    """
    model = model.to(options.device)
    views = material.described.text.shape[1]
    lessons = Lessons(
        name="alignment",
        batches=lambda rng: equal_parts(material.training, config.batch, rng),
        loss=lambda rows, epoch: _loss(model, material, rows, epoch % views, config),
        held=equal_parts(material.validation, config.batch, np.random.default_rng(options.seed)),
    )
    return train(model, lessons, config, options)


def _loss(model: Aligned, material: Material, rows: Indices, view: int, config: AlignConfig) -> Tensor:
    device = model.head.weight.device
    text = material.described.text[rows, view]
    distinct, place = np.unique(text, return_inverse=True)
    users = model.users(material.inputs, rows)
    known = torch.from_numpy(material.described.vectors[distinct]).to(device)
    texts = model.texts(known).index_select(0, torch.from_numpy(place).to(device))
    same = torch.from_numpy(text).to(device)
    return info_nce(users, texts, model.temperature(), same=same, both=config.both, block=config.block)
