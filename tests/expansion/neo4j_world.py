"""Writes worlds into Neo4j as staging would: entities, relations, overlay, the version's node."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from audience_graph.graph.queries import Query
from audience_graph.graph.runner import Neo4jRunner
from expansion.worlds import World


def query(text: str) -> Query:
    return Query(name="tests/world", text=text, params=(), returns=(), path=Path(__file__))


def write(runner: Neo4jRunner, worlds: Iterable[World]) -> None:
    """Write worlds whose entity ids do not meet."""
    pair = "MATCH (u:Entity {id: r[0]}), (v:Entity {id: r[1]})"
    for world in worlds:
        ref = world.version
        runner.write(
            query(
                "UNWIND $rows AS r CREATE (:Entity {id: r[0], name: 'name of ' + r[0], type: r[1], sensitive: r[2]})"
            ),
            {"rows": [[i, kind, i in world.sensitive] for i, kind in world.types.items()]},
        )
        runner.write(
            query(f"UNWIND $rows AS r {pair} CREATE (u)-[:{ref.relation_type} {{score: r[2], rank: r[3]}}]->(v)"),
            {"rows": [list(relation) for relation in world.relations]},
        )
        runner.write(
            query(f"UNWIND $rows AS r {pair} CREATE (u)-[:CONFIRMED {{score: r[2]}}]->(v)"),
            {"rows": [list(edge) for edge in world.confirmed]},
        )
        runner.write(
            query(f"UNWIND $rows AS r {pair} CREATE (u)-[:REJECTED]->(v)"),
            {"rows": [list(edge) for edge in sorted(world.rejected)]},
        )
        runner.write(
            query(
                "CREATE (:RelationVersion {version: $version, week: $week, relation_type: $kind, status: 'published', "
                "mean_in_degree: $mean})"
            ),
            {"version": ref.version, "week": ref.week, "kind": ref.relation_type, "mean": world.mean_in_degree},
        )
