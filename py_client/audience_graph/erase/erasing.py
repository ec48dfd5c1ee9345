"""Erase users from every store, in an order that can be repeated from any point until nothing is left.

    1  keyed hashes, in a transaction of their own: from here on no load, no staging and no refresh brings them back
    2  Postgres: rows, marks and the line of the audit log, in one transaction
    3  files of the home
    4  Postgres: tables are written anew, so that no deleted byte stays in their files
    5  the proof; without a trace the hashes are marked as done

Killed anywhere and run again it goes on; run again after that, it changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from audience_graph.audit import find_actor
from audience_graph.config import Home
from audience_graph.erase.answer import Erasure, Exported
from audience_graph.erase.files import Gone, erase_files, runs_on_the_way, trained
from audience_graph.erase.postgres import Deleted, all_tables, delete_users, exports_of, sweep, touched_tables
from audience_graph.erase.proof import Proof, prove
from audience_graph.erase.whom import Whom
from audience_graph.erased import Erased, ErasureKey, lock_erasure, make_key, read_erased_of, read_list, write_list
from audience_graph.errors import ConfigError
from audience_graph.graph.runner import Runner
from audience_graph.request import current_or_none
from audience_graph.vectors.store import Store

Progress = Callable[[str, int, int], None]


def silent(step: str, done: int, total: int) -> None:
    """Show nothing."""


def erase_users(
    runner: Runner,
    store: Store,
    home: Home,
    user_ids: str | Sequence[str],
    *,
    because: str,
    who: str | None = None,
    progress: Progress = silent,
) -> Erasure:
    """Erase users from both databases and the files of a home, and prove it. The reason is kept in the audit log.

    Users who are not known are kept out all the same. Raises ConfigError for ids that cannot be, an empty reason, or
    when users were erased before with a key that is not here; StoreError when a table is held by another session for
    longer than a minute: erasing again goes on.
    """
    from audience_graph.schema import require_table_schema  # here, because its libraries are slow to import

    start = time.monotonic()
    if not isinstance(because, str) or not because.strip():
        raise ConfigError("an erasure needs a reason", hint="because='request of 3 May'")
    require_table_schema(store)
    before = read_erased_of(store, home)
    whom = Whom.of(user_ids, make_key(home) if before is None else before.key)
    actor = find_actor() if who is None else who
    again = _keep_hashes(store, home, whom, actor)
    progress("kept out from now on", 1, 1)
    with store.transaction() as tx:
        deleted = delete_users(tx, whom, who=actor, because=because)
        tables = all_tables(tx) if again else touched_tables(deleted)
    progress("rows of Postgres", 1, 1)
    gone = erase_files(home, whom, again=again)
    progress("files", 1, 1)
    sweep(store, tables)
    progress("tables written anew", 1, 1)
    proof = prove(runner, store, home, whom, gone.written.texts)
    if not proof.traces:
        _mark_done(store, whom)
    progress("proof", 1, 1)
    return _answer(store, home, whom, deleted, gone, proof, time.monotonic() - start)


def _keep_hashes(store: Store, home: Home, whom: Whom, who: str) -> bool:
    """Keep the hashes in Postgres and in the home; tell whether an erasure before this one was not finished."""
    with store.transaction() as tx:
        lock_erasure(tx)
        _require_key(tx.rows("SELECT DISTINCT key_print FROM erasure"), whom.key)
        again = bool(tx.rows("SELECT FROM erasure WHERE done_at IS NULL LIMIT 1"))
        tx.execute(
            "INSERT INTO erasure (id_hash, key_print, made_by) SELECT h, %s, %s FROM unnest(%s::bytea[]) AS h "
            "ON CONFLICT (id_hash) DO NOTHING",
            (whom.key.print, who, list(whom.hashes.values())),
        )
        kept = frozenset(bytes(row["id_hash"]) for row in tx.rows("SELECT id_hash FROM erasure"))
        listed = read_list(home)
        write_list(home, Erased(whom.key, kept | (listed.hashes if listed is not None else frozenset())))
    return again


def _require_key(rows: list[dict[str, Any]], key: ErasureKey) -> None:
    if any(row["key_print"] != key.print for row in rows):
        raise ConfigError("users were erased with another key meanwhile", hint="erase again with that one")


def _mark_done(store: Store, whom: Whom) -> None:
    with store.transaction() as tx:
        tx.execute("UPDATE erasure SET done_at = now() WHERE id_hash = ANY(%s)", (list(whom.hashes.values()),))


def _answer(
    store: Store, home: Home, whom: Whom, deleted: Deleted, gone: Gone, proof: Proof, seconds: float
) -> Erasure:
    with store.transaction(read_only=True) as tx:
        now = current_or_none(tx)
        exports = tuple(
            Exported(row["id"], row["destination"], row["format"], row["made_at"]) for row in exports_of(tx, whom)
        )
    source = now.source if now is not None else {"release": None, "version": None, "week": None}
    removed = {**deleted.rows, **deleted.marked, **gone.rows}
    learned = (*trained(home), *(f"prompt {name}" for name in deleted.prompts))
    return Erasure(
        **source,
        users=len(whom.ids),
        known=deleted.users,
        removed={place: count for place, count in removed.items() if count},
        orphans=deleted.orphans,
        exports=exports,
        learned=learned,
        running=tuple(runs_on_the_way(home)),
        rotating=proof.rotating,
        traces=proof.traces,
        columns=proof.columns,
        files=proof.files,
        seconds=round(seconds, 1),
    )
