"""One vector per user and moment: behaviour, columns and searches, each through its encoder, fused (FIND Fig. 1)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audience_trainers.users.activity import FEATURES, read_activity
from audience_trainers.users.alignment.config import AlignConfig
from audience_trainers.users.behaviour.batches import Reading
from audience_trainers.users.behaviour.encoder import BehaviourEncoder
from audience_trainers.users.fusion import Concatenation, Fusion
from audience_trainers.users.histories import Histories, Moments, last_codes, last_events
from audience_trainers.users.profiles import Profiles
from audience_trainers.users.search_text.encoder import SearchText
from audience_trainers.users.tabular.encoder import TabularEncoder
from audience_trainers.users.tabular.schema import Rows, TabularSchema

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
GAIN = 0.3  # where the weight of what is fused starts, beside the anchor of length 1


@dataclass(frozen=True, slots=True, eq=False)
class Searches:
    """The last searches of p users, newest last: those of row i are texts[code[start[i] : start[i + 1]]]."""

    code: Indices
    start: Indices
    texts: tuple[str, ...]

    def of(self, rows: Indices) -> list[list[str]]:
        """Return the searches of some rows."""
        return [[self.texts[i] for i in self.code[self.start[row] : self.start[row + 1]].tolist()] for row in rows]


@dataclass(frozen=True, slots=True, eq=False)
class UserInputs:
    """What is known of p users, each at a moment: histories, the mean vector (p, t) of the last searches, columns.

    `activity` (p, FEATURES) are numbers of events and how old they are, see `read_activity`; without, all are 0.

    `searched` (p,) marks those who have searches, `known` (p,) those of whom a row of columns is there; `table` is None
    where nobody has columns. `searches` are the words, for a model that reads them itself.
    """

    reading: Reading
    search: Floats
    searched: npt.NDArray[np.bool_]
    table: Rows | None = None
    known: npt.NDArray[np.bool_] | None = None
    searches: Searches | None = None
    activity: Floats | None = None

    def __len__(self) -> int:
        return len(self.reading.moment)


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """All that is known of users, of any time: events with the vectors (texts, t) of their texts, rows of columns.

    `width` events are read before a moment, and `searches` of the last ones in `channels`.
    """

    histories: Histories
    vectors: Floats
    width: int
    searches: int
    channels: tuple[str, ...]
    profiles: Profiles | None = None
    schema: TabularSchema | None = None


def read_inputs(told: Known, moments: Moments) -> UserInputs:
    """Return the inputs at some moments: only events before each, and the rows of columns in force at it."""
    block = last_events(told.histories, moments, told.width)
    text, start = last_codes(told.histories, moments, told.searches, told.channels)
    said = np.diff(start)
    share = sp.csr_matrix((1.0 / np.repeat(said, said), text, start), shape=(len(moments), len(told.vectors)))
    inputs = UserInputs(
        Reading(block, moments.time, told.vectors),
        np.asarray(share @ told.vectors, np.float32),
        said > 0,
        searches=Searches(text, start, told.histories.texts),
        activity=read_activity(told.histories, moments),
    )
    if told.profiles is None or told.schema is None:
        return inputs
    table, known = told.schema.encode(told.profiles.rows(moments)), told.profiles.as_of(moments) >= 0
    return replace(inputs, table=table, known=known)


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Tokens (b, k_i, d) and presence (b,) of each modality, and the mean (b, t) of the events' text vectors."""

    tokens: list[Tensor]
    present: list[Tensor]
    mean: Tensor


class UserModel(nn.Module):
    """Inputs of users -> unit vectors (b, out). Modalities: behaviour, searches and, with `tabular`, columns.

    With `anchor`, the map of text vectors (t) into the space, shared with the sentences, a user starts as the mean of
    the vectors of its events, and what is fused is added: u = anchor(mean) / |anchor(mean)| + gain fused / |fused|. So
    users and sentences agree as far as texts do before anything is learned.

    Tokens for the fusion: of behaviour the pooled vector, where the user is now and, by `config.activity`, how active
    it is; of searches one, one per column.
    The token of searches is a map of the mean of their vectors, or what `search` makes of their words.
    """

    def __init__(
        self,
        behaviour: BehaviourEncoder,
        tabular: TabularEncoder | None,
        text_dims: int,
        config: AlignConfig,
        *,
        anchor: nn.Module | None = None,
        search: SearchText | None = None,
    ) -> None:
        super().__init__()
        self.anchor = anchor
        self.gain = nn.Parameter(torch.tensor(GAIN))
        d = behaviour.text.out_features
        self.behaviour = behaviour
        self.activity = _activity(d) if config.activity else None
        self.search = nn.Sequential(nn.Linear(text_dims, d), nn.LayerNorm(d)) if search is None else search
        self.tabular = tabular
        self.columns = None if tabular is None else nn.Linear(tabular.column.shape[1], d)
        modalities = 2 if tabular is None else 3
        self.fusion = (
            Concatenation(modalities, d, config.dims)
            if config.fusion == "concatenation"
            else Fusion(modalities, d, config.dims, layers=config.layers, drop=config.drop)
        )

    def forward(self, inputs: UserInputs, rows: Indices) -> Tensor:
        """Return the vectors (b, out) of rows of the inputs."""
        read = self.parts(inputs, rows)
        fused = F.normalize(self.fusion(read.tokens, read.present), dim=1)
        if self.anchor is None:
            return fused
        said = F.normalize(self.anchor(read.mean), dim=1) * read.present[0].unsqueeze(1)
        return F.normalize(said + self.gain * fused, dim=1)

    def parts(self, inputs: UserInputs, rows: Indices) -> Parts:
        """Return what is fused: the tokens of behaviour, of searches and, where columns are read, of columns."""
        device = next(self.parameters()).device
        events, moment = inputs.reading.events(rows, str(device))
        states = self.behaviour(events)
        pooled = self.behaviour.pooled(states, events.time, moment)
        last = states.c[torch.arange(len(rows)), (events.length - 1).clamp_min(0)]
        searches, searched = self._searches(inputs, rows, device)
        said = [pooled, last]
        if self.activity is not None:
            numbers = np.zeros((len(rows), FEATURES), np.float32) if inputs.activity is None else inputs.activity[rows]
            said.append(self.activity(torch.from_numpy(numbers).to(device)))
        tokens = [torch.stack(said, dim=1), searches]
        present = [events.length > 0, searched]
        if self.tabular is not None and self.columns is not None:
            cells, known = self._columns(inputs, rows, device)
            tokens.append(cells)
            present.append(known)
        there = states.there.unsqueeze(2)
        return Parts(tokens, present, (events.vectors * there).sum(dim=1) / there.sum(dim=1).clamp_min(1))

    def _searches(self, inputs: UserInputs, rows: Indices, device: torch.device) -> tuple[Tensor, Tensor]:
        """Return the token (b, 1, d) of searches, and who has any (b,)."""
        if isinstance(self.search, SearchText):
            if inputs.searches is None:
                raise ValueError("a model that reads searches needs inputs with their words")
            found: tuple[Tensor, Tensor] = self.search(inputs.searches.of(rows))
            return found
        searches = self.search(torch.from_numpy(inputs.search[rows]).to(device))
        return searches.unsqueeze(1), torch.from_numpy(inputs.searched[rows]).to(device)

    def _columns(self, inputs: UserInputs, rows: Indices, device: torch.device) -> tuple[Tensor, Tensor]:
        """Return the tokens (b, F, d) of columns, and who has any (b,)."""
        assert self.tabular is not None
        assert self.columns is not None
        if inputs.table is None or inputs.known is None:
            raise ValueError("a model that reads columns needs inputs with a table")
        codes, values, known = (
            torch.from_numpy(part[rows]).to(device) for part in (inputs.table.codes, inputs.table.values, inputs.known)
        )
        return self.columns(self.tabular(codes, values)), known

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


def _activity(dims: int) -> nn.Module:
    """Return a map of the numbers of activity (b, FEATURES) to a token (b, d)."""
    return nn.Sequential(nn.Linear(FEATURES, dims), nn.GELU(), nn.Linear(dims, dims), nn.LayerNorm(dims))
