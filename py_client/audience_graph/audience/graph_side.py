"""The graph's side of a question: what phrases mean, what lies near, which entities stand for a service."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from audience_graph.allowed import Allowed
from audience_graph.audience.explain import Explanation, name_entities
from audience_graph.audience.keep.picked import write_picked
from audience_graph.audience.keep.snapshots import Snapshot
from audience_graph.audience.pick import Picked, PickRule, pick
from audience_graph.audience.safety.asked import check_flags, check_matches
from audience_graph.audience.safety.withhold import withhold
from audience_graph.entities.flags import flagged
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
        """Return the entities near phrases or ids; sensitive ones where the request allows them.

        Raises AmbiguousError for a phrase with several meanings, SensitiveError for one that is not allowed.
        """
        seeds = self.asked(phrases, request)
        release, allowed = request.read, request.allowed
        if allowed is not None:
            options = replace(options, sensitive=True)
        because = None if allowed is None else allowed.because
        rows = expand(self._runner, release.ref, [m.id for m in seeds], options, because=because)
        if allowed is not None:
            self.check((i for row in rows for i in row.path), allowed)
        return Expansion(tuple(_seed(m) for m in seeds), tuple(rows), options, **release.source)

    def tell(self, snapshot: Snapshot) -> int:
        """Write which entities a snapshot was picked by in place of those of an older one; return how many."""
        return write_picked(self._runner, snapshot)

    def pick(
        self, phrases: Phrases, request: Request, options: ExpandOptions, rule: PickRule | None
    ) -> tuple[Picked, ...]:
        """Return the entities that stand for phrases, out of their expansion."""
        near = self.expand(phrases, request, options)
        return pick(near.seeds, near.entities, rule or PickRule())

    def asked(self, phrases: Phrases, request: Request) -> tuple[Match, ...]:
        """Return what phrases mean, and note it where the request allows sensitive ones.

        Raises AmbiguousError for a phrase with several meanings, SensitiveError for one that is not allowed.
        """
        found = self.resolve(phrases, request).require()
        check_matches(found, request.allowed)
        return found

    def check(self, ids: Iterable[str], allowed: Allowed | None) -> None:
        """Note which of the entities are sensitive. Raises SensitiveError for any of them that is not allowed."""
        check_flags(flagged(self._runner, ids), allowed)

    def sensitive(self, ids: Iterable[str]) -> Collection[str]:
        """Return which of the entities are sensitive."""
        return flagged(self._runner, ids).keys()

    def told(self, ids: Sequence[str], allowed: Allowed | None) -> list[str]:
        """Return the entities in order, sensitive ones where they are allowed."""
        sensitive = self.sensitive(ids)
        if allowed is None:
            return [i for i in ids if i not in sensitive]
        allowed.use(sensitive)
        return list(ids)

    def named(self, found: Explanation, allowed: Allowed | None) -> Explanation:
        """Return an explanation with the names of its entities in place of their ids; sensitive ones where allowed."""
        ids = sorted({i for r in found.reasons for i in (r.id, *r.path)})
        told = name_entities(found, self.names(ids))
        sensitive = self.sensitive(ids)
        if allowed is None:
            return withhold(told, sensitive)
        allowed.use(sensitive)
        return told

    def names(self, ids: Sequence[str]) -> dict[str, str]:
        """Return the names of entities by id; those that are unknown are left out."""
        rows = self._runner.read(load_query("entities/names"), {"ids": list(ids)}) if ids else []
        return {row["id"]: row["name"] for row in rows}


def _seed(match: Match) -> Seed:
    return Seed(match.phrase, match.id, match.name, match.type)
