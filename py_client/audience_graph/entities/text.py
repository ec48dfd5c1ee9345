"""One normal form of text for every comparison with the dictionary.

NFKC, case folded, apostrophes dropped, other punctuation and runs of space become one space. Scripts written
without spaces (Han, kana, Thai, Lao, Khmer, Burmese) fall into single characters, all others into whole words: so
a name is found inside a Chinese sentence, and `spa` is not found inside `space`.
"""

from __future__ import annotations

import re
import unicodedata

# Han with its extensions and compatibility forms, kana, bopomofo; Thai, Lao, Burmese, Khmer.
UNSPACED = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3040-\u30ff\u3100-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
)
# Marks that combine with the letter before them: Latin and Cyrillic accents, Hebrew, Arabic, the Indic scripts.
_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u0900-\u0903\u093a-\u094f\u0981-\u0983\u09bc-\u09cd\u0a01-\u0a03\u0a3c-\u0a4d\u0a81-\u0a83\u0abc-\u0acd"
    "\u0b01-\u0b03\u0b3c-\u0b4d\u0b82\u0bbe-\u0bcd\u0c00-\u0c04\u0c3e-\u0c4d\u0c81-\u0c83\u0cbc-\u0ccd"
    "\u0d00-\u0d03\u0d3b-\u0d4d"
)
_WORD = re.compile(rf"[{UNSPACED}]|(?:(?![{UNSPACED}])[^\W_]|[{_MARKS}])+(?:[+#]+(?![^\W_]))?")
_ASCII_WORD = re.compile(r"[a-z0-9]+(?:[+#]+(?![a-z0-9]))?")
_APOSTROPHES = dict.fromkeys(map(ord, "'\u2018\u2019\u02bc\uff07"))


def tokens(text: str) -> list[str]:
    """Return the normalised words of a text; a character each in scripts without spaces."""
    if text.isascii():
        return _ASCII_WORD.findall(text.lower().replace("'", ""))
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return _WORD.findall(folded.translate(_APOSTROPHES))


def normalise(text: str) -> str:
    """Return the normal form: two texts with one normal form mean the same to the dictionary."""
    return " ".join(tokens(text))


def singular(word: str) -> str:
    """Return an English word without its plural ending, roughly: both numbers of a word give one form."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes", "zes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
