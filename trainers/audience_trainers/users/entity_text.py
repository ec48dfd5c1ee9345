"""Texts that know the entities they name: the vector of the words beside that of the entities.

    v(text) = [ base(text) || weight * trust * e / |e| ],   e = mean of the vectors of the entities that the text names

The entities' vectors are skip-gram vectors over all users' sequences (EGL's E^Co): what `Torawim deposit waiver` is
about nobody reads in its words, and everybody sees in who meets it. They are learned from the events that are given,
those of training windows included, and never from what comes after them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from audience_graph.entities.dictionary import Dictionary
from audience_graph.entities.linking import Linker
from audience_graph.sentences.demand import MOST_CHARACTERS, read_demand
from audience_graph.sentences.named import Named, entity_part, named_in
from audience_graph.sentences.vocabulary import Vocabulary, entity_values
from audience_trainers.relations.behaviour import Behaviour
from audience_trainers.relations.skipgram import skip_gram
from audience_trainers.settings import Range, check_ranges
from audience_trainers.users.histories import Histories
from audience_trainers.users.texts import Encode
from audience_trainers.users.user_model import Floats

_RANGES = {"dims": Range(0, 4_096), "window": Range(1, 1_000), "epochs": Range(1, 1_000), "weight": Range(0, 100)}


@dataclass(frozen=True, slots=True)
class EntityTextConfig:
    """Resolved settings. `dims` = 0: texts are their words alone."""

    dims: int = 64
    window: int = 5
    epochs: int = 10
    weight: float = 1.0

    def __post_init__(self) -> None:
        check_ranges(self, _RANGES)


@dataclass(frozen=True, slots=True, eq=False)
class EntityText:
    """Reads texts: words by `base`, entities by `dictionary`, whose unit vectors (d,) are `vectors` by id.

    Without vectors a text is its words alone.
    """

    base: Encode
    dictionary: Dictionary
    vectors: Mapping[str, Floats]
    dims: int
    weight: float
    _kept: dict[str, object] = field(default_factory=dict)

    def events(self, texts: Sequence[str]) -> Floats:
        """Return the vectors (n, t + d) of texts of events or descriptions: entities by name and alias."""
        return np.hstack([np.asarray(self.base(texts), np.float32), self.event_entities(texts)])

    def sentences(self, texts: Sequence[str]) -> Floats:
        """Return the vectors (n, t + d) of sentences that people ask: what no entity is called is read by meaning."""
        return np.hstack([np.asarray(self.base(texts), np.float32), self.sentence_entities(texts)])

    def event_entities(self, texts: Sequence[str]) -> Floats:
        """Return the entities' part (n, d) of `events`, for those who read the words themselves."""
        if self.dims == 0:
            return np.zeros((len(texts), 0), np.float32)
        return np.asarray(self.weight * self._named(texts), np.float32)

    def sentence_entities(self, texts: Sequence[str]) -> Floats:
        """Return the entities' part (n, d) of `sentences`."""
        if self.dims == 0:
            return np.zeros((len(texts), 0), np.float32)
        vocabulary = self._vocabulary()
        named = [
            named_in(read_demand(text, vocabulary)) if 0 < len(text.strip()) <= MOST_CHARACTERS else Named({})
            for text in texts
        ]
        return np.asarray(self.weight * entity_part(named, self.vectors, self.dims), np.float32)

    def _named(self, texts: Sequence[str]) -> Floats:
        linker = self._kept.setdefault("linker", Linker(self.dictionary))
        assert isinstance(linker, Linker)
        linked = linker.link_all(texts)
        return entity_part([Named(dict.fromkeys(found, 1.0)) for found in linked], self.vectors, self.dims)

    def _vocabulary(self) -> Vocabulary:
        if "vocabulary" not in self._kept:
            self._kept["vocabulary"] = Vocabulary(entity_values(self.dictionary), encode=self.base)
        vocabulary = self._kept["vocabulary"]
        assert isinstance(vocabulary, Vocabulary)
        return vocabulary


def learn_entities(
    dictionary: Dictionary, histories: Histories, base: Encode, config: EntityTextConfig, seed: int
) -> EntityText:
    """Learn the entities' vectors from all users' sequences; none where no text names an entity."""
    behaviour = _behaviour(dictionary, histories) if config.dims and len(dictionary) else None
    if behaviour is None or len(behaviour.entity) == 0:
        return EntityText(base, dictionary, {}, 0, 0.0)
    found = skip_gram(behaviour, dims=config.dims, window=config.window, epochs=config.epochs, seed=seed)
    size = np.linalg.norm(found, axis=1)
    vectors = {
        entity: np.asarray(found[i] / size[i], np.float32) for i, entity in enumerate(dictionary.ids) if size[i] > 0
    }
    return EntityText(base, dictionary, vectors, config.dims, config.weight)


def _behaviour(dictionary: Dictionary, histories: Histories) -> Behaviour:
    """Return the entities that each event's text names, in order of user and time."""
    place = {entity: i for i, entity in enumerate(dictionary.ids)}
    linked = [[place[entity] for entity in found] for found in Linker(dictionary).link_all(histories.texts)]
    start = np.concatenate([[0], np.cumsum([len(found) for found in linked])])
    flat = np.array([entity for found in linked for entity in found], np.int64)
    count = np.diff(start)[histories.text]
    event = np.repeat(np.arange(len(histories.text)), count)
    within = np.arange(len(event)) - np.repeat(np.cumsum(count) - count, count)
    mentions = np.concatenate([[0], np.cumsum(count)])
    return Behaviour(
        entity=flat[start[histories.text[event]] + within],
        start=mentions[histories.start].astype(np.int64),
        entities=len(dictionary),
        event=event,
    )
