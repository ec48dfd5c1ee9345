"""Make a release current: one row in Postgres, no DDL; then the mirror in Neo4j, which anyone may repair."""

from __future__ import annotations

import json

from audience_graph.errors import NotFoundError, ReleaseError, StoreError
from audience_graph.graph.expand import Expander
from audience_graph.graph.expansion import ExpandOptions
from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import Runner
from audience_graph.release.gates import DEFAULT_TERMS, Judgement, Terms, judge_by_current
from audience_graph.release.locks import lock_flip, lock_mirror
from audience_graph.release.progress import Progress, silent
from audience_graph.release.records import Release, read_current, select
from audience_graph.release.records import find as find_release
from audience_graph.vectors.store import Store, Transaction, identifier

REACH_STEP = 10
_REACH_BATCH = 20_000

# One statement: whoever reads sees the old release or the new one. A release whose version is not whole, or whose
# user vectors have moved on to a later release, matches nothing. A version that was staged without a user-text space
# takes over that of the current release when it is first published.
_FLIP = """
WITH chosen AS (
    UPDATE release r SET status = 'published', published_at = coalesce(r.published_at, now()),
        (user_text_space, user_text_as_of) = (
            SELECT coalesce(r.user_text_space, now.user_text_space), coalesce(r.user_text_as_of, now.user_text_as_of)
            FROM (SELECT 1) one LEFT JOIN (SELECT o.* FROM current_release c JOIN release o ON o.id = c.release_id) now
                ON r.published_at IS NULL)
    FROM relation_version v
    WHERE r.id = %(id)s AND v.version = r.relation_version AND v.status = 'staged' AND r.status <> 'retired'
      AND r.id = (SELECT max(id) FROM release
                  WHERE preference_space = r.preference_space AND status <> 'retired')
    RETURNING r.id
), logged AS (
    INSERT INTO publication (release_id, action, reason, gates)
    SELECT id, %(action)s, %(reason)s, %(gates)s::jsonb FROM chosen
)
INSERT INTO current_release (release_id) SELECT id FROM chosen
ON CONFLICT (one) DO UPDATE SET release_id = excluded.release_id, at = now()
"""


def publish(
    runner: Runner,
    store: Store,
    name: str | int | Release,
    *,
    terms: Terms = DEFAULT_TERMS,
    progress: Progress = silent,
) -> Release:
    """Make a release current and return it; publishing the current one again changes nothing.

    A version that is worse than the current one by a gate of the `terms` stays staged, unless they give a reason; that
    is kept with the publication, and so is what the gates said. The first release ever, and another one of the current
    version, pass.

    Raises GateError for a version that is worse, ReleaseError when its version is unfinished or retired, or when the
    graph does not hold all its relations.
    """
    return _make_current(runner, store, _resolve(store, name), terms, progress)


def rollback(
    runner: Runner, store: Store, name: str | int | Release | None = None, *, progress: Progress = silent
) -> Release:
    """Make an older release current and return it; None means the version that was current before this one.

    User vectors are kept for the latest day of a version only: the newest release of that version is taken. Raises
    NotFoundError when nothing older is kept, ReleaseError when the named one is retired or was never published.
    """
    if name is None:
        with store.transaction(read_only=True) as tx:
            target = _previous(tx)
    else:
        target = _resolve(store, name)
        with store.transaction(read_only=True) as tx:
            target = select(tx, _NEWEST, (target.preference_space,))[0]
            if not tx.rows(
                "SELECT FROM release WHERE preference_space = %s AND published_at IS NOT NULL LIMIT 1",
                (target.preference_space,),
            ):
                raise ReleaseError(f"release {target.id} was never published", hint="use `release publish`")
    return _make_current(runner, store, target, None, progress)


def flip(
    tx: Transaction, release_id: int, action: str, *, reason: str | None = None, judged: Judgement | None = None
) -> None:
    """Make a release current inside this transaction. Raises ReleaseError when it may not be."""
    lock_flip(tx)
    gates = None if judged is None else json.dumps(judged.to_dict())
    if tx.execute(_FLIP, {"id": release_id, "action": action, "reason": reason, "gates": gates}) != 1:
        found = select(tx, "WHERE r.id = %s", (release_id,))
        state = found[0].version_status if found else "unknown"
        if found and state == "staged" and found[0].status != "retired":
            raise ReleaseError(
                f"release {release_id}: its user vectors were replaced by a later release of the same version",
                hint="`audience-graph release list` shows the latest one",
            )
        raise ReleaseError(
            f"release {release_id} cannot be published: its version is {state}", hint="stage the run again"
        )


def repair_mirror(runner: Runner, store: Store) -> bool:
    """Let the mirror in Neo4j name the current release; return whether it was behind. Safe from any client."""
    with store.transaction() as tx:
        try:
            now = read_current(tx)
        except NotFoundError:
            return False
        if _mirrors(runner, now):
            return False
        lock_mirror(tx)
        now = read_current(tx)
        if _mirrors(runner, now):
            return False
        # a publisher that was killed before its mirror left its version unmarked
        runner.write(load_query("releases/mark_published"), {"versions": _once_published(tx)})
        written = runner.write(load_query("releases/write_mirror"), {"release_id": now.id, "version": now.version})
        if not written:
            raise ReleaseError(
                f"Neo4j does not know version {now.version}, which is current in Postgres",
                hint="the two stores are not of the same installation: check NEO4J_URI and DATABASE_URL",
            )
    return True


def write_reach(runner: Runner, store: Store, release: Release) -> int:
    """Bring the graph's rounded reach to the users of this release; return the number of entities changed.

    The exact numbers stay in Postgres: differences of rounded ones tell nothing about a single user.
    """
    table = identifier(f"entity_vector_{release.preference_space}")
    with store.transaction(read_only=True) as tx:
        rows = tx.rows(f"SELECT entity_id, (reach + %(half)s) / %(step)s * %(step)s AS reach FROM {table}", _STEP)
    before = runner.read(load_query("releases/read_reach"))[0]
    old = dict(zip(before["ids"], before["reach"], strict=True))
    new = {row["entity_id"]: int(row["reach"]) for row in rows}
    moved = {i: n for i, n in new.items() if old.get(i, 0) != n} | {i: 0 for i in old if i not in new}
    ids = sorted(moved)
    for start in range(0, len(ids), _REACH_BATCH):
        part = ids[start : start + _REACH_BATCH]
        runner.write(load_query("releases/write_reach"), {"ids": part, "reach": [moved[i] for i in part]})
    return len(ids)


_NEWEST = "WHERE r.preference_space = %s ORDER BY (r.status = 'retired'), r.id DESC LIMIT 1"
_STEP = {"step": REACH_STEP, "half": REACH_STEP // 2}


def _resolve(store: Store, name: str | int | Release) -> Release:
    return name if isinstance(name, Release) else find_release(store, name)


def _make_current(runner: Runner, store: Store, release: Release, terms: Terms | None, progress: Progress) -> Release:
    """Publish a release on these terms, or, without any, roll back to it."""
    with store.transaction(read_only=True) as tx:
        found = select(tx, "WHERE r.id = %s", (release.id,))
        if found and found[0].status != "current" and terms is not None:
            judge_by_current(tx, found[0], terms)  # before anything is projected; the word that counts is said below
    if found and found[0].status != "current":
        _require_whole(runner, found[0])
        progress("projection", 0, 1)
        _warm(runner, found[0])
        progress("projection", 1, 1)
        with store.transaction() as tx:
            if terms is None:
                flip(tx, release.id, "rollback")
            else:
                lock_flip(tx)  # nobody makes another version current between the gates and the flip
                judged = judge_by_current(tx, found[0], terms)
                flip(tx, release.id, "publish", reason=terms.reason, judged=judged)
    repair_mirror(runner, store)
    write_reach(runner, store, release)
    with store.transaction(read_only=True) as tx:
        return select(tx, "WHERE r.id = %s", (release.id,))[0]


def _require_whole(runner: Runner, release: Release) -> None:
    if release.version_status != "staged":
        raise ReleaseError(
            f"version {release.version} is {release.version_status}: it cannot be published",
            hint="stage its run again, and publish it then",
        )
    count = load_query("relations/count_version").at_version(release.relation_type)
    held = runner.read(count, {"relation_type": release.relation_type})[0]["relations"]
    if held != release.counts["relations"]:
        raise ReleaseError(
            f"version {release.version}: the graph holds {held:,} of {release.counts['relations']:,} relations",
            hint=f"`audience-graph release retire {release.version}`, then stage its run again",
        )


def _warm(runner: Runner, release: Release) -> None:
    """Project the version before anyone reads it. Without our procedures, or memory, the first reader pays."""
    expander = Expander(runner)
    try:
        if expander.installed():
            seed = runner.read(load_query("releases/any_source").at_version(release.relation_type))
            for row in seed:
                expander.expand(release.ref, [row["id"]], ExpandOptions(hops=1, limit=1), door="procedure")
    except StoreError:
        return


def _mirrors(runner: Runner, release: Release) -> bool:
    rows = runner.read(load_query("releases/read_mirror"))
    return [(row["release_id"], row["version"]) for row in rows] == [(release.id, release.version)]


def _once_published(tx: Transaction) -> list[str]:
    rows = tx.rows(
        "SELECT DISTINCT v.version FROM relation_version v JOIN release r ON r.relation_version = v.version "
        "WHERE v.status = 'staged' AND r.published_at IS NOT NULL ORDER BY 1"
    )
    return [row["version"] for row in rows]


def _previous(tx: Transaction) -> Release:
    now = read_current(tx)
    found = select(
        tx,
        "JOIN publication p ON p.release_id = r.id WHERE r.preference_space <> %s AND v.status = 'staged' "
        "ORDER BY p.id DESC LIMIT 1",
        (now.preference_space,),
    )
    if not found:
        raise NotFoundError(f"no version older than {now.version} is kept", hint="`audience-graph release list`")
    return select(tx, _NEWEST, (found[0].preference_space,))[0]
