"""Scores by a ranking's question and their shares, for a batch of users in columns: the single user is a batch of one.

A question is what a snapshot keeps of a ranking (evaluate/rankings.py): spaces, query vectors, picked entities, the
weight of the graph. Scores are products of the query with the vectors that are stored now.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np

from audience_graph.audience.evaluate.keysets import Mask
from audience_graph.audience.evaluate.rankings import Question, Scorer
from audience_graph.audience.fusion import Shares, fused_shares
from audience_graph.audience.pick import Picked
from audience_graph.audience.why.parts import Split, split_scores
from audience_graph.release.records import Release
from audience_graph.vectors.store import Transaction
from audience_graph.vectors.topk import Floats, Keys, user_vectors
from audience_graph.vectors.window import Window


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One ranking of a question: by the graph's space or the sentence's, with `query` (d,).

    `window` holds the events that explain it. `gone` says why it cannot be asked again, "" where it can.
    """

    by_graph: bool
    space: str
    query: Floats
    picked: tuple[Picked, ...]
    phrases: tuple[str, ...]
    window: Window
    gone: str


@dataclass(frozen=True, slots=True, eq=False)
class Many:
    """Users by key (n,) with their scores, NaN where the ranking has none; `split` those of the graph's side.

    Where both ways rank, `shares` holds what each adds to the score, and `sentence` the scores of the sentence's side.
    """

    keys: Keys
    scores: Floats
    split: Split | None
    sentence: Floats | None
    shares: Shares | None


def sides_of(tx: Transaction, release: Release, question: Question) -> tuple[Side, ...]:
    """Return the rankings of a question: one, or the graph's and the sentence's."""
    if question["kind"] != "both":
        return (_side(tx, release, question, question["phrases"]),)
    return tuple(_side(tx, release, question[name], question["phrases"]) for name in ("graph", "sentence"))


def explain_many(scorer: Scorer, question: Question, keys: Keys, population: Mask | None = None) -> Many:
    """Return the scores of users and their shares.

    Ranks of both ways are those among `population`, needed for such a question alone. The spaces must be there.
    """
    tx, wanted = scorer.request.tx, np.unique(keys)
    sides = sides_of(tx, scorer.request.read, question)
    split, sentence = None, None
    for side in sides:
        if side.by_graph:
            split = split_scores(tx, side.space, side.query, side.window, wanted.tolist())
        else:
            sentence = user_vectors(tx, side.space, wanted, side.query)[1]
    if len(sides) == 1:
        scores = split.scores if split is not None else sentence
        assert scores is not None
        return Many(wanted, scores, split, sentence, None)
    assert population is not None
    both = [scorer.side(side.space, side.query, population) for side in sides]
    shares = fused_shares(both[0], both[1], float(question["weight"]), wanted)
    return Many(wanted, shares.scores, split, sentence, shares)


def picked_of(question: Question) -> tuple[Picked, ...]:
    """Return the entities that stand for a question; none where nothing was picked."""
    told = question["graph"] if question["kind"] == "both" else question
    return tuple(_picked(told))


def as_of(question: Question) -> str:
    """Return the day of the vectors that a question was asked of."""
    told = question["graph"] if question["kind"] == "both" else question
    return str(told["as_of"])


def _side(tx: Transaction, release: Release, question: Question, phrases: list[str]) -> Side:
    space = str(question["space"])
    rows = tx.rows(
        "SELECT kind FROM space WHERE space = %s AND to_regclass('user_vector_' || space) IS NOT NULL", (space,)
    )
    kind = rows[0]["kind"] if rows else None
    if space in (release.preference_space, release.user_text_space):
        window = release.window
    else:
        window = Window(date.fromisoformat(question["as_of"]), int(question["days"]))
    by_graph = question["kind"] == "graph" or (question["kind"] == "alike" and kind != "user_text")
    query = np.asarray(question["query"], np.float64)
    gone = "its seeds were erased" if question.get("erased") else "" if rows else "the space of its vectors is gone"
    return Side(by_graph, space, query, tuple(_picked(question)), tuple(phrases), window, gone)


def _picked(question: Question) -> Iterator[Picked]:
    for told in question.get("picked", ()):
        yield Picked(**{**told, "path": tuple(told["path"])})
