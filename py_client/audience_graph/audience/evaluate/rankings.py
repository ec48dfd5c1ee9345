"""Rankings: the score of every user of a population for what was asked, with all that explains it later.

graph      r_u . q, q = mean vector of the picked entities (EGL eq. 7)
sentence   cosine of user and sentence (FIND)
both       the two fused by rank over the population (fusion.py)
alike      r_u . q, q = mean of the seeds' vectors less the mean of all users'
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from pgvector import HalfVector

from audience_graph.audience.ask import Ask
from audience_graph.audience.define.definition import WIDTHS, Alike, Phrases, Ranked
from audience_graph.audience.evaluate.keysets import Mask
from audience_graph.audience.evaluate.remembered import Lately
from audience_graph.audience.fusion import fuse
from audience_graph.audience.pick import Picked
from audience_graph.audience.rank import Said
from audience_graph.audience.target import Method
from audience_graph.audience.ways import Ways
from audience_graph.audience.weighing import weighing
from audience_graph.errors import NotFoundError
from audience_graph.request import Request
from audience_graph.vectors.store import identifier
from audience_graph.vectors.topk import Floats, Keys, all_scores, entity_vectors, query_vector

Side = tuple[Keys, Floats]
Question = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Users of a population with a score: keys (n,) in order, scores (n,); `question` as JSON, what explains them:
    `kind`, `space` and `query`, entities `picked`; of both ways the two questions `graph` and `sentence`. `seeds_of` is
    the prompt whose seeds were left out.
    """

    keys: Keys
    scores: Floats
    question: Question
    picked: tuple[Picked, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """The users above a cut, best first, ties to the smaller key."""

    keys: Keys
    scores: Floats
    question: Question
    eligible_keys: Keys  # everybody of the population with a score, by key
    eligible_scores: Floats
    picked: tuple[Picked, ...] = ()


@dataclass(frozen=True, slots=True)
class Scorer:
    """Scores users within a request; the last scores are remembered."""

    request: Request
    known: Lately[Side]

    def side(self, space: str, query: Floats, among: Mask) -> Side:
        """Return the keys and scores of those users `among` who have a vector, by key."""
        key = (self.request.read.id, space, query.tobytes())
        keys, scores = self.known.get(key) or self.known.put(key, all_scores(self.request.tx, space, query))
        keep = among[np.minimum(keys, len(among) - 1)] & (keys < len(among)) if len(among) else np.zeros(0, np.bool_)
        return keys[keep], scores[keep]


def rank_phrases(scorer: Scorer, ways: Ways, by: Phrases, among: Mask) -> Ranking:
    """Score the users `among` by phrases or a sentence. Raises what `AudienceGraph.target` raises."""
    request = scorer.request
    ask = Ask(by.phrases, method=by.method, options=by.options, rule=by.rule, sentence=by.sentence)
    asked = ways.asked(request, ask)
    if not isinstance(asked, Said):
        side, question = _graph(scorer, asked, among)
        return Ranking(*side, question | {"phrases": list(ask.listed)}, asked)
    among = among.copy()
    among[[k for k in asked.left_out(request.tx) if k < len(among)]] = False
    sentence = scorer.side(asked.space.space, asked.vector, among)
    told = {"kind": "sentence", "space": asked.space.space, "query": asked.vector.tolist(), "phrases": [ask.said],
            "told": list(asked.plan.asked), "as_of": _day(asked.space.as_of),
            "seeds_of": None if asked.plan.prompt is None or by.sentence.keep_seeds else asked.plan.prompt.name,
            "days": request.read.preference_days}  # fmt: skip
    if not asked.picked:
        return Ranking(*sentence, told | {"note": asked.note})
    graph, question = _graph(scorer, asked.picked, among)
    weighed = weighing(request.tx, asked.space.space, ask.sentence.graph_weight)
    return _both(graph, sentence, weighed.weight, question | {"phrases": [ask.said]}, told, asked.picked)


def rank_alike(scorer: Scorer, by: Alike, seeds: Mask, among: Mask, name: str) -> Ranking:
    """Score the users `among` by likeness to seeds. Raises NotFoundError where no seed has a vector."""
    request, release = scorer.request, scorer.request.read
    way: Method = by.method or ("both" if release.user_text_space is not None else "graph")
    if way != "graph" and release.user_text_space is None:
        raise NotFoundError(f"release {release.id} has no user-text space", hint="method='graph' needs none")
    among = among if by.keep_seeds else among & ~seeds
    keys = np.flatnonzero(seeds)
    spaces = [s for s, wanted in ((release.preference_space, way != "sentence"),
                                  (release.user_text_space, way != "graph")) if wanted and s]  # fmt: skip
    sides, questions = [], []
    for space in spaces:
        query = _direction(request, space, keys)
        sides.append(scorer.side(space, query, among))
        as_of = release.preference_as_of if space == release.preference_space else release.user_text_as_of
        questions.append({"kind": "alike", "space": space, "query": query.tolist(), "phrases": [f"like {name}"],
                          "as_of": _day(as_of), "days": release.preference_days})  # fmt: skip
    if len(sides) == 1:
        return Ranking(*sides[0], questions[0])
    weight = weighing(request.tx, str(release.user_text_space), None).weight
    return _both(sides[0], sides[1], weight, questions[0], questions[1], ())


def choose(ranking: Ranking, ranked: Ranked) -> Chosen:
    """Cut a ranking: users of at least the minimum score, of these the best `size`, or the share of a named width."""
    keys, scores = ranking.keys, ranking.scores
    eligible = len(keys)
    if ranked.min_score is not None:
        keys, scores = keys[scores >= ranked.min_score], scores[scores >= ranked.min_score]
    size = len(keys) if ranked.size is None else ranked.size
    if ranked.width is not None:
        size = int(np.ceil(WIDTHS[ranked.width] * eligible))
    best = best_of(scores, size)
    cut = {"score_at_cut": float(scores[best[-1]]) if len(best) else None, "size": len(best), "eligible": eligible}
    return Chosen(keys[best], scores[best], ranking.question | cut, ranking.keys, ranking.scores, ranking.picked)


def best_of(scores: Floats, size: int) -> Keys:
    """Return the places of the `size` largest scores, largest first, ties to the smaller place."""
    if size < len(scores):
        least = -np.partition(-scores, size - 1)[size - 1] if size > 0 else np.inf
        above, at = np.flatnonzero(scores > least), np.flatnonzero(scores == least)
        places = np.sort(np.concatenate([above, at[: max(0, size - len(above))]]))
    else:
        places = np.arange(len(scores))
    return np.asarray(places[np.argsort(-scores[places], kind="stable")], np.int64)


def _graph(scorer: Scorer, picked: Sequence[Picked], among: Mask) -> tuple[Side, Question]:
    request, space = scorer.request, scorer.request.read.preference_space
    vectors = entity_vectors(request.tx, space, [p.id for p in picked])
    query = query_vector({p.id: p.weight for p in picked}, vectors)
    question = {
        "kind": "graph",
        "space": space,
        "query": query.tolist(),
        "picked": [asdict(p) for p in picked],
        "without_vector": [p.id for p in picked if p.id not in vectors],
        "as_of": _day(request.read.preference_as_of),
        "days": request.read.preference_days,
    }
    return scorer.side(space, query, among), question


def _both(
    graph: Side, sentence: Side, weight: float, first: Question, second: Question, picked: tuple[Picked, ...]
) -> Ranking:
    fused = fuse(graph, sentence, weight=weight)
    order = np.argsort(fused.keys, kind="stable")
    question = {"kind": "both", "graph": first, "sentence": second, "weight": weight, "phrases": first["phrases"]}
    return Ranking(fused.keys[order], fused.scores[order], question, picked)


def _direction(request: Request, space: str, seeds: Keys) -> Floats:
    """Return the mean vector of seeds less that of all users, rounded to halfvec: (d,) float64."""
    table = identifier(f"user_vector_{space}")
    rows = request.tx.rows(
        f"SELECT avg(vector) AS mean FROM {table} WHERE key = ANY (%(keys)s) "
        f"UNION ALL SELECT avg(vector) AS mean FROM {table}",
        {"keys": seeds.tolist()},
    )
    means = [None if row["mean"] is None else _float64(row["mean"]) for row in rows]
    if means[0] is None or means[1] is None:
        raise NotFoundError("no seed user has a vector in this release", hint="seeds need events of its window")
    return np.asarray(means[0] - means[1], np.float16).astype(np.float64)


def _float64(vector: HalfVector) -> Floats:
    return np.asarray(vector.to_numpy(), np.float64)


def _day(day: Any) -> str | None:
    return None if day is None else day.isoformat()
