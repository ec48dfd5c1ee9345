"""The maintained list of what is sensitive (`sensitive.toml`), and what of a dictionary or a sentence is on it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from audience_graph.entities.dictionary import Entity
from audience_graph.entities.text import normalise, singular, tokens

_END = ""
_TRIE = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Category:
    """One category of the list: its name, what it is, its words and the entity types that it takes whole."""

    name: str
    title: str
    words: tuple[str, ...]
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """What of a text is on the list, in normal form, and why."""

    category: str
    said: str


class SensitiveList:
    """Finds what is on the list: whole words, plural and singular alike, the longest phrase, from left to right."""

    def __init__(self, categories: Sequence[Category], exceptions: Iterable[str] = ()) -> None:
        self.categories = tuple(categories)
        self._types = {_form(kind): category.name for category in categories for kind in category.types}
        self._trie: _TRIE = {}
        for category in categories:
            for phrase in category.words:
                self._add(phrase, category.name)
        for phrase in exceptions:  # last: an exception goes before a word
            self._add(phrase, None)

    def _add(self, phrase: str, category: str | None) -> None:
        node = self._trie
        for token in tokens(phrase):
            node = node.setdefault(singular(token), {})
        if node is not self._trie:
            node[_END] = category

    def find(self, text: str) -> tuple[Hit, ...]:
        """Return what of a text is on the list, in order."""
        words = tokens(text)
        found = []
        place = 0
        while place < len(words):
            end, category = self._longest(words, place)
            if category is not None:
                found.append(Hit(category, " ".join(words[place:end])))
            place = end
        return tuple(found)

    def _longest(self, words: Sequence[str], place: int) -> tuple[int, str | None]:
        """Return the end of the longest phrase from a place on and its category; the next place when there is none."""
        node, best = self._trie, (place + 1, None)
        for after in range(place, len(words)):
            following = node.get(singular(words[after]))
            if following is None:
                break
            node = following
            if _END in node:
                best = after + 1, node[_END]
        return best

    def match(self, entity: Entity, *, description: bool = False) -> Hit | None:
        """Return why an entity is on the list: by its name, an alias or its type, with `description` by that too."""
        for text in (entity.name, *entity.aliases):
            if found := self.find(text):
                return found[0]
        kind = _form(entity.type)
        if kind in self._types:
            return Hit(self._types[kind], f"type {entity.type}")
        found = self.find(entity.description or "") if description else ()
        return found[0] if found else None


@cache
def sensitive_list() -> SensitiveList:
    """Return the list that comes with this package."""
    read = tomllib.loads(Path(__file__).with_name("sensitive.toml").read_text(encoding="utf-8"))
    exceptions = read.pop("exceptions")
    return SensitiveList(
        [Category(name, c["title"], tuple(c["words"]), tuple(c["types"])) for name, c in read.items()], exceptions
    )


def _form(text: str) -> str:
    return " ".join(singular(word) for word in normalise(text).split(" "))
