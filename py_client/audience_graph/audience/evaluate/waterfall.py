"""The reach waterfall: how many users each step of a definition leaves, and how many it loses.

    everyone -> those a filter keeps -> those an exclusion leaves -> those with a vector -> those above the cut

The steps of a definition follow its structure: the base of a difference first, the parts of an intersection in order,
the population of a ranking before its cut. Counts are exact here; `safety/disclosure.py` decides what is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from audience_graph.audience.define.definition import (
    Definition,
    Difference,
    Everyone,
    Intersection,
    Ranked,
    Stored,
    Union,
)
from audience_graph.audience.define.words import title
from audience_graph.audience.evaluate.evaluate import Evaluation
from audience_graph.audience.evaluate.events import entity_masks
from audience_graph.audience.evaluate.keysets import Mask
from audience_graph.audience.pick import Picked
from audience_graph.vectors.window import Window

Kind = Literal["everyone", "filter", "exclusion", "eligible", "cut", "part", "union", "entity"]


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One step: the users that it leaves, and those that it loses (None where a step loses nobody: part, entity).

    `of` is the part of the definition that decides: who is in it is kept, or left out by an exclusion.
    """

    kind: Kind
    name: str
    left: Mask
    lost: Mask | None = None
    score: float | None = None
    of: Definition | None = None


def waterfall(evaluation: Evaluation, definition: Definition) -> list[Step]:
    """Return the steps to a definition, from everyone to its users."""
    return _steps(evaluation, definition)


def entity_steps(evaluation: Evaluation, definition: Definition) -> list[Step]:
    """Return, for each picked entity of the rankings, the users of the definition with an event for it."""
    release = evaluation.request.read
    picked: dict[str, Picked] = {}
    for chosen in evaluation.members(definition)[1]:
        for one in chosen.picked:
            picked.setdefault(one.id, one)
    if not picked:
        return []
    mask = evaluation.mask(definition)
    window = Window(release.preference_as_of, release.preference_days)
    masks = entity_masks(evaluation.request.tx, evaluation.universe, list(picked), window)
    return [Step("entity", p.name, mask & m) for p, m in zip(picked.values(), masks, strict=True)]


def _steps(evaluation: Evaluation, definition: Definition) -> list[Step]:
    mask = evaluation.mask(definition)
    match definition:
        case Everyone():
            return [Step("everyone", "everyone", mask)]
        case Stored():
            return _steps(evaluation, evaluation.stored(definition))
        case Difference(base, without):
            steps = _steps(evaluation, base)
            return [*steps, _next(steps, "exclusion", f"without {title(without)}", mask, of=without)]
        case Intersection(parts):
            steps = _steps(evaluation, parts[0])
            for part in parts[1:]:
                left = steps[-1].left & evaluation.mask(part)
                if isinstance(part, Difference) and isinstance(part.base, Everyone):
                    steps.append(_next(steps, "exclusion", title(part), left, of=part.without))
                else:
                    steps.append(_next(steps, "filter", f"and {title(part)}", left, of=part))
            return steps
        case Union(parts):
            steps = [Step("everyone", "everyone", evaluation.universe.base)]
            alone = [Step("part", title(part), evaluation.mask(part)) for part in parts]
            return [*steps, *alone, _next(steps, "union", "in any of them", mask, of=definition)]
        case Ranked():
            return _ranked(evaluation, definition)
        case _:
            steps = [Step("everyone", "everyone", evaluation.universe.base)]
            return [*steps, _next(steps, "filter", title(definition), mask, of=definition)]


def _ranked(evaluation: Evaluation, ranked: Ranked) -> list[Step]:
    steps = _steps(evaluation, Everyone() if ranked.among is None else ranked.among)
    chosen = evaluation.chosen(ranked)
    eligible = evaluation.universe.of_keys(chosen.eligible_keys)
    steps.append(_next(steps, "eligible", "can be ranked", steps[-1].left & eligible, of=ranked))
    mask = evaluation.mask(ranked)
    score = float(chosen.scores[-1]) if len(chosen.scores) else None
    return [*steps, _next(steps, "cut", title(ranked), mask, score=score, of=ranked)]


def _next(steps: list[Step], kind: Kind, name: str, left: Mask, *, of: Definition, score: float | None = None) -> Step:
    return Step(kind, name, left, np.asarray(steps[-1].left & ~left, np.bool_), score, of)
