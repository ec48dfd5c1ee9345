"""One vector per user and moment: behaviour, columns and searches, each through its encoder, fused (FIND Fig. 1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audience_graph.errors import ConfigError
from audience_trainers.users.activity import FEATURES
from audience_trainers.users.alignment.config import MODALITIES, AlignConfig
from audience_trainers.users.behaviour.encoder import BehaviourEncoder
from audience_trainers.users.event_text.encoder import EventText
from audience_trainers.users.fusion import Concatenation, Fusion
from audience_trainers.users.inputs import UserInputs
from audience_trainers.users.search_text.encoder import SearchText
from audience_trainers.users.tabular.encoder import TabularEncoder
from audience_trainers.users.taste import TasteTokens

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
GAIN = 0.3  # where the weight of what is fused starts, beside the anchor of length 1


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Tokens (b, k_i, d) and presence (b,) of each modality, and the mean (b, t) of the events' text vectors.

    `mean` is None where behaviour is left out.
    """

    tokens: list[Tensor]
    present: list[Tensor]
    mean: Tensor | None


class UserModel(nn.Module):
    """Inputs of users -> unit vectors (b, out). Modalities: behaviour, searches and, with `tabular`, columns.

    With `anchor`, the map of text vectors (t) into the space, shared with the sentences, a user starts as a mean of the
    vectors of its events (that of the last ones, mixed with those of `taste`), and what is fused is added:

        u = anchor(mean) / |anchor(mean)| + gain fused / |fused|

    So users and sentences agree as far as texts do before anything is learned.

    Tokens for the fusion: of behaviour the pooled vector, where the user is now and, by `config.activity`, how active
    it is, by `config.taste` what its events were about all along; of searches one, one per column.
    The token of searches is a map of the mean of their vectors, or what `search` makes of their words. `events` reads
    the texts of events while it is trained; what is read later has the vectors that it gave.

    `modalities` are those that are fused, in order: what `config.without` leaves out, and columns without `tabular`, is
    not there. The width d is that of `behaviour`, which is not kept where it is left out; nor is the anchor.
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
        events: EventText | None = None,
    ) -> None:
        super().__init__()
        left_out = config.left_out | ({"tabular"} if tabular is None else set())
        self.modalities = tuple(name for name in MODALITIES if name not in left_out)
        if not self.modalities:
            raise ConfigError("nothing of users is left to read", hint="no columns are known: shorten align.without")
        self.anchor = None if "behaviour" in left_out else anchor
        self.gain = nn.Parameter(torch.tensor(GAIN))
        d = behaviour.text.out_features
        self.behaviour = None if "behaviour" in left_out else behaviour
        self.events = None if "behaviour" in left_out else events
        self.activity = _activity(d) if config.activity and not left_out & {"activity", "behaviour"} else None
        self.taste = None
        if config.taste and not left_out & {"taste", "behaviour"}:
            self.taste = TasteTokens(text_dims, d, mixed=events is None)
        self.search: nn.Module | None = None
        if "search" not in left_out:
            self.search = nn.Sequential(nn.Linear(text_dims, d), nn.LayerNorm(d)) if search is None else search
        self.tabular = None if "tabular" in left_out else tabular
        self.columns = None if self.tabular is None else nn.Linear(self.tabular.column.shape[1], d)
        self.fusion = (
            Concatenation(len(self.modalities), d, config.dims)
            if config.fusion == "concatenation"
            else Fusion(len(self.modalities), d, config.dims, layers=config.layers, drop=config.drop)
        )

    def forward(self, inputs: UserInputs, rows: Indices) -> Tensor:
        """Return the vectors (b, out) of rows of the inputs."""
        read = self.parts(inputs, rows)
        fused = F.normalize(self.fusion(read.tokens, read.present), dim=1)
        if self.anchor is None or read.mean is None:
            return fused
        said = F.normalize(self.anchor(read.mean), dim=1) * read.present[0].unsqueeze(1)
        return F.normalize(said + self.gain * fused, dim=1)

    def parts(self, inputs: UserInputs, rows: Indices) -> Parts:
        """Return what is fused: the tokens of each of the `modalities`."""
        device = next(self.parameters()).device
        tokens: list[Tensor] = []
        present: list[Tensor] = []
        mean: Tensor | None = None
        if self.behaviour is not None:
            own, there, mean = self._behaviour(self.behaviour, inputs, rows, device)
            tokens.append(own)
            present.append(there)
        if self.search is not None:
            own, there = self._searches(self.search, inputs, rows, device)
            tokens.append(own)
            present.append(there)
        if self.tabular is not None and self.columns is not None:
            own, there = self._columns(inputs, rows, device)
            tokens.append(own)
            present.append(there)
        return Parts(tokens, present, mean)

    def _behaviour(
        self, encoder: BehaviourEncoder, inputs: UserInputs, rows: Indices, device: torch.device
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the tokens (b, k, d) of events, who has any (b,), and the mean (b, t) of their text vectors."""
        events, moment = inputs.reading.events(rows, str(device))
        if self.events is not None and inputs.reading.words is not None:
            events = self.events(events, inputs.reading)
        states = encoder(events)
        pooled = encoder.pooled(states, events.time, moment)
        last = states.c[torch.arange(len(rows)), (events.length - 1).clamp_min(0)]
        said = [pooled, last]
        if self.activity is not None:
            numbers = np.zeros((len(rows), FEATURES), np.float32) if inputs.activity is None else inputs.activity[rows]
            said.append(self.activity(torch.from_numpy(numbers).to(device)))
        there = states.there.unsqueeze(2)
        mean = (events.vectors * there).sum(dim=1) / there.sum(dim=1).clamp_min(1)
        tokens = torch.stack(said, dim=1)
        if self.taste is not None:
            means = self.taste.none(len(rows)) if inputs.taste is None else inputs.taste.means(rows)
            lasting, mean = self.taste(torch.from_numpy(means).to(device), mean)
            tokens = torch.cat([tokens, lasting], dim=1)
        return tokens, events.length > 0, mean

    def _searches(
        self, search: nn.Module, inputs: UserInputs, rows: Indices, device: torch.device
    ) -> tuple[Tensor, Tensor]:
        """Return the token (b, 1, d) of searches, and who has any (b,)."""
        if isinstance(search, SearchText):
            if inputs.searches is None:
                raise ValueError("a model that reads searches needs inputs with their words")
            found: tuple[Tensor, Tensor] = search(inputs.searches.of(rows))
            return found
        searches = search(torch.from_numpy(inputs.search[rows]).to(device))
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
