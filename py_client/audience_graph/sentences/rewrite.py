"""Put a demand into the words that descriptions of the future are trained in, and show the plan before it runs.

Rules and retrieval, no model to download: what was read from the sentence (`demand`) is said again with the templates
of training (`templates`). A demand of which nothing is known is not rewritten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audience_graph.sentences.demand import FAMILIES, Demand, read_demand
from audience_graph.sentences.templates import PEOPLE, TEMPLATES
from audience_graph.sentences.vocabulary import Vocabulary
from audience_graph.sentences.wording import horizon_words, join_words, method_words

MOST_VALUES = 3  # as many as a description of training has
DEFAULT_FAMILIES = ("purchase", "browse", "search")  # where no verb says what is done
DAYS = 14


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The plan of a sentence: what it asks for, and `sentences` in the words of training, () where nothing is known."""

    demand: Demand
    sentences: tuple[str, ...]

    def lines(self) -> list[str]:
        """Return the plan in words, line by line, for people to check before anything runs."""
        demand = self.demand
        lines = [f"asked:     {demand.sentence.strip()}"]
        lines += [f"rewritten: {sentence}" for sentence in self.sentences]
        for found in demand.found:
            how = "" if found.how == "name" else f", nearest meaning, cosine {found.score:.2f}"
            lines.append(f"known:     {found.said!r} is {found.value.text} ({found.value.kind}{how})")
        if demand.not_understood:
            lines.append(f"unknown:   {', '.join(demand.not_understood)}")
        lines.append(f"coverage:  {demand.coverage:.0%} of the words with a meaning of their own")
        if not demand.understood:
            lines.append("nothing in this sentence is known: no audience can be chosen by it")
        return lines


def rewrite(sentence: str, vocabulary: Vocabulary, *, payments: Sequence[str] = (), days: int = DAYS) -> Rewritten:
    """Return a sentence's plan. `days`: the horizon of training, said where the sentence says no time of its own.

    Raises ConfigError for an empty or endless sentence.
    """
    demand = read_demand(sentence, vocabulary, payments=payments)
    if not demand.understood:
        return Rewritten(demand, ())
    when = horizon_words(demand.quantities.days or days)[0]
    values = [found.value.text for found in demand.found]
    groups = [values[i : i + MOST_VALUES] for i in range(0, len(values), MOST_VALUES)] or [[]]
    said = [f"{_clause(family, group, demand)} {when}" for family in _families(demand) for group in groups]
    return Rewritten(demand, tuple(dict.fromkeys(said)))


def _families(demand: Demand) -> tuple[str, ...]:
    if demand.payment is not None or not demand.found:
        return ("payment",)
    return tuple(f for f in FAMILIES if f in demand.families) or DEFAULT_FAMILIES


def _clause(family: str, values: Sequence[str], demand: Demand) -> str:
    forms = TEMPLATES[family]
    form = "plain"
    if not values:
        form = "any"
    elif demand.payment is not None and "method" in forms:
        form = "method"
    elif demand.quantities.at_least is not None and "amount" in forms:
        form = "amount"
    elif demand.first_time and "first" in forms:
        form = "first"
    return forms[form][0].format(
        who=PEOPLE[0],
        what=join_words(values, "or") if values else "",
        how=method_words(demand.payment) if demand.payment else "",
        amount=f"{demand.quantities.at_least or 0:,.0f}",
    )
