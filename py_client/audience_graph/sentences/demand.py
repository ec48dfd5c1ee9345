"""Read a sentence: which behaviour, of what, how much, how paid, how soon; and which words say nothing known."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from audience_graph.entities.text import tokens
from audience_graph.errors import ConfigError
from audience_graph.sentences.quantities import Quantities, read_quantities
from audience_graph.sentences.vocabulary import Found, Vocabulary

FAMILIES = ("purchase", "browse", "search", "click", "payment")
MOST_CHARACTERS = 2_000
_END = ""
_STOPS = re.compile(r"[.,;:!?()\"\u201c\u201d\u3002\uff0c\uff1b\uff1a\uff01\uff1f\u3001]")
_BY = frozenset({"a", "an", "by", "the", "their", "using", "via", "with"})


@dataclass(frozen=True, slots=True)
class Demand:
    """What a sentence asks for.

    `families`: kinds of behaviour that its verbs name, in order, () when none is named. `found`: the things, in order.
    `payment`: how it is paid. `not_understood`: words that neither rules nor vocabulary know. `coverage`: share of the
    words with a meaning of their own that were understood; 0 when nothing is asked for.
    """

    sentence: str
    families: tuple[str, ...]
    found: tuple[Found, ...]
    payment: str | None
    quantities: Quantities
    first_time: bool
    not_understood: tuple[str, ...]
    coverage: float

    @property
    def understood(self) -> bool:
        """Whether anything can be asked of users: a thing, or a payment channel."""
        return bool(self.found) or self.payment is not None


@dataclass(slots=True)
class _Reading:
    """What is collected word by word. `things`: values found, and runs of neighbouring unknown words, in order."""

    families: list[str]
    things: list[Found | list[str]]
    payment: str | None = None
    first_time: bool = False
    understood: int = 0


def read_demand(sentence: str, vocabulary: Vocabulary, *, payments: Sequence[str] = ()) -> Demand:
    """Return what a sentence asks for. `payments` are the payment channels that users have.

    The longest known phrase wins, from left to right: things before verbs of equal length. Runs of unknown words are
    looked up by meaning. Raises ConfigError for an empty or endless sentence.
    """
    text = _check(sentence)
    quantities = read_quantities(text)
    reading = _Reading([], [])
    rules = _rules(tuple(sorted(payments)))
    for words in _parts(text, quantities):
        _read_words(words, vocabulary, rules, reading)
    found, missed = _things(reading, vocabulary)
    content = reading.understood + len(missed)
    return Demand(
        sentence=sentence,
        families=tuple(dict.fromkeys(reading.families)),
        found=_each_once(found),
        payment=reading.payment,
        quantities=quantities,
        first_time=reading.first_time,
        not_understood=tuple(dict.fromkeys(missed)),
        coverage=reading.understood / content if content else 0.0,
    )


def _things(reading: _Reading, vocabulary: Vocabulary) -> tuple[list[Found], list[str]]:
    """Return the things in order, unknown runs looked up, and the words of runs that nothing is like.

    A run before a thing may share its head, `eye` in `eye or base makeup`; else its meaning decides.
    """
    found: list[Found] = []
    missed: list[str] = []
    for place, thing in enumerate(reading.things):
        if isinstance(thing, Found):
            found.append(thing)
            continue
        near = _sharing_head(thing, reading.things[place + 1 :], vocabulary) or vocabulary.nearest(" ".join(thing))
        found += near
        if near:
            reading.understood += len(thing)
        else:
            missed += thing
    return found, missed


def _sharing_head(run: list[str], after: Sequence[Found | list[str]], vocabulary: Vocabulary) -> tuple[Found, ...]:
    following = next((thing for thing in after if isinstance(thing, Found)), None)
    if following is None or " " not in following.said:
        return ()
    words = [*run, following.said.rsplit(" ", 1)[1]]
    longest = vocabulary.longest(words, 0)
    return (Found(" ".join(run), longest[0], "name"),) if longest is not None and longest[1] == len(words) else ()


def _check(sentence: str) -> str:
    if not isinstance(sentence, str) or not sentence.strip():
        raise ConfigError("no sentence given", hint="say whom you look for: 'people who will buy running shoes'")
    if len(sentence) > MOST_CHARACTERS:
        raise ConfigError(f"a sentence of {len(sentence):,} characters: at most {MOST_CHARACTERS:,} are read")
    return unicodedata.normalize("NFKC", sentence).casefold()


def _parts(text: str, quantities: Quantities) -> list[list[str]]:
    """Return the words between punctuation and quantities, each part by itself."""
    place, kept = 0, []
    for low, high in quantities.spans:
        kept.append(text[place:low])
        place = high
    kept.append(text[place:])
    return [
        words for piece in kept for part in re.split(r"[.,;:!?()\"“”。，；：！？、]", piece) if (words := tokens(part))
    ]


def _read_words(words: Sequence[str], vocabulary: Vocabulary, rules: dict[str, Any], reading: _Reading) -> None:
    place, run = 0, False
    while place < len(words):
        rule, value = _longest_rule(rules, words, place), vocabulary.longest(words, place)
        if rule is not None and rule[0][0] == "payment" and place and words[place - 1] in _BY:
            value = None  # `with a credit card` is how, not what
        if value is not None and (rule is None or value[1] >= rule[1]):
            reading.things.append(Found(" ".join(words[place : value[1]]), value[0], "name"))
            reading.understood += value[1] - place
            place, run = value[1], False
        elif rule is not None:
            _apply(rule[0], rule[1] - place, reading)
            place, run = rule[1], False
        else:
            last = reading.things[-1] if run else None
            if isinstance(last, list):
                last.append(words[place])
            else:
                reading.things.append([words[place]])
            place, run = place + 1, True


def _apply(rule: tuple[str, str], words: int, reading: _Reading) -> None:
    what, name = rule
    if what == "family":
        reading.families.append(name)
    elif what == "payment":
        reading.payment = reading.payment or name
        reading.understood += words
    elif what == "first_time":
        reading.first_time = True


def _longest_rule(rules: dict[str, Any], words: Sequence[str], place: int) -> tuple[tuple[str, str], int] | None:
    node: Any = rules
    best = None
    while place < len(words) and (node := node.get(words[place])) is not None:
        place += 1
        if _END in node:
            best = node[_END], place
    return best


@cache
def _rules(payments: tuple[str, ...]) -> dict[str, Any]:
    """Return a trie of words to (what, name): fillers, families, marks, payment channels; later ones win."""
    lexicon = tomllib.loads(Path(__file__).with_name("lexicon.toml").read_text(encoding="utf-8"))
    trie: dict[str, Any] = {}
    for phrase in lexicon["filler"]["words"]:
        _add(trie, phrase, ("filler", ""))
    for family in FAMILIES:
        for phrase in lexicon["families"][family]:
            _add(trie, phrase, ("family", family))
    for phrase in lexicon["marks"]["first_time"]:
        _add(trie, phrase, ("first_time", ""))
    for payment in payments:
        for phrase in (payment, payment.replace("_", " ")):
            _add(trie, phrase, ("payment", payment))
    return trie


def _add(trie: dict[str, Any], phrase: str, rule: tuple[str, str]) -> None:
    words = tokens(phrase)
    if not words:
        return
    node = trie
    for word in words:
        node = node.setdefault(word, {})
    node[_END] = rule


def _each_once(found: Sequence[Found]) -> tuple[Found, ...]:
    return tuple({f.value: f for f in reversed(found)}[value] for value in dict.fromkeys(f.value for f in found))
