"""The service phrases of the demo world: chosen from the plan of the world, before anything happens in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audience_graph.demo.entities import Entities
from audience_graph.demo.services import IntArray, Services
from audience_graph.demo.sizes import PHRASES, stream


@dataclass(frozen=True, slots=True)
class Phrases:
    """Twenty phrases, the entity each one names, and the service that promotes it in the future window."""

    text: tuple[str, ...]
    entity: IntArray
    service: IntArray

    def promoted(self, n_services: int) -> IntArray:
        """Return per service the entity that it promotes, -1 for none."""
        offer = np.full(n_services, -1, dtype=np.int64)
        offer[self.service] = self.entity
        return offer


def choose_phrases(seed: int, services: Services, entities: Entities) -> Phrases:
    """Return the phrases: services of different topics that enough people want, one little known entity of each.

    Half are the entity named like the service, half another entity of it; a third are written as an alias.
    """
    rng = np.random.default_rng(stream(seed, 7))
    shared = _shared_words(entities)
    wanted = np.argsort(-services.mass * rng.uniform(0.5, 1.0, len(services)), kind="stable")
    seen: set[int] = set()
    texts: list[str] = []
    chosen: list[int] = []
    behind: list[int] = []
    for service in wanted:
        topic = int(services.topic[service])
        if topic in seen:
            continue
        seen.add(topic)
        entity = int(service) if len(texts) % 2 == 0 else _modest(rng, entities, int(service))
        names = [a for a in entities.aliases[entity] if a not in shared]
        use_alias = len(texts) % 3 == 2 and len(names) > 0
        texts.append(names[0] if use_alias else entities.names[entity])
        chosen.append(entity)
        behind.append(int(service))
        if len(texts) == PHRASES:
            break
    return Phrases(tuple(texts), np.array(chosen, dtype=np.int64), np.array(behind, dtype=np.int64))


def _modest(rng: np.random.Generator, entities: Entities, service: int) -> int:
    """Return an entity of the service that is not among its popular half and serves nothing else."""
    several = np.bincount(entities.members.entity, minlength=len(entities))
    own = np.flatnonzero((entities.main == service) & (several == 1) & (np.array(entities.types) != "city"))
    if not len(own):
        return service
    ranked = own[np.argsort(entities.popularity[own], kind="stable")]
    half = ranked[: max(1, len(ranked) // 2)]
    return int(half[rng.integers(len(half))])


def _shared_words(entities: Entities) -> set[str]:
    seen: set[str] = set()
    shared: set[str] = set()
    for own in entities.aliases:
        for alias in own:
            (shared if alias in seen else seen).add(alias)
    return shared
