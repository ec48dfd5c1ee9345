"""Stage two: questions and answers of targeting intentions, mined from what users went on to do.

Each is a fact (or up to three of a kind) of a real future window, said as marketers say it - any paraphrase, any name,
with or without a time - and answered by the one plain sentence of the template language.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from audience_graph.sentences.demand import FAMILIES
from audience_graph.sentences.templates import PEOPLE, TEMPLATES
from audience_graph.sentences.wording import horizon_words, method_words, round_amount
from audience_trainers.users.pairs.facts import Facts
from audience_trainers.users.pairs.futures import KINDS, OUTCOMES
from audience_trainers.users.rewriter.language import Said
from audience_trainers.users.rewriter.talk import Turn

# How people lead up to a demand; the plain one is as common as all others together.
LEADS = ("Find {}", "Show me {}", "I am looking for {}", "We want to reach {}", "An audience of {}", "Target {}")
DAYS = (1, 7, 14, 21, 30, 60, 90)


@dataclass(frozen=True, slots=True)
class IntentOptions:
    """`names`: other names of a value, by its words. `days`: the horizon where a question says none."""

    names: Mapping[str, Sequence[str]]
    days: int = 14
    lead: float = 0.5
    when: float = 0.6
    alias: float = 0.25


@dataclass(frozen=True, slots=True)
class Intent:
    """One question, and what it asks for."""

    question: str
    said: Said

    @property
    def turn(self) -> Turn:
        """Return the question with its plain answer."""
        return Turn(self.question, self.said.sentence())


def mine_intents(facts: Facts, count: int, options: IntentOptions, rng: np.random.Generator) -> list[Intent]:
    """Return up to `count` questions with what they ask for, no question twice."""
    asked: dict[str, Intent] = {}
    pairs = len(facts.start) - 1
    for _ in range(4 * count):
        said = _draw(facts, int(rng.integers(pairs)), rng)
        if said is None:
            continue
        intent = ask_for(said, options, rng)
        asked.setdefault(intent.question, intent)
        if len(asked) == count:
            break
    return list(asked.values())


def ask_for(said: Said, options: IntentOptions, rng: np.random.Generator) -> Intent:
    """Return a question that asks for it some way, within a time of its own."""
    when, days = "", options.days
    if rng.random() < options.when:
        days = int(rng.choice(DAYS))
        when = f" {_one(horizon_words(days), rng)}"
    names = tuple(
        _one(tuple(options.names[value]), rng) if options.names.get(value) and rng.random() < options.alias else value
        for value in said.values
    )
    spoken = replace(said, values=names)
    way = int(rng.choice(own_ways(said.family, said.form)))
    text = spoken.clause(way, _one(PEOPLE, rng)) + when
    if rng.random() < options.lead:
        text = _one(LEADS, rng).format(text[0].lower() + text[1:])
    return Intent(f"{text}.", replace(said, days=days))


@cache
def own_ways(family: str, form: str) -> tuple[int, ...]:
    """Return the paraphrases of a form that no form with another plain sentence has too, the plain one at least."""
    ways = TEMPLATES[family][form]
    others = {way for forms in TEMPLATES.values() for own in forms.values() if own[0] != ways[0] for way in own}
    return tuple(i for i, way in enumerate(ways) if way not in others) or (0,)


def _draw(facts: Facts, pair: int, rng: np.random.Generator) -> Said | None:
    """Return what could be asked of a pair's window; None where a fact drawn says nothing that has a form."""
    a, b = int(facts.start[pair]), int(facts.start[pair + 1])
    weight = facts.weight[a:b] / facts.weight[a:b].sum()
    at = a + int(rng.choice(b - a, p=weight))
    family, kind = FAMILIES[facts.family[at]], KINDS[facts.kind[at]]
    way = facts.ways[facts.way[at]]
    if kind == "any":
        return Said(family, "any", how=method_words(way)) if family == "payment" and way else None
    alike = [i for i in range(a, b) if i != at and _group(facts, i) == _group(facts, at)]
    extra = min(len(alike), int(rng.choice(3, p=(0.55, 0.3, 0.15))))
    chosen = [at, *(int(i) for i in rng.permutation(alike)[:extra])]
    values = tuple(dict.fromkeys(facts.values[facts.value[i]] for i in chosen))
    amount = round_amount(int(facts.cents[chosen].sum()))
    form = _form(facts, chosen, amount is not None, rng)
    return Said(family, form, values, how=method_words(way) if way else "", amount=f"{amount or 0:,}", verb=way)


def _form(facts: Facts, chosen: list[int], spent: bool, rng: np.random.Generator) -> str:
    at = chosen[0]
    family, kind, way = FAMILIES[facts.family[at]], KINDS[facts.kind[at]], facts.ways[facts.way[at]]
    if facts.outcome[at]:
        return OUTCOMES[facts.outcome[at]]
    own = ""
    if kind == "merchant" and "shop" in TEMPLATES[family]:
        own = "shop"
    elif kind == "text" and family == "search":
        own = "text"
    elif family == "browse" and way:
        own = "verb"
    allowed = (("method", family == "payment" and way), ("amount", spent), ("first", facts.first[chosen].all()))
    for name, fits in allowed:
        form = f"{own}_{name}" if own else name
        if fits and form in TEMPLATES[family] and rng.random() < 0.4:
            return form
    return own or "plain"


def _group(facts: Facts, i: int) -> tuple[int, ...]:
    return tuple(int(part[i]) for part in (facts.family, facts.kind, facts.way, facts.outcome))


def _one(ways: Sequence[str], rng: np.random.Generator) -> str:
    return ways[int(rng.random() * len(ways))]
