"""The small world with the surroundings of sun protection: enough of each type and band of scores to look at."""

from __future__ import annotations

from small_world import RELATION_TYPE, build, cypher

from audience_graph.graph.runner import Neo4jRunner
from audience_graph.vectors.store import Store

ENTITIES = {
    "sun protection": "service", "sunscreen": "product", "after sun care": "product", "sun hat": "product",
    "sunglasses": "product", "beach holiday": "service", "snorkelling": "service", "surf lesson": "service",
    "Solara": "brand", "Lumi Skin": "brand", "Palm Bay": "place", "Coral Cove": "place", "summer": "topic",
    "family trip": "topic", "skin check": "service", "Mia Wave": "person",
}  # fmt: skip
RELATIONS = [
    ("sun protection", "sunscreen", 0.94), ("sun protection", "after sun care", 0.83),
    ("sun protection", "beach holiday", 0.71), ("sun protection", "sun hat", 0.64), ("sun protection", "summer", 0.52),
    ("sun protection", "sunglasses", 0.45), ("sun protection", "skin check", 0.31),
    ("sun protection", "family trip", 0.14), ("sunscreen", "Solara", 0.9), ("sunscreen", "Lumi Skin", 0.58),
    ("beach holiday", "Palm Bay", 0.86), ("beach holiday", "snorkelling", 0.66), ("beach holiday", "Coral Cove", 0.36),
    ("beach holiday", "surf lesson", 0.47), ("sunglasses", "Mia Wave", 0.77),
]  # fmt: skip


def build_picture(runner: Neo4jRunner, store: Store) -> None:
    """Empty both stores and write the world; one relation is confirmed."""
    build(runner, store)
    ids = {name: f"s{n}" for n, name in enumerate(ENTITIES)}
    runner.write(
        cypher("UNWIND $rows AS r CREATE (:Entity {id: r[0], name: r[1], type: r[2], aliases: [], reach: r[3]})"),
        {
            "rows": [
                [ids[name], name, kind, 500 if name == "sun protection" else 100] for name, kind in ENTITIES.items()
            ]
        },
    )
    runner.write(
        cypher(
            "UNWIND $rows AS r MATCH (a:Entity {id: r[0]}) MATCH (b:Entity {id: r[1]}) "
            f"CREATE (a)-[:{RELATION_TYPE} {{score: r[2], margin: 1.0, rank: r[3], provenance: 'both'}}]->(b)"
        ),
        {"rows": [[ids[a], ids[b], score, n + 1] for n, (a, b, score) in enumerate(RELATIONS)]},
    )
    runner.write(
        cypher("MATCH (a:Entity {name: 'beach holiday'}), (b:Entity {name: 'Palm Bay'}) "
               "CREATE (a)-[:CONFIRMED {score: .8, source: 'marketer', by: 'mia', at: datetime()}]->(b)")
    )  # fmt: skip
