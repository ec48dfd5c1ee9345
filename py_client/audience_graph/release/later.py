"""Publish a later release of the current version: other user vectors, the same relations."""

from __future__ import annotations

from audience_graph.release.publish import flip
from audience_graph.release.records import Release, select
from audience_graph.vectors.store import Transaction


def publish_later(tx: Transaction, release: Release, key: str) -> Release:
    """Insert a release like this one (its id and status are not read) with a content key, and make it current.

    The caller holds the lock of the flip; all of it commits with the caller's transaction.
    """
    # The same content may return (a late event that was withdrawn): a new release then.
    tx.execute("UPDATE release SET content_key = content_key || '/' || id WHERE content_key = %s", (key,))
    row = tx.rows(
        "INSERT INTO release (relation_version, preference_space, preference_as_of, user_text_space, user_text_as_of, "
        "content_key, users) VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id",
        (
            release.version,
            release.preference_space,
            release.preference_as_of,
            release.user_text_space,
            release.user_text_as_of,
            key,
            release.counts["users"],
        ),
    )[0]
    flip(tx, row["id"], "refresh")
    return select(tx, "WHERE r.id = %s", (row["id"],))[0]
