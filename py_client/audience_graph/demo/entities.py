"""Entities of the demo world: which services they serve, how popular they are, what they are called."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audience_graph.demo.lexicon import TYPES, Topic
from audience_graph.demo.names import OPAQUE, Namer, describe
from audience_graph.demo.services import FloatArray, IntArray, Services
from audience_graph.demo.sizes import HISTORY_DAYS, WorldSize, stream

FOREVER = 10_000
REGIONS = 12
# Apps, shops and mini programs that everybody touches whatever they like: popular, about nothing.
HUBS_PER_THOUSAND = 8
AMBIGUOUS = ("Aurora", "Phoenix", "Orbit", "Panda", "Nova", "Summit", "Lotus", "Echo")
SENSITIVE = ("debt help", "counselling", "acne treatment", "life insurance", "maternity care", "weight control")


@dataclass(frozen=True, slots=True)
class Membership:
    """Which entity serves which service, how strongly, and on which days (from <= day < until)."""

    entity: IntArray
    service: IntArray
    weight: FloatArray
    since: IntArray
    until: IntArray


@dataclass(frozen=True, slots=True)
class Entities:
    """Entities in index order. `main` is the first service of an entity, -1 for a hub."""

    ids: tuple[str, ...]
    names: tuple[str, ...]
    types: tuple[str, ...]
    aliases: tuple[tuple[str, ...], ...]
    descriptions: tuple[str, ...]
    sensitive: tuple[bool, ...]
    main: IntArray
    popularity: FloatArray
    regional: FloatArray  # (REGIONS, n) popularity by region, rows sum to 1: fashions that no want explains
    members: Membership

    def __len__(self) -> int:
        return len(self.ids)


def make_entities(size: WorldSize, seed: int, services: Services) -> Entities:
    """Return the entities of the world."""
    rng = np.random.default_rng(stream(seed, 2))
    n, n_services = size.entities, len(services)
    hubs = max(4, n * HUBS_PER_THOUSAND // 1000)
    # every service names one entity after itself; the rest are spread evenly, so that no cluster dwarfs another
    rest = rng.permutation(np.arange(n - hubs - n_services) % n_services)
    main = np.concatenate([np.arange(n_services), rest, np.full(hubs, -1)]).astype(np.int64)
    types = _types(rng, services, main)
    members = _membership(rng, services, main)
    names, aliases = _names(np.random.default_rng(stream(seed, 3)), services, main, types)
    rank = rng.permutation(n) + 1.0
    popularity = rank**-0.7
    popularity[main < 0] = rng.uniform(1.5, 4.0, hubs)
    regional = popularity * rng.lognormal(0.0, 1.5, (REGIONS, n))
    second = {int(e): int(s) for e, s, w in zip(members.entity, members.service, members.weight, strict=True) if w < 1}
    namer = Namer(np.random.default_rng(stream(seed, 4)))
    descriptions = tuple(_description(namer, types[e], services, int(main[e]), second.get(e)) for e in range(n))
    sensitive = services.named(*SENSITIVE)
    return Entities(
        ids=tuple(f"ent{e:06d}" for e in range(n)),
        names=names,
        types=types,
        aliases=aliases,
        descriptions=descriptions,
        sensitive=tuple(bool(flag) for flag in np.isin(main, sensitive) & (rng.random(n) < 0.7)),
        main=main,
        popularity=popularity / popularity.sum(),
        regional=regional / regional.sum(axis=1, keepdims=True),
        members=members,
    )


def _types(rng: np.random.Generator, services: Services, main: IntArray) -> tuple[str, ...]:
    types = []
    for e, service in enumerate(main):
        if service < 0:
            types.append(str(rng.choice(["app", "mini_program", "shop"])))
        elif e < len(services):
            types.append("service")
        elif rng.random() < 0.12:
            types.append(str(rng.choice(TYPES)))
        else:
            types.append(str(rng.choice(services.topics[services.topic[service]].types)))
    return tuple(types)


def _membership(rng: np.random.Generator, services: Services, main: IntArray) -> Membership:
    """Return memberships: one service each; a quarter serve a second one, some of these only lately or no longer."""
    first = np.flatnonzero(main >= 0)
    second = first[rng.random(len(first)) < 0.25]
    other = np.array([_second_service(rng, services, int(main[e])) for e in second], dtype=np.int64)
    since = np.zeros(len(second), dtype=np.int64)
    until = np.full(len(second), FOREVER, dtype=np.int64)
    fate = rng.random(len(second))
    since[fate < 0.12] = rng.integers(HISTORY_DAYS - 18, HISTORY_DAYS - 3, int((fate < 0.12).sum()))
    until[fate > 0.90] = rng.integers(HISTORY_DAYS - 18, HISTORY_DAYS - 3, int((fate > 0.90).sum()))
    return Membership(
        entity=np.concatenate([first, second]),
        service=np.concatenate([main[first], other]),
        weight=np.concatenate([np.ones(len(first)), np.full(len(second), 0.6)]),
        since=np.concatenate([np.zeros(len(first), dtype=np.int64), since]),
        until=np.concatenate([np.full(len(first), FOREVER, dtype=np.int64), until]),
    )


def _second_service(rng: np.random.Generator, services: Services, main: int) -> int:
    """Return another service: next to the first for six in ten, anywhere for the others."""
    if rng.random() < 0.6:
        return int(rng.choice(services.near[main]))
    return (main + int(rng.integers(1, len(services)))) % len(services)


def _names(
    rng: np.random.Generator, services: Services, main: IntArray, types: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    namer = Namer(rng)
    for text in (*services.names, *services.zh, *AMBIGUOUS):
        namer.claim(text)
    names, aliases = [], []
    for e, service in enumerate(main):
        if e < len(services):
            names.append(services.names[e])
            aliases.append([services.zh[e]])
            continue
        topic = services.topics[services.topic[service]] if service >= 0 else None
        name, short = namer.name(
            types[e], _nouns(services, int(service)), services.flavour[service] if service >= 0 else ""
        )
        chinese = _chinese(namer, topic) if rng.random() < 0.18 else ""
        if chinese and rng.random() < 0.25 and namer.claim(chinese):
            names.append(chinese)
            aliases.append([name, *namer.aliases(name, short, "")])
        else:
            names.append(name)
            aliases.append(namer.aliases(name, short, chinese))
    for word in AMBIGUOUS:
        for e in rng.choice(np.arange(len(services), len(main)), int(rng.integers(2, 4)), replace=False):
            aliases[e].append(word)
    return tuple(names), tuple(tuple(own) for own in aliases)


def _nouns(services: Services, service: int) -> tuple[str, ...]:
    return services.nouns[service] if service >= 0 else ("daily", "life", "super", "city", "local", "all in one")


def _chinese(namer: Namer, topic: Topic | None) -> str:
    return namer.coin_chinese() + (topic.zh if topic is not None else "生活")


def _description(namer: Namer, kind: str, services: Services, main: int, second: int | None) -> str:
    if main < 0:
        return "Used by everybody for everyday errands, bills and deliveries."
    silent = 0.35 if kind in OPAQUE else 0.2
    if namer.rng.random() < silent:
        return ""
    hint = namer.pick(services.nouns[second]) if second is not None and namer.rng.random() < 0.7 else ""
    return describe(namer, kind, services.names[main], services.nouns[main], hint)
