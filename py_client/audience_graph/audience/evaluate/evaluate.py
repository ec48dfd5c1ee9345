"""Evaluate a definition within a request: every part once, as an exact set of users, on one snapshot of the stores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import assert_never

import numpy as np

from audience_graph.audience.define.definition import (
    Alike,
    Column,
    Definition,
    Difference,
    Event,
    Everyone,
    Frozen,
    Intersection,
    Listed,
    Ranked,
    Stored,
    Union,
    walk,
)
from audience_graph.audience.define.words import title
from audience_graph.audience.evaluate.columns import column_masks
from audience_graph.audience.evaluate.events import event_mask
from audience_graph.audience.evaluate.keysets import Mask
from audience_graph.audience.evaluate.rankings import Chosen, Ranking, Scorer, choose, rank_alike, rank_phrases
from audience_graph.audience.evaluate.remembered import Remembered
from audience_graph.audience.graph_side import GraphSide
from audience_graph.audience.keep.audiences import read_revision
from audience_graph.audience.keep.snapshots import Members, read_members, read_snapshot
from audience_graph.audience.ways import Ways
from audience_graph.errors import ConfigError
from audience_graph.request import Request
from audience_graph.vectors.profiles import profiles_version
from audience_graph.vectors.topk import user_keys


class Evaluation:
    """Sets of users by definition, within one request. What was evaluated once is kept."""

    def __init__(self, request: Request, ways: Ways, graph: GraphSide, remembered: Remembered) -> None:
        self.request = request
        self.remembered = remembered
        self.universe = remembered.universe(request.tx)
        self._ways = ways
        self._graph = graph
        self._masks: dict[Definition, Mask] = {}
        self._chosen: dict[Ranked, Chosen] = {}
        self._stored: dict[Stored, Definition] = {}
        self._open: list[str] = []

    def mask(self, definition: Definition) -> Mask:
        """Return the users of a definition as a mask over keys; do not write into it.

        Raises ConfigError for an audience that is made of itself, NotFoundError for what is unknown.
        """
        if definition not in self._masks:
            self._read_columns(definition)
            self._masks[definition] = self._evaluate(definition)
        return self._masks[definition]

    def chosen(self, ranked: Ranked) -> Chosen:
        """Return the users that a ranking takes, best first."""
        self.mask(ranked)
        return self._chosen[ranked]

    def ranking(self, ranked: Ranked) -> Ranking:
        """Return the scores of all whom a ranking chooses from."""
        among = self.universe.base if ranked.among is None else self.mask(ranked.among)
        if isinstance(ranked.by, Alike):
            seeds, name = self.mask(ranked.by.seeds), title(ranked.by.seeds)
            return rank_alike(self.scorer(), ranked.by, seeds, among, name)
        return rank_phrases(self.scorer(), self._ways, ranked.by, among)

    def stored(self, stored: Stored) -> Definition:
        """Return the definition of a stored audience."""
        if stored not in self._stored:
            self._stored[stored] = read_revision(self.request.tx, stored.name, stored.revision).definition
        return self._stored[stored]

    def entity_ids(self, phrases: Sequence[str]) -> tuple[str, ...]:
        """Return the entities that the phrases of a filter mean. Raises SensitiveError for one that is not allowed."""
        return tuple(match.id for match in self._graph.asked(phrases, self.request))

    def told(self, entity_ids: Sequence[str]) -> list[str]:
        """Return the entities in order, sensitive ones where the request allows them."""
        return self._graph.told(entity_ids, self.request.allowed)

    def scorer(self) -> Scorer:
        """Return what scores users within the request."""
        return Scorer(self.request, self.remembered.scores)

    def members(self, definition: Definition) -> tuple[Members, list[Chosen]]:
        """Return the members in order, and the rankings that gave their scores.

        A member has the score of the first ranking of the definition that takes it; those of an earlier ranking come
        first, each by its scores, and last, by key, those whom nothing ranks.
        """
        left = self.mask(definition).copy()
        rankings = [self.chosen(r) for r in self.leading(definition)]
        keys, scores, questions = [], [], []
        for place, chosen in enumerate(rankings):
            mine = left[chosen.keys]
            keys.append(chosen.keys[mine])
            scores.append(chosen.scores[mine])
            questions.append(np.full(int(mine.sum()), place, np.int16))
            left[keys[-1]] = False
        rest = np.flatnonzero(left)
        keys.append(rest)
        scores.append(np.full(len(rest), np.nan))
        questions.append(np.full(len(rest), -1, np.int16))
        return Members(np.concatenate(keys), np.concatenate(scores), np.concatenate(questions)), rankings

    def leading(self, definition: Definition) -> Iterator[Ranked]:
        """Yield the rankings that bring users in, in order."""
        match definition:
            case Ranked():
                yield definition
            case Union(parts) | Intersection(parts):
                for part in parts:
                    yield from self.leading(part)
            case Difference(base, _):
                yield from self.leading(base)
            case Stored():
                yield from self.leading(self.stored(definition))
            case _:
                return

    def _read_columns(self, definition: Definition) -> None:
        """Evaluate all column filters of a definition in one scan."""
        wanted = [d for d in walk(definition) if isinstance(d, Column) and d not in self._masks]
        if not wanted:
            return
        known, version = self.remembered.columns, profiles_version(self.request.tx)
        new = [column for column in wanted if known.get((version, column)) is None]
        for column, mask in column_masks(self.request.tx, self.universe, new).items():
            known.put((version, column), mask)
            self._masks[column] = mask
        for column in wanted:
            found = known.get((version, column)) if column not in self._masks else self._masks[column]
            assert found is not None
            self._masks[column] = self.universe.within(found)

    def _evaluate(self, definition: Definition) -> Mask:
        match definition:
            case Everyone():
                return self.universe.base
            case Listed(ids):
                return self._of_keys(user_keys(self.request.tx, ids))
            case Column():
                return self._masks[definition]
            case Event(phrases):
                ids = self.entity_ids(phrases)
                return event_mask(self.request.tx, self.universe, definition, ids, self.request.read.window)
            case Stored():
                return self._of_stored(definition)
            case Frozen(number):
                read_snapshot(self.request.tx, number)  # one that is unknown is an error, not empty
                return self._of_keys(read_members(self.request.tx, number).keys.tolist())
            case Union(parts):
                return np.asarray(np.logical_or.reduce([self.mask(p) for p in parts]), np.bool_)
            case Intersection(parts):
                return np.asarray(np.logical_and.reduce([self.mask(p) for p in parts]), np.bool_)
            case Difference(base, without):
                return self.mask(base) & ~self.mask(without)
            case Ranked():
                return self._of_ranked(definition)
            case _:
                assert_never(definition)

    def _of_ranked(self, ranked: Ranked) -> Mask:
        self._chosen[ranked] = choose(self.ranking(ranked), ranked)
        return self.universe.of_keys(self._chosen[ranked].keys)

    def _of_stored(self, stored: Stored) -> Mask:
        if stored.name in self._open:
            raise ConfigError(f"audience {stored.name!r} is made of itself: {' of '.join([*self._open, stored.name])}")
        self._open.append(stored.name)
        try:
            return self.mask(self.stored(stored))
        finally:
            self._open.pop()

    def _of_keys(self, keys: Sequence[int]) -> Mask:
        return self.universe.of_keys(np.array(keys, np.int64))
