"""Rank all users by a sentence, or by graph and sentence together: exactly, one scan of each space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audience_graph.audience.ask import Ask
from audience_graph.audience.fusion import Fused, fuse
from audience_graph.audience.pick import Picked
from audience_graph.audience.plan import Plan
from audience_graph.audience.target import Cut, Target
from audience_graph.audience.weighing import weighing
from audience_graph.release.records import Release
from audience_graph.user_text.prompts import seed_keys
from audience_graph.user_text.shortlist import top_by_sentence, top_by_shortlist
from audience_graph.user_text.space import TextSpace
from audience_graph.vectors.store import Transaction
from audience_graph.vectors.topk import (
    Floats,
    Keys,
    all_scores,
    entity_vectors,
    query_vector,
    user_ids_of,
    user_keys,
)


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """A question with its plan, where its sentence lies, and the entities of the graph's side, if any."""

    ask: Ask
    plan: Plan
    space: TextSpace
    vector: Floats
    picked: tuple[Picked, ...]
    note: str

    def left_out(self, tx: Transaction) -> list[int]:
        """Return the keys of those who are not chosen: excluded users, and the seeds of a prompt."""
        exclude = self.ask.cut.exclude
        keys = user_keys(tx, exclude) if exclude else []
        if self.plan.prompt is not None and not self.ask.sentence.keep_seeds:
            keys += seed_keys(tx, self.plan.prompt.name)
        return keys


def by_sentence(tx: Transaction, asked: Said) -> Target:
    """Return the users with the largest cosine with the sentence."""
    cut, out, note = asked.ask.cut, asked.left_out(tx), asked.note
    if asked.ask.sentence.shortlist:
        best = top_by_shortlist(tx, asked.space.space, asked.vector, cut.size, least=cut.min_score, exclude_keys=out)
        note = f"{note} nearly exact: ranked through a shortlist".strip()
    else:
        best = top_by_sentence(tx, asked.space, asked.vector, cut.size, least=cut.min_score, exclude_keys=out)
    asked.vector.flags.writeable = False
    return Target(
        phrases=asked.ask.listed,
        picked=(),
        without_vector=(),
        user_ids=best.user_ids,
        scores=best.scores,
        eligible=best.eligible,
        size=cut.size,
        min_score=cut.min_score,
        space=asked.space.space,
        query=asked.vector,
        as_of=asked.space.as_of,
        method="sentence",
        plan=asked.plan,
        text_space=asked.space.space,
        sentence_query=asked.vector,
        note=note,
    )


def by_both(tx: Transaction, release: Release, asked: Said) -> Target:
    """Return the users of the best fused ranks. Raises NotFoundError when no picked entity has a vector."""
    picked = asked.picked
    vectors = entity_vectors(tx, release.preference_space, [p.id for p in picked])
    query = query_vector({p.id: p.weight for p in picked}, vectors)
    sides = all_scores(tx, release.preference_space, query), all_scores(tx, asked.space.space, asked.vector)
    out = np.array(asked.left_out(tx), np.int64)
    weighed = weighing(tx, asked.space.space, asked.ask.sentence.graph_weight)
    fused = fuse(*(_without(side, out) for side in sides), weight=weighed.weight)
    best, user_ids = _cut(tx, fused, asked.ask.cut)
    for values in (query, asked.vector):
        values.flags.writeable = False
    return Target(
        phrases=asked.ask.listed,
        picked=picked,
        without_vector=tuple(p.id for p in picked if p.id not in vectors),
        user_ids=user_ids,
        scores=best.scores,
        eligible=len(fused.keys),
        size=asked.ask.cut.size,
        min_score=asked.ask.cut.min_score,
        space=release.preference_space,
        query=query,
        as_of=release.preference_as_of,
        method="both",
        plan=asked.plan,
        text_space=asked.space.space,
        sentence_query=asked.vector,
        graph_scores=best.graph,
        sentence_scores=best.sentence,
        weighing=weighed,
        note=asked.note,
    )


def _without(side: tuple[Keys, Floats], out: Keys) -> tuple[Keys, Floats]:
    keep = ~np.isin(side[0], out)
    return side[0][keep], side[1][keep]


def _cut(tx: Transaction, fused: Fused, cut: Cut) -> tuple[Fused, tuple[str, ...]]:
    """Return the chosen users and their ids, best first; users who are gone since are left out."""
    best = fused[: cut.size]
    if cut.min_score is not None:
        best = best[best.scores >= cut.min_score]
    ids = user_ids_of(tx, best.keys)
    best = best[np.array([key in ids for key in best.keys.tolist()], np.bool_)]
    return best, tuple(ids[key] for key in best.keys.tolist())
