"""Schema of both stores: numbered scripts, applied once, in order, recorded with their checksum.

    migrations/neo4j/V0001__verb_noun.cypher       migrations/postgres/versions/0001_verb_noun.py (alembic)

`migrate` may be killed anywhere and run again, by eight processes at once: one Postgres advisory lock serialises
them all, a Postgres script commits together with its record, and a Neo4j script repeats its idempotent statements
until its record is written.
"""

from audience_graph.schema.migrate import Applied, migrate, status
from audience_graph.schema.require import require_graph_schema, require_table_schema

__all__ = ["Applied", "migrate", "require_graph_schema", "require_table_schema", "status"]
