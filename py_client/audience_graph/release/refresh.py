"""The daily preference run: user vectors of the current version for a new day, published with them.

Changed vectors, the events behind them, the new release and the flip commit together: a reader of an open
REPEATABLE READ transaction keeps yesterday's, everyone else sees today's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

from audience_graph.config import Home
from audience_graph.erased import read_erased
from audience_graph.errors import ReleaseError
from audience_graph.graph.runner import Runner
from audience_graph.preferences import open_sequences, update_space
from audience_graph.preferences.build import Updated
from audience_graph.preferences.sequences import texts_of
from audience_graph.preferences.vectors import Vectors
from audience_graph.release.later import publish_later
from audience_graph.release.locks import lock_flip
from audience_graph.release.publish import repair_mirror, write_reach
from audience_graph.release.records import Release, read_current
from audience_graph.release.stage import release_key
from audience_graph.vectors.idle import allow_idling
from audience_graph.vectors.store import Store, Transaction, identifier
from audience_graph.vectors.window import Window

_SAME = "SELECT FROM release WHERE id = %s AND (content_key = %s OR starts_with(content_key, %s || '/'))"
MOST_DROPPED = 0.5  # share of the users with a vector that one day may take it from


@dataclass(frozen=True, slots=True)
class Refreshed:
    """The release that is current now; users computed, users who lost their vector, users with one."""

    release: Release
    recomputed: int
    dropped: int
    users: int


def refresh(
    runner: Runner,
    store: Store,
    sequences: Path | pa.Table,
    as_of: date,
    *,
    warehouse: Path | None = None,
    home: Home | None = None,
    days: int | None = None,
    force: bool = False,
) -> Refreshed:
    """Bring the current release's user vectors to its window that ends with `as_of`, and publish that.

    The window is as long as when the release was staged (30 days by default). `sequences` holds all of it in long form
    (user_id, entity_id, event_id, time, channel); `days` says how long theirs is, None = as long. Only users whose
    sequence changed are computed; one without any event left loses the vector. Erased users are left out; `home` holds
    the key that knows them (ConfigError when it is missing). The result equals a build from
    nothing. The same day and sequences again change nothing. Raises ReleaseError for a day before the current one, for
    sequences of another length than the window, and, unless `force`, when more than half of the users with a vector
    would lose it or none would be left; nothing is written then.
    """
    with store.transaction() as tx:
        allow_idling(tx)  # while the sequences are read
        lock_flip(tx)
        now = read_current(tx)
        if as_of < now.preference_as_of:
            raise ReleaseError(f"user vectors are of {now.preference_as_of}: they do not go back to {as_of}")
        if days is not None and days != now.preference_days:
            raise ReleaseError(
                f"sequences of {days} days for release {now.id}, whose window has {now.preference_days}",
                hint="another release was published meanwhile: refresh again",
            )
        entity_ids, vectors = _entities(tx, now.preference_space)
        with open_sequences(sequences, entity_ids, read_erased(tx, home)) as found:
            key = release_key(now.version, as_of.isoformat(), found.fingerprint())
            if tx.rows(_SAME, (now.id, key, key)):
                result = Refreshed(now, 0, 0, now.counts["users"])
            else:
                space, window = now.preference_space, Window(as_of, now.preference_days)
                updated = update_space(tx, space, entity_ids, vectors, found, texts_of(warehouse), window)
                if not force:
                    _require_users(now, updated, as_of)
                tx.execute("UPDATE space SET as_of = %s WHERE space = %s", (as_of, space))
                later = replace(now, preference_as_of=as_of, counts={**now.counts, "users": updated.users})
                release = publish_later(tx, later, key)
                result = Refreshed(release, updated.recomputed, updated.dropped, updated.users)
    repair_mirror(runner, store)
    write_reach(runner, store, result.release)
    return result


def _require_users(now: Release, updated: Updated, as_of: date) -> None:
    """Vectors that are dropped do not come back before the next version: what looks like missing data is refused."""
    before = now.counts["users"]
    if updated.users and updated.dropped <= before * MOST_DROPPED:
        return
    raise ReleaseError(
        f"the {now.preference_days} days to {as_of} would leave {updated.users:,} of {before:,} users with a vector",
        hint="load the missing events or name another day with --as-of; --force publishes it all the same",
    )


def _entities(tx: Transaction, space: str) -> tuple[list[str], Vectors]:
    rows = tx.rows(f"SELECT entity_id, vector FROM {identifier(f'entity_vector_{space}')} ORDER BY entity_id")
    vectors = np.array([row["vector"].to_numpy() for row in rows], dtype=np.float32)
    return [row["entity_id"] for row in rows], vectors
