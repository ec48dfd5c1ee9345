"""The users' sequences of a window in columns: who changed, who reaches what, and blocks to average.

The input is long: one row per entity mention (user_id, entity_id, event_id, time, channel), a Parquet file or an
Arrow table. DuckDB sorts and groups it on disk when it does not fit in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa

from audience_graph.erased import Erased
from audience_graph.errors import RunError

_BLOCK_ROWS = 100_000
_COLUMNS = {"user_id", "entity_id", "event_id", "time", "channel"}

# A user's fingerprint: the sum of the hashes of the rows, so their order and the engine's version do not matter.
_FINGERPRINT = """
    (sum(md5_number_lower(concat_ws(chr(31), event_id, entity_id, epoch_us(time), channel)) % 9223372036854775783)
        % 9223372036854775783)::bigint
"""


class Sequences:
    """Sequences restricted to the entities that have a vector. Close it by leaving `open_sequences`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._db = connection

    def users(self) -> pa.Table:
        """Return user_id and fingerprint of every user with at least one known entity, sorted by user_id."""
        return self._db.sql(
            f"SELECT user_id, {_FINGERPRINT} AS fingerprint FROM mention GROUP BY 1 ORDER BY 1"
        ).to_arrow_table()

    def fingerprint(self) -> int:
        """Return the fingerprint of all sequences together."""
        total = f"SELECT user_id, {_FINGERPRINT} AS part FROM mention GROUP BY 1"
        mixed = "md5_number_lower(user_id || chr(31) || part::varchar) % 9223372036854775783"
        query = f"SELECT coalesce(sum({mixed}) % 9223372036854775783, 0)::bigint FROM ({total})"
        return int(self._db.sql(query).fetchall()[0][0])

    def reach(self) -> pa.Table:
        """Return entity_id and the number of users with at least one event for it, for every entity."""
        return self._db.sql(
            "SELECT e.entity_id, count(DISTINCT m.user_id) AS reach FROM entity e "
            "LEFT JOIN mention m USING (entity_id) GROUP BY 1 ORDER BY 1"
        ).to_arrow_table()

    def choose(self, users: pa.Table) -> None:
        """Restrict `mentions` and `events` to these users: columns user_id, key, fingerprint."""
        self._db.register("chosen_input", users)
        self._db.execute(
            "CREATE OR REPLACE TEMP TABLE chosen AS SELECT user_id::varchar AS user_id, key::bigint AS key, "
            "fingerprint::bigint AS fingerprint FROM chosen_input"
        )
        self._db.unregister("chosen_input")

    def mentions(self) -> Iterator[pa.RecordBatch]:
        """Yield (key, fingerprint, place) of the chosen users' mentions, sorted by key and place of the entity."""
        query = "SELECT key, fingerprint, place FROM mention JOIN chosen USING (user_id) ORDER BY key, place"
        yield from self._db.sql(query).to_arrow_reader(_BLOCK_ROWS)

    def events(self, texts: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        """Yield one row per event of the chosen users, with its text when `texts` (Parquet files) have it."""
        quoted = """'"' || replace(replace(entity_id, '\\', '\\\\'), '"', '\\"') || '"'"""
        grouped = f"""
            SELECT key, event_id, min(time) AS time, min(channel) AS channel,
                   '{{' || string_agg({quoted}, ',' ORDER BY entity_id) || '}}' AS entity_ids
            FROM mention JOIN chosen USING (user_id) GROUP BY key, event_id
        """
        text, source = "NULL::varchar", f"({grouped}) e"
        if texts is not None:
            known = "SELECT event_id, any_value(text) AS text FROM read_parquet(?) GROUP BY 1"
            text, source = "t.text", f"{source} LEFT JOIN ({known}) t USING (event_id)"
        query = (
            "SELECT e.key, e.event_id, strftime(e.time, '%Y-%m-%d %H:%M:%S.%f') || '+00' AS time, e.channel, "
            f"{text} AS text, e.entity_ids FROM {source} ORDER BY e.key, e.event_id"
        )
        yield from self._db.sql(query, params=[] if texts is None else [list(texts)]).to_arrow_reader(_BLOCK_ROWS)


@contextmanager
def open_sequences(
    source: Path | pa.Table, entity_ids: Sequence[str], erased: Erased | None = None
) -> Iterator[Sequences]:
    """Open sequences over these entities, without those of erased users; place = position in `entity_ids`.

    Raises RunError on a bad input.
    """
    with TemporaryDirectory(prefix="audience-graph-") as folder, duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        db.execute(f"SET temp_directory = '{folder.replace(chr(39), chr(39) * 2)}'")
        db.execute("SET preserve_insertion_order = false")
        entities = pa.table(
            {"entity_id": pa.array(entity_ids, pa.string()), "place": pa.array(range(len(entity_ids)), pa.int32())}
        )
        db.register("entity_input", entities)
        db.execute("CREATE TEMP TABLE entity AS SELECT * FROM entity_input")
        try:
            if isinstance(source, Path):
                db.read_parquet(str(source)).create_view("sequence")
            else:
                db.register("sequence", source)
            found = {row[0] for row in db.execute("DESCRIBE sequence").fetchall()}
        except duckdb.Error as exc:
            raise RunError(f"the sequences are not readable: {exc}") from exc
        if not found >= _COLUMNS:
            raise RunError(f"the sequences lack the columns {', '.join(sorted(_COLUMNS - found))}")
        gone = [] if erased is None else _erased_users(db, erased)
        db.register("gone_input", pa.table({"user_id": pa.array(gone, pa.string())}))
        db.execute(
            "CREATE TEMP VIEW mention AS SELECT user_id, entity_id, event_id, time::timestamp AS time, channel, place "
            "FROM sequence JOIN entity USING (entity_id)" + (" ANTI JOIN gone_input USING (user_id)" if gone else "")
        )
        yield Sequences(db)


def _erased_users(db: duckdb.DuckDBPyConnection, erased: Erased) -> list[str]:
    ids = [row[0] for row in db.sql("SELECT DISTINCT user_id::varchar FROM sequence").fetchall() if row[0] is not None]
    return [user for user, stays in zip(ids, erased.stays(ids), strict=True) if not stays]


def texts_of(warehouse: Path | None) -> tuple[str, ...] | None:
    """Return a warehouse's event files, None when there are none. Named one by one: a folder may be called `a[1]*`."""
    found = () if warehouse is None else sorted((warehouse / "events").glob("*.parquet"))
    return tuple(str(path) for path in found if not path.name.startswith(".")) or None
