"""How the rankings of an audience came to a user's score: shares that add up to it, or why there are none any more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from audience_graph.audience.define.definition import Definition
from audience_graph.audience.define.words import title
from audience_graph.audience.evaluate.evaluate import Evaluation
from audience_graph.audience.evaluate.keysets import Mask
from audience_graph.audience.evaluate.rankings import Question
from audience_graph.audience.explain import Explanation, explain_user
from audience_graph.audience.explain import Question as Asked
from audience_graph.audience.ways import Sentence, Ways
from audience_graph.audience.why.answer import Standing
from audience_graph.audience.why.many import Side, explain_many, picked_of, sides_of
from audience_graph.audience.why.places import Places, place_of

UNTOLD = "what its score was made of cannot be told any more"
MOVED = f"users' vectors or who is ranked have changed since: {UNTOLD}"
_NEAR = 1e-12  # the two shares of a fused score are summed in another order


@dataclass(frozen=True, slots=True)
class Person:
    """One user within an evaluation, and what explains them: the ways to ask, names of entities, places to show."""

    evaluation: Evaluation
    ways: Ways
    named: Callable[[Explanation], Explanation]
    places: Places
    user_id: str
    key: int


def standings_of(person: Person, definition: Definition) -> Iterator[Standing]:
    """Yield how each leading ranking of a definition that ranks the user places them, in order."""
    evaluation = person.evaluation
    for ranked in evaluation.leading(definition):
        chosen = evaluation.chosen(ranked)
        place = place_of(chosen, person.key)
        if place is None:
            continue
        upto, among = person.places.numbers(place)
        population = evaluation.universe.of_keys(chosen.eligible_keys)
        bare = Standing(title(ranked), _method(chosen.question, evaluation), place.score, place.cut, place.taken, upto,
                        among, picked_of(chosen.question))  # fmt: skip
        yield explained(person, bare, chosen.question, population)


def explained(person: Person, standing: Standing, question: Question, population: Mask | None) -> Standing:
    """Return a standing with what its score is made of; with a note in its place where that is not so any more."""
    request = person.evaluation.request
    sides = sides_of(request.tx, request.read, question)
    if gone := next((side.gone for side in sides if side.gone), ""):
        return replace(standing, note=f"{gone}: {UNTOLD}")
    if len(sides) == 2 and population is None:
        return replace(standing, note=MOVED)
    many = explain_many(person.evaluation.scorer(), question, np.array([person.key]), population)
    if not abs(float(many.scores[0]) - standing.score) <= (0.0 if many.shares is None else _NEAR):
        return replace(standing, note=MOVED)
    if many.shares is not None:
        first, second = float(many.shares.graph[0]), float(many.shares.sentence[0])
        standing = replace(standing, graph_share=first, sentence_share=second)
    for side in sides:
        standing = _by_graph(person, standing, side) if side.by_graph else _by_sentence(person, standing, side)
    return standing


def _by_graph(person: Person, standing: Standing, side: Side) -> Standing:
    asked = Asked(side.space, side.window, side.picked, side.phrases, side.query)
    found = explain_user(person.evaluation.request.tx, asked, person.user_id)
    if not found.adds_up:
        return replace(standing, note=MOVED)
    return replace(standing, graph=person.named(found))


def _by_sentence(person: Person, standing: Standing, side: Side) -> Standing:
    sentence = Sentence(side.space, side.query, side.phrases)
    request = person.evaluation.request
    near = person.ways.near(request.tx, sentence, side.window, person.user_id, allowed=request.allowed)
    return replace(standing, sentence=near)


def _method(question: Question, evaluation: Evaluation) -> str:
    if question["kind"] != "alike":
        return str(question["kind"])
    return "sentence" if question["space"] == evaluation.request.read.user_text_space else "graph"
