"""Pick the entities that stand for a service, out of the seeds and their expansion.

The rule: the seeds, plus the `top` expanded entities of relevance >= `min_relevance`, best first; or exactly the
`ids` that a person chose among them. Each picked entity weighs its relevance (a seed 1), or all weigh the same with
`weights="plain"`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from audience_graph.errors import ConfigError, NotFoundError
from audience_graph.graph.answers import Seed
from audience_graph.graph.expansion import Expanded

Weights = Literal["relevance", "plain"]


@dataclass(frozen=True, slots=True)
class PickRule:
    """How to pick. `ids` names the entities one by one; then `top` and `min_relevance` do not count."""

    top: int = 20
    min_relevance: float = 0.3
    weights: Weights = "relevance"
    ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.top, bool) or not isinstance(self.top, int) or self.top < 0:
            raise ConfigError(f"top must be a whole number of at least 0, not {self.top!r}")
        if isinstance(self.min_relevance, bool) or not 0 <= self.min_relevance <= 1 or math.isnan(self.min_relevance):
            raise ConfigError(f"min_relevance must be a number from 0 to 1, not {self.min_relevance!r}")
        if self.weights not in ("relevance", "plain"):
            raise ConfigError(f"weights must be 'relevance' or 'plain', not {self.weights!r}")
        if isinstance(self.ids, str):
            raise ConfigError("ids must be a list of entity ids", hint=f"ids=[{self.ids!r}]")
        object.__setattr__(self, "ids", tuple(dict.fromkeys(self.ids)))


@dataclass(frozen=True, slots=True)
class Picked:
    """One entity that stands for the service. `path` holds ids from the seed to it; `phrase` is what was typed."""

    id: str
    name: str
    type: str
    hop: int
    relevance: float
    weight: float
    path: tuple[str, ...]
    phrase: str


def pick(seeds: Sequence[Seed], expanded: Sequence[Expanded], rule: PickRule) -> tuple[Picked, ...]:
    """Return the picked entities, seeds first, then by relevance as expanded.

    Raises NotFoundError when `rule.ids` names an entity that is neither a seed nor reached.
    """
    phrases = {m.id: m.phrase for m in seeds}
    plain = rule.weights == "plain"
    all_seeds = [Picked(m.id, m.name, m.type, 0, 1.0, 1.0, (m.id,), m.phrase) for m in seeds]
    reached = [
        Picked(e.id, e.name, e.type, e.hop, e.relevance, 1.0 if plain else e.relevance, e.path, phrases[e.path[0]])
        for e in expanded
        if e.id not in phrases
    ]
    if not rule.ids:
        return (*all_seeds, *[e for e in reached if e.relevance >= rule.min_relevance][: rule.top])
    by_id = {e.id: e for e in (*all_seeds, *reached)}
    missing = [i for i in rule.ids if i not in by_id]
    if missing:
        raise NotFoundError(
            f"picked, but not reached from {', '.join(repr(m.phrase) for m in seeds)}: {', '.join(missing[:5])}",
            hint="pick ids that `expand` returns, or expand further: more hops, a lower minimum relevance",
        )
    return tuple(by_id[i] for i in rule.ids)
