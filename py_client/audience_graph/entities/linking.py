"""Link text to entities by the dictionary: the longest name or alias wins, from left to right, without overlap."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from audience_graph.entities.dictionary import Dictionary
from audience_graph.entities.text import normalise, tokens

# The key of a node under which its entity stands; no token is empty.
_END = ""


class Linker:
    """Find the entities of a dictionary in texts.

    A name or alias that several entities share goes to one of them, always the same: to one whose name it is before
    one whose alias it is, then to the smallest id. `ambiguous` maps each such form to all its ids, the winner first.
    """

    def __init__(self, dictionary: Dictionary) -> None:
        forms: dict[str, list[tuple[int, str]]] = {}
        for entity in dictionary.entities:
            own = normalise(entity.name)
            for form in {own, *(normalise(alias) for alias in entity.aliases)} - {""}:
                forms.setdefault(form, []).append((int(form != own), entity.id))
        self.ambiguous: dict[str, tuple[str, ...]] = {
            form: tuple(id_ for _, id_ in sorted(found)) for form, found in sorted(forms.items()) if len(found) > 1
        }
        self._trie: dict[str, Any] = {}
        for form, found in forms.items():
            node = self._trie
            for token in form.split(" "):
                node = node.setdefault(token, {})
            node[_END] = min(found)[1]

    def link(self, text: str) -> tuple[str, ...]:
        """Return the ids of the entities in a text, in the order of their first mention, each once."""
        words = tokens(text)
        trie = self._trie
        found: dict[str, None] = {}
        place, count = 0, len(words)
        while place < count:
            node = trie.get(words[place])
            place += 1
            if node is None:
                continue
            best, end, after = node.get(_END), place, place
            while after < count and (node := node.get(words[after])) is not None:
                after += 1
                entity = node.get(_END)
                if entity is not None:
                    best, end = entity, after
            if best is not None:
                found[best] = None
                place = end
        return tuple(found)

    def link_all(self, texts: Iterable[str]) -> list[tuple[str, ...]]:
        """Link many texts; each distinct one is looked at once."""
        seen: dict[str, tuple[str, ...]] = {}
        answers = []
        for text in texts:
            answer = seen.get(text)
            if answer is None:
                answer = seen[text] = self.link(text)
            answers.append(answer)
        return answers
