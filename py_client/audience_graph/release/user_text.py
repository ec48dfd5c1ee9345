"""User-text spaces in releases: stage the users of a model, publish it, bring its users to a later day, retire it.

A new model is a new space. Publishing it makes a later release of the current version, in one transaction; a version
that is published afterwards takes it over. Staged spaces can be asked by name, beside the current one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import pyarrow as pa

from audience_graph.config import Home
from audience_graph.erased import without_erased
from audience_graph.errors import NotFoundError, ReleaseError
from audience_graph.graph.runner import Runner
from audience_graph.release.later import publish_later
from audience_graph.release.locks import lock_flip
from audience_graph.release.publish import repair_mirror
from audience_graph.release.records import Release, read_current
from audience_graph.user_text.space import Floats, SentenceMap, TextSpace, count_users, read_space
from audience_graph.user_text.write import Embed, Updated, drop_space, move_to, open_space, update_users
from audience_graph.vectors.idle import allow_idling
from audience_graph.vectors.store import Store, Transaction

MOST_DROPPED = 0.5  # share of the users with a vector that one day may take it from


@dataclass(frozen=True, slots=True)
class RefreshedText:
    """The release that is current now; users computed, users who lost their vector, users with one."""

    release: Release
    updated: Updated


def stage_user_text(
    store: Store,
    space: TextSpace,
    sentences: SentenceMap,
    users: pa.Table,
    embed: Embed,
    *,
    entities: Mapping[str, Floats] | None = None,
    home: Home | None = None,
) -> tuple[TextSpace, Updated]:
    """Write the vectors of users (user_id, fingerprint) into a space of their own, in one transaction.

    `entities` are the vectors that sentences take from the entities they name, where the map has `entity_dims`. The
    same model and users again compute nothing. Nothing is published. Erased users are left out; `home` holds the key
    that knows them (ConfigError when it is missing). Raises ReleaseError when the space is that of the
    current release and the day would change: `refresh_user_text` does that.
    """
    with store.transaction() as tx:
        allow_idling(tx)
        lock_flip(tx)
        if _in_use(tx, space.space) not in (None, space.as_of):
            raise ReleaseError(f"space {space.space} is published", hint="`audience-graph users refresh`")
        open_space(tx, space, sentences, entities)
        updated = update_users(tx, space.space, _staying(tx, home, users), embed)
        move_to(tx, space.space, space.as_of)
        return read_space(tx, space.space), updated


def publish_user_text(runner: Runner, store: Store, name: str) -> Release:
    """Make a space, named by itself or its run, that of the current release: a later release of the same version.

    Publishing it again changes nothing. Raises NotFoundError for an unknown space, or before anything is published;
    ReleaseError for one without users.
    """
    with store.transaction() as tx:
        lock_flip(tx)
        now, space = read_current(tx), read_space(tx, name)
        if count_users(tx, space.space) == 0:
            raise ReleaseError(f"space {space.space} holds no users", hint="`audience-graph users stage` its run")
        release = now
        if (now.user_text_space, now.user_text_as_of) != (space.space, space.as_of):
            release = _publish(tx, now, space.space, space.as_of)
    repair_mirror(runner, store)
    return release


def refresh_user_text(
    runner: Runner,
    store: Store,
    users: pa.Table,
    embed: Embed,
    *,
    space: str,
    as_of: date,
    force: bool = False,
    home: Home | None = None,
) -> RefreshedText:
    """Bring the current user-text space to a later day, and publish that, in one transaction.

    Raises ReleaseError when `space` is not the current one any more, for a day before its own, and, unless `force`,
    when more than half of the users would lose their vector; nothing is written then. Erased users as in staging.
    """
    with store.transaction() as tx:
        allow_idling(tx)
        lock_flip(tx)
        now = read_current(tx)
        if now.user_text_space != space:
            raise ReleaseError(f"space {space} is not current any more", hint="refresh again")
        before = read_space(tx, space)
        users_before = count_users(tx, space)
        if as_of < before.as_of:
            raise ReleaseError(f"user vectors are of {before.as_of}: they do not go back to {as_of}")
        updated = update_users(tx, space, _staying(tx, home, users), embed)
        if not force and (updated.users == 0 or updated.dropped > users_before * MOST_DROPPED):
            raise ReleaseError(
                f"{updated.users:,} of {users_before:,} users would keep a vector",
                hint="load the missing events, or publish it all the same with --force",
            )
        release = now
        if updated.recomputed or updated.dropped or as_of != now.user_text_as_of:
            move_to(tx, space, as_of)
            release = _publish(tx, now, space, as_of)
    repair_mirror(runner, store)
    return RefreshedText(release, updated)


def retire_user_text(store: Store, name: str) -> TextSpace:
    """Drop a space with its encoder and prompts. Raises ReleaseError while a release that can be read names it."""
    with store.transaction() as tx:
        lock_flip(tx)
        space = read_space(tx, name)
        used = tx.rows(
            "SELECT max(r.id) AS id FROM release r JOIN relation_version v ON v.version = r.relation_version "
            "WHERE v.status = 'staged' AND r.status <> 'retired' AND r.user_text_space = %(space)s AND r.id = ("
            "SELECT max(o.id) FROM release o WHERE o.preference_space = r.preference_space AND o.status <> 'retired')",
            {"space": space.space},
        )[0]["id"]
        if used is not None:
            raise ReleaseError(
                f"space {space.space} belongs to release {used}", hint="publish another space, or retire the version"
            )
        drop_space(tx, space.space)
        return space


def _staying(tx: Transaction, home: Home | None, users: pa.Table) -> pa.Table:
    return users.filter(pa.array(without_erased(tx, home, users["user_id"].to_pylist())))


def _publish(tx: Transaction, now: Release, space: str, as_of: date) -> Release:
    row = tx.rows("SELECT content_key FROM release WHERE id = %s", (now.id,))[0]
    plain = "/".join(row["content_key"].split("/")[:3])  # version, day, sequences
    return publish_later(
        tx, replace(now, user_text_space=space, user_text_as_of=as_of), f"{plain}/{space}/{as_of.isoformat()}"
    )


def _in_use(tx: Transaction, space: str) -> date | None:
    try:
        now = read_current(tx)
    except NotFoundError:
        return None
    return now.user_text_as_of if now.user_text_space == space else None
