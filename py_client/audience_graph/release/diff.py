"""Compare the relations of two versions, a page of sources at a time."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

from audience_graph.errors import ReleaseError
from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import Runner
from audience_graph.release.kept import kept
from audience_graph.release.records import find
from audience_graph.vectors.store import Store

_PAGE = 2_000  # sources

Kind = Literal["added", "removed", "changed"]
Page = dict[str, dict[str, float]]  # source -> target -> score


@dataclass(frozen=True, slots=True)
class Change:
    """One relation that differs; `before` is None when it was added, `after` when it was removed."""

    kind: Kind
    source: str
    target: str
    before: float | None
    after: float | None

    @property
    def size(self) -> float:
        return abs((self.after or 0.0) - (self.before or 0.0))


@dataclass(frozen=True, slots=True)
class Diff:
    """All differences counted, the largest of them listed, largest first."""

    before: str
    after: str
    added: int
    removed: int
    changed: int
    unchanged: int
    changes: tuple[Change, ...]


def diff(runner: Runner, store: Store, before: str | int, after: str | int, *, limit: int | None = 100) -> Diff:
    """Compare two releases' relation versions; list the `limit` largest changes of score, None = all.

    Raises NotFoundError for an unknown release, ReleaseError for one whose relations are not whole.
    """
    releases = [find(store, name) for name in (before, after)]
    for release in releases:
        if release.version_status != "staged":
            raise ReleaseError(f"version {release.version} is {release.version_status}: its relations are not whole")
    with kept(store) as versions:
        versions += [release.version for release in releases]
        pages = [_pages(runner, release.relation_type) for release in releases]
        counts, largest = _compare(_matched(*pages), limit)
    return Diff(
        before=releases[0].version,
        after=releases[1].version,
        changes=tuple(_top(largest, len(largest) if limit is None else limit)),
        **counts,
    )


def _compare(pages: Iterable[tuple[Page, Page]], limit: int | None) -> tuple[dict[str, int], list[Change]]:
    counts = {"added": 0, "removed": 0, "changed": 0, "unchanged": 0}
    largest: list[Change] = []
    for old, new in pages:
        found = list(_changes(old, new))
        for change in found:
            counts[change.kind] += 1
        counts["unchanged"] += sum(len(targets) for targets in new.values()) - sum(c.after is not None for c in found)
        largest += found
        if limit is not None and len(largest) > 4 * limit:
            largest = _top(largest, limit)
    return counts, largest


def _top(changes: list[Change], limit: int) -> list[Change]:
    return heapq.nsmallest(limit, changes, key=lambda c: (-c.size, c.source, c.target))


def _changes(old: Mapping[str, dict[str, float]], new: Mapping[str, dict[str, float]]) -> Iterator[Change]:
    for source in old.keys() | new.keys():
        was, now = old.get(source, {}), new.get(source, {})
        for target in was.keys() | now.keys():
            before, after = was.get(target), now.get(target)
            if before == after:
                continue
            kind: Kind = "added" if before is None else "removed" if after is None else "changed"
            yield Change(kind, source, target, before, after)


def _matched(old: Iterator[Page], new: Iterator[Page]) -> Iterator[tuple[Page, Page]]:
    """Yield the same sources of both scans. Entities loaded between two reads shift the pages of one scan."""
    left: Page = {}
    right: Page = {}
    for older, newer in zip_longest(old, new, fillvalue=None):
        left |= older or {}
        right |= newer or {}
        both = left.keys() & right.keys()
        yield {source: left.pop(source) for source in both}, {source: right.pop(source) for source in both}
    yield left, right


def _pages(runner: Runner, relation_type: str) -> Iterator[Page]:
    query = load_query("relations/export_page").at_version(relation_type)
    after = ""
    while rows := runner.read(query, {"after": after, "page": _PAGE, "relation_type": relation_type}):
        yield {row["source"]: dict(zip(row["targets"], row["scores"], strict=True)) for row in rows}
        after = rows[-1]["source"]
