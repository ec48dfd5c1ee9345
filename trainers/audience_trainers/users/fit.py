"""Train the whole user model on a source: behaviour and columns without labels, then alignment with the future."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from audience_graph.errors import ConfigError
from audience_trainers.users.alignment.config import AlignConfig
from audience_trainers.users.alignment.train import Aligned, Described, Material, align
from audience_trainers.users.behaviour.batches import Reading
from audience_trainers.users.behaviour.config import BehaviourConfig
from audience_trainers.users.behaviour.embed import READ_ROWS
from audience_trainers.users.behaviour.pretrain import pretrain_behaviour
from audience_trainers.users.entity_text import EntityText, EntityTextConfig, learn_entities
from audience_trainers.users.histories import Moments, last_events, read_histories
from audience_trainers.users.pairs.build import Pairs, PairsConfig, build_pairs
from audience_trainers.users.pairs.families import FamilyMap
from audience_trainers.users.pairs.windows import WindowConfig
from audience_trainers.users.profiles import Profiles, read_profiles
from audience_trainers.users.source import Source
from audience_trainers.users.tabular.config import TabularConfig
from audience_trainers.users.tabular.encoder import TabularEncoder
from audience_trainers.users.tabular.pretrain import pretrain_tabular
from audience_trainers.users.tabular.schema import TabularSchema
from audience_trainers.users.texts import Encode
from audience_trainers.users.training import TrainOptions
from audience_trainers.users.user_model import Floats, Known, read_inputs


@dataclass(frozen=True, slots=True)
class UsersConfig:
    """Resolved settings of the whole model."""

    pairs: PairsConfig = field(default_factory=lambda: PairsConfig(windows=WindowConfig(test_cuts=0)))
    entities: EntityTextConfig = field(default_factory=EntityTextConfig)
    behaviour: BehaviourConfig = field(default_factory=BehaviourConfig)
    tabular: TabularConfig = field(default_factory=TabularConfig)
    align: AlignConfig = field(default_factory=AlignConfig)


@dataclass(frozen=True, slots=True, eq=False)
class TrainedUsers:
    """The aligned model, its loss on what was held out, and what is known of users: when it was trained, or now."""

    model: Aligned
    known: Known
    texts: EntityText
    valid_loss: float = float("nan")

    def embed(self, moments: Moments) -> Floats:
        """Return the unit vectors (p, dims) of users at moments, whose inputs are read some thousand at a time."""
        parts = [moments[begin : begin + READ_ROWS] for begin in range(0, max(1, len(moments)), READ_ROWS)]
        return np.concatenate([self.model.users.embed(read_inputs(self.known, part)) for part in parts])

    def embed_sentences(self, sentences: Sequence[str]) -> Floats:
        """Return the unit vectors (n, dims) of sentences."""
        return self.model.embed_texts(self.texts.sentences(sentences))


def train_users(source: Source, config: UsersConfig, encode: Encode, options: TrainOptions) -> TrainedUsers:
    """Train on everything in a source: behaviour and columns without labels, then alignment with futures.

    Raises as each step does.
    """
    histories = read_histories(source)
    families = FamilyMap()
    pairs = build_pairs(source, histories, config.pairs, families=families, progress=options.progress)
    texts = learn_entities(source.dictionary, histories, encode, config.entities, options.seed)
    vectors = texts.events(histories.texts)
    channels = tuple(name for name in histories.sources if families.family(name) == "search")
    known = Known(histories, vectors, config.behaviour.width, config.align.searches, channels)
    known, tabular = _learn_columns(known, read_profiles(source, histories), pairs, config, options)
    everyone = np.arange(len(histories.user_ids))
    end = np.full(len(everyone), int(histories.time.max()) + 1, np.int64)
    whole = Reading(last_events(histories, Moments(everyone, end), known.width), end, vectors)
    pretrained = pretrain_behaviour(whole, everyone, len(histories.sources), config.behaviour, options)
    torch.manual_seed(options.seed)
    model = Aligned(pretrained.model, tabular, vectors.shape[1], config.align)
    material = _material(known, pairs, texts.events, config.align.views, options.seed)
    aligned = align(model, material, config.align, options)
    return TrainedUsers(aligned.model, known, texts, aligned.valid_loss)


def _learn_columns(
    known: Known, profiles: Profiles, pairs: Pairs, config: UsersConfig, options: TrainOptions
) -> tuple[Known, TabularEncoder | None]:
    """Return what is known with the rows of columns, and their encoder; without an encoder where there are none.

    Only rows that are in force at a training moment are learned from.
    """
    training = pairs.moments[pairs.rows("train")]
    rows = np.unique(profiles.as_of(training))
    rows = rows[rows >= 0]
    if len(np.unique(profiles.user[rows])) < 2:
        return known, None
    columns = {name: values[rows] for name, values in profiles.columns.items()}
    try:
        schema = TabularSchema.fit(columns)
    except ConfigError:  # columns that tell nothing are no reason to stop
        return known, None
    told = replace(known, profiles=profiles, schema=schema)
    table = pretrain_tabular(schema, schema.encode(columns), profiles.user[rows], config.tabular, options)
    return told, table.model


def _material(known: Known, pairs: Pairs, encode: Encode, views: int, seed: int) -> Material:
    rng = np.random.default_rng([seed, 4])
    rows = np.arange(len(pairs))
    sentences = list(zip(*(pairs.sample(rows, rng) for _ in range(views)), strict=True))
    return Material(
        inputs=read_inputs(known, pairs.moments),
        described=Described.of(sentences, encode),
        training=pairs.rows("train"),
        validation=pairs.rows("validation"),
    )
