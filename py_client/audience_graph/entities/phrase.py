"""What people type, made safe to look up: normal form, words, and Lucene's query language.

The full-text query is built from words alone, and an exact phrase is quoted with its two special characters
escaped, so nothing that a person types can be read as an operator.
"""

from __future__ import annotations

import re
import unicodedata

from audience_graph.errors import NotFoundError

LONGEST = 500
_MOST_WORDS = 32
_WORD = re.compile(r"\w+(?:['’]\w+)*")


def fold(text: str) -> str:
    """Return the form in which names are compared: NFKC, casefolded, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def words(text: str) -> tuple[str, ...]:
    """Return the words of a normalised text: letters, digits, and apostrophes inside a word."""
    return tuple(_WORD.findall(fold(text)))


def check_phrase(phrase: str) -> str:
    """Return the phrase when it can be looked up at all.

    Raises NotFoundError for an empty phrase, one of more than 500 characters, or one that is not valid Unicode.
    """
    if not isinstance(phrase, str):
        raise NotFoundError(f"{phrase!r} is not a phrase", hint="give the name or the id of an entity, as text")
    if not phrase.strip():
        raise NotFoundError("an empty phrase names no entity", hint="type the name of a service, e.g. 'skin care'")
    if len(phrase) > LONGEST:
        raise NotFoundError(
            f"a phrase of {len(phrase):,} characters names no entity", hint=f"use at most {LONGEST} characters"
        )
    try:
        phrase.encode("utf-8")
    except UnicodeEncodeError as exc:
        raise NotFoundError(f"the phrase {phrase!r} is not valid Unicode", hint="type it again as UTF-8") from exc
    return phrase


def exact_query(phrase: str) -> str:
    """Return a Lucene query for the whole phrase, word after word: candidates for an exact name."""
    return '"' + fold(phrase).replace("\\", "\\\\").replace('"', '\\"') + '"'


def words_query(phrase: str) -> str | None:
    """Return a Lucene query for any of the words, with small misspellings at half weight; None without words.

    `women's (football` becomes `women's^2 women's~1 football^2 football~1`.
    """
    parts = []
    for word in words(phrase)[:_MOST_WORDS]:
        parts.append(f"{word}^2")
        if len(word) >= 4 and word.isascii():
            parts.append(f"{word}~1")
    return " ".join(parts) or None


def coverage(phrase: str, *texts: str) -> float:
    """Return how much of the best text the phrase says: 1 = the same words, 0 = no text holds all of its words.

    Where writing has no spaces, a word counts as held when it is a part of the text.
    """
    wanted = set(words(phrase))
    best = 0.0
    for text in texts:
        normal, found = fold(text), set(words(text))
        if wanted and all(w in found or (not w.isascii() and w in normal) for w in wanted):
            best = max(best, len(wanted) / len(found) if wanted <= found else 0.5)
    return best
