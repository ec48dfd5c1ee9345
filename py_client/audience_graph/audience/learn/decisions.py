"""`ag.decisions`: say which relations are right and which are wrong, for every week to come.

ag.decisions.confirm("women's football", "Alex Morgan", note="same fans")
ag.decisions.reject("spa", "day trip")
ag.decisions.confirm_picks("spring")
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import cast

from audience_graph.audience.keep.picked import picked_of, write_picked
from audience_graph.audience.keep.snapshots import newest_snapshot
from audience_graph.audience.learn.decide import Decisions, Said, Source, Verb, decide, list_decisions, pairs_of
from audience_graph.entities.matches import Resolution
from audience_graph.errors import NotFoundError
from audience_graph.graph.runner import Runner
from audience_graph.vectors.store import Store


class RelationDecisions:
    """Decisions about relations, by ids, names or aliases of the two entities. They take effect at once."""

    def __init__(
        self, runner: Runner, store: Store, resolve: Callable[[Sequence[str]], Resolution], *, by: str
    ) -> None:
        """`by` is who decides, as the audit log and each decision say it."""
        self._runner = runner
        self._store = store
        self._resolve = resolve
        self._by = by

    def confirm(self, source: str, target: str, *, note: str = "", by_source: Source = "marketer") -> Decisions:
        """Confirm a relation: expansions hold it from now on, and the next mining run keeps it. Takes back a rejection.

        Its score is that of the current version, else .7. Raises NotFoundError and AmbiguousError.
        """
        return self._decide("confirm", source, target, Said(self._by, by_source, note))

    def reject(self, source: str, target: str, *, note: str = "", by_source: Source = "marketer") -> Decisions:
        """Reject a relation: no expansion and no mining run brings it again. Takes back a confirmation."""
        return self._decide("reject", source, target, Said(self._by, by_source, note))

    def withdraw(self, source: str, target: str) -> Decisions:
        """Forget what was decided about a relation, whoever decided it: the data speak again."""
        return self._decide("withdraw", source, target, Said(self._by))

    def list(self) -> Decisions:
        """Return all that is decided, latest first."""
        return list_decisions(self._runner, self._store)

    def confirm_picks(self, audience: str, *, note: str = "") -> Decisions:
        """Confirm the relations on the paths of all entities that an audience's newest snapshot was picked by.

        Relations that somebody rejected since stay rejected (`left`). Also writes PICKED. Raises NotFoundError for an
        audience without a snapshot.
        """
        with self._store.transaction(read_only=True) as tx:
            snapshot = newest_snapshot(tx, audience)
        write_picked(self._runner, snapshot)
        paths = [p.path for p in picked_of(snapshot)]
        return self.confirm_paths(paths, note=note or f"picked for {audience}", about=f"audience {audience}")

    def confirm_paths(self, paths: Iterable[Sequence[str]], *, note: str = "", about: str | None = None) -> Decisions:
        """Confirm every relation on paths of entity ids, as a marketer; rejected ones stay rejected (`left`)."""
        said = Said(self._by, "marketer", note[:2000], yields=True, about=about)
        return decide(self._runner, self._store, "confirm", pairs_of(paths), said)

    def _decide(self, verb: Verb, source: str, target: str, said: Said) -> Decisions:
        pair = cast(tuple[str, str], tuple(self._id(phrase) for phrase in (source, target)))
        return decide(self._runner, self._store, verb, [pair], said)

    def _id(self, phrase: str) -> str:
        """Return the entity of this id, name or alias: a decision is not made about what lies near a word."""
        match = self._resolve([phrase]).require()[0]
        if match.matched not in ("id", "name", "alias"):
            raise NotFoundError(f"no entity is called {phrase!r}", hint=f"nearest is {match}; name it by its id")
        return match.id
