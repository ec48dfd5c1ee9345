"""Values of facts as words of a sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from audience_graph.sentences.wording import clean
from audience_trainers.users.pairs.futures import KINDS

MOST_TEXT_WORDS = 16


def words_of(values: Sequence[str], kinds: Sequence[int], names: Mapping[str, str]) -> list[str | None]:
    """Return the words of each value, None where it has none that a sentence could hold.

    `kinds` are places in KINDS; an entity's value is its id, and `names` its name; items may be such ids too. A text
    of more than 16 words is no name of anything.
    """
    by_kind: dict[str, Callable[[str], str | None]] = {
        "entity": lambda value: clean(names.get(value, value.rpartition(":")[2])),
        "item": lambda value: clean(names.get(value, value)),
        "text": lambda value: clean(value) if len(value.split()) <= MOST_TEXT_WORDS else None,
        "any": lambda _: "",
    }
    return [by_kind.get(KINDS[kind], clean)(value) for value, kind in zip(values, kinds, strict=True)]
