"""Sentences about what was still ahead at a past moment, with who went on to do it.

A demand is one sentence about one entity: a template of the family in which most of its newcomers met it in the window.
Right are the users who met the entity in t1 <= time < t2 and never before; who had met it before is not asked about,
for nobody needs a model to find them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audience_graph.sentences.templates import PEOPLE, TEMPLATES
from audience_trainers.users.graph_weight.pasts import Flags, Mentions
from audience_trainers.users.pairs.families import FamilyMap

LEAST_POSITIVES = 3


@dataclass(frozen=True, slots=True, eq=False)
class Demand:
    """A sentence about `entity` (place in the dictionary), `positive` (n,) and `eligible` (n,) among the users."""

    sentence: str
    entity: int
    positive: Flags
    eligible: Flags


def demands_at(mentions: Mentions, names: tuple[str, ...], there: Flags, *, at: int, end: int, most: int,
               seed: int) -> list[Demand]:  # fmt: skip
    """Return up to `most` demands of a window: about entities with LEAST_POSITIVES or more, drawn evenly among them.

    `names` (E,) are what the entities are called, `there` (n,) who has an event before `at`.
    """
    rng = np.random.default_rng([seed, at])
    met = mentions.between(at, end)
    before, after = mentions.who(mentions.between(None, at)) > 0, mentions.who(met) > 0
    new = after.multiply(after > before).tocsc()
    new = new.multiply(there[:, None]).tocsc()
    counts = np.asarray(new.sum(axis=0)).ravel()
    chosen = np.sort(rng.permutation(np.flatnonzero(counts >= LEAST_POSITIVES))[:most]).tolist()
    families = _families(mentions, met)
    found = []
    for entity in chosen:
        positive = np.zeros(mentions.users, bool)
        positive[new[:, [entity]].nonzero()[0]] = True
        known = np.zeros(mentions.users, bool)
        known[before[:, [entity]].nonzero()[0]] = True
        forms = TEMPLATES[families[entity]]["plain"]
        said = forms[int(rng.integers(len(forms)))].format(
            who=PEOPLE[int(rng.integers(len(PEOPLE)))], what=names[entity]
        )
        found.append(Demand(said, entity, positive, there & ~known))
    return found


def _families(mentions: Mentions, met: Flags) -> dict[int, str]:
    """Return the family in which each entity is met most among some mentions."""
    of = [FamilyMap().family(channel) for channel in mentions.channels]
    names = sorted(set(of))
    code = np.array([names.index(family) for family in of], np.int64)[mentions.channel[met]]
    pair, count = np.unique(mentions.entity[met] * len(names) + code, return_counts=True)
    return {int(p) // len(names): names[int(p) % len(names)] for p in pair[np.argsort(count, kind="stable")]}
