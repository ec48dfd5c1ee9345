"""Facts of a pair -> a sentence of the template language; another one each time.

A fact is drawn by its weight. Up to two more of its kind (same family, way, outcome and kind of value) join it. The
form follows from what the facts allow and from the shares of DescribeConfig, the paraphrase is drawn evenly. One
sentence in some speaks of two families.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audience_graph.errors import ConfigError
from audience_graph.sentences.demand import FAMILIES
from audience_graph.sentences.templates import PEOPLE, TEMPLATES
from audience_graph.sentences.wording import horizon_words, join_words, method_words, round_amount
from audience_trainers.users.pairs.facts import Facts, Indices
from audience_trainers.users.pairs.futures import KINDS, OUTCOMES

_ANY, _SHOP, _TEXT = (KINDS.index(kind) for kind in ("any", "merchant", "text"))


@dataclass(frozen=True, slots=True)
class DescribeConfig:
    """Shares of sentences that say when, `for the first time`, an amount, how it is paid - where the facts allow it.

    `two_values`, `three_values`: shares with so many values. `two_families`: share that speaks of two families.
    """

    two_values: float = 0.3
    three_values: float = 0.15
    when: float = 0.6
    first: float = 0.4
    amount: float = 0.25
    method: float = 0.7
    two_families: float = 0.1

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} is {getattr(self, name)}", hint="it is a share from 0 to 1")


class Describer:
    """Write sentences about the facts of pairs that end `horizon_days` after they begin."""

    def __init__(self, facts: Facts, *, horizon_days: int, config: DescribeConfig = DescribeConfig()) -> None:
        self._facts = facts
        self._config = config
        self._when = horizon_words(horizon_days)
        self._how = [method_words(way) for way in facts.ways]
        self._group = _groups(facts)

    def sentence(self, pair: int, rng: np.random.Generator) -> str:
        """Return a fresh sentence about a pair. Every pair has a fact (see `build`)."""
        return self.tell(pair, rng)[0]

    def tell(self, pair: int, rng: np.random.Generator) -> tuple[str, list[int]]:
        """Return a fresh sentence about a pair, and the places of the facts that it tells."""
        a, b = int(self._facts.start[pair]), int(self._facts.start[pair + 1])
        who = PEOPLE[int(len(PEOPLE) * rng.random() ** 2)]  # the first ones are the plainest
        chosen = self._draw(a, b, rng)
        said = self._clause(chosen, who, rng)
        if rng.random() < self._config.two_families and said.startswith(f"{who} will "):
            others = np.flatnonzero(self._facts.family[a:b] != self._facts.family[chosen[0]])
            also = self._draw(a, b, rng, among=others) if len(others) else []
            more = self._clause(also, who, rng) if also else ""
            if more.startswith(f"{who} will "):
                said = f"{said} and {more.removeprefix(f'{who} will ')}"
                chosen = chosen + also
        return (f"{said} {_one(self._when, rng)}" if rng.random() < self._config.when else said), chosen

    def _draw(self, a: int, b: int, rng: np.random.Generator, *, among: Indices | None = None) -> list[int]:
        """Return places of one to three facts of a group, the one drawn first ahead."""
        weight = self._facts.weight[a:b]
        if among is not None:
            weight = np.where(np.isin(np.arange(b - a), among), weight, 0.0)
        place = _weighted(weight, rng)
        chosen = [a + place]
        draw = rng.random()
        extra = (
            2 if draw < self._config.three_values else int(draw < self._config.three_values + self._config.two_values)
        )
        if extra and self._facts.kind[a + place] != _ANY:
            left = np.where(self._group[a:b] == self._group[a + place], weight, 0.0)
            taken = {int(self._facts.value[a + place])}
            for _ in range(extra):
                left = np.where(np.isin(self._facts.value[a:b], list(taken)), 0.0, left)
                if left.sum() <= 0:
                    break
                place = _weighted(left, rng)
                taken.add(int(self._facts.value[a + place]))
                chosen.append(a + place)
        return chosen

    def _clause(self, chosen: list[int], who: str, rng: np.random.Generator) -> str:
        """Return a paraphrase with all of it put in at once: what a value holds is never read as a place."""
        facts, at = self._facts, chosen[0]
        family = FAMILIES[facts.family[at]]
        cents = int(facts.cents[chosen].sum())
        form = self._form(chosen, family, cents, rng)
        template = _one(TEMPLATES[family][form], rng)
        last = "and" if rng.random() < 0.6 else "or"
        what = join_words([facts.values[facts.value[i]] for i in chosen], last)
        filled = {
            "what": what,
            "how": self._how[facts.way[at]],
            "verb": facts.ways[facts.way[at]],
            "amount": f"{round_amount(cents) or 0:,}",
            "who": who,
        }
        return template.format_map(filled)

    def _form(self, chosen: list[int], family: str, cents: int, rng: np.random.Generator) -> str:
        facts, at, config = self._facts, chosen[0], self._config
        if facts.kind[at] == _ANY:
            return "any"
        if facts.outcome[at]:
            return OUTCOMES[facts.outcome[at]]
        forms = TEMPLATES[family]
        own = self._own_form(at, family)
        wanted = (
            ("method", config.method, family == "payment" and bool(facts.ways[facts.way[at]])),
            ("amount", config.amount, round_amount(cents) is not None),
            ("first", config.first, bool(facts.first[chosen].all())),
        )
        for name, share, allowed in wanted:
            form = f"{own}_{name}" if own else name
            if allowed and form in forms and rng.random() < share:
                return form
        return own or "plain"

    def _own_form(self, at: int, family: str) -> str:
        """Return the form of merchants, of typed text and of channels with a verb of their own, '' for all others."""
        kind, facts = self._facts.kind[at], self._facts
        if kind == _SHOP:
            return "shop"
        if kind == _TEXT and family == "search":
            return "text"
        return "verb" if family == "browse" and facts.ways[facts.way[at]] else ""


def _groups(facts: Facts) -> Indices:
    group = facts.family.astype(np.int64)
    for part, size in ((facts.outcome, len(OUTCOMES)), (facts.kind, len(KINDS)), (facts.way, len(facts.ways) + 1)):
        group = group * size + part
    return group


def _one(ways: tuple[str, ...], rng: np.random.Generator) -> str:
    return ways[int(rng.random() * len(ways))]


def _weighted(weight: np.ndarray, rng: np.random.Generator) -> int:
    total = np.cumsum(weight)
    return min(int(np.searchsorted(total, rng.random() * total[-1], side="right")), len(weight) - 1)
