"""One request of the client: the snapshot of Postgres that it reads, and the release that it stays on."""

from __future__ import annotations

from dataclasses import dataclass

from audience_graph.allowed import Allowed
from audience_graph.errors import NotFoundError
from audience_graph.release.records import Release, read_current
from audience_graph.vectors.store import Transaction


@dataclass(slots=True)
class Request:
    """One snapshot of Postgres and the release that it is read at, None before anything is published.

    `versions` are those that are read, by name or by relation type; `mirror_behind` tells that Neo4j's mirror names
    another release than Postgres does. `allowed` is the reason that lets sensitive entities in, None where these are
    not; whoever gives the answer away records it first.
    """

    tx: Transaction
    release: Release | None
    versions: list[str]
    mirror_behind: bool = False
    allowed: Allowed | None = None

    @property
    def read(self) -> Release:
        """Return the release. Raises NotFoundError when nothing is published yet."""
        if self.release is None:
            raise NotFoundError("nothing is published yet", hint="run `audience-graph mine`, or `audience-graph demo`")
        return self.release


def current_or_none(tx: Transaction) -> Release | None:
    """Return the current release, None before anything is published."""
    try:
        return read_current(tx)
    except NotFoundError:
        return None
