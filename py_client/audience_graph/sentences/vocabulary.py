"""What may be asked for: values of behaviour and entities by name, found in a sentence word by word or by meaning."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from audience_graph.entities.dictionary import Dictionary
from audience_graph.entities.text import UNSPACED, normalise, singular

Floats = npt.NDArray[np.float32]
Encode = Callable[[Sequence[str]], Floats]
How = Literal["name", "meaning"]
Near = Callable[[str], "Sequence[Found]"]
_END = ""
_UNSPACED = re.compile(f"[{UNSPACED}]")
NEAR = 0.6  # cosine from which on a meaning counts
PER_PHRASE = 3
LEAD = 0.9  # of the best cosine: what is that near to it is meant too


@dataclass(frozen=True, slots=True)
class Value:
    """One thing that may be asked for. `kind` says what it is (entity, category, item, ...), `id` an entity's id."""

    text: str
    kind: str = "value"
    id: str | None = None
    weight: float = 1.0  # how often it is met: decides between values of one name


@dataclass(frozen=True, slots=True)
class Found:
    """A value in a sentence: where the sentence says it, and how it was recognised. `score` is 1 for a name."""

    said: str
    value: Value
    how: How
    score: float = 1.0


class Vocabulary:
    """Values by normal form, and, with an encoder, by meaning. Plural and singular of a form are one.

    Where an index of meanings is there already, `near(phrase)` gives the values nearest to a phrase, best first.
    """

    def __init__(self, values: Iterable[Value], *, encode: Encode | None = None, near: Near | None = None) -> None:
        best: dict[str, Value] = {}
        for value in values:
            form = normalise(value.text)
            if form and (form not in best or best[form].weight < value.weight):
                best[form] = value
        self.values = tuple(best[form] for form in sorted(best))
        self._near = near if near is not None or encode is None else _meanings(self.values, encode)
        self._trie: dict[str, Any] = {}
        for form, value in best.items():
            node = self._trie
            for word in form.split(" "):
                node = node.setdefault(singular(word), {})
            if _END not in node or node[_END].weight < value.weight:
                node[_END] = value

    def __len__(self) -> int:
        return len(self.values)

    def longest(self, words: Sequence[str], place: int) -> tuple[Value, int] | None:
        """Return the value that the words from `place` on say, and the place after it; the longest one."""
        node, best = self._trie, None
        while place < len(words) and (node := node.get(singular(words[place]))) is not None:  # type: ignore[assignment]
            place += 1
            if _END in node:
                best = node[_END], place
        return best

    def nearest(self, phrase: str) -> tuple[Found, ...]:
        """Return up to three values of like meaning, best first; none without an encoder, or when none is near.

        The encoder speaks English: a phrase in a script without spaces is found by its name only.
        """
        if self._near is None or not self.values or _UNSPACED.search(phrase):
            return ()
        found = tuple(self._near(phrase))[:PER_PHRASE]
        least = max(NEAR, LEAD * found[0].score) if found else NEAR
        return tuple(one for one in found if one.score >= least)


def entity_values(dictionary: Dictionary) -> list[Value]:
    """Return what the entities of a dictionary are called: of two of one name, a name goes before an alias."""
    return [
        Value(name, entity.type or "entity", entity.id, weight)
        for entity in dictionary.entities
        for name, weight in ((entity.name, 2.0), *((alias, 1.0) for alias in entity.aliases))
    ]


def _meanings(values: Sequence[Value], encode: Encode) -> Near:
    """Return a search of values by the meaning of their texts, which are encoded at the first phrase."""
    kept: list[Floats] = []

    def near(phrase: str) -> Sequence[Found]:
        if not kept:
            kept.append(_unit(encode([value.text for value in values])))
        cosine = kept[0] @ _unit(encode([phrase]))[0]
        order = np.lexsort((np.arange(len(cosine)), -cosine))[:PER_PHRASE]
        return [Found(phrase, values[i], "meaning", round(float(cosine[i]), 4)) for i in order]

    return near


def _unit(vectors: Floats) -> Floats:
    found = np.asarray(vectors, np.float32)
    return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12))
