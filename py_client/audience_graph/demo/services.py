"""Hidden services: what people want. The true relation graph and the users' interests both follow from them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from audience_graph.demo.lexicon import IN_DEMAND, SEGMENTS, SEGMENTS_ZH, Topic, load_topics
from audience_graph.demo.sizes import WorldSize, stream

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Services:
    """Services with their topic and the neighbours whose entities the same people touch.

    `near[s]` are the services next to s (symmetric); `mass` is how many people want a service (sums to 1).
    """

    names: tuple[str, ...]
    zh: tuple[str, ...]
    topic: IntArray
    nouns: tuple[tuple[str, ...], ...]
    flavour: tuple[str, ...]
    near: tuple[IntArray, ...]
    mass: FloatArray
    topics: tuple[Topic, ...]

    def __len__(self) -> int:
        return len(self.names)

    def named(self, *names: str) -> IntArray:
        """Return the indexes of all segments of the services of these base names."""
        found = [i for i, own in enumerate(self.names) if any(own == n or own.endswith(f" {n}") for n in names)]
        return np.array(found, dtype=np.int64)


def make_services(size: WorldSize, seed: int) -> Services:
    """Return the services of the world: five per topic and segment, with seeded neighbours and demand."""
    rng = np.random.default_rng(stream(seed, 1))
    topics = load_topics()
    names, zh, topic, nouns, flavour = [], [], [], [], []
    for t, theme in enumerate(topics):
        for segment in range(size.segments):
            for name, chinese, words in theme.services:
                names.append(f"{SEGMENTS[segment]} {name}".strip())
                zh.append(f"{SEGMENTS_ZH[segment]}{chinese}")
                topic.append(t)
                nouns.append(words)
                flavour.append(SEGMENTS[segment])
    links = _links(topics, size.segments, rng)
    near = [sorted({b for a, b in links if a == s} | {a for a, b in links if b == s}) for s in range(len(names))]
    base = [name.removeprefix(f"{own} ") for name, own in zip(names, flavour, strict=True)]
    demand = rng.lognormal(0.0, 0.5, len(names)) * np.where([name in IN_DEMAND for name in base], 2.5, 1.0)
    return Services(
        names=tuple(names),
        zh=tuple(zh),
        topic=np.array(topic, dtype=np.int64),
        nouns=tuple(nouns),
        flavour=tuple(flavour),
        near=tuple(np.array(n, dtype=np.int64) for n in near),
        mass=demand / demand.sum(),
        topics=topics,
    )


def _links(topics: tuple[Topic, ...], segments: int, rng: np.random.Generator) -> set[tuple[int, int]]:
    """Return neighbour pairs: chains inside a topic, siblings across segments, bridges across topics."""
    index = {theme.name: t for t, theme in enumerate(topics)}
    per_topic = 5 * segments

    def service(topic: int, segment: int, which: int) -> int:
        return topic * per_topic + segment * 5 + which

    links: set[tuple[int, int]] = set()
    for t, theme in enumerate(topics):
        for segment in range(segments):
            chain = rng.permutation(5)
            links |= {(service(t, segment, int(a)), service(t, segment, int(b))) for a, b in pairwise(chain)}
            for other in theme.near:
                if rng.random() < 0.5:
                    a, b = rng.integers(0, 5, 2)
                    links.add((service(t, segment, int(a)), service(index[other], segment, int(b))))
        for which in range(5):
            for segment in range(1, segments):
                links.add((service(t, segment - 1, which), service(t, segment, which)))
    return {(min(a, b), max(a, b)) for a, b in links}
