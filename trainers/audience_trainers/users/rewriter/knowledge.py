"""Stage one: multi-round conversations synthesised from the source, so that the model knows what is sold here.

One conversation is about one thing: what it is (dictionary), what else it is called, what those who deal with it also
deal with, what they do with it most, and how they pay (events). Only rounds that the source can answer are in it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp

from audience_graph.entities.dictionary import Entity
from audience_graph.sentences.demand import FAMILIES
from audience_graph.sentences.wording import join_words, method_words
from audience_trainers.users.pairs.facts import Facts
from audience_trainers.users.rewriter.talk import Conversation, Turn

MOST_NEIGHBOURS = 3
DOES = {"purchase": "buy it", "browse": "look at it", "search": "search for it", "click": "click on it",
        "payment": "pay for it"}  # fmt: skip
# Ways to ask, by round.
ASKS = {
    "what": ("What is {}?", "Tell me about {}.", "What do we offer as {}?"),
    "names": ("What else is it called?", "Which other names does it have?"),
    "does": ("What do people do with it?", "How do people show interest in it?"),
    "near": ("What else do they like?", "What goes with it?", "Which things do the same people look for?"),
    "pays": ("How do they pay?", "What do they pay with?"),
}


def synthesise_talks(
    facts: Facts, entities: Sequence[Entity], count: int, rng: np.random.Generator
) -> list[Conversation]:
    """Return up to `count` conversations, each thing in turn, the ones with most events first; no round is empty."""
    rounds = _Rounds(facts, entities)
    talks: list[Conversation] = []
    while len(talks) < count and rounds.things:
        for thing in rounds.things:
            talk = rounds.talk(thing, rng)
            if talk:
                talks.append(talk)
            if len(talks) == count:
                break
        if not talks:
            break
    return list(dict.fromkeys(talks))


class _Rounds:
    """What the source can say of each thing."""

    def __init__(self, facts: Facts, entities: Sequence[Entity]) -> None:
        self._facts = facts
        self._entities = {entity.name: entity for entity in entities}
        f, v = len(facts.value), len(facts.values)
        pair = np.repeat(np.arange(len(facts.start) - 1), np.diff(facts.start))
        told = facts.value >= 0
        held = sp.csr_matrix((np.ones(told.sum()), (pair[told], facts.value[told])), shape=(len(facts.start) - 1, v))
        held.data[:] = 1.0
        self._held, self._by_value = held, held.T.tocsr()
        self._popular = np.asarray(held.sum(0)).ravel()
        self._order = np.argsort(facts.value, kind="stable")
        self._start = np.searchsorted(facts.value[self._order], np.arange(v + 1))
        self._place = {value: i for i, value in enumerate(facts.values)}
        seen = [facts.values[i] for i in np.argsort(-self._popular, kind="stable") if facts.values[i]] if f else []
        self.things = list(dict.fromkeys([*seen, *self._entities]))

    def talk(self, thing: str, rng: np.random.Generator) -> Conversation:
        answers = {"what": self._what(thing), "names": self._names(thing)}
        if thing in self._place:
            own = self._order[self._start[self._place[thing]] : self._start[self._place[thing] + 1]]
            answers |= {"does": self._does(own), "near": self._near(self._place[thing]), "pays": self._pays(own)}
        turns = []
        for place, (name, answer) in enumerate((name, answer) for name, answer in answers.items() if answer):
            ask = ASKS[name][int(rng.integers(len(ASKS[name])))]
            if "{}" not in ask and not place:
                ask = f"{thing}: {ask[0].lower()}{ask[1:]}"
            turns.append(Turn(ask.format(thing), answer))
        return tuple(turns)

    def _what(self, thing: str) -> str:
        entity = self._entities.get(thing)
        if entity is None or not (entity.type or entity.description):
            return ""
        kind = f"{thing} is of the kind {entity.type}." if entity.type else ""
        return " ".join(part for part in (kind, entity.description or "") if part)

    def _names(self, thing: str) -> str:
        aliases = self._entities[thing].aliases if thing in self._entities else ()
        return f"It is also called {join_words(list(aliases), 'and')}." if aliases else ""

    def _does(self, own: np.ndarray) -> str:
        count = np.bincount(self._facts.family[own], self._facts.count[own], minlength=len(FAMILIES))
        ways = [DOES[FAMILIES[i]] for i in np.argsort(-count, kind="stable")[:2] if count[i] > 0]
        return f"They mostly {join_words(ways, 'and')}." if ways else ""

    def _near(self, place: int) -> str:
        """Return what the same users also do, by the cosine of users."""
        users = self._by_value[place].indices
        together = np.asarray(self._held[users].sum(0)).ravel()
        cosine = together / np.sqrt(np.maximum(self._popular * max(1.0, self._popular[place]), 1.0))
        cosine[place] = 0.0
        values = self._facts.values
        best = [values[i] for i in np.argsort(-cosine, kind="stable")[: 2 * MOST_NEIGHBOURS] if cosine[i] > 0]
        best = [value for value in best if value][:MOST_NEIGHBOURS]
        return f"They also like {join_words(best, 'and')}." if best else ""

    def _pays(self, own: np.ndarray) -> str:
        paid = own[self._facts.family[own] == FAMILIES.index("payment")]
        count = np.bincount(self._facts.way[paid], self._facts.count[paid], minlength=len(self._facts.ways))
        way = self._facts.ways[int(count.argmax())] if len(count) and count.max() > 0 else ""
        return f"Mostly with {method_words(way)}." if way else ""
