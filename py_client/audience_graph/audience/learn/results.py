"""`ag.results`: load what came of exports, report it, and learn from it.

ag.results.load("clicks.csv", export=7)
ag.results.report("spring")
ag.results.suggest("spring").lines()
ag.results.follow("spring")
ag.results.learn("spring", dry_run=True)
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from audience_graph.audience.keep.picked import write_picked
from audience_graph.audience.keep.snapshots import newest_snapshot
from audience_graph.audience.learn.decide import Decisions, Said, decide, pairs_of
from audience_graph.audience.learn.entities import EntityLifts, Suggestions, entity_lifts, suggestions
from audience_graph.audience.learn.exported import Export, exports_with_results, read_export
from audience_graph.audience.learn.learn import Learned, learn
from audience_graph.audience.learn.load import ResultsReport, load_results
from audience_graph.audience.learn.report import CampaignReport, campaign_report
from audience_graph.audience.learn.write_back import WrittenBack, write_performed
from audience_graph.config import Home
from audience_graph.errors import ConfigError, NotFoundError, StoreUnavailable
from audience_graph.graph.runner import Runner
from audience_graph.ingest.reading import LoadOptions
from audience_graph.vectors.store import Store, Transaction

FOLLOWED = 5
Asked = str | int  # an audience by name (its newest export with results), or an export by number


class Results:
    """Results of exports. An audience stands for its newest export with results, a number for that export."""

    def __init__(self, runner: Runner, store: Store, *, by: str, home: Home | None = None) -> None:
        """`by` is who does it, as the audit log says it; `home` the data folder, which knows who was erased."""
        self._runner = runner
        self._store = store
        self._by = by
        self._home = home

    def load(self, path: str | os.PathLike[str], export: int, *, options: LoadOptions = LoadOptions()) -> ResultsReport:
        """Load a file of results, per user or per arm, and write PICKED and PERFORMED into the graph.

        All of the file or nothing: bad rows raise InputError unless `options.reject_to` takes them. The same file again
        changes nothing. Where Neo4j does not answer the results are loaded all the same, and a note says so.
        """
        found = load_results(self._store, path, _number(export), by=self._by, options=options, home=self._home)
        try:
            self.write_back(export)
        except StoreUnavailable as exc:
            note = f"loaded, but the graph does not know of it yet: {exc.message}; `results learn` writes it"
            return replace(found, notes=(*found.notes, note))
        return found

    def report(self, about: Asked) -> CampaignReport:
        """Return what came of all exports of an audience, or of one export: a row for each arm, with the lift over the
        holdout. Raises NotFoundError."""
        with self._store.transaction(read_only=True, snapshot=True) as tx:
            numbers = [_number(about)] if not isinstance(about, str) else exports_with_results(tx, about)
            return campaign_report(tx, [read_export(tx, number) for number in numbers])

    def entities(self, about: Asked) -> EntityLifts:
        """Return how the picked entities did: the users whom each leads in, beside all who were sent."""
        with self._store.transaction(read_only=True, snapshot=True) as tx:
            return entity_lifts(tx, _export(tx, about))

    def suggest(self, about: Asked) -> Suggestions:
        """Return entities that were not picked and whose users surely converted more often, surest first."""
        with self._store.transaction(read_only=True, snapshot=True) as tx:
            return suggestions(tx, self._runner, _export(tx, about))

    def follow(self, about: Asked, *, count: int = FOLLOWED, ids: Sequence[str] = (), note: str = "") -> Decisions:
        """Confirm suggestions: the `count` surest, or those of `ids`, as relations of the phrase's own entity.

        They are a marketer's choice of what results found, so both speak as sources. Raises NotFoundError for an id
        that is not suggested, ConfigError for a count that is no whole number of at least 1.
        """
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise ConfigError(f"count must be a whole number of at least 1, not {count!r}")
        suggested = self.suggest(about)
        own = {found.id: found for found in suggested.entities}
        if missing := [entity for entity in ids if entity not in own]:
            raise NotFoundError(f"{missing[0]!r} is not suggested by these results", hint="`results suggest` names ids")
        chosen = [own[entity] for entity in ids] or list(suggested.entities[:count])
        pairs = pairs_of([found.path for found in chosen])
        said = Said(self._by, "result", note or f"suggested by export {suggested.export}",
                    about=f"audience {suggested.audience}")  # fmt: skip
        decide(self._runner, self._store, "confirm", pairs, said)
        return decide(self._runner, self._store, "confirm", pairs, replace(said, source="marketer"))

    def write_back(self, about: Asked) -> WrittenBack:
        """Write which entities an audience's newest snapshot was picked by, and how those of its newest results did,
        into the graph."""
        with self._store.transaction(read_only=True, snapshot=True) as tx:
            newest = _export(tx, _export(tx, about).snapshot.name)
            lifts = entity_lifts(tx, newest)
            snapshot = newest_snapshot(tx, newest.snapshot.name)
        picked = write_picked(self._runner, snapshot)
        return WrittenBack(picked, write_performed(self._runner, newest, lifts))

    def learn(self, about: Asked, *, dry_run: bool = False) -> Learned:
        """Confirm relations whose entities surely did better, reject those that surely did worse; `dry_run` only lists
        them. A marketer's decisions stay. Done again it changes nothing."""
        with self._store.transaction(read_only=True, snapshot=True) as tx:
            export = _export(tx, about)
            lifts = entity_lifts(tx, export)
        if not dry_run:
            self.write_back(export.snapshot.name)
        return learn(self._runner, self._store, export, lifts, by=self._by, dry_run=dry_run)


def _export(tx: Transaction, about: Asked) -> Export:
    number = exports_with_results(tx, about)[0] if isinstance(about, str) else _number(about)
    return read_export(tx, number)


def _number(about: object) -> int:
    if isinstance(about, bool) or not isinstance(about, int) or not 0 < about < 2**63:
        raise ConfigError(f"an export is named by its number, not {about!r}")
    return about
