"""Both sides of the space: users, and sentences as kept vectors behind a head or read by a tower that is trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audience_trainers.users.alignment.config import AlignConfig
from audience_trainers.users.alignment.info_nce import Temperature
from audience_trainers.users.behaviour.encoder import BehaviourEncoder
from audience_trainers.users.event_text.encoder import EventText
from audience_trainers.users.search_text.encoder import SearchText
from audience_trainers.users.tabular.encoder import TabularEncoder
from audience_trainers.users.text_tower.tower import TextTower
from audience_trainers.users.user_model import Floats, Indices, UserModel


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """Descriptions of p pairs: `text` (p, views) points into `sentences`, each of them once.

    `vectors` (sentences, t) of theirs; where a tower reads them, of what stands beside the words, if anything does.
    """

    text: npt.NDArray[np.int64]
    sentences: tuple[str, ...]
    vectors: Floats | None = None

    @classmethod
    def of(
        cls, sentences: Sequence[Sequence[str]], encode: Callable[[Sequence[str]], Floats] | None = None
    ) -> Described:
        """Number the sentences (p, views); encode each distinct one once, with `encode(texts) -> (n, t)`."""
        distinct: dict[str, int] = {}
        text = np.array([[distinct.setdefault(s, len(distinct)) for s in row] for row in sentences], np.int64)
        vectors = None if encode is None else np.asarray(encode(list(distinct)), np.float32)
        return cls(text, tuple(distinct), vectors)

    def drawn(self, rows: Indices, view: int) -> tuple[Indices, Indices]:
        """Return the distinct sentences (s,) of rows, and which of them is each row's (b,)."""
        distinct, place = np.unique(self.text[rows, view % self.text.shape[1]], return_inverse=True)
        return distinct.astype(np.int64), place.astype(np.int64)


class Aligned(nn.Module):
    """Both sides and the temperature. `users(inputs, rows)` gives vectors (b, out).

    `head` carries text vectors into the users' space: unit vectors (n, out). With a `tower`, whose projection is the
    head, sentences are read by it.
    """

    def __init__(
        self, users: nn.Module, head: nn.Linear, *, tower: TextTower | None = None, temperature: float = 0.07
    ) -> None:
        super().__init__()
        self.head = head
        self.users = users
        self.tower = tower
        self.temperature = Temperature(temperature)

    @property
    def dims(self) -> int:
        """Return the dimensions of the space."""
        return self.head.out_features

    def texts(self, vectors: Tensor) -> Tensor:
        """Return the unit vectors (n, out) of text vectors (n, t)."""
        return F.normalize(self.head(vectors), dim=1)

    def read(self, described: Described, chosen: Indices) -> Tensor:
        """Return the unit vectors (s, out) of some of the sentences."""
        if self.tower is not None:
            beside = None if described.vectors is None else described.vectors[chosen]
            return self.tower.read([described.sentences[i] for i in chosen.tolist()], beside)
        if described.vectors is None:
            raise ValueError("without a tower, descriptions need vectors")
        return self.texts(torch.from_numpy(described.vectors[chosen]).to(self.head.weight.device))

    @torch.no_grad()
    def embed_texts(self, vectors: Floats) -> Floats:
        """Return the unit vectors (n, out) of text vectors (n, t) as an array."""
        self.eval()
        found: Floats = self.texts(torch.from_numpy(vectors).to(self.head.weight.device)).float().cpu().numpy()
        return found


def new_head(width: int, dims: int) -> nn.Linear:
    """Return a map of vectors (n, width) into the space that leaves their cosines as they are."""
    head = nn.Linear(width, dims)
    nn.init.orthogonal_(head.weight)
    nn.init.zeros_(head.bias)
    return head


def join_sides(
    behaviour: BehaviourEncoder,
    tabular: TabularEncoder | None,
    config: AlignConfig,
    *,
    text_dims: int,
    tower: TextTower | None = None,
    search: SearchText | None = None,
    events: EventText | None = None,
) -> Aligned:
    """Return the model that is aligned: what is learned so far on the users' side, a new head or a tower.

    Text vectors have `text_dims`. The users' anchor is the sentences' own projection, unless sentences and `events` are
    read by other models, or into vectors of another width: then it is one of its own, and nothing agrees before it is
    learned.
    """
    head = new_head(text_dims, config.dims) if tower is None else tower.project
    anchor: nn.Module | None = None
    if config.anchor and "behaviour" not in config.left_out:
        width = text_dims if events is None else events.dims
        apart = events is not None and events.config.folder not in ("", tower.config.folder if tower else "")
        anchor = new_head(width, config.dims) if apart or head.in_features != width else head
    users = UserModel(behaviour, tabular, text_dims, config, anchor=anchor, search=search, events=events)
    return Aligned(users, head, tower=tower, temperature=config.temperature)
