"""The graph's side of a question: what phrases mean, what lies near, which entities stand for a service."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from audience_graph.audience.explain import Explanation, name_entities
from audience_graph.audience.pick import Picked, PickRule, pick
from audience_graph.entities.matches import Match, Resolution
from audience_graph.entities.resolve import Encoder, resolve
from audience_graph.graph.answers import Expansion, Seed
from audience_graph.graph.expand import expand
from audience_graph.graph.expansion import ExpandOptions
from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import Runner
from audience_graph.request import Request

Phrases = str | Sequence[str]


class GraphSide:
    """Reads Neo4j within requests. `encoder()` makes the text encoder when a phrase is searched by meaning."""

    def __init__(self, runner: Runner, encoder: Callable[[], Encoder]) -> None:
        self._runner = runner
        self._encoder = encoder

    def resolve(self, phrases: Phrases, request: Request, types: Sequence[str] = ()) -> Resolution:
        """Return what phrases mean, and note in the request whether the graph's mirror is behind."""
        found = resolve(self._runner, phrases, types=types, encoder=self._encoder)
        release = request.release
        if release is None:
            return found
        request.mirror_behind = release.status == "current" and found.mirror != release.id
        return replace(found, **release.source)

    def expand(self, phrases: Phrases, request: Request, options: ExpandOptions) -> Expansion:
        """Return the entities near phrases or ids. Raises AmbiguousError for a phrase with several meanings."""
        seeds = self.resolve(phrases, request).require()
        release = request.read
        rows = expand(self._runner, release.ref, [m.id for m in seeds], options)
        return Expansion(tuple(_seed(m) for m in seeds), tuple(rows), options, **release.source)

    def pick(
        self, phrases: Phrases, request: Request, options: ExpandOptions, rule: PickRule | None
    ) -> tuple[Picked, ...]:
        """Return the entities that stand for phrases, out of their expansion."""
        near = self.expand(phrases, request, options)
        return pick(near.seeds, near.entities, rule or PickRule())

    def named(self, found: Explanation) -> Explanation:
        """Return an explanation with the names of its entities in place of their ids."""
        return name_entities(found, self.names(sorted({i for r in found.reasons for i in (r.id, *r.path)})))

    def names(self, ids: Sequence[str]) -> dict[str, str]:
        """Return the names of entities by id; those that are unknown are left out."""
        rows = self._runner.read(load_query("entities/names"), {"ids": list(ids)}) if ids else []
        return {row["id"]: row["name"] for row in rows}


def _seed(match: Match) -> Seed:
    return Seed(match.phrase, match.id, match.name, match.type)
