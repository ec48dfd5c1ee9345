"""The rows of a chunk as they leave: suppression and consent are looked at again, and ids are joined at the end."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from audience_graph.audience.send.consent import consented
from audience_graph.audience.send.records import ExportRecord
from audience_graph.vectors.store import Store, Transaction

BATCH = 250_000  # rows that are in memory at once


def batches(store: Store, export: ExportRecord, first: int, last: int) -> Iterator[pa.Table]:
    """Yield the rows of positions `first` to `last` who may leave now, in order; at least one table, maybe empty.

    Each is read in a transaction of its own; who was withdrawn meanwhile is taken out of the export.
    """
    for start in range(first, max(last, first) + 1, BATCH):
        with store.transaction(snapshot=True) as tx:
            yield read_rows(tx, export, start, min(start + BATCH - 1, last))


def read_rows(tx: Transaction, export: ExportRecord, first: int, last: int, *, tried: bool = False) -> pa.Table:
    """Return the rows of positions `first` to `last` who may leave now, in order.

    Who was suppressed, withdrew consent or was erased since is left out, and their row deleted; but where the chunk was
    `tried` before, it may have arrived with them: their row stays then, so that the next delta has them removed.
    """
    table = _flagged(tx, export, first, last)
    may = table["may"]
    if not tried and not pc.all(may, min_count=0).as_py():
        keys = table.filter(pc.invert(may))["key"].to_pylist()
        tx.execute("DELETE FROM export_member WHERE export_id = %s AND key = ANY (%s)", (export.id, keys))
    found = table.filter(may).drop_columns(["key", "may"])
    return found.rename_columns(list(export.shape.names))


def count_rows(tx: Transaction, export: ExportRecord) -> int:
    """Return how many of the rows may leave now, removals aside."""
    where = "x.change IS DISTINCT FROM 'removed'"
    given = _given(export, 1, export.planned)
    query = _ROWS.format(cells="count(*) AS n", consented=consented(_CHUNK))
    may = _MAY.format(reachable=export.shape.reachable)
    return int(tx.rows(f"{query} WHERE {where} AND {may}", given)[0]["n"])


def _flagged(tx: Transaction, export: ExportRecord, first: int, last: int) -> pa.Table:
    shape = export.shape
    names = [f"c{n}" for n in range(len(shape.names))]
    cells = [f"{sql} AS {name}" for sql, name in zip(shape.cells, names, strict=True)]
    chosen = ", ".join(["x.key", f"{_MAY.format(reachable=shape.reachable)} AS may", *cells])
    query = _ROWS.format(cells=chosen, consented=consented(_CHUNK)) + " ORDER BY x.position"
    blocks = tx.copy_out(query, _given(export, first, last))
    types = {"key": pa.int64(), "may": pa.bool_(), **dict(zip(names, shape.types, strict=True))}
    options = pyarrow.csv.ConvertOptions(
        column_types=types,
        true_values=["t"],
        false_values=["f"],
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
    return pyarrow.csv.read_csv(io.BytesIO(b"".join(blocks)), convert_options=options, parse_options=parse)


def _given(export: ExportRecord, first: int, last: int) -> dict[str, object]:
    own = {"export": export.id, "snapshot": export.snapshot_id, "purpose": export.purpose}
    return {**own, "first": first, "last": last, **export.shape.parameters}


_CHUNK = "SELECT key FROM export_member WHERE export_id = %(export)s AND position BETWEEN %(first)s AND %(last)s"
_MAY = """(k.key IS NOT NULL AND {reachable}
    AND (x.change IS NOT DISTINCT FROM 'removed' OR (s.key IS NULL AND c.key IS NOT NULL)))"""
_ROWS = """
SELECT {cells}
FROM (SELECT * FROM export_member WHERE export_id = %(export)s AND position BETWEEN %(first)s AND %(last)s) x
LEFT JOIN user_key k ON k.key = x.key
LEFT JOIN audience_member m ON m.snapshot_id = %(snapshot)s AND m.key = x.key
LEFT JOIN user_profile p ON p.key = x.key AND p.latest
LEFT JOIN suppression s ON s.key = x.key
LEFT JOIN ({consented}) c ON c.key = x.key
"""
