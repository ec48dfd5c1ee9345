"""Where audiences are evaluated, saved and frozen: what `Audience` and `ag.audiences` call.

Each call reads one snapshot of Postgres, on one release; what it writes is written afterwards, in one transaction.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial

import numpy as np

from audience_graph.audience.answers import Composition, Preview, Reach, ReachStep, Taken
from audience_graph.audience.define.definition import Definition
from audience_graph.audience.disclosure import MINIMUM_SIZE
from audience_graph.audience.evaluate.composition import compose
from audience_graph.audience.evaluate.evaluate import Evaluation
from audience_graph.audience.evaluate.keysets import Mask, content_hash
from audience_graph.audience.evaluate.rankings import Chosen
from audience_graph.audience.evaluate.remembered import Remembered
from audience_graph.audience.evaluate.waterfall import Step, entity_steps, waterfall
from audience_graph.audience.graph_side import GraphSide
from audience_graph.audience.keep.audiences import Revision, check_name, save_revision
from audience_graph.audience.keep.snapshots import Draft, read_snapshot, write_snapshot
from audience_graph.audience.safety.disclosure import show_sizes
from audience_graph.audience.ways import Ways
from audience_graph.audience.why.answer import AudienceExplanation
from audience_graph.audience.why.person import Doors, explain_person
from audience_graph.audit import record
from audience_graph.errors import ConfigError, StoreError
from audience_graph.request import Request
from audience_graph.vectors.store import Store
from audience_graph.vectors.topk import user_ids_of

Opened = Callable[[], AbstractContextManager[Request]]


class Desk:
    """Evaluates definitions over one client's stores. `open_request` gives a request on the current release."""

    def __init__(self, store: Store, ways: Ways, graph: GraphSide, open_request: Opened, actor: str) -> None:
        self.store = store
        self.actor = actor
        self._ways = ways
        self._graph = graph
        self._open = open_request
        self._remembered = Remembered()

    @contextmanager
    def evaluation(self) -> Iterator[Evaluation]:
        """Open a request and an evaluation in it."""
        with self._open() as request:
            yield Evaluation(request, self._ways, self._graph, self._remembered)

    def size(self, definition: Definition, *, entities: bool = True) -> Reach:
        """Return how many users a definition has, step by step."""
        start = time.perf_counter()
        with self.evaluation() as evaluation:
            steps = waterfall(evaluation, definition)
            picked = entity_steps(evaluation, definition) if entities else []
            source = evaluation.request.read.source
        numbers = iter(show_sizes(self.store, _sets([*steps, *picked])))
        rows = tuple(_shown(step, numbers) for step in [*steps, *picked])
        score = next((s.score for s in reversed(steps) if s.score is not None), None)
        return Reach(rows[len(steps) - 1].users, rows, time.perf_counter() - start, score, **source)

    def preview(self, definition: Definition, size: int = 20) -> Preview:
        """Return the first users of a definition; nobody of one under the minimum size.

        At most the minimum size of them: a list of all would be an exact count. Raises ConfigError for more.
        """
        if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= MINIMUM_SIZE:
            raise ConfigError(f"a preview shows 1 to {MINIMUM_SIZE} users, not {size!r}",
                              hint="`audience-graph export send` writes all of them")  # fmt: skip
        with self.evaluation() as evaluation:
            members, _ = evaluation.members(definition)
            mask, request = evaluation.mask(definition), evaluation.request
            first = members.keys[:size]
            ids, source = user_ids_of(request.tx, first), request.read.source
        users = show_sizes(self.store, [mask])[0]
        shown = [(ids[k], s) for k, s in zip(first.tolist(), members.scores.tolist(), strict=False) if k in ids]
        if users is None:
            shown = []
        return Preview(users, tuple(i for i, _ in shown), tuple(None if np.isnan(s) else s for _, s in shown), **source)

    def composition(self, definition: Definition, base: Definition, columns: tuple[str, ...]) -> Composition:
        """Return what is over-represented among the users of a definition, against those of `base`."""
        with self.evaluation() as evaluation:
            mask, of = evaluation.mask(definition), evaluation.mask(base)
            found = compose(evaluation, mask, of, columns, name=self._names)
            source = evaluation.request.read.source
        return Composition(show_sizes(self.store, [mask])[0], found, **source)

    def explain(self, definition: Definition, user_id: str, purpose: str | None = None) -> AudienceExplanation:
        """Return why a user is in the audience of a definition, or is not. Audited, as a look at one person.

        The log holds no id of who is unknown: it may be one that was erased.
        """
        with self.evaluation() as evaluation:
            allowed = evaluation.request.allowed
            named = partial(self._graph.named, allowed=allowed)
            check = partial(self._graph.check, allowed=allowed)
            doors = Doors(self._ways, named, check, partial(show_sizes, self.store))
            found, subject = explain_person(evaluation, doors, definition, user_id, purpose)
            if allowed is not None and found.status != "unknown user":
                allowed.user_id = user_id
        user = {"user_id": user_id} if found.status != "unknown user" else {"known": False}
        told = {**user, "snapshot": found.snapshot, "purpose": purpose}
        with self.store.transaction() as tx:
            record(tx, self.actor, "explain", subject.logged, told, release_id=found.release)
        return found

    def save(self, name: str, definition: Definition, note: str = "") -> Revision:
        """Write a revision under a name."""
        with self.store.transaction() as tx:
            return save_revision(tx, name, definition, self.actor, note)

    def take(self, name: str, definition: Definition, note: str = "") -> Taken:
        """Save a definition under a name and freeze its users: a revision and a snapshot, in one transaction.

        Afterwards the graph is told what it was picked by; where Neo4j does not answer, a note says so.
        """
        check_name(name)
        start = time.perf_counter()
        with self.evaluation() as evaluation:
            members, rankings = evaluation.members(definition)
            mask, release = evaluation.mask(definition), evaluation.request.read
        users = show_sizes(self.store, [mask])[0]
        cut = rankings[0].question["score_at_cut"] if rankings else None
        with self.store.transaction() as tx:
            revision = save_revision(tx, name, definition, self.actor, note)
            draft = Draft(
                revision_id=revision.id,
                made_by=self.actor,
                seconds=time.perf_counter() - start,
                content_hash=content_hash(members.keys, members.scores),
                source=release.source,
                model=release.user_text_space or release.run_id,
                as_of=release.preference_as_of,
                score_at_cut=cut,
                questions=[chosen.question for chosen in rankings],
                counts={"members": len(members), "eligible": _eligible(rankings), "shown": users},
            )
            number = write_snapshot(tx, draft, members)
            told = {"snapshot": number, "revision": revision.number, "content_hash": draft.content_hash}
            record(tx, self.actor, "snapshot", f"audience {name}", told, release_id=release.id)
            frozen = read_snapshot(tx, number)
        notes: tuple[str, ...] = ()
        try:
            self._graph.tell(frozen)
        except StoreError as exc:
            notes = (f"frozen, but the graph does not know of it yet: {exc.message}; the next snapshot tells it",)
        took = time.perf_counter() - start
        return Taken(number, name, revision.number, users, cut, took, notes, **release.source)

    def _names(self, ids: list[str]) -> dict[str, str]:
        return self._graph.names(ids)


def _sets(steps: Sequence[Step]) -> list[Mask]:
    return [mask for step in steps for mask in (step.left, step.lost) if mask is not None]


def _shown(step: Step, numbers: Iterator[int | None]) -> ReachStep:
    users = next(numbers)
    lost = None if step.lost is None else next(numbers)
    return ReachStep(step.kind, step.name, users, lost, step.score)


def _eligible(rankings: list[Chosen]) -> int | None:
    return len(rankings[0].eligible_keys) if rankings else None
