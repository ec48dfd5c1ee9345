"""Load what came of an export: per user or per arm, checked whole, in one transaction.

Loading a file twice changes nothing; another file replaces what it tells anew, user by user or arm by arm.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any

from audience_graph.audience.disclosure import MINIMUM_SIZE, shown
from audience_graph.audience.learn.contract import COUNTS, HAPPENINGS, PER_USER, contract_of
from audience_graph.audience.learn.exported import IN_EXPORT, Export, read_export
from audience_graph.audience.send.arms import HOLDOUT
from audience_graph.audit import record
from audience_graph.config import Home
from audience_graph.erased import read_erased
from audience_graph.ingest.contract import Contract
from audience_graph.ingest.leave_out import leave_out
from audience_graph.ingest.leave_out import told as left_out
from audience_graph.ingest.reading import LoadOptions, Reading, reading
from audience_graph.vectors.store import Store, Transaction

_FETCH = 10_000
_GIVEN = """
CREATE TEMP TABLE given_result (name text COLLATE "C" NOT NULL, users bigint, exposures bigint NOT NULL,
    clicks bigint NOT NULL, conversions bigint NOT NULL, last_at timestamptz) ON COMMIT DROP
"""
_STRANGERS = f"""
SELECT name FROM given_result g WHERE NOT EXISTS (
    SELECT FROM user_key k JOIN export_member m USING (key) WHERE k.user_id = g.name AND {IN_EXPORT})
"""
_TOUCHED = f"""
SELECT count(*) AS n FROM given_result g JOIN user_key k ON k.user_id = g.name JOIN export_member m USING (key)
WHERE {IN_EXPORT} AND NOT m.sent AND g.exposures > 0
"""
_WRITE_USERS = """
INSERT INTO result_user (export_id, key, exposures, clicks, conversions, last_at)
SELECT %(export)s, k.key, g.exposures, g.clicks, g.conversions, g.last_at
FROM given_result g JOIN user_key k ON k.user_id = g.name ORDER BY k.key
ON CONFLICT (export_id, key) DO UPDATE SET exposures = EXCLUDED.exposures, clicks = EXCLUDED.clicks,
    conversions = EXCLUDED.conversions, last_at = EXCLUDED.last_at, loaded_at = now()
WHERE (result_user.exposures, result_user.clicks, result_user.conversions, result_user.last_at)
    IS DISTINCT FROM (EXCLUDED.exposures, EXCLUDED.clicks, EXCLUDED.conversions, EXCLUDED.last_at)
"""
_WRITE_ARMS = """
INSERT INTO result_arm (export_id, arm, users, exposures, clicks, conversions, last_at)
SELECT %(export)s, g.name, g.users, g.exposures, g.clicks, g.conversions, g.last_at FROM given_result g ORDER BY g.name
ON CONFLICT (export_id, arm) DO UPDATE SET users = EXCLUDED.users, exposures = EXCLUDED.exposures,
    clicks = EXCLUDED.clicks, conversions = EXCLUDED.conversions, last_at = EXCLUDED.last_at, loaded_at = now()
WHERE (result_arm.users, result_arm.exposures, result_arm.clicks, result_arm.conversions, result_arm.last_at)
    IS DISTINCT FROM (EXCLUDED.users, EXCLUDED.exposures, EXCLUDED.clicks, EXCLUDED.conversions, EXCLUDED.last_at)
"""


@dataclass(frozen=True, slots=True)
class ResultsReport:
    """What a load of results did. `read` and `rejected` count rows of the file, `told` users (or arms) in its good
    rows; of these `written` are new or changed, the rest was known already."""

    file: str
    export: int
    audience: str
    per: str
    read: int
    rejected: int
    told: int
    written: int
    notes: tuple[str, ...] = ()

    @property
    def unchanged(self) -> int:
        """Users or arms that the file tells what was known."""
        return self.told - self.written

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**asdict(self), "unchanged": self.unchanged, "notes": list(self.notes)}


def load_results(
    store: Store,
    path: str | os.PathLike[str],
    export: int,
    *,
    by: str,
    options: LoadOptions = LoadOptions(),
    home: Home | None = None,
) -> ResultsReport:
    """Check a file of results of an export and write what is new in it, with a line of the audit log.

    Users, or arms, that were not in the export are bad rows. Raises InputError before anything is written, unless
    bad rows go to `options.reject_to`; NotFoundError for an unknown export. Rows of erased users are left out; `home`
    holds the key that knows them (ConfigError when it is missing).
    """
    with store.transaction(read_only=True) as tx:
        read_export(tx, export)
    contract = contract_of(path, options.mapping)
    with reading(path, contract, options) as found:
        with store.transaction() as tx:
            erased = leave_out(found, read_erased(tx, home)) if contract is PER_USER else 0
            notes = [*_refuse_in_file(found, contract), *left_out(erased)]
            tx.rows("SELECT FROM export WHERE id = %s FOR UPDATE", (export,))
            known = read_export(tx, export)
            told = _give(tx, found, contract)
            told -= _refuse_unknown(tx, found, contract, known)
            found.rejects.raise_if_any(found.source.name, contract.what)
            notes += _notes(tx, contract, known)
            written = tx.execute(_WRITE_USERS if contract is PER_USER else _WRITE_ARMS, {"export": export})
            if written:
                what = {"file": found.source.name, "per": _per(contract), "written": written}
                record(tx, by, "results.load", f"export {export}", what, release_id=known.snapshot.release_id)
        rejected = found.rejects.rows
    return ResultsReport(
        file=found.source.name,
        export=export,
        audience=known.snapshot.name,
        per=_per(contract),
        read=found.read,
        rejected=rejected,
        told=told,
        written=written,
        notes=(*found.notes, *notes),
    )


def _per(contract: Contract) -> str:
    return "user" if contract is PER_USER else "arm"


def _refuse_in_file(found: Reading, contract: Contract) -> list[str]:
    """Refuse rows that contradict each other; of rows that say the same leave one."""
    cells, db = found.checked.cells, found.checked.db
    kind = cells.get("kind")
    happenings = kind is not None and db.execute(f"SELECT count({kind}) FROM good").fetchone() != (0,)
    if happenings:
        assert kind is not None
        listed = ", ".join(f"'{name}'" for name in HAPPENINGS)
        found.refuse_where(f"coalesce({kind}, '') NOT IN ({listed})", "kind", f"one of {', '.join(HAPPENINGS)}")
        for name in COUNTS:
            if name in cells:
                found.refuse_where(f"{cells[name]} IS NOT NULL", name, "no count in a row that tells one happening")
        return []
    if contract is not PER_USER:
        for name in ("exposures", "conversions"):
            if name in cells:
                found.refuse_where(f"{cells[name]} > {cells['users']}", name, "a number of users: at most the arm's")
    own = cells["user_id" if contract is PER_USER else "arm"]
    told = ", ".join(cell for name, cell in cells.items() if name != "kind")
    repeats = f"row NOT IN (SELECT min(row) FROM good GROUP BY {told})"
    repeated = db.execute(f"SELECT count(*) FROM good WHERE {repeats}").fetchone()
    db.execute(f"DELETE FROM good WHERE {repeats}")
    again = f"row NOT IN (SELECT min(row) FROM good GROUP BY {own})"
    found.refuse_where(again, "user_id" if contract is PER_USER else "arm", "one row, or the same counts again")
    return [f"{repeated[0]:,} rows repeat an earlier row"] if repeated is not None and repeated[0] else []


def _give(tx: Transaction, found: Reading, contract: Contract) -> int:
    """Put the good rows into `given_result`, one for each user or arm; return how many."""
    cells = found.checked.cells
    counts = [f"coalesce({cells[n]}, 0)::BIGINT" if n in cells else "0" for n in COUNTS]
    if "kind" in cells:
        happened = (f"({cells['kind']} = '{kind}')::INT" for kind in HAPPENINGS)
        counts = [f"{count} + coalesce({one}, 0)" for count, one in zip(counts, happened, strict=True)]
    users = f"max({cells['users']})::BIGINT" if "users" in cells else "NULL"
    last = f"max({cells['time']})" if "time" in cells else "NULL"
    name = cells["user_id" if contract is PER_USER else "arm"]
    sums = ", ".join(f"sum({count})::BIGINT" for count in counts)
    listed = found.checked.db.execute(f"SELECT {name}, {users}, {sums}, {last} FROM good GROUP BY 1 ORDER BY 1")

    def rows() -> Any:
        while block := listed.fetchmany(_FETCH):
            yield from block

    tx.execute(_GIVEN)
    columns = ("name", "users", *COUNTS, "last_at")
    return tx.copy_in("given_result", columns, rows())


def _refuse_unknown(tx: Transaction, found: Reading, contract: Contract, known: Export) -> int:
    """Refuse the rows of users or arms that are not of the export; return how many users or arms that were."""
    wrong: dict[str, list[str]] = {}
    if contract is PER_USER:
        wrong[f"a user of export {known.id}"] = [r["name"] for r in tx.rows(_STRANGERS, {"export": known.id})]
    else:
        given = {row["name"]: row["users"] for row in tx.rows("SELECT name, users FROM given_result")}
        arms = ", ".join(sorted(known.arms))
        wrong[f"an arm of export {known.id}: {arms}"] = [arm for arm in given if arm not in known.arms]
        large = [arm for arm, users in given.items() if users > known.arms.get(arm, users)]
        wrong["an arm with at most the users that it has in the export"] = large
    own = "user_id" if contract is PER_USER else "arm"
    total = 0
    for wanted, names in wrong.items():
        if not names:
            continue
        listed = "CREATE OR REPLACE TEMP TABLE wrong_name AS SELECT unnest(?::VARCHAR[]) AS name"
        found.checked.db.execute(listed, [names])
        found.refuse_where(f"{found.checked.cells[own]} IN (SELECT name FROM wrong_name)", own, wanted)
        total += tx.execute("DELETE FROM given_result WHERE name = ANY (%s)", (names,))
    return total


def _notes(tx: Transaction, contract: Contract, known: Export) -> list[str]:
    """Say what is odd about results that are taken all the same. Numbers are rounded."""
    notes = []
    if known.status != "done":
        notes.append(f"export {known.id} is {known.status}, not done")
    if contract is PER_USER:
        touched = int(tx.rows(_TOUCHED, {"export": known.id})[0]["n"])
    else:
        rows = tx.rows("SELECT exposures FROM given_result WHERE name = %s", (HOLDOUT,))
        touched = int(rows[0]["exposures"]) if rows else 0
    if touched:
        number = shown(touched)
        some = f"fewer than {MINIMUM_SIZE}" if number is None else f"about {number:,}"
        notes.append(f"{some} users of the holdout were exposed: the lift is of a holdout that was not kept")
    if contract is not PER_USER and known.per == "user":
        notes.append("results per user are there too: those are the ones that count")
    return notes
