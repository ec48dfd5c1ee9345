"""The whole content of both stores as digests by part: equal before and after means that nothing was written.

A part is a label, a relationship type, a table, or a piece of schema. The audit log and the ledger of shown sizes get
lines by what only reads; they are left out.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from audience_graph.graph.queries import Query
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.vectors.store import Store

LEDGERS = frozenset({"audit_log", "disclosed"})
GRAPH = {
    "nodes": "MATCH (n) RETURN labels(n) AS kind, elementId(n) AS id, properties(n) AS told",
    "relationships": "MATCH (a)-[r]->(b) RETURN [type(r)] AS kind, elementId(a) + '>' + elementId(b) AS id,"
    " properties(r) AS told",
}
SCHEMA = {
    "indexes": "SHOW INDEXES YIELD name, type, labelsOrTypes, properties WHERE type <> 'LOOKUP'"
    " RETURN name, type, labelsOrTypes, properties ORDER BY name",
    "constraints": "SHOW CONSTRAINTS YIELD name, type RETURN name, type ORDER BY name",
    "users": "SHOW USERS YIELD user RETURN user ORDER BY user",
    "labels": "CALL db.labels() YIELD label RETURN label ORDER BY label",
    "types": "CALL db.relationshipTypes() YIELD relationshipType AS type RETURN type ORDER BY type",
}
CATALOGUE = (
    "SELECT c.relname AS name, c.relkind AS kind, a.attname AS col, format_type(a.atttypid, a.atttypmod) AS type"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_attribute a ON a.attrelid = c.oid"
    " AND a.attnum > 0 WHERE n.nspname NOT LIKE 'pg_%%' AND n.nspname <> 'information_schema' ORDER BY 1, 2, 3"
)
ROLES = (
    "SELECT rolname AS name FROM pg_roles UNION SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
)
TABLES = "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"


def fingerprint(runner: Neo4jRunner, store: Store) -> dict[str, str]:
    """Return a digest of each part of both stores."""
    parts = {f"neo4j {name}": digest(_rows(runner, text)) for name, text in SCHEMA.items()}
    for name, text in GRAPH.items():
        kinds: dict[str, list[Any]] = defaultdict(list)
        for row in _rows(runner, text):
            kinds[":".join(sorted(row["kind"]))].append([row["id"], row["told"]])
        parts |= {f"neo4j {name} {kind}": digest(sorted(map(_text, rows))) for kind, rows in kinds.items()}
    with store.transaction(read_only=True, snapshot=True) as tx:
        parts["postgres schema"] = digest(tx.rows(CATALOGUE, {}))
        parts["postgres roles and functions"] = digest(sorted(row["name"] for row in tx.rows(ROLES)))
        for name in (row["name"] for row in tx.rows(TABLES)):
            if name not in LEDGERS:
                told = f"SELECT count(*) AS n, sum(hashtextextended(t::text, 0)) AS digest FROM {name} t"
                parts[f"postgres {name}"] = digest(tx.rows(told))
    return parts


def changed(before: Mapping[str, str], after: Mapping[str, str], expected: Iterable[str] = ()) -> list[str]:
    """Return the parts that differ, without those that were expected to."""
    names = sorted({*before, *after} - set(expected))
    return [name for name in names if before.get(name) != after.get(name)]


def digest(value: Any) -> str:
    """Return a digest of plain values."""
    return hashlib.sha256(_text(value).encode("utf-8", "surrogatepass")).hexdigest()


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _rows(runner: Neo4jRunner, text: str) -> list[dict[str, Any]]:
    return runner.auto_commit(Query("tests/fingerprint", text, (), (), Path(__file__)))
