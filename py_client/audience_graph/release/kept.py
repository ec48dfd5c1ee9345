"""What a reader holds on to: a version is whole while it is read, or the reader hears that it was retired."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from audience_graph.errors import NotFoundError, ReleaseError, StoreError
from audience_graph.vectors.store import Store

_GONE = """
SELECT version FROM relation_version
WHERE status IN ('retiring', 'retired') AND (version = ANY(%(names)s) OR relation_type = ANY(%(names)s)) ORDER BY 1
"""


@contextmanager
def kept(store: Store) -> Iterator[list[str]]:
    """Yield a list for the versions (or relationship types) that are read inside; raise ReleaseError if one went away.

    Neo4j is read outside the snapshot of Postgres, and a snapshot does not keep a dropped table: what was read of a
    version that was retired meanwhile may be half of it, or an error that tells nothing.
    """
    names: list[str] = []
    try:
        yield names
    except (NotFoundError, StoreError) as exc:
        _require(store, names, exc)
        raise
    _require(store, names, None)


def _require(store: Store, names: Sequence[str], cause: Exception | None) -> None:
    if not names:
        return
    with store.transaction(read_only=True) as tx:
        gone = tx.rows(_GONE, {"names": list(names)})
    if gone:
        raise ReleaseError(
            f"version {gone[0]['version']} was retired",
            hint="ask for a week that is kept: `audience-graph release list` shows them",
        ) from cause
