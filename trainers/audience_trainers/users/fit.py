"""Train the whole user model on a source: behaviour and columns without labels, then alignment with the future."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import torch

from audience_graph.errors import ConfigError
from audience_trainers.users.alignment.aligned import Aligned, Described, join_sides
from audience_trainers.users.alignment.reach import Deeds
from audience_trainers.users.alignment.train import IdleRows, Material, align
from audience_trainers.users.behaviour.embed import READ_ROWS
from audience_trainers.users.behaviour.encoder import BehaviourEncoder
from audience_trainers.users.behaviour.pretrain import pretrain_behaviour
from audience_trainers.users.config import UsersConfig
from audience_trainers.users.entity_text import EntityText, learn_entities
from audience_trainers.users.event_text.encoder import EventText
from audience_trainers.users.event_text.known import new_events, settle_events, start_events
from audience_trainers.users.histories import Histories, Moments, last_events, read_histories
from audience_trainers.users.inputs import Known, read_inputs
from audience_trainers.users.pairs.build import Pairs, build_pairs
from audience_trainers.users.pairs.families import FamilyMap
from audience_trainers.users.pairs.idle import idle_moments
from audience_trainers.users.profiles import Profiles, read_profiles
from audience_trainers.users.search_text.encoder import SearchText
from audience_trainers.users.source import Source
from audience_trainers.users.tabular.encoder import TabularEncoder
from audience_trainers.users.tabular.pretrain import pretrain_tabular
from audience_trainers.users.tabular.schema import TabularSchema
from audience_trainers.users.text_tower.config import TowerConfig
from audience_trainers.users.text_tower.tower import TextTower
from audience_trainers.users.texts import Encode
from audience_trainers.users.training import TrainOptions
from audience_trainers.users.user_model import Floats, UserModel


@dataclass(frozen=True, slots=True, eq=False)
class TrainedUsers:
    """The aligned model, its loss on what was held out, and what is known of users: when it was trained, or now.

    `curves` (epoch, name, value) are those of the alignment, see `align`.
    """

    model: Aligned
    known: Known
    texts: EntityText
    valid_loss: float = float("nan")
    curves: tuple[tuple[int, str, float], ...] = ()

    def embed(self, moments: Moments) -> Floats:
        """Return the unit vectors (p, dims) of users at moments, whose inputs are read some thousand at a time."""
        parts = [moments[begin : begin + READ_ROWS] for begin in range(0, max(1, len(moments)), READ_ROWS)]
        users = cast("UserModel", self.model.users)
        return np.concatenate([users.embed(read_inputs(self.known, part)) for part in parts])

    def embed_sentences(self, sentences: Sequence[str]) -> Floats:
        """Return the unit vectors (n, dims) of sentences, read by the tower where one was trained."""
        if self.model.tower is not None:
            return self.model.tower.embed(sentences, self.texts.sentence_entities(sentences))
        return self.model.embed_texts(self.texts.sentences(sentences))

    def tower(self) -> TextTower:
        """Return what reads sentences, for itself by their words alone; where a head was trained, MiniLM with it.

        Raises ConfigError when the head belongs to vectors of another width than MiniLM's.
        """
        if self.model.tower is not None:
            return self.model.tower
        return TextTower(TowerConfig(), head=self.model.head).eval()


def train_users(source: Source, config: UsersConfig, encode: Encode, options: TrainOptions) -> TrainedUsers:
    """Train on everything in a source: behaviour and columns without labels, then alignment with futures.

    With a folder each part keeps its checkpoints in a folder of its own, and a killed run goes on to the same end.
    Raises as each step does.
    """
    histories = read_histories(source)
    options = replace(options, key=_key(options, config, histories))
    families = FamilyMap()
    pairs = build_pairs(source, histories, config.pairs, families=families, progress=options.progress)
    texts = learn_entities(source.dictionary, histories, encode, config.entities, options.seed)
    left_out = config.align.left_out
    searching = () if "search" in left_out else histories.sources
    channels = tuple(name for name in searching if families.family(name) == "search")
    vectors = texts.events(histories.texts)
    known = Known(histories, vectors, config.behaviour.width, config.align.searches, channels)
    torch.manual_seed(options.seed)
    events = None if "behaviour" in left_out else new_events(known, config.behaviour.text, texts.dims)
    known = start_events(known, events, options.cache)
    known, tabular = _learn_columns(known, read_profiles(source, histories), pairs, config, options)
    encoder = _learn_behaviour(known, events, config, options)
    torch.manual_seed(options.seed)
    model = _sides(encoder, tabular, config, text_dims=vectors.shape[1], beside=texts.dims, events=events)
    told = texts.event_entities if config.tower.reads else texts.events
    material = _material(known, pairs, told, config, options.seed)
    aligned = align(model, material, config.align, options.within("alignment"))
    known = settle_events(known, events, options.cache)
    return TrainedUsers(aligned.model, known, texts, aligned.valid_loss, tuple(aligned.curves))


def _key(options: TrainOptions, config: UsersConfig, histories: Histories) -> str:
    """Return what names data, settings and seed, so that no checkpoint of another training is taken up."""
    digest = hashlib.blake2b(repr((options.key, options.seed, config)).encode(), digest_size=16)
    for part in (histories.start, histories.time, histories.text, histories.source):
        digest.update(part.tobytes())
    for words in (histories.user_ids, histories.sources, histories.texts):
        digest.update("\x1f".join(words).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _learn_behaviour(
    known: Known, events: EventText | None, config: UsersConfig, options: TrainOptions
) -> BehaviourEncoder:
    """Return the encoder of all histories, `events` trained with it; without behaviour one for its sizes alone."""
    histories = known.histories
    if "behaviour" in config.align.left_out:
        return BehaviourEncoder(known.vectors.shape[1], len(histories.sources), config.behaviour)
    everyone = np.arange(len(histories.user_ids))
    end = np.full(len(everyone), int(histories.time.max()) + 1, np.int64)
    whole = known.reading(last_events(histories, Moments(everyone, end), known.width), end)
    return pretrain_behaviour(
        whole,
        everyone,
        len(histories.sources),
        config.behaviour,
        options.within("behaviour"),
        text=events if known.tuned else None,
    ).model


def _sides(
    behaviour: BehaviourEncoder,
    tabular: TabularEncoder | None,
    config: UsersConfig,
    *,
    text_dims: int,
    beside: int,
    events: EventText | None = None,
) -> Aligned:
    """Return the model that is aligned, with a tower and an encoder of searches where the settings ask for them."""
    tower = TextTower(replace(config.tower, dims=config.align.dims), beside=beside) if config.tower.reads else None
    dims = config.behaviour.dims
    searching = config.search_text.reads and "search" not in config.align.left_out
    search = SearchText(replace(config.search_text, dims=dims)) if searching else None
    return join_sides(behaviour, tabular, config.align, text_dims=text_dims, tower=tower, search=search, events=events)


def _learn_columns(
    known: Known, profiles: Profiles, pairs: Pairs, config: UsersConfig, options: TrainOptions
) -> tuple[Known, TabularEncoder | None]:
    """Return what is known with the rows of columns, and their encoder; without an encoder where there are none.

    Only rows that are in force at a training moment are learned from.
    """
    if "tabular" in config.align.left_out:
        return known, None
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
    table = pretrain_tabular(
        schema, schema.encode(columns), profiles.user[rows], config.tabular, options.within("tabular")
    )
    return told, table.model


def _material(known: Known, pairs: Pairs, encode: Encode, config: UsersConfig, seed: int) -> Material:
    """Return the pairs with their descriptions and, behind them, users without a future."""
    rng = np.random.default_rng([seed, 4])
    rows, moments, idle = np.arange(len(pairs)), pairs.moments, None
    views = [pairs.tell(rows, rng) for _ in range(config.align.views)]
    if config.align.deeds and config.align.idle:
        most = max(1, round(config.align.idle * len(pairs)))
        drawn = idle_moments(pairs, known.histories, config.pairs.windows, most=most, seed=seed)
        moments = Moments(
            np.concatenate([moments.user, drawn.moments.user]), np.concatenate([moments.time, drawn.moments.time])
        )
        places = [len(pairs) + drawn.rows(split) for split in ("train", "validation")]
        idle = IdleRows(places[0], places[1], drawn.rate[0], drawn.rate[1])
    deeds = pairs.facts.deeds()
    told = tuple(deeds.of([facts for _, facts in view]) for view in views)
    return Material(
        inputs=read_inputs(known, moments),
        described=Described.of(list(zip(*([said for said, _ in view] for view in views), strict=True)), encode),
        training=pairs.rows("train"),
        validation=pairs.rows("validation"),
        deeds=Deeds(deeds.done, told) if config.align.deeds else None,
        idle=idle,
    )
