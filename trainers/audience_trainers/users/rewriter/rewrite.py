"""The rewriter behind the interface of `audience_graph.sentences.rewrite`: a language model's answer, checked.

An answer counts when it is a sentence of the template language whose values are known, whose amounts stand in the
question, and that speaks of what the question names or means: all of what it names, and nothing else. Else the rules
rewrite, and the plan says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from audience_graph.entities.text import normalise
from audience_graph.errors import RunError
from audience_graph.sentences.demand import Demand, read_demand
from audience_graph.sentences.rewrite import DAYS, Rewritten, rewrite
from audience_graph.sentences.vocabulary import Vocabulary
from audience_graph.sentences.wording import horizon_words
from audience_trainers.run import open_run
from audience_trainers.users.rewriter.causal import CausalModel, open_causal
from audience_trainers.users.rewriter.language import Said, parse_said

MODEL = "model"  # the folder of the weights in a run
TOKENS = 96


@dataclass(frozen=True, slots=True)
class ModelRewritten(Rewritten):
    """A plan that a language model wrote, or the rules where it could not; `note` says which, and why."""

    note: str = ""
    by_model: bool = False

    def lines(self) -> list[str]:
        """Return the plan in words, line by line."""
        found = Rewritten.lines(self)
        return [found[0], f"note:      {self.note}", *found[1:]]


@dataclass(frozen=True, slots=True, eq=False)
class Rewriter:
    """Rewrites sentences with a tuned model."""

    causal: CausalModel

    def rewrite(
        self, sentence: str, vocabulary: Vocabulary, *, payments: Sequence[str] = (), days: int = DAYS
    ) -> ModelRewritten:
        """Return a sentence's plan. Raises ConfigError for an empty or endless sentence."""
        demand = read_demand(sentence, vocabulary, payments=payments)
        answer = self.causal.answer([sentence.strip()], limit=TOKENS)[0]
        said = parse_said(answer, vocabulary, payments, question=sentence)
        wrong = "is no sentence of the template language" if said is None else _faults(said, demand, vocabulary)
        if wrong or said is None:
            plan = rewrite(sentence, vocabulary, payments=payments, days=days)
            return ModelRewritten(demand, plan.sentences, f"rewritten by rules: the model's answer {wrong}: {answer!r}")
        return ModelRewritten(demand, (answer,), "rewritten by the language model", by_model=True)


def _faults(said: Said, demand: Demand, vocabulary: Vocabulary) -> str:
    """Return what is wrong with an answer, '' where nothing is. A thing may be said by any of its names."""
    question = f" {normalise(demand.sentence)} "
    named = {_thing(found.value.text, vocabulary) for found in demand.found if found.how == "name"}
    meant = {_thing(found.value.text, vocabulary) for found in demand.found}
    spoken = {_thing(value, vocabulary): value for value in said.values}
    missing = named - set(spoken)
    if missing:
        texts = [found.value.text for found in demand.found if _thing(found.value.text, vocabulary) in missing]
        return f"leaves out {', '.join(sorted(texts))}"
    made_up = [value for thing, value in spoken.items()
               if thing not in meant and f" {normalise(value)} " not in question]  # fmt: skip
    if made_up:
        return f"speaks of {', '.join(made_up)}, which nobody asked for"
    asked = demand.quantities.at_least or demand.quantities.at_most
    if said.amount and (asked is None or float(said.amount.replace(",", "")) != asked):
        return "names an amount that is not in the question"
    wanted, when = demand.quantities.days, horizon_words(said.days)[0]
    if wanted is not None and when != horizon_words(wanted)[0] and when not in demand.sentence.casefold():
        return "names another time"
    return ""


def _thing(text: str, vocabulary: Vocabulary) -> str:
    """Return what a name stands for: the id of its entity, else the name in normal form."""
    words = normalise(text).split(" ")
    longest = vocabulary.longest(words, 0)
    known = longest is not None and longest[1] == len(words)
    return (longest[0].id or " ".join(words)) if longest is not None and known else " ".join(words)


def open_rewriter(run: Path) -> Rewriter:
    """Open a finished run of `audience-graph train rewriter`. Raises RunError for another folder."""
    open_run(run)
    if not (run / MODEL).is_dir():
        raise RunError(f"{run} holds no rewriter", hint="train one: audience-graph train rewriter SOURCE --out RUN")
    return Rewriter(open_causal(run / MODEL))
