"""Zero-shot targeting as a row of the evaluation: one sentence, no labels (FIND 4.4.1).

The model is trained on what lies before the cut alone: histories up to each t1, descriptions of windows that end
before the cut. It is then asked with sentences that it has never seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from audience_trainers.run import Progress, silent
from audience_trainers.users.alignment.config import AlignConfig
from audience_trainers.users.alignment.train import Aligned, Described, Material, align
from audience_trainers.users.behaviour.batches import Reading
from audience_trainers.users.behaviour.config import BehaviourConfig
from audience_trainers.users.behaviour.pretrain import pretrain_behaviour
from audience_trainers.users.histories import Histories, Moments, last_events, read_histories
from audience_trainers.users.measures import Values
from audience_trainers.users.pairs.build import Pairs, PairsConfig, build_pairs
from audience_trainers.users.pairs.families import FamilyMap
from audience_trainers.users.pairs.windows import WindowConfig
from audience_trainers.users.scoring import Asked, Options, Scorer
from audience_trainers.users.source import Source, open_folder, seconds_of
from audience_trainers.users.tasks.history import History
from audience_trainers.users.texts import Encode, encode_with
from audience_trainers.users.training import TrainOptions
from audience_trainers.users.user_model import Floats, UserInputs, UserModel, read_inputs


@dataclass(frozen=True, slots=True)
class UsersConfig:
    """Resolved settings of the whole model."""

    pairs: PairsConfig = field(default_factory=lambda: PairsConfig(windows=WindowConfig(test_cuts=0)))
    behaviour: BehaviourConfig = field(default_factory=BehaviourConfig)
    align: AlignConfig = field(default_factory=AlignConfig)


@dataclass(frozen=True, slots=True, eq=False)
class TrainedUsers:
    """The aligned model, the histories that it was trained on, and the vectors of their texts."""

    model: Aligned
    histories: Histories
    vectors: Floats
    config: UsersConfig
    encode: Encode
    channels: tuple[str, ...]

    def embed(self, moments: Moments) -> Floats:
        """Return the unit vectors (p, dims) of users at moments."""
        return self.model.users.embed(self._inputs(moments))

    def embed_sentences(self, sentences: Sequence[str]) -> Floats:
        """Return the unit vectors (n, dims) of sentences."""
        return self.model.embed_texts(np.asarray(self.encode(sentences), np.float32))

    def _inputs(self, moments: Moments) -> UserInputs:
        width, searches = self.config.behaviour.width, self.config.align.searches
        return read_inputs(
            self.histories, moments, self.vectors, width=width, searches=searches, channels=self.channels
        )


def train_users(
    source: Source,
    config: UsersConfig,
    encode: Encode,
    *,
    seed: int = 7,
    device: str = "cpu",
    progress: Progress = silent,
) -> TrainedUsers:
    """Train on everything in a source: pairs, behaviour without labels, then alignment. Raises as each step does."""
    histories = read_histories(source)
    families = FamilyMap()
    pairs = build_pairs(source, histories, config.pairs, families=families, progress=progress)
    vectors = np.asarray(encode(histories.texts), np.float32)
    channels = tuple(name for name in histories.sources if families.family(name) == "search")
    pretrained = pretrain_behaviour(
        _whole(histories, vectors, config.behaviour.width),
        np.arange(len(histories.user_ids)),
        len(histories.sources),
        config.behaviour,
        TrainOptions(seed=seed, device=device, progress=progress),
    )
    torch.manual_seed(seed)
    own = config.align
    users = UserModel(
        pretrained.encoder, vectors.shape[1], own.dims, fusion=own.fusion, layers=own.layers, drop=own.drop
    )
    model = Aligned(users, vectors.shape[1], own)
    told = TrainedUsers(model, histories, vectors, config, encode, channels)
    material = _material(told, pairs, own.views, seed)
    trained = align(model, material, own, TrainOptions(seed=seed, device=device, progress=progress))
    return replace(told, model=trained.model)


def prepare_zero_shot(history: History, options: Options) -> Scorer:
    """Return a scorer: the cosine between a sentence and each user; a user without events comes last."""
    encode = options.encode if options.encode is not None else encode_with(options.cache)
    with open_folder(options.folder) as source:
        past = replace(source, events=source.events.filter(seconds_of(source.events.time) < history.cut))
        trained = train_users(past, UsersConfig(), encode)
    place = {user: i for i, user in enumerate(trained.histories.user_ids)}
    known = np.array([user in place for user in history.users], np.bool_)
    at = np.array([place[user] for user in history.users[known]], np.int64)
    users = trained.embed(Moments(at, np.full(len(at), history.cut, np.int64)))

    def score(asked: Asked) -> Values:
        found = np.full(len(history.users), -1.0)
        found[known] = users @ trained.embed_sentences([asked.sentence])[0]
        return found

    return score


def _whole(histories: Histories, vectors: Floats, width: int) -> Reading:
    end = int(histories.time.max()) + 1
    everyone = np.arange(len(histories.user_ids))
    moments = Moments(everyone, np.full(len(everyone), end, np.int64))
    return Reading(last_events(histories, moments, width), moments.time, vectors)


def _material(trained: TrainedUsers, pairs: Pairs, views: int, seed: int) -> Material:
    rng = np.random.default_rng([seed, 4])
    rows = np.arange(len(pairs))
    sentences = list(zip(*(pairs.sample(rows, rng) for _ in range(views)), strict=True))
    return Material(
        inputs=trained._inputs(pairs.moments),
        described=Described.of(sentences, trained.encode),
        training=pairs.rows("train"),
        validation=pairs.rows("validation"),
    )
