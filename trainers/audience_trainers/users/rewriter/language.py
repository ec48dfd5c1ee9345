"""The template language as answers: one plain sentence per demand, and the check that an answer is such a sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from audience_graph.entities.text import normalise
from audience_graph.sentences.templates import PEOPLE, TEMPLATES
from audience_graph.sentences.vocabulary import Vocabulary
from audience_graph.sentences.wording import horizon_words, join_words, method_words

_PLACES = {"what": r"(?P<what>.+?)", "how": r"(?P<how>.+?)", "amount": r"(?P<amount>[\d,]+)", "verb": r"(?P<verb>.+?)"}
MOST_DAYS = 366


@dataclass(frozen=True, slots=True)
class Said:
    """What a sentence of the language says: family and form of TEMPLATES, and what fills its places."""

    family: str
    form: str
    values: tuple[str, ...] = ()
    how: str = ""
    amount: str = ""
    verb: str = ""
    days: int = 14

    def sentence(self) -> str:
        """Return the plain sentence: the first paraphrase, `People who`, the first wording of the horizon."""
        return f"{self.clause(0, PEOPLE[0])} {horizon_words(self.days)[0]}"

    def clause(self, paraphrase: int, who: str) -> str:
        """Return a paraphrase without its horizon; values are joined by `or`."""
        return TEMPLATES[self.family][self.form][paraphrase].format(
            who=who,
            what=join_words(self.values, "or") if self.values else "",
            how=self.how,
            amount=self.amount,
            verb=self.verb,
        )


def parse_said(
    sentence: str, vocabulary: Vocabulary, payments: Sequence[str] = (), *, question: str = ""
) -> Said | None:
    """Return what a plain sentence says; None for any other text, a value or a payment channel that nobody knows.

    Values and what is paid with are compared in their normal form; words of the `question` count as known values.
    """
    text = " ".join(sentence.split())
    hows = {normalise(method_words(payment)) for payment in payments}
    known = _Known(vocabulary, normalise(question))
    for days, ending in _endings():
        if text.endswith(f" {ending}"):
            said = _clause(text.removesuffix(f" {ending}"), known, hows)
            if said is not None:
                return Said(*said, days=days)
    return None


@dataclass(frozen=True, slots=True)
class _Known:
    """Which values may be said: those of the vocabulary, and what stands in the question (in normal form)."""

    vocabulary: Vocabulary
    question: str

    def holds(self, value: str) -> bool:
        form = normalise(value)
        longest = self.vocabulary.longest(form.split(" "), 0)
        if longest is not None and longest[1] == len(form.split(" ")):
            return True
        return form != "" and f" {form} " in f" {self.question} "


def _clause(text: str, known: _Known, hows: set[str]) -> tuple[str, str, tuple[str, ...], str, str, str] | None:
    for family, form, pattern in _patterns():
        match = pattern.fullmatch(text)
        if match is None:
            continue
        told = match.groupdict()
        values = _split(told["what"], known) if "what" in told else ()
        if values is None or ("how" in told and normalise(told["how"]) not in hows):
            continue
        return family, form, values, told.get("how", ""), told.get("amount", ""), told.get("verb", "")
    return None


def _split(text: str, known: _Known) -> tuple[str, ...] | None:
    """Return the values of `a, b or c`, each of which is known; None where that cannot be.

    A value may hold a comma or an `or` itself: the shortest values are tried first.
    """
    parts = re.split(r"(, | or )", text)

    @cache
    def rest(place: int) -> tuple[str, ...] | None:
        if place > len(parts):
            return ()
        for end in range(place + 1, len(parts) + 1, 2):
            value = "".join(parts[place:end])
            after = rest(end + 1) if known.holds(value) else None
            if after is not None:
                return (value, *after)
        return None

    return rest(0)


@cache
def _endings() -> tuple[tuple[int, str], ...]:
    """Return the first wording of each horizon, the longest wording first; of two that share it the shorter horizon."""
    ways: dict[str, int] = {}
    for days in range(1, MOST_DAYS + 1):
        ways.setdefault(horizon_words(days)[0], days)
    return tuple(sorted(((days, way) for way, days in ways.items()), key=lambda pair: (-len(pair[1]), pair[0])))


@cache
def _patterns() -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    """Return the first paraphrase of every form as a pattern, those with more words of their own first."""
    found = []
    for family, forms in TEMPLATES.items():
        for form, ways in forms.items():
            parts = re.split(r"\{(\w+)\}", ways[0].replace("{who}", PEOPLE[0]))
            pattern = "".join(_PLACES[part] if i % 2 else re.escape(part) for i, part in enumerate(parts))
            found.append((sum(map(len, parts[::2])), family, form, re.compile(pattern)))
    return tuple((family, form, pattern) for _, family, form, pattern in sorted(found, key=lambda one: -one[0]))
