"""One4all (ShopperBERT) and U-MLP: a bidirectional encoder of behaviour taught many pretext tasks, then an MLP on top.

Shin et al., "One4all User Representation for Recommender Systems in E-commerce", 2021; a baseline of FIND 5.1.2. As
published: BERT over a user's items in order, masked items, several pretext tasks at once (nine there), the mean of the
states as the user's vector, frozen, and an MLP per target on it (U-MLP). Ours, where public text is silent: an item is
an event, the sum of its text, time and attributes; 15 % are masked; the tasks tell of a masked event its channel,
category, first item, amount, day of the week, part of the day and gap to the event before, as far as the data has
them, and its text among the texts of the batch. No label and no sentence is read, and no event after the cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audience_graph.errors import ConfigError, InputError
from audience_trainers.run import resolve_config
from audience_trainers.settings import Range, check_ranges
from audience_trainers.users.baselines.from_history import (
    at_cut,
    bins,
    commonest,
    event_places,
    first_mention,
    histories_of,
)
from audience_trainers.users.baselines.linear_probe import Floats, probe
from audience_trainers.users.baselines.sequence_config import SEQUENCE_RANGES, SequenceConfig
from audience_trainers.users.baselines.user_mlp import user_mlp
from audience_trainers.users.behaviour.batches import Reading, by_length
from audience_trainers.users.behaviour.encoder import DAY, HOUR, TIME_FEATURES, Events, time_features
from audience_trainers.users.histories import Indices, last_events
from audience_trainers.users.scoring import Options, Scorer
from audience_trainers.users.tasks.history import History
from audience_trainers.users.texts import encode_with
from audience_trainers.users.training import Lessons, TrainOptions, hold_out, train

IGNORED = -1  # the code of an attribute that an event does not have
_RANGES = SEQUENCE_RANGES | {
    "dropout": Range(0, 0.99),
    "mask": Range(0.01, 0.99),
    "most": Range(1, 1_000_000),
    "temperature": Range(1e-3, 100),
}


@dataclass(frozen=True, slots=True)
class One4allConfig(SequenceConfig):
    """Resolved settings. Raises ConfigError, naming the setting and its range, for a value out of range."""

    dropout: float = 0.1
    mask: float = 0.15
    most: int = 1_000  # values of an attribute that are told apart, the commonest
    temperature: float = 0.1  # of the cosine between what is said of a text and the texts of the batch

    def __post_init__(self) -> None:
        check_ranges(self, _RANGES)
        if self.dims % self.heads:
            raise ConfigError(f"setting heads: {self.heads} does not divide dims, {self.dims}")


@dataclass(frozen=True, slots=True, eq=False)
class Attribute:
    """What a pretext task tells of an event: `code` (m,), IGNORED where it has none, of `size` values."""

    name: str
    code: Indices
    size: int


def attributes_of(history: History, most: int) -> list[Attribute]:
    """Return the attributes that tell events apart."""
    gap = np.full(len(history.time), np.nan)
    same = history.user[1:] == history.user[:-1]
    gap[1:][same] = (history.time[1:] - history.time[:-1])[same]
    quarter = (history.time % DAY // int(6 * HOUR)).astype(np.int64)
    found = {
        "channel": history.channel.code,
        "category": history.category.code,
        "item": first_mention(history),
        "amount": bins(history.amount, 8),
        "weekday": (history.time // DAY % 7).astype(np.int64),
        "day": quarter,
        "gap": bins(gap, 8),
    }
    kept = [Attribute(name, *commonest(code, most)) for name, code in found.items()]
    return [attribute for attribute in kept if attribute.size > 1]


class One4all(nn.Module):
    """Events (b, w) -> states (b, w, d), each seeing the whole history, and a head per pretext task."""

    def __init__(self, text_dims: int, sources: int, sizes: list[int], config: One4allConfig) -> None:
        super().__init__()
        d, self.config = config.dims, config
        self.text = nn.Linear(text_dims, d)
        self.source = nn.Embedding(max(1, sources), d)
        self.attributes = nn.ModuleList(nn.Embedding(size + 1, d) for size in sizes)  # the first is `not given`
        self.when = nn.Linear(TIME_FEATURES, d)
        self.place = nn.Embedding(config.width, d)  # 0 is the newest event
        self.enter = nn.LayerNorm(d)
        self.masked = nn.Parameter(torch.randn(d) * 0.02)
        layer = nn.TransformerEncoderLayer(
            d, config.heads, dim_feedforward=4 * d, dropout=config.dropout, activation="gelu", batch_first=True,
            norm_first=True,
        )  # fmt: skip
        self.over = nn.TransformerEncoder(layer, config.layers, norm=nn.LayerNorm(d), enable_nested_tensor=False)
        self.heads = nn.ModuleList(nn.Linear(d, size) for size in sizes)
        self.says = nn.Linear(d, text_dims)

    def forward(self, events: Events, codes: Sequence[Tensor], hidden: Tensor | None = None) -> Tensor:
        """Return the states; of events where `hidden` (b, w) only their place is known.

        `codes` (b, w) are each attribute's values; an event enters as the sum of its parts.
        """
        there = events.there()
        said = self.text(events.vectors) + self.source(events.source) + self.when(time_features(events.time))
        for table, code in zip(self.attributes, codes, strict=True):
            said = said + table(code + 1)
        if hidden is not None:
            said = torch.where(hidden.unsqueeze(2), self.masked, said)
        back = (events.length.unsqueeze(1) - 1 - torch.arange(there.shape[1], device=there.device)).clamp_min(0)
        h: Tensor = self.over(self.enter(said + self.place(back)), src_key_padding_mask=~there)
        return h

    def pooled(self, events: Events, codes: Sequence[Tensor]) -> Tensor:
        """Return the user vectors (b, d), the mean of the states of the events that are there."""
        there = events.there().unsqueeze(2)
        mean: Tensor = (self(events, codes) * there).sum(dim=1) / there.sum(dim=1).clamp_min(1)
        return mean

    def loss(self, events: Events, text: Tensor, codes: list[Tensor]) -> Tensor:
        """Return the mean over the tasks of what they lose on masked events.

        `text` (b, w) numbers the texts, `codes` (b, w) each attribute's values.
        """
        hidden = (torch.rand(events.time.shape, device=events.time.device) < self.config.mask) & events.there()
        hidden[:, 0] |= ~hidden.any(dim=1) & (events.length > 0)  # something is asked of everybody
        h = self(events, codes, hidden)[hidden]
        losses = [self._text_loss(h, events.vectors[hidden], text[hidden])]
        for head, code in zip(self.heads, codes, strict=True):
            wanted = code[hidden]
            if bool((wanted != IGNORED).any()):
                losses.append(F.cross_entropy(head(h), wanted, ignore_index=IGNORED))
        return torch.stack(losses).mean()

    def _text_loss(self, h: Tensor, vectors: Tensor, text: Tensor) -> Tensor:
        """Return InfoNCE of the text said of each masked event against the distinct texts of all masked events."""
        distinct, wanted = torch.unique(text, return_inverse=True)
        texts = vectors.new_zeros(len(distinct), vectors.shape[1])
        texts[wanted] = vectors
        s = F.normalize(self.says(h), dim=1) @ F.normalize(texts, dim=1).T
        return F.cross_entropy(s / self.config.temperature, wanted)


def codes_of(attributes: Sequence[Attribute], place: Indices, device: str) -> list[Tensor]:
    """Return each attribute's values (b, w) of events `place` (b, w)."""
    return [torch.from_numpy(attribute.code[place]).to(device) for attribute in attributes]


def prepare_one4all(history: History, options: Options) -> Scorer:
    """Return a linear probe of the user vectors, fitted on the fitting part; a user without events has zeros."""
    return probe(options.shared.once("one4all", lambda: one4all_vectors(history, options)))


def prepare_one4all_few(history: History, options: Options) -> Scorer:
    """Return a U-MLP on the frozen user vectors, trained on the seeds (FIND 5.2.2)."""
    return user_mlp(options.shared.once("one4all", lambda: one4all_vectors(history, options)))


def one4all_vectors(history: History, options: Options) -> Floats:
    """Train on the events of a cut and return the vectors (n, d) of everybody at it.

    Raises InputError for fewer than two users with events.
    """
    config = resolve_config(One4allConfig, options.own("one4all"))
    encode = options.encode if options.encode is not None else encode_with(options.cache)
    histories, here = histories_of(history), at_cut(history)
    vectors = np.asarray(encode(histories.texts), np.float32)
    reading = Reading(last_events(histories, here, config.width), here.time, vectors)
    place = event_places(histories, here, config.width)
    attributes = attributes_of(history, config.most)
    model = train_one4all(
        reading, place, attributes, len(histories.sources), config=config,
        options=TrainOptions(progress=options.progress),
    )  # fmt: skip
    return embed(model, reading, place, attributes)


def train_one4all(
    reading: Reading,
    place: Indices,
    attributes: list[Attribute],
    sources: int,
    *,
    config: One4allConfig,
    options: TrainOptions,
) -> One4all:
    """Train on histories whose events are `place` (p, w) of the attributes; return the model of its best epoch."""
    length = reading.block.length
    usable = np.flatnonzero(length > 0)
    if len(usable) < 2:
        raise InputError("fewer than two users have an event before the cut")
    chosen = hold_out(usable, config.held_out, options.seed)
    training, held = usable[~chosen], usable[chosen]
    torch.manual_seed(options.seed)
    sizes = [attribute.size for attribute in attributes]
    model = One4all(reading.vectors.shape[1], sources, sizes, config).to(options.device)

    def loss(rows: Indices, epoch: int) -> Tensor:  # noqa: ARG001
        events, _ = reading.events(rows, options.device)
        wide = events.time.shape[1]
        own = place[rows, :wide]
        text = torch.from_numpy(reading.block.text[rows, :wide]).to(options.device)
        return model.loss(events, text, codes_of(attributes, own, options.device))

    def batches(rows: Indices, rng: np.random.Generator) -> list[Indices]:
        return [rows[part] for part in by_length(length[rows], config.batch, rng)]

    lessons = Lessons(
        "one4all", lambda rng: batches(training, rng), loss, batches(held, np.random.default_rng(options.seed))
    )
    return train(model, lessons, config, options).model


@torch.no_grad()
def embed(
    model: One4all, reading: Reading, place: Indices, attributes: Sequence[Attribute], *, batch: int = 256
) -> Floats:
    """Return the vectors (p, d) of histories; 0 for those without events."""
    model.eval()
    length = reading.block.length
    found = np.zeros((len(length), model.config.dims), np.float32)
    order = np.argsort(length, kind="stable")
    order = order[length[order] > 0]
    for begin in range(0, len(order), batch):
        rows = order[begin : begin + batch]
        events, _ = reading.events(rows)
        codes = codes_of(attributes, place[rows, : events.time.shape[1]], "cpu")
        found[rows] = model.pooled(events, codes).numpy()
    return found
