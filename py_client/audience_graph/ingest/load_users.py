"""Load a file of users into Postgres: keys, what is known of each and since when, consent by purpose."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from audience_graph.config import Home
from audience_graph.erased import read_erased
from audience_graph.ingest.contract import CONSENT, USERS, Kind
from audience_graph.ingest.leave_out import leave_out, told
from audience_graph.ingest.reading import LoadOptions, Reading, reading
from audience_graph.ingest.report import LoadReport
from audience_graph.vectors.profiles import profiles_changed
from audience_graph.vectors.store import Store, Transaction

# Stored where a file does not say since when something is known: it counts as known from the start.
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
_FETCH = 10_000


def load_users(
    path: str | os.PathLike[str], *, store: Store, options: LoadOptions = LoadOptions(), home: Home | None = None
) -> LoadReport:
    """Check a file of users and write the new and the changed rows to Postgres, in one transaction.

    A row is known by user_id and as_of. Columns `consent_<purpose>` hold flags, an empty one says nothing. Of the
    other columns, one that holds only numbers is stored as numbers, one of true and false as flags, any other as
    text. Rows of erased users are left out; `home` holds the key that knows them. Raises InputError before anything is
    written, unless bad rows go to `options.reject_to`; MigrationError when the schema is not there; ConfigError when
    users were erased and the key is missing.
    """
    from audience_graph.schema import require_table_schema  # here, because its libraries are slow to import

    start = time.monotonic()
    require_table_schema(store)
    with reading(path, USERS, options) as found, store.transaction(vectors=False, read_only=options.dry_run) as tx:
        erased = leave_out(found, read_erased(tx, home))
        repeats = _refuse_repeats(found)
        found.rejects.raise_if_any(found.source.name, USERS.what)
        written = _count_changes(tx, found) if options.dry_run else _write(tx, found)
        rejected = found.rejects.rows
    return LoadReport(
        what=USERS.what,
        file=found.source.name,
        read=found.read,
        written=written,
        unchanged=found.read - rejected - written - erased,
        rejected=rejected,
        seconds=time.monotonic() - start,
        notes=(*found.notes, *([f"{repeats:,} rows repeat an earlier row"] if repeats else []), *told(erased)),
        dry_run=options.dry_run,
        erased=erased,
    )


def _as_of(found: Reading) -> str:
    return found.checked.cells.get("as_of", "NULL::TIMESTAMPTZ")


def _refuse_repeats(found: Reading) -> int:
    """Leave one row for each (user_id, as_of); refuse a second one with other content; count the same ones."""
    db, cells = found.checked.db, found.checked.cells
    content = f"md5(to_json(struct_pack({', '.join(f'{cell} := {cell}' for cell in cells.values())})))"
    again = db.execute(
        f"SELECT row, {cells['user_id']}, {content} AS content, first(row) OVER same AS first_row, "
        f"first({content}) OVER same AS first_content FROM good "
        f"WINDOW same AS (PARTITION BY {cells['user_id']}, {_as_of(found)} ORDER BY row) "
        "QUALIFY row <> first_row ORDER BY row"
    ).fetchall()
    repeats = [(row,) for row, _, own, _, first in again if own == first]
    for row, user, own, first_row, first in again:
        if own != first:
            wanted = f"one row for a user and as_of (row {first_row} has them), or the same content"
            found.refuse(row, "user_id", wanted, f"{user!r} again with other content")
    if repeats:
        db.executemany("DELETE FROM good WHERE row = ?", repeats)
    return len(repeats)


def _typed_columns(found: Reading) -> list[tuple[str, str]]:
    """Return the open columns with the SQL of their value: a number or flag where all of the column are."""
    db, typed = found.checked.db, []
    for column in found.plan.columns:
        if column.kind is not Kind.ANY:
            continue
        name = found.checked.cells[column.name]
        # A leading zero or plus is part of a code, not of a number.
        number = f"regexp_full_match({name}, '-?(0|[1-9]\\d{{0,14}})(\\.\\d+)?([eE][+-]?\\d{{1,2}})?')"
        row = db.execute(
            f"SELECT count({name}), count(*) FILTER ({number}), count(*) FILTER ({name} IN ('true', 'false')) FROM good"
        ).fetchone()
        assert row is not None
        filled, numbers, flags = row
        if filled and numbers == filled:
            typed.append((column.name, f"{name}::DOUBLE"))
        elif filled and flags == filled:
            typed.append((column.name, f"{name}::BOOLEAN"))
        else:
            typed.append((column.name, name))
    return typed


def _rows(found: Reading) -> Iterator[tuple[str, datetime, str, list[tuple[str, bool]]]]:
    """Yield (user_id, as_of, columns as JSON text, consent) of each user row."""
    columns, cells = _typed_columns(found), found.checked.cells
    purposes = [c.name for c in found.plan.columns if c.name.startswith(CONSENT)]
    listed = [_as_of(found), *(sql for _, sql in columns), *(cells[p] for p in purposes)]
    cursor = found.checked.db.execute(f"SELECT {cells['user_id']}, {', '.join(listed)} FROM good ORDER BY row")
    while rows := cursor.fetchmany(_FETCH):
        for user, as_of, *values in rows:
            named = zip((name for name, _ in columns), values, strict=False)
            known = {name: _plain(value) for name, value in named if value is not None}
            granted = zip(purposes, values[len(columns) :], strict=True)
            consent = [(p.removeprefix(CONSENT), value) for p, value in granted if value is not None]
            yield user, as_of or ALWAYS, json.dumps(known, ensure_ascii=False, sort_keys=True), consent


def _plain(value: Any) -> Any:
    if isinstance(value, float) and math.isfinite(value) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


_CHANGES = """
SELECT given.user_id, given.as_of
FROM given_user AS given
LEFT JOIN user_key USING (user_id)
LEFT JOIN user_profile AS stored ON stored.key = user_key.key AND stored.as_of = given.as_of
WHERE stored.columns IS DISTINCT FROM given.columns
UNION
SELECT given.user_id, given.as_of
FROM given_consent AS given
LEFT JOIN user_key USING (user_id)
LEFT JOIN consent AS stored
    ON stored.key = user_key.key AND stored.purpose = given.purpose AND stored.as_of = given.as_of
WHERE stored.granted IS DISTINCT FROM given.granted
"""

# The row that filters over columns read: the newest one that is not of the future. Two statements, because a unique
# index holds at every moment: first no row of these users, then one.
_OLDER = """
UPDATE user_profile p SET latest = false FROM given_user g JOIN user_key k USING (user_id)
WHERE p.key = k.key AND p.latest
"""
_NEWEST = """
UPDATE user_profile p SET latest = true FROM (
    SELECT p.key, max(p.as_of) AS as_of FROM user_profile p JOIN user_key k USING (key)
    WHERE p.as_of <= now() AND k.user_id IN (SELECT user_id FROM given_user) GROUP BY p.key
) newest WHERE p.key = newest.key AND p.as_of = newest.as_of
"""


def _write(tx: Transaction, found: Reading) -> int:
    """Write what differs from what is stored; return the number of rows of the file that did."""
    tx.execute("CREATE TEMP TABLE given_user (user_id text, as_of timestamptz, columns jsonb) ON COMMIT DROP")
    tx.execute(
        "CREATE TEMP TABLE given_consent (user_id text, as_of timestamptz, purpose text, granted boolean) "
        "ON COMMIT DROP"
    )
    tx.copy_in("given_user", ("user_id", "as_of", "columns"), (row[:3] for row in _rows(found)))
    tx.copy_in(
        "given_consent",
        ("user_id", "as_of", "purpose", "granted"),
        ((user, as_of, *consent) for user, as_of, _, given in _rows(found) for consent in given),
    )
    changed = tx.rows(f"SELECT count(*) AS n FROM ({_CHANGES}) AS changed")[0]["n"]
    if not changed:
        return 0
    tx.execute(
        "INSERT INTO user_key (user_id) SELECT DISTINCT given.user_id FROM given_user AS given "
        "WHERE NOT EXISTS (SELECT FROM user_key WHERE user_key.user_id = given.user_id) ORDER BY 1 "
        "ON CONFLICT (user_id) DO NOTHING"
    )
    tx.execute(
        "INSERT INTO user_profile (key, as_of, columns) SELECT key, as_of, columns FROM given_user "
        "JOIN user_key USING (user_id) ON CONFLICT (key, as_of) DO UPDATE SET columns = EXCLUDED.columns "
        "WHERE user_profile.columns IS DISTINCT FROM EXCLUDED.columns"
    )
    tx.execute(_OLDER)
    tx.execute(_NEWEST)
    profiles_changed(tx)
    tx.execute(
        "INSERT INTO consent (key, purpose, granted, as_of) SELECT key, purpose, granted, as_of FROM given_consent "
        "JOIN user_key USING (user_id) ON CONFLICT (key, purpose, as_of) DO UPDATE SET granted = EXCLUDED.granted "
        "WHERE consent.granted IS DISTINCT FROM EXCLUDED.granted"
    )
    return int(changed)


def _count_changes(tx: Transaction, found: Reading) -> int:
    """Count the rows that a load would write, without writing."""
    changed = 0
    waiting: list[tuple[str, datetime, str, list[tuple[str, bool]]]] = []
    for row in _rows(found):
        waiting.append(row)
        if len(waiting) == _FETCH:
            changed += _compare(tx, waiting)
            waiting = []
    return changed + (_compare(tx, waiting) if waiting else 0)


def _compare(tx: Transaction, rows: list[tuple[str, datetime, str, list[tuple[str, bool]]]]) -> int:
    consent = [(user, as_of, *given) for user, as_of, _, several in rows for given in several]
    given = (
        "WITH given_user AS (SELECT * FROM unnest(%s::text[], %s::timestamptz[], %s::jsonb[]) "
        "AS given(user_id, as_of, columns)), given_consent AS (SELECT * FROM "
        "unnest(%s::text[], %s::timestamptz[], %s::text[], %s::boolean[]) AS given(user_id, as_of, purpose, granted)) "
    )
    parameters = [[row[i] for row in rows] for i in range(3)] + [[c[i] for c in consent] for i in range(4)]
    return int(tx.rows(f"{given} SELECT count(*) AS n FROM ({_CHANGES}) AS changed", parameters)[0]["n"])
