"""Target: the users with the highest mean preference for the picked entities, exactly.

By the graph, the way of this module (`ways.py` has the others):

phrase -> seeds -> expansion -> picked entities -> their (weighted) mean vector q -> the K users with the largest
r_u . q. By EGL eq. 7 r_u . h_e is user u's preference for entity e, so r_u . q is the mean preference over the picked
entities, in one product per user. Eligible are the users who have a vector: at least one event linked to an entity in
the window of the release (30 days by default).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from audience_graph.answer import Answer
from audience_graph.audience.pick import Picked
from audience_graph.audience.plan import Plan
from audience_graph.audience.weighing import Weighing
from audience_graph.errors import ConfigError
from audience_graph.vectors.store import Transaction
from audience_graph.vectors.topk import Floats, entity_vectors, query_vector, top_users, user_keys
from audience_graph.vectors.window import WINDOW_DAYS

MOST = 10_000_000
Method = Literal["graph", "sentence", "both"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Target(Answer):
    """The chosen users, best first, and how they were chosen.

    `score_at_cut` is the last chosen user's score, None when nobody was chosen. `without_vector` names the picked
    entities that no event mentions. `query` (d,) is the mean entity vector that the scores are products with; users are
    scored by their events of the `days` days that end with `as_of`.

    By `method` "sentence", `scores` are cosines with the sentence of `plan` in `text_space`, `query` is its vector and
    `as_of` the day of the users' vectors there; `picked` is empty. By "both" they are fused ranks, 0 to 1;
    `graph_scores` and `sentence_scores` (NaN where a user has no vector) are those of the two sides, `sentence_query`
    is the sentence's vector, `weighing` how much the graph counted. `note` says what a side could not do.
    """

    phrases: tuple[str, ...]
    picked: tuple[Picked, ...]
    without_vector: tuple[str, ...]
    user_ids: tuple[str, ...]
    scores: Floats
    eligible: int
    size: int
    min_score: float | None
    space: str
    query: Floats
    release: int | None = None
    version: str | None = None
    week: str | None = None
    as_of: Any = field(default=None)
    days: int = WINDOW_DAYS
    method: Method = "graph"
    plan: Plan | None = None
    text_space: str | None = None
    sentence_query: Floats | None = None
    graph_scores: Floats | None = None
    sentence_scores: Floats | None = None
    weighing: Weighing | None = None
    note: str = ""

    @property
    def score_at_cut(self) -> float | None:
        return float(self.scores[-1]) if len(self.scores) else None

    def _title(self) -> str:
        cut = "" if self.score_at_cut is None else f", score at the cut {self.score_at_cut:.4g}"
        asked = ", ".join(repr(p) for p in self.phrases)
        how = {"graph": "", "sentence": " by the sentence", "both": " by graph and sentence"}[self.method]
        weighed = "" if self.weighing is None else self.weighing.line()
        said = "".join(f"\n{line}" for line in (weighed, self.note) if line)
        return f"target {asked}{how}: {len(self.user_ids):,} of {self.eligible:,} eligible users{cut}{said}"

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        sides = {"graph": self.graph_scores, "sentence": self.sentence_scores}
        return {
            "rank": range(1, len(self.user_ids) + 1),
            "user_id": self.user_ids,
            "score": self.scores.tolist(),
            **{
                name: [None if np.isnan(s) else s for s in side.tolist()]
                for name, side in sides.items()
                if side is not None
            },
        }


@dataclass(frozen=True, slots=True)
class Cut:
    """Where the list ends and who is left out: at most `size` users, of at least `min_score`, none of `exclude`."""

    size: int = 1000
    min_score: float | None = None
    exclude: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.size, bool) or not isinstance(self.size, int) or not 1 <= self.size <= MOST:
            raise ConfigError(f"size must be a whole number from 1 to {MOST:,}, not {self.size!r}")
        if self.min_score is not None and not np.isfinite(self.min_score):
            raise ConfigError(f"min_score must be a finite number, not {self.min_score!r}")
        if isinstance(self.exclude, str):
            raise ConfigError("exclude_users must be a list of user ids", hint=f"exclude_users=[{self.exclude!r}]")


def target_users(tx: Transaction, space: str, picked: Sequence[Picked], cut: Cut, phrases: Sequence[str]) -> Target:
    """Score every user of the space against the picked entities and return those above the cut.

    Raises NotFoundError when no picked entity has a vector in the space.
    """
    vectors = entity_vectors(tx, space, [p.id for p in picked])
    query = query_vector({p.id: p.weight for p in picked}, vectors)
    excluded = user_keys(tx, cut.exclude) if cut.exclude else None
    best = top_users(tx, space, query, cut.size, least=cut.min_score, exclude_keys=excluded)
    query.flags.writeable = False
    return Target(
        phrases=tuple(phrases),
        picked=tuple(picked),
        without_vector=tuple(p.id for p in picked if p.id not in vectors),
        user_ids=best.user_ids,
        scores=best.scores,
        eligible=best.eligible,
        size=cut.size,
        min_score=cut.min_score,
        space=space,
        query=query,
    )
