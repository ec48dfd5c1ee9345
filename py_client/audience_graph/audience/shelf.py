"""`ag.audiences`: the saved audiences, their revisions and snapshots, and several audiences beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from audience_graph.audience.answers import Table, Taken
from audience_graph.audience.audience import Audience
from audience_graph.audience.define.definition import (
    WIDTHS,
    Alike,
    Definition,
    Everyone,
    Frozen,
    Phrases,
    Ranked,
    Stored,
    Width,
)
from audience_graph.audience.define.wire import from_json
from audience_graph.audience.define.words import difference, lines, title
from audience_graph.audience.desk import Desk
from audience_graph.audience.evaluate.columns import known_channels, known_values
from audience_graph.audience.evaluate.keysets import count
from audience_graph.audience.evaluate.overlap import compare, near_duplicates
from audience_graph.audience.evaluate.rankings import choose
from audience_graph.audience.keep import audiences, snapshots
from audience_graph.audience.safety.disclosure import show_sizes
from audience_graph.audience.target import Cut
from audience_graph.audit import Entry, read_log
from audience_graph.errors import ConfigError, NotFoundError

Lines = list[str]


class Shelf:
    """The audiences of a client by name."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def ranked(self, by: Phrases | Alike, size: int | None, min_score: float | None, width: Width | None) -> Audience:
        """Return an audience of a ranking; the best 1,000 where no cut is given."""
        if size is None and min_score is None and width is None:
            size = Cut().size
        return Audience(Ranked(by, size, min_score, width), self._desk)

    def get(self, name: str, revision: int | None = None) -> Audience:
        """Return a saved audience to combine, at a revision or as it is when it is evaluated. Raises NotFoundError."""
        with self._desk.store.transaction(read_only=True) as tx:
            audiences.read_revision(tx, name, revision)
        return Audience(Stored(name, revision), self._desk)

    def snapshot(self, number: int, of: str | None = None) -> Audience:
        """Return the frozen members of a snapshot as an audience; `of` has to name its audience. NotFoundError."""
        with self._desk.store.transaction(read_only=True) as tx:
            found = snapshots.read_snapshot(tx, number)
        if of is not None and found.name != of:
            raise NotFoundError(f"snapshot {number} is one of audience {found.name!r}, not of {of!r}")
        return Audience(Frozen(number), self._desk)

    def everyone(self) -> Audience:
        """Return all known users."""
        return Audience(Everyone(), self._desk)

    def definition(self, name: str, revision: int | None = None) -> Audience:
        """Return what a revision of a saved audience says, to be changed and saved again. Raises NotFoundError."""
        with self._desk.store.transaction(read_only=True) as tx:
            return Audience(audiences.read_revision(tx, name, revision).definition, self._desk)

    def take(self, name: str, revision: int | None = None, *, note: str = "") -> Taken:
        """Freeze who is in a saved audience now; see `Audience.take`."""
        return self.definition(name, revision).take(name, note=note)

    def log(self, *, about: str | None = None, limit: int = 100) -> Table:
        """Return the newest lines of the audit log, of one object where `about` names it (`audience spring`)."""
        with self._desk.store.transaction(read_only=True) as tx:
            found = read_log(tx, about=about, limit=limit)
        columns = {name: [getattr(line, name) for line in found] for name in Entry.__dataclass_fields__}
        return Table(f"{len(found):,} lines of the audit log", columns)

    def of(self, audience: Audience) -> Audience:
        """Tie an audience to this client."""
        return Audience(audience.definition, self._desk)

    def from_json(self, value: Any) -> Audience:
        """Return the audience of plain JSON values. Raises ConfigError, naming the part, for values that are none."""
        return Audience(from_json(value), self._desk)

    def list(self, *, archived: bool = False) -> Table:
        """Return all audiences with their newest revision and snapshot, by name."""
        with self._desk.store.transaction(read_only=True) as tx:
            found = audiences.list_audiences(tx, archived=archived)
        names = audiences.Listing.__dataclass_fields__
        columns: dict[str, Any] = {name: [getattr(one, name) for one in found] for name in names}
        return Table(f"{len(found):,} audiences", columns)

    def revisions(self, name: str) -> Table:
        """Return the revisions of an audience, newest first, each with what it changed."""
        with self._desk.store.transaction(read_only=True) as tx:
            audiences.read_revision(tx, name)
            found = audiences.revisions_of(tx, name)
        older = [*found[1:], None]
        columns: dict[str, Any] = {
            key: [getattr(one, key) for one in found] for key in ("number", "status", "made_by", "made_at", "note")
        }
        columns["changed"] = [_change(one.definition, before) for one, before in zip(found, older, strict=True)]
        return Table(f"{len(found):,} revisions of {name!r}", columns)

    def snapshots(self, name: str) -> Table:
        """Return the snapshots of an audience, newest first."""
        with self._desk.store.transaction(read_only=True) as tx:
            audiences.read_revision(tx, name)
            found = snapshots.snapshots_of(tx, name)
        keys = ("id", "number", "week", "as_of", "score_at_cut", "model", "made_by", "made_at", "content_hash")
        columns: dict[str, Any] = {key: [getattr(one, key) for one in found] for key in keys}
        columns["users"] = [one.counts.get("shown") for one in found]
        return Table(f"{len(found):,} snapshots of {name!r}", columns)

    def diff(self, name: str, before: int, after: int | None = None) -> Lines:
        """Return what changed from one revision to another (the newest by default), as lines; none where equal."""
        with self._desk.store.transaction(read_only=True) as tx:
            old, new = (audiences.read_revision(tx, name, n) for n in (before, after))
        return difference(old.definition, new.definition)

    def describe(self, name: str, revision: int | None = None) -> Lines:
        """Return a saved definition in words, one part a line."""
        with self._desk.store.transaction(read_only=True) as tx:
            return lines(audiences.read_revision(tx, name, revision).definition)

    def changes(self, before: int, after: int) -> Table:
        """Return how many users came and went from one snapshot to another, and how many stayed."""
        with self._desk.evaluation() as evaluation:
            old, new = (evaluation.mask(Frozen(n)) for n in (before, after))
        sets = {"added": new & ~old, "removed": old & ~new, "stayed": old & new, "before": old, "after": new}
        numbers = show_sizes(self._desk.store, list(sets.values()))
        columns: dict[str, Any] = {"change": [*sets], "users": numbers}
        return Table(f"from snapshot {before} to snapshot {after}", columns)

    def approve(self, name: str, revision: int | None = None) -> audiences.Revision:
        """Approve a revision, the newest by default; audited."""
        with self._desk.store.transaction() as tx:
            return audiences.approve_revision(tx, name, self._desk.actor, revision)

    def filters(self) -> Table:
        """Return what audiences can be filtered by: columns of users with their frequent values, channels of events.

        Values of under 100 of the 20,000 users that are looked at are left out.
        """
        with self._desk.store.transaction(read_only=True) as tx:
            values = known_values(tx)
            channels = known_channels(tx)
        rows = [*(("column", name, told) for name, told in values.items()), *(("channel", c, []) for c in channels)]
        columns: dict[str, Any] = {key: [row[n] for row in rows] for n, key in enumerate(("kind", "name", "values"))}
        return Table(f"{len(values):,} columns and {len(channels):,} channels", columns)

    def archive(self, name: str) -> None:
        """Leave an audience out of lists; its revisions and snapshots stay; audited."""
        with self._desk.store.transaction() as tx:
            audiences.archive(tx, name, self._desk.actor)

    def overlap(self, given: Sequence[Audience | str]) -> Table:
        """Return, for each pair of audiences, the users in both, Jaccard, and what share of each is in the other.

        `near_duplicate`: Jaccard of .8 and more. Parts under 100 users show no number.
        """
        named: dict[str, Audience] = {}
        for one in given:
            audience, name = (one, title(one.definition)) if isinstance(one, Audience) else (self.get(one), one)
            named[name if name not in named else f"{name} ({len(named) + 1})"] = audience
        if len(named) < 2:
            raise ConfigError("an overlap is of two audiences or more")
        with self._desk.evaluation() as evaluation:
            masks = {name: evaluation.mask(a.definition) for name, a in named.items()}
            source = evaluation.request.read.source
        return Table(f"overlap of {len(masks)} audiences", compare(masks), **source)

    def near_duplicates(self) -> Table:
        """Return the pairs of saved audiences whose newest snapshots are nearly the same users."""
        with self._desk.store.transaction(read_only=True) as tx:
            found = [one for one in audiences.list_audiences(tx) if one.snapshot is not None]
        with self._desk.evaluation() as evaluation:
            masks = {one.name: evaluation.mask(Frozen(one.snapshot)) for one in found if one.snapshot is not None}
        return Table("audiences that are nearly the same users", near_duplicates(masks))

    def widths(self, audience: Audience) -> Table:
        """Return the named widths of a ranking: share of the eligible users, how many, and the score at the cut."""
        ranked = audience.definition
        if not isinstance(ranked, Ranked):
            raise ConfigError("only a ranking has widths", hint='ag.audience("skin care", size=1000)')
        rows, masks = [], []
        with self._desk.evaluation() as evaluation:
            ranking = evaluation.ranking(ranked)
            for width, share in WIDTHS.items():
                chosen = choose(ranking, Ranked(ranked.by, width=width))
                masks.append(evaluation.universe.of_keys(chosen.keys))
                rows.append((width, share, float(chosen.scores[-1]) if count(masks[-1]) else None))
            source = evaluation.request.read.source
        numbers = show_sizes(self._desk.store, masks)
        columns: dict[str, Any] = {
            "width": [r[0] for r in rows],
            "share": [r[1] for r in rows],
            "users": numbers,
            "score_at_cut": [r[2] for r in rows],
        }
        return Table("widths", columns, **source)


def _change(now: Definition, before: audiences.Revision | None) -> str:
    if before is None:
        return "first"
    changed = [line for line in difference(before.definition, now) if not line.startswith("  ")]
    return "; ".join(" ".join(line.split()) for line in changed)
