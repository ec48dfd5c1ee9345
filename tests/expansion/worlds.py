"""Small random graphs that are full of what goes wrong: ties, scores of 1, self loops, hubs, overlays, odd ids."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from audience_graph.graph.expansion import ExpandOptions, VersionRef

# Code point order differs from UTF-16 order between U+FF5E and U+1F600; both must come out alike at every door.
ODD_IDS = ("e~", "～", "😀", "é", "women's (x", "`b`", "皮肤", '"q"', "Z", "a b")
TYPES = ("topic", "brand", "place")
Relation = tuple[str, str, float, int]


@dataclass(frozen=True)
class World:
    """One version's relations (source, target, score, rank) with the overlay and the entities' types."""

    version: VersionRef
    types: dict[str, str]
    relations: list[Relation]
    confirmed: list[tuple[str, str, float]] = field(default_factory=list)
    rejected: set[tuple[str, str]] = field(default_factory=set)
    sensitive: frozenset[str] = frozenset()

    @property
    def mean_in_degree(self) -> float:
        targets = {v for _, v, _, _ in self.relations}
        return len(self.relations) / len(targets) if targets else 0.0


def version_ref(number: int, week: str = "2026-W30") -> VersionRef:
    """Return a version of its own for every world of one test."""
    digits = f"{number:08x}"
    return VersionRef(f"{week}-{digits}", week, f"RELATES_{week.replace('-', '_')}_{digits}")


def ranked(scores: dict[tuple[str, str], float]) -> list[Relation]:
    """Give every relation its rank: score descending, then target id ascending."""
    by_source: dict[str, list[tuple[float, str]]] = {}
    for (u, v), score in scores.items():
        by_source.setdefault(u, []).append((-score, v))
    return [
        (u, v, -negative, rank)
        for u, found in sorted(by_source.items())
        for rank, (negative, v) in enumerate(sorted(found), 1)
    ]


def random_world(seed: int, *, prefix: str = "") -> World:
    """Return a world of 3 to 24 entities. `prefix` keeps the worlds of one server apart."""
    pick = random.Random(seed)
    names = [f"{prefix}{odd}" for odd in pick.sample(ODD_IDS, pick.randint(1, len(ODD_IDS)))]
    names += [f"{prefix}e{i}" for i in range(pick.randint(2, 14))]
    few = [1.0, 0.5, 0.25, 0.5, 0.9]
    scores: dict[tuple[str, str], float] = {}
    density = pick.choice([0.08, 0.2, 0.5])
    for u in names:
        for v in names:
            if pick.random() < density * (2 if v == names[0] else 1):
                scores[u, v] = pick.choice(few) if pick.random() < 0.6 else round(pick.uniform(1e-6, 1), 6)

    def pairs(count: int) -> list[tuple[str, str]]:
        known = list(scores)
        return [
            pick.choice(known) if known and pick.random() < 0.5 else (pick.choice(names), pick.choice(names))
            for _ in range(count)
        ]

    return World(
        version=version_ref(seed),
        types={name: pick.choice(TYPES) for name in names},
        relations=ranked(scores),
        confirmed=[(u, v, pick.choice([*few, 0.123456])) for u, v in pairs(pick.choice([0, 0, 1, 4]))],
        rejected=set(pairs(pick.choice([0, 0, 1, 4]))),
        sensitive=frozenset(pick.sample(names, pick.choice([0, 0, 1, len(names) // 3]))),
    )


def joined(worlds: Sequence[World], version: VersionRef) -> World:
    """Return worlds whose ids do not meet as one version: a Cypher plan is made per version, not per graph."""
    return World(
        version=version,
        types={name: kind for world in worlds for name, kind in world.types.items()},
        relations=[relation for world in worlds for relation in world.relations],
        confirmed=[edge for world in worlds for edge in world.confirmed],
        rejected={pair for world in worlds for pair in world.rejected},
        sensitive=frozenset(i for world in worlds for i in world.sensitive),
    )


def random_question(world: World, seed: int) -> tuple[list[str], ExpandOptions]:
    """Return seeds and options for a world; no seed is sensitive where that is not allowed."""
    pick = random.Random(seed)
    values: dict[str, Any] = {"hops": pick.randint(1, 4)}
    if pick.random() < 0.7:
        values["min_relevance"] = pick.choice([0.0, 0.05, 0.25, 0.5, 1.0])
    if pick.random() < 0.7:
        values["fan_out"] = pick.choice([1, 2, 3, 7])
    if pick.random() < 0.4:
        values["damping"] = pick.choice([0.3, 0.5, 1.0, 1])
    if pick.random() < 0.4:
        values["limit"] = pick.choice([1, 2, 5])
    if pick.random() < 0.3:
        values["types"] = tuple(pick.sample(TYPES, pick.randint(1, 2)))
    if pick.random() < 0.4:
        values["reverse"] = True
    if pick.random() < 0.3:
        values["sensitive"] = True
    count = pick.choice([1, 1, 2, 3])
    seeds = sorted(world.types if values.get("sensitive") else set(world.types) - world.sensitive)
    return pick.sample(seeds, min(count, len(seeds))), ExpandOptions(**values)
