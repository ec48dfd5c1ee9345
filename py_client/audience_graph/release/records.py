"""What Postgres knows of releases: the truth about which is current and which are kept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from audience_graph.errors import NotFoundError
from audience_graph.graph.expansion import VersionRef
from audience_graph.vectors.store import Store, Transaction
from audience_graph.vectors.window import Window

_SELECT = """
SELECT r.id, r.relation_version AS version, v.week, v.relation_type, r.preference_space, r.preference_as_of,
       s.days AS preference_days, r.user_text_space, r.user_text_as_of,
       CASE WHEN c.release_id IS NOT NULL THEN 'current' WHEN v.status = 'retiring' THEN 'retiring' ELSE r.status END
       AS status, v.status AS version_status,
       v.content_hash, v.counts || jsonb_build_object('users', r.users) AS counts, v.metrics, v.run_id,
       r.created_at, r.published_at, told.reason, told.gates
FROM release r JOIN relation_version v ON v.version = r.relation_version
JOIN space s ON s.space = r.preference_space
LEFT JOIN current_release c ON c.release_id = r.id
LEFT JOIN LATERAL (SELECT p.reason, p.gates FROM publication p JOIN release o ON o.id = p.release_id
                   WHERE o.relation_version = r.relation_version AND (p.gates IS NOT NULL OR p.reason IS NOT NULL)
                   ORDER BY p.id DESC LIMIT 1) told ON true
"""


@dataclass(frozen=True, slots=True)
class Release:
    """One consistent (relation version, preference space, user-text space).

    `status` is staged, published (was current once), current, retiring (being deleted) or retired; `version_status` is
    that of its relation version. User vectors are made of the `preference_days` days that end with
    `preference_as_of`: 30 unless the run was mined with another window. Vectors of the user-text space, where there is
    one, are made of each user's last events up to `user_text_as_of`. `counts` holds relations, entities, sources
    (entities with a relation of their own), users. `gates` is what the gates said when its version was last published
    (None: it was compared with nothing), `reason` why it was forced past them.
    """

    id: int
    version: str
    week: str
    relation_type: str
    preference_space: str
    preference_as_of: date
    preference_days: int
    user_text_space: str | None
    status: str
    version_status: str
    content_hash: str
    counts: dict[str, int]
    metrics: dict[str, Any]
    run_id: str
    created_at: datetime
    published_at: datetime | None
    reason: str | None = None
    user_text_as_of: date | None = None
    gates: dict[str, Any] | None = None

    @property
    def window(self) -> Window:
        """The days whose events its user vectors are made of."""
        return Window(self.preference_as_of, self.preference_days)

    @property
    def source(self) -> dict[str, Any]:
        """What an answer says of the release that it was read from."""
        return {"release": self.id, "version": self.version, "week": self.week}

    @property
    def ref(self) -> VersionRef:
        """Its relation version, as expansion takes it."""
        return VersionRef(version=self.version, week=self.week, relation_type=self.relation_type)


def select(tx: Transaction, where: str, parameters: tuple[Any, ...] = ()) -> list[Release]:
    """Return releases by a condition and order of our own; values travel as parameters."""
    return [Release(**row) for row in tx.rows(f"{_SELECT} {where}", parameters)]


def read_current(tx: Transaction) -> Release:
    """Return the current release inside a transaction (REPEATABLE READ keeps a request on it).

    Raises NotFoundError before anything was published.
    """
    found = select(tx, "WHERE c.release_id IS NOT NULL")
    if not found:
        raise NotFoundError(
            "nothing is published yet", hint="run `audience-graph demo`, or `audience-graph mine --publish`"
        )
    return found[0]


def read_version_of(tx: Transaction, week: str | None) -> Release:
    """Return the release to read for a week: the current one for None or for its own week.

    For another week: the newest release of the version that was staged last among those once published. Raises
    NotFoundError when no published version of that week is kept.
    """
    now = read_current(tx)
    if week is None or week == now.week:
        return now
    found = select(
        tx,
        "WHERE v.week = %s AND v.status = 'staged' AND r.published_at IS NOT NULL "
        "ORDER BY v.created_at DESC, v.version DESC, r.id DESC LIMIT 1",
        (week,),
    )
    if not found:
        kept = tx.rows(
            "SELECT DISTINCT v.week FROM relation_version v JOIN release r ON r.relation_version = v.version "
            "WHERE v.status = 'staged' AND r.published_at IS NOT NULL ORDER BY 1"
        )
        raise NotFoundError(
            f"no release of week {week} is kept", hint=f"kept weeks: {', '.join(row['week'] for row in kept)}"
        )
    return found[0]


def current(store: Store) -> Release:
    """Return the current release. Raises NotFoundError before anything was published."""
    with store.transaction(read_only=True) as tx:
        return read_current(tx)


def version_of(store: Store, week: str | None = None) -> Release:
    """Return the release to read for a week (None = the current one); see `read_version_of`."""
    with store.transaction(read_only=True) as tx:
        return read_version_of(tx, week)


def list_releases(store: Store) -> tuple[Release, ...]:
    """Return all releases, newest first; retired ones too."""
    with store.transaction(read_only=True) as tx:
        return tuple(select(tx, "ORDER BY r.id DESC"))


def find(store: Store, name: str | int) -> Release:
    """Return the newest release that `name` means: its number, its version, a version's hash, or a week.

    A week means the version of it that was published last, else the one staged last. Raises NotFoundError.
    """
    text = str(name)
    newest = "ORDER BY (r.status = 'retired'), r.published_at DESC NULLS LAST, r.id DESC LIMIT 1"
    with store.transaction(read_only=True) as tx:
        if re.fullmatch(r"\d{1,18}", text) and (found := select(tx, "WHERE r.id = %s", (int(text),))):
            return found[0]
        found = select(tx, f"WHERE r.relation_version = %s OR right(r.relation_version, 8) = %s {newest}", (text, text))
        found = found or select(tx, f"WHERE v.week = %s {newest}", (text,))
    if not found:
        raise NotFoundError(f"no release, version or week {text!r}", hint="`audience-graph release list` shows them")
    return found[0]
