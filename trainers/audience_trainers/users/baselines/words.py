"""Text to words, and texts to counts of words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

_WORD = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+")


def words_of(text: str) -> list[str]:
    """Return the words of a text: small letters, plurals stripped (Harman's S-stemmer), Chinese by character."""
    return [_singular(word) for word in _WORD.findall(text.lower())]


def _singular(word: str) -> str:
    if len(word) < 4 or not word.endswith("s"):
        return word
    if word.endswith("ies") and not word.endswith(("eies", "aies")):
        return word[:-3] + "y"
    if word.endswith("es") and not word.endswith(("aes", "ees", "oes")):
        return word[:-1]
    return word if word.endswith(("us", "ss")) else word[:-1]


@dataclass(frozen=True, slots=True, eq=False)
class WordCounts:
    """`matrix` (texts, words) of counts; `place` gives a word's column."""

    matrix: sp.csr_matrix
    place: dict[str, int]


def count_words(texts: Sequence[str]) -> WordCounts:
    """Count the words of texts; columns in order of first use."""
    place: dict[str, int] = {}
    columns: list[int] = []
    ends = [0]
    for text in texts:
        columns += [place.setdefault(word, len(place)) for word in words_of(text)]
        ends.append(len(columns))
    matrix = sp.csr_matrix((np.ones(len(columns)), columns, ends), shape=(len(texts), len(place)))
    matrix.sum_duplicates()
    return WordCounts(matrix, place)
