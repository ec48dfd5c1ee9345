"""Erase users from Postgres: rows by key, ids inside other text, one transaction; then the bytes of what was deleted.

deleted    user_key (the key is never given again), user_profile, consent, suppression, prompt_seed, user_event,
           result_user, user_vector_<space>, user_short_<space>; prompts whose every positive seed was erased
lowered    reach of entities, users of releases: counts of users stay true
    kept       audience_member and export_member, sets in `disclosed`: a number that names nobody any more
marked     ids inside text and JSON: definitions of audiences, notes, reasons, the audit log
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from audience_graph.audit import record
from audience_graph.erase.counts import lower_reach, lower_releases
from audience_graph.erase.likeness import blank_questions
from audience_graph.erase.whom import MARK, Whom, literal
from audience_graph.errors import QueryError
from audience_graph.vectors.profiles import profiles_changed
from audience_graph.vectors.store import Row, Store, Transaction, identifier

_BY_KEY = ("user_event", "result_user", "user_profile", "consent", "suppression", "prompt_seed")
_ORPHANS = ("audience_member", "export_member")
_PER_SPACE = ("user_vector_", "user_short_")
# Hold no text of people, or are read by their own rule.
_UNREAD = frozenset({"alembic_version", "schema_script", "user_key", "erasure", "user_event"})
_SEVERAL = 500  # ids a pattern
_KINDS = ("text", "character varying", "jsonb", "json")
_LEARNED_FROM = """
SELECT DISTINCT p.name FROM prompt p JOIN prompt_seed s ON s.prompt = p.name WHERE s.key = ANY(%(keys)s)
"""
# A tuned prompt without a positive seed is what its erased seeds were.
_BARE_PROMPTS = """
DELETE FROM prompt p WHERE name = ANY(%(names)s)
AND NOT EXISTS (SELECT FROM prompt_seed s WHERE s.prompt = p.name AND s.positive)
"""
_EXPORTS = """
SELECT m.key, e.id, e.destination, e.format, e.made_at FROM export_member m JOIN export e ON e.id = m.export_id
WHERE m.key = ANY(%s) AND m.sent ORDER BY e.id, m.key
"""


@dataclass(slots=True)
class Deleted:
    """What left Postgres: rows by table, texts marked by column, orphaned numbers by table."""

    users: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    marked: dict[str, int] = field(default_factory=dict)
    orphans: dict[str, int] = field(default_factory=dict)
    prompts: list[str] = field(default_factory=list)


def delete_users(tx: Transaction, whom: Whom, *, who: str, because: str) -> Deleted:
    """Delete the rows of users, mark their ids elsewhere, and say so in the audit log, in the caller's transaction.

    Users who are gone already change nothing but texts that name them.
    """
    found = tx.rows("SELECT user_id, key FROM user_key WHERE user_id = ANY(%s)", (list(whom.ids),))
    keys = {row["user_id"]: int(row["key"]) for row in found}
    deleted = Deleted(users=len(keys))
    listed = {"keys": list(keys.values())}
    exports = tx.rows(_EXPORTS, (listed["keys"],))
    for table in _ORPHANS:
        deleted.orphans[table] = _count(tx, table, listed)
    deleted.prompts = [row["name"] for row in tx.rows(_LEARNED_FROM, listed)]
    lower_reach(tx, listed["keys"])
    for table in (*_BY_KEY, *_space_tables(tx)):
        deleted.rows[table] = tx.execute(f"DELETE FROM {table} WHERE key = ANY(%(keys)s)", listed)
    lower_releases(tx, deleted.rows)
    deleted.rows["prompt"] = tx.execute(_BARE_PROMPTS, {"names": deleted.prompts})
    deleted.rows["user_key"] = tx.execute("DELETE FROM user_key WHERE key = ANY(%(keys)s)", listed)
    if keys:
        profiles_changed(tx)
    alone = blank_questions(tx, whom)
    deleted.marked = {"audience_snapshot.questions": alone, **_mark_texts(tx, whom)}
    _record(tx, whom, keys, exports, who=who, because=because)
    return deleted


def touched_tables(deleted: Deleted) -> tuple[str, ...]:
    """Return the tables in which something was deleted or marked."""
    names = {name for name, count in deleted.rows.items() if count}
    return tuple(sorted(names | {name.partition(".")[0] for name, count in deleted.marked.items() if count}))


def all_tables(tx: Transaction) -> tuple[str, ...]:
    """Return all tables that may hold something of a user: what is swept when an erasure was stopped on the way."""
    named = {table for table, _, _ in text_columns(tx)} | {"user_key", "user_event"}
    return tuple(sorted(named | set(_BY_KEY) | set(_space_tables(tx))))


def sweep(store: Store, tables: tuple[str, ...]) -> None:
    """Write tables anew, so that what was deleted is in no file of theirs: a plain VACUUM leaves its bytes in place.

    Readers of a table wait for as long as that takes. Raises StoreError when one is held for more than a minute.
    """
    # last the planner's samples of the columns: the old ones hold ids and texts
    statements = [f"VACUUM (FULL, ANALYZE) {identifier(table)}" for table in tables]
    store.maintain([*statements, "VACUUM (FULL) pg_statistic"])
    try:
        store.maintain(["CHECKPOINT"])
    except QueryError:  # not ours to order: it comes by itself, within checkpoint_timeout
        return


def text_columns(tx: Transaction) -> tuple[tuple[str, str, str], ...]:
    """Return (table, column, type) of every column of text or JSON of our tables."""
    rows = tx.rows(
        "SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c "
        "JOIN information_schema.tables t USING (table_schema, table_name) WHERE c.table_schema = 'public' "
        "AND t.table_type = 'BASE TABLE' AND c.data_type = ANY(%s) ORDER BY 1, 2",
        (list(_KINDS),),
    )
    return tuple(
        (row["table_name"], identifier(row["column_name"]), row["data_type"])
        for row in rows
        if not row["table_name"].startswith("entity_vector_")
    )


def rows_with(tx: Transaction, whom: Whom, table: str, column: str, kind: str) -> Iterator[tuple[str, Any]]:
    """Yield (ctid, value) of the rows whose text or JSON names one of the users. Reads the whole column."""
    # JSON writes quotes and backslashes of an id in its own way
    wanted = [json.dumps(one, ensure_ascii=False)[1:-1] if kind.startswith("json") else one for one in whom.ids]
    for begin in range(0, len(wanted), _SEVERAL):
        rows = tx.rows(
            f"SELECT ctid::text AS place, {column} AS value FROM {identifier(table)} "
            f"WHERE {identifier(column)}::text ~ %s",
            ("|".join(map(literal, wanted[begin : begin + _SEVERAL])),),
        )
        for row in rows:
            value = row["value"]
            if whom.is_in_json(value, name=column) if kind.startswith("json") else whom.is_in(value, name=column):
                yield row["place"], value


def _mark_texts(tx: Transaction, whom: Whom) -> dict[str, int]:
    tx.execute("SET LOCAL audience_graph.redaction = 'on'")
    marked: dict[str, int] = {}
    for table, column, kind in text_columns(tx):
        if table in _UNREAD:
            continue
        mark = MARK if table == "audit_log" else None
        for place, value in dict(rows_with(tx, whom, table, column, kind)).items():
            if kind.startswith("json"):
                new = json.dumps(whom.redact_json(value, name=column, mark=mark), ensure_ascii=False)
            else:
                new = whom.redact(value, name=column, mark=mark)
            tx.execute(f"UPDATE {identifier(table)} SET {column} = %s::{kind} WHERE ctid = %s::tid", (new, place))
            marked[f"{table}.{column}"] = marked.get(f"{table}.{column}", 0) + 1
    objects = _mark_objects(tx, whom)
    if objects:
        marked["audit_log.object"] = marked.get("audit_log.object", 0) + objects
    tx.execute("SET LOCAL audience_graph.redaction = 'off'")
    return marked


def _mark_objects(tx: Transaction, whom: Whom) -> int:
    """Mark lines of the audit log about `user <id>`, however short the id is."""
    objects = [f"user {one}" for one in whom.ids]
    return tx.execute("UPDATE audit_log SET object = %s WHERE object = ANY(%s)", (f"user {MARK}", objects))


def _record(
    tx: Transaction, whom: Whom, keys: Mapping[str, int], exports: list[Row], *, who: str, because: str
) -> None:
    """Add a line for each user who is erased now; one who was erased before, and came back in no store, has one."""
    objects = {f"user {whom.mark(one)}": one for one in whom.ids}
    known = tx.rows("SELECT object FROM audit_log WHERE action = 'erase' AND object = ANY(%s)", (list(objects),))
    told = {row["object"] for row in known}
    reason = whom.redact(because, mark=MARK)
    for about, user in objects.items():
        if user in keys or about not in told:
            sent = [int(row["id"]) for row in exports if row["key"] == keys.get(user)]
            record(tx, who, "erase", about, {"because": reason, "exports": sent})


def exports_of(tx: Transaction, whom: Whom) -> list[dict[str, Any]]:
    """Return the exports that held one of the users when they were erased: nothing of ours reaches those files."""
    rows = tx.rows(
        "SELECT DISTINCT e.id, e.destination, e.format, e.made_at::text AS made_at FROM audit_log l "
        "CROSS JOIN LATERAL jsonb_array_elements_text(l.what -> 'exports') AS x (id) "
        "JOIN export e ON e.id = x.id::bigint WHERE l.action = 'erase' AND l.object = ANY(%s) ORDER BY e.id",
        ([f"user {whom.mark(one)}" for one in whom.ids],),
    )
    return [dict(row) for row in rows]


def _space_tables(tx: Transaction) -> tuple[str, ...]:
    rows = tx.rows("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    return tuple(identifier(row["name"]) for row in rows if row["name"].startswith(_PER_SPACE))


def _count(tx: Transaction, table: str, listed: dict[str, Any]) -> int:
    return int(tx.rows(f"SELECT count(*) AS n FROM {table} WHERE key = ANY(%(keys)s)", listed)[0]["n"])
