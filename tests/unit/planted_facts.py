"""Facts of futures, written out: what people of a small world go on to do."""

from __future__ import annotations

import numpy as np

from audience_graph.sentences.demand import FAMILIES
from audience_trainers.users.pairs.facts import Facts
from audience_trainers.users.pairs.futures import KINDS

THINGS = ("coffee", "green tea", "running shoes", "lipstick", "a tent", "oat milk", "board games", "headphones")


def planted_facts(pairs: int = 200, seed: int = 0) -> Facts:
    """Return one to three facts per pair: purchases, visits, searches and card payments of THINGS."""
    rng = np.random.default_rng(seed)
    count = rng.integers(1, 4, pairs)
    start = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    family = np.repeat(rng.integers(4, size=pairs), count)
    family = np.array([FAMILIES.index(name) for name in ("purchase", "browse", "search", "payment")])[family]
    value = np.concatenate([rng.permutation(len(THINGS))[:n] for n in count])
    paid = family == FAMILIES.index("payment")
    f = len(family)
    return Facts(
        start=start,
        family=family.astype(np.int8),
        outcome=np.zeros(f, np.int8),
        kind=np.full(f, KINDS.index("entity"), np.int8),
        way=paid.astype(np.int32),
        value=value.astype(np.int32),
        count=rng.integers(1, 4, f),
        cents=np.where(family == 0, rng.integers(0, 9_000, f), 0).astype(np.int64),
        first=rng.random(f) < 0.3,
        weight=np.ones(f),
        ways=("", "credit_card"),
        values=THINGS,
    )
