"""Raw text to words with character offsets, and words to the numbers that an encoder reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from audience_graph.entities.text import UNSPACED

# Numbers with their points, words with inner apostrophes, hyphens and ampersands, each character of a script without
# spaces, any other sign alone.
_WORDS = re.compile(rf"\d+(?:[.,]\d+)+|[{UNSPACED}]|(?:(?![{UNSPACED}])\w)+(?:['’&-](?:(?![{UNSPACED}])\w)+)*|[^\w\s]")
_CHARACTERS = re.compile(r"\S")
SUBWORDS_PER_WORD = 16  # only the first one is read out; the rest of a long link helps nobody


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text: text[start:end]."""

    text: str
    start: int
    end: int


class Pieces(Protocol):
    """How the words of a text become the numbers of an encoder."""

    kind: str
    size: int
    pad: int
    before: tuple[int, ...]
    after: tuple[int, ...]

    def words(self, text: str) -> list[Word]:
        """Split raw text."""

    def numbers(self, words: Iterable[str]) -> dict[str, tuple[int, ...]]:
        """Return at least one number for each distinct word."""

    def save(self, folder: Path) -> None:
        """Write what `open_pieces` needs into a folder."""


class SubwordPieces:
    """The tokenizer of a Hugging Face encoder; a word that it drops is its unknown token."""

    kind = "subword"

    def __init__(self, folder: Path) -> None:
        from transformers import AutoTokenizer

        self._tokenizer: Any = AutoTokenizer.from_pretrained(str(folder), add_prefix_space=True)
        known = self._tokenizer
        self.size = len(known)
        self.pad = known.pad_token_id if known.pad_token_id is not None else 0
        first = known.cls_token_id if known.cls_token_id is not None else known.bos_token_id
        last = known.sep_token_id if known.sep_token_id is not None else known.eos_token_id
        self.before: tuple[int, ...] = () if first is None else (first,)
        self.after: tuple[int, ...] = () if last is None else (last,)
        self._unknown = known.unk_token_id if known.unk_token_id is not None else self.pad
        self._kept: dict[str, tuple[int, ...]] = {}

    def words(self, text: str) -> list[Word]:
        """Split into words and signs; a character each in scripts without spaces."""
        return [Word(m.group(), m.start(), m.end()) for m in _WORDS.finditer(text)]

    def numbers(self, words: Iterable[str]) -> dict[str, tuple[int, ...]]:
        """Return the subwords of each distinct word, at most SUBWORDS_PER_WORD."""
        wanted = list(dict.fromkeys(words))
        new = [word for word in wanted if word not in self._kept]
        if new:
            if len(self._kept) > 500_000:
                self._kept.clear()
                new = wanted
            found = self._tokenizer([[word] for word in new], is_split_into_words=True, add_special_tokens=False)
            for word, ids in zip(new, found["input_ids"], strict=True):
                self._kept[word] = tuple(ids[:SUBWORDS_PER_WORD]) or (self._unknown,)
        return {word: self._kept[word] for word in wanted}

    def save(self, folder: Path) -> None:
        """Write the tokenizer's own files."""
        self._tokenizer.save_pretrained(str(folder))


class CharacterPieces:
    """A number for each word that training saw twice: for text whose words are characters. Others are unknown."""

    kind = "character"
    pad, unknown = 0, 1
    before: tuple[int, ...] = (2,)
    after: tuple[int, ...] = (3,)

    def __init__(self, known: Sequence[str]) -> None:
        self.known = tuple(known)
        self.size = 4 + len(self.known)
        self._number = {word: 4 + place for place, word in enumerate(self.known)}

    @classmethod
    def of(cls, sentences: Iterable[Sequence[str]], *, least: int = 2) -> CharacterPieces:
        """Return the pieces of all words (lower case) that occur at least `least` times, most frequent first."""
        count: dict[str, int] = {}
        for words in sentences:
            for word in words:
                count[word.lower()] = count.get(word.lower(), 0) + 1
        return cls([word for word, n in sorted(count.items(), key=lambda item: (-item[1], item[0])) if n >= least])

    def words(self, text: str) -> list[Word]:
        """Split into characters, without space."""
        return [Word(m.group(), m.start(), m.end()) for m in _CHARACTERS.finditer(text)]

    def numbers(self, words: Iterable[str]) -> dict[str, tuple[int, ...]]:
        """Return one number a word."""
        return {word: (self._number.get(word.lower(), self.unknown),) for word in words}

    def save(self, folder: Path) -> None:
        """Write `characters.json`."""
        (folder / "characters.json").write_text(json.dumps(self.known, ensure_ascii=False), encoding="utf-8")


def open_pieces(folder: Path, kind: str) -> Pieces:
    """Open what `save` wrote."""
    if kind == CharacterPieces.kind:
        return CharacterPieces(json.loads((folder / "characters.json").read_text(encoding="utf-8")))
    return SubwordPieces(folder)
