"""Look for users in both databases: every column of text, JSON, lists and bytes, every property."""

from __future__ import annotations

from collections.abc import Iterator

from audience_graph.erase.bytes_in import ID, TEXT
from audience_graph.erase.postgres import rows_with, text_columns
from audience_graph.erase.trace import Trace
from audience_graph.erase.whom import Whom
from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import Runner
from audience_graph.vectors.store import Transaction, identifier

# What marketers and the operator typed: the same words there are theirs, not the user's.
TYPED = (
    "audience", "audience_revision", "audience_snapshot", "audit_log", "export", "prompt", "publication", "setting",
    "suppression",
)  # fmt: skip
_LISTS = """
SELECT c.table_name, c.column_name, c.udt_name FROM information_schema.columns c
JOIN information_schema.tables t USING (table_schema, table_name)
WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.udt_name IN ('_text', '_varchar', 'bytea')
ORDER BY 1, 2
"""


def scan_postgres(tx: Transaction, whom: Whom, own: frozenset[str]) -> tuple[list[Trace], int]:
    """Return the traces in all public tables, and how many columns were read. `own`: texts only the users wrote."""
    traces: list[Trace] = []
    columns = text_columns(tx)
    for table, column, kind in columns:
        if any(True for _ in rows_with(tx, whom, table, column, kind)):
            traces.append(Trace("postgres", f"{table}.{column}", ID))
        elif table == "audit_log" and column == "object" and _in_objects(tx, whom):
            traces.append(Trace("postgres", "audit_log.object", ID))
        if own and not kind.startswith("json") and table not in TYPED and _says(tx, table, column, own):
            traces.append(Trace("postgres", f"{table}.{column}", TEXT))
    lists = tx.rows(_LISTS)
    traces += [trace for row in lists for trace in _in_list(tx, whom, row["table_name"], row["column_name"], row)]
    traces += [Trace("postgres", f"pg_stats of {place}", ID) for place in _sampled(tx, whom)]
    return traces, len(columns) + len(lists)


def typed_words(tx: Transaction) -> str:
    """Return everything that marketers and operators typed, in one text."""
    parts = []
    for table, column, _ in text_columns(tx):
        if table in TYPED:
            rows = tx.rows(f"SELECT {column}::text AS said FROM {identifier(table)}")
            parts += [row["said"] for row in rows if row["said"] is not None]
    return "\n".join(parts)


def scan_neo4j(runner: Runner, whom: Whom) -> list[Trace]:
    """Return the traces in all nodes and relationships. Users are not kept there: only telling ids are looked for."""
    if not whom.telling:
        return []
    parameters = {"texts": list(whom.telling)}
    nodes = runner.read(load_query("erase/nodes_with"), parameters)
    edges = runner.read(load_query("erase/relationships_with"), parameters)
    found = [(f":{':'.join(row['labels'])} {row['property']}", row["value"]) for row in nodes]
    found += [(f"[:{row['type']}] {row['property']}", row["value"]) for row in edges]
    places = {place for place, value in found if whom.is_in_json(value if isinstance(value, str) else list(value))}
    return [Trace("neo4j", place, ID) for place in sorted(places)]


def _sampled(tx: Transaction, whom: Whom) -> list[str]:
    """Return the columns whose samples, which the planner keeps, hold a telling id."""
    if not whom.telling:
        return []
    rows = tx.rows(
        "SELECT tablename || '.' || attname AS place, coalesce(most_common_vals::text, '') || ' ' "
        "|| coalesce(histogram_bounds::text, '') AS said FROM pg_stats WHERE schemaname = 'public' ORDER BY 1"
    )
    return [row["place"] for row in rows if whom.is_in(row["said"])]


def _in_objects(tx: Transaction, whom: Whom) -> bool:
    listed = [f"user {one}" for one in whom.ids]
    return bool(tx.rows("SELECT FROM audit_log WHERE object = ANY(%s) LIMIT 1", (listed,)))


def _says(tx: Transaction, table: str, column: str, own: frozenset[str]) -> bool:
    query = f"SELECT FROM {identifier(table)} WHERE {column} = ANY(%s) LIMIT 1"
    return bool(tx.rows(query, (sorted(own),)))


def _in_list(tx: Transaction, whom: Whom, table: str, column: str, row: dict[str, str]) -> Iterator[Trace]:
    if row["udt_name"] == "bytea":
        if not whom.telling or table == "disclosed":  # bits of numbers, not of ids
            return
        wanted: list[object] = [one.encode() for one in whom.telling]
        where = "EXISTS (SELECT FROM unnest(%s::bytea[]) AS id WHERE position(id IN {0}) > 0)"
    else:
        wanted = list(whom.telling)
        where = "{0} && %s::text[]"
    query = f"SELECT FROM {identifier(table)} WHERE {where.format(identifier(column))} LIMIT 1"
    if wanted and tx.rows(query, (wanted,)):
        yield Trace("postgres", f"{table}.{column}", ID)
