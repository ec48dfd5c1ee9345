"""Free text about entities, for the text side: short notes, reviews and lists."""

from __future__ import annotations

import numpy as np
import pandas as pd

from audience_graph.demo.entities import Entities
from audience_graph.demo.services import Services
from audience_graph.demo.sizes import WorldSize, stream

_SINGLE = (
    "{a} is what many people try first when they get into {s}. It goes well with {w} and {x}.",
    "A short guide to {a}: where to find it, what it costs, and why {w} matters for {s}.",
    "We compared {a} with three others. For {w} it was our favourite, less so for {x}.",
    "Readers ask about {a}. It belongs to the world of {s}: think {w}, {x}.",
    "{a}：关于{z}的介绍，适合新手。{w}.",
)
_PAIR = (
    "People who like {a} often like {b} too; both come up when the talk is about {s}.",
    "{a} or {b}? Two names you meet when you look for {w}.",
    "On our list this week: {a}, {b} and a good {w}.",
)
_STRAY = ("City news mentions {a} and {b} in the same week.", "Prices of {a} and {b} went up this summer.")


def corpus_frame(size: WorldSize, seed: int, entities: Entities, services: Services) -> pd.DataFrame:
    """Return documents: doc_id, text, entity_ids. One in ten names two entities that have nothing in common."""
    rng = np.random.default_rng(stream(seed, 8))
    wanted = np.flatnonzero(entities.main >= 0)
    count = int(size.entities * size.documents_per_entity)
    first = wanted[rng.integers(0, len(wanted), count)]
    by_service = [np.flatnonzero(entities.main == s) for s in range(len(services))]
    rows = []
    for i, a in enumerate(first.tolist()):
        service = int(entities.main[a])
        kind = rng.random()
        own = by_service[service] if kind >= 0.1 else wanted
        b = int(own[rng.integers(len(own))])
        options = _STRAY if kind < 0.1 else _PAIR if kind < 0.4 and b != a else _SINGLE
        words = services.nouns[service]
        text = options[int(rng.integers(len(options)))].format(
            a=entities.names[a], b=entities.names[b], s=services.names[service], z=services.zh[service],
            w=words[int(rng.integers(len(words)))], x=words[int(rng.integers(len(words)))],
        )  # fmt: skip
        ids = [entities.ids[a]] if options is _SINGLE else [entities.ids[a], entities.ids[b]]
        rows.append((f"doc{i:06d}", text, ids))
    return pd.DataFrame(rows, columns=["doc_id", "text", "entity_ids"])
