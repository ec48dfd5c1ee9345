"""Postgres advisory locks of releases: freed when the process that holds one ends, however it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from audience_graph.errors import ReleaseError
from audience_graph.vectors.idle import allow_idling
from audience_graph.vectors.store import Store, Transaction

_FLIP = int.from_bytes(b"agflip", "big")
_MIRROR = int.from_bytes(b"agmirror", "big")


@contextmanager
def version_locked(store: Store, version: str, *, wait: bool) -> Iterator[None]:
    """Hold the lock of one version while it is staged or retired. Without `wait` ReleaseError when it is taken."""
    with store.transaction() as tx:
        allow_idling(tx)
        key = f"audience-graph version {version}"
        if wait:
            tx.rows("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (key,))
        elif not tx.rows("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0)) AS got", (key,))[0]["got"]:
            raise ReleaseError(f"version {version} is being staged or retired", hint="try again when that has ended")
        yield


def lock_flip(tx: Transaction) -> None:
    """Serialise what decides which release is current, or may no longer be, until this transaction ends."""
    tx.rows("SELECT pg_advisory_xact_lock(%s)", (_FLIP,))


def lock_mirror(tx: Transaction) -> None:
    """Serialise writers of the mirror in Neo4j until this transaction ends."""
    tx.rows("SELECT pg_advisory_xact_lock(%s)", (_MIRROR,))
