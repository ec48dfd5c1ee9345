"""MSDP: a behaviour encoder that predicts how behaviour is spread over a random future window, with linear probes.

Hu et al., "Robust User Behavioral Sequence Representation via Multi-scale Stochastic Distribution Prediction", CIKM
2023; a baseline of FIND 5.1.2. As published: the target is the distribution of behaviours in (T, T + W], not the next
behaviour; W is drawn at random and enters the encoder as a prompt; a SimSiam term keeps the vector of a history near
that of the same history with behaviours masked, weighed by lambda. Ours, where public text is silent: the encoder is
that of the user model, smaller, and reads behaviours beside texts; behaviours are channel x category (else x first
item), the 200 commonest; `nothing` is a behaviour of its own for windows without events; W is log-uniform from 1 to 28
days. Only events before the cut are read, so a window never reaches past it; no label and no sentence is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audience_graph.errors import ConfigError, InputError
from audience_trainers.run import resolve_config
from audience_trainers.settings import Range, check_ranges
from audience_trainers.users.baselines.from_history import at_cut, behaviours, event_places, histories_of
from audience_trainers.users.baselines.linear_probe import Floats, probe, probe_few
from audience_trainers.users.baselines.sequence_config import SEQUENCE_RANGES, SequenceConfig
from audience_trainers.users.behaviour.batches import Reading, by_length
from audience_trainers.users.behaviour.config import BehaviourConfig
from audience_trainers.users.behaviour.encoder import DAY, GAP_WAVES, BehaviourEncoder, Events, waves
from audience_trainers.users.histories import Histories, Indices, Moments, last_events
from audience_trainers.users.scoring import Options, Scorer
from audience_trainers.users.tasks.history import History
from audience_trainers.users.texts import encode_with
from audience_trainers.users.training import Lessons, TrainOptions, hold_out, train

_RANGES = SEQUENCE_RANGES | {
    "behaviours": Range(1, 100_000),
    "draws": Range(1, 1_000),
    "shortest_days": Range(0.01, 1_000),
    "longest_days": Range(0.01, 10_000),
    "horizon_days": Range(0.01, 10_000),
    "contrast": Range(0, 1_000),
    "mask": Range(0, 0.99),
}


@dataclass(frozen=True, slots=True)
class MsdpConfig(SequenceConfig):
    """Resolved settings. Raises ConfigError, naming the setting and its range, for a value out of range."""

    behaviours: int = 200
    draws: int = 4  # moments T per user, of which each epoch takes one
    shortest_days: float = 1.0
    longest_days: float = 28.0
    horizon_days: float = 14.0  # W of the prompt with which users are embedded
    contrast: float = 0.1  # lambda
    mask: float = 0.2

    def __post_init__(self) -> None:
        check_ranges(self, _RANGES)
        if self.shortest_days > self.longest_days:
            raise ConfigError("setting shortest_days: it lies above longest_days")


class Msdp(nn.Module):
    """Histories and a window W -> user vector e (b, d) -> logits over the behaviours of (T, T + W], the last `nothing`.

    The prompt, a linear map of waves over log W, is added to every event.
    """

    def __init__(self, text_dims: int, sources: int, kinds: int, config: MsdpConfig) -> None:
        super().__init__()
        d, self.config = config.dims, config
        shape = BehaviourConfig(dims=d, layers=config.layers, heads=config.heads, width=config.width)
        self.encoder = BehaviourEncoder(text_dims, sources, shape)
        self.prompt = nn.Linear(2 * GAP_WAVES, d)
        self.behaviour = nn.Embedding(kinds, d)
        self.masked = nn.Parameter(torch.randn(d) * 0.02)
        self.says = nn.Sequential(nn.Linear(d, d), nn.GELU(), nn.Linear(d, kinds + 1))
        self.predictor = nn.Sequential(nn.Linear(d, d), nn.GELU(), nn.Linear(d, d))

    def forward(self, events: Events, code: Tensor, moment: Tensor, window: Tensor, *, mask: float = 0.0) -> Tensor:
        """Return e of histories read at `moment` (b,) for windows (b,) seconds; a share `mask` of the events hidden.

        `code` (b, w) are the behaviours of the events.
        """
        projected = self.encoder.text(events.vectors) + self.behaviour(code)
        if mask:
            hidden = torch.rand(projected.shape[:2], device=projected.device) < mask
            projected = torch.where(hidden.unsqueeze(2), self.masked, projected)
        states = self.encoder.encode(projected + self.prompt(waves(window)).unsqueeze(1), events)
        return self.encoder.pooled(states, events.time, moment)

    def loss(self, events: Events, code: Tensor, moment: Tensor, window: Tensor, spread: Tensor) -> Tensor:
        """Return the cross-entropy with the spread (b, kinds + 1) of behaviours, plus lambda x the SimSiam term."""
        e = self(events, code, moment, window)
        loss = -(spread * F.log_softmax(self.says(e), dim=1)).sum(dim=1).mean()
        if not self.config.contrast:
            return loss
        other = self(events, code, moment, window, mask=self.config.mask)
        return loss + self.config.contrast * 0.5 * (self._apart(e, other) + self._apart(other, e))

    def _apart(self, e: Tensor, other: Tensor) -> Tensor:
        return -F.cosine_similarity(self.predictor(e), other.detach(), dim=1).mean()


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Where futures are predicted: p moments T, and the length (p,) of each window in seconds."""

    moments: Moments
    length: Indices


def draw_windows(histories: Histories, cut: int, config: MsdpConfig, rng: np.random.Generator) -> Windows:
    """Return `draws` windows of each user whose first event lies early enough; all of them end before the cut.

    T is uniform after the first event, W log-uniform, cut short where the cut comes first.
    """
    some = np.flatnonzero(np.diff(histories.start) > 0)
    first = histories.time[histories.start[some]] + 1
    last = cut - round(config.shortest_days * DAY)
    some, first = some[first < last], first[first < last]
    user, first = np.repeat(some, config.draws), np.repeat(first, config.draws)
    at = (first + rng.random(len(user)) * (last - first)).astype(np.int64)
    low, high = np.log(config.shortest_days * DAY), np.log(config.longest_days * DAY)
    length = np.exp(rng.uniform(low, high, len(user))).astype(np.int64)
    return Windows(Moments(user, at), np.minimum(length, cut - at))


def spread_of(histories: Histories, code: Indices, kinds: int, windows: Windows) -> npt.NDArray[np.float32]:
    """Return the share (p, kinds + 1) of each behaviour among those in T <= time < T + W, the last `nothing`."""
    moments = windows.moments
    begin = histories.before(moments)
    end = histories.before(Moments(moments.user, moments.time + windows.length))
    count = end - begin
    row = np.repeat(np.arange(len(moments)), count)
    event = np.repeat(begin, count) + np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    found = np.zeros((len(moments), kinds + 1), np.float32)
    np.add.at(found, (row, code[event]), 1.0)
    found[count == 0, kinds] = 1.0
    return np.asarray(found / found.sum(axis=1, keepdims=True), np.float32)


def prepare_msdp(history: History, options: Options) -> Scorer:
    """Return a linear probe of e, fitted on the fitting part; a user without events has zeros."""
    return probe(options.shared.once("msdp", lambda: msdp_vectors(history, options)))


def prepare_msdp_few(history: History, options: Options) -> Scorer:
    """Return a linear probe of e, fitted on the seeds."""
    return probe_few(options.shared.once("msdp", lambda: msdp_vectors(history, options)))


def msdp_vectors(history: History, options: Options) -> Floats:
    """Train on the events of a cut and return e (n, d) of everybody at it. Raises InputError for too few users."""
    config = resolve_config(MsdpConfig, options.own("msdp"))
    encode = options.encode if options.encode is not None else encode_with(options.cache)
    histories = histories_of(history)
    vectors = np.asarray(encode(histories.texts), np.float32)
    coded = behaviours(history, config.behaviours)
    model = train_msdp(
        histories, vectors, coded, history.cut, config=config, options=TrainOptions(progress=options.progress)
    )
    here = at_cut(history)
    reading = Reading(last_events(histories, here, config.width), here.time, vectors)
    return embed(model, reading, coded[0][event_places(histories, here, config.width)])


def train_msdp(
    histories: Histories,
    vectors: Floats,
    coded: tuple[Indices, int],
    cut: int,
    *,
    config: MsdpConfig,
    options: TrainOptions,
) -> Msdp:
    """Train on histories before the cut, `coded` giving each event's behaviour (m,); return the best epoch's model."""
    code, kinds = coded
    windows = draw_windows(histories, cut, config, np.random.default_rng([options.seed, 31]))
    moments, draws = windows.moments, config.draws
    if len(np.unique(moments.user)) < 2:
        raise InputError("fewer than two users have an event early enough before the cut to predict what follows")
    reading = Reading(last_events(histories, moments, config.width), moments.time, vectors)
    length, place = reading.block.length, event_places(histories, moments, config.width)
    chosen = hold_out(moments.user, config.held_out, options.seed)
    training, held = np.flatnonzero(~chosen).reshape(-1, draws), np.flatnonzero(chosen).reshape(-1, draws)[:, 0]
    torch.manual_seed(options.seed)
    model = Msdp(vectors.shape[1], len(histories.sources), kinds, config).to(options.device)

    def loss(rows: Indices, epoch: int) -> Tensor:  # noqa: ARG001
        events, moment = reading.events(rows, options.device)
        asked = Windows(moments[rows], windows.length[rows])
        spread = torch.from_numpy(spread_of(histories, code, kinds, asked)).to(options.device)
        own = torch.from_numpy(code[place[rows, : events.time.shape[1]]]).to(options.device)
        return model.loss(events, own, moment, torch.from_numpy(asked.length).to(options.device), spread)

    def batches(rng: np.random.Generator) -> list[Indices]:
        rows = training[np.arange(len(training)), rng.integers(draws, size=len(training))]
        return [rows[part] for part in by_length(length[rows], config.batch, rng)]

    parts = by_length(length[held], config.batch, np.random.default_rng(options.seed))
    return train(model, Lessons("msdp", batches, loss, [held[part] for part in parts]), config, options).model


@torch.no_grad()
def embed(model: Msdp, reading: Reading, code: Indices, *, batch: int = 256) -> Floats:
    """Return e (p, d) of histories with behaviours `code` (p, w), prompted with `horizon_days`.

    Those without events have 0.
    """
    model.eval()
    length = reading.block.length
    found = np.zeros((len(length), model.config.dims), np.float32)
    order = np.argsort(length, kind="stable")
    order = order[length[order] > 0]
    for begin in range(0, len(order), batch):
        rows = order[begin : begin + batch]
        events, moment = reading.events(rows)
        window = torch.full((len(rows),), round(model.config.horizon_days * DAY))
        own = torch.from_numpy(code[rows, : events.time.shape[1]])
        found[rows] = model(events, own, moment, window).numpy()
    return found
