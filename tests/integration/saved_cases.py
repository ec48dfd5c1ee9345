"""What every saved query answers on the small world, and the decisions and campaigns that some of them ask about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from small_world import build, cypher

from audience_graph import schema
from audience_graph.config import Connections
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.vectors.store import Store

# What is asked of each, and the rows that come: the columns that tell them apart.
CASES: dict[str, list[tuple[dict[str, Any], tuple[str, ...], list[tuple[Any, ...]]]]] = {
    "audience_picks": [
        ({"audience": "spring"}, ("id", "hop", "by"), [("e1", 0, "mia"), ("e2", 1, "mia")]),
        ({"audience": "spring", "limit": 1}, ("id",), [("e1",)]),
    ],
    "audience_results": [
        ({"audience": "spring"}, ("id", "lift", "conversions"), [("e2", 2.0, 80), ("e1", 0.8, 120)]),
        ({"audience": "spring", "limit": 1}, ("id",), [("e2",)]),
    ],
    "audiences_of_a_service": [
        ({"phrase": "e2"}, ("audience", "relevance", "lift"), [("spring", 0.9, 2.0), ("autumn", 0.5, None)]),
    ],
    "best_services": [
        ({}, ("id", "audience", "lift_low"), [("e6", "autumn", 1.7), ("e2", "spring", 1.4), ("e1", "spring", 0.6)]),
    ],
    "both_ways": [({"phrase": "e1"}, ("id", "score"), [("e2", 0.3)]), ({"phrase": "e5"}, ("id",), [])],
    "bridges": [
        ({"phrase": "e5", "other": "e6"}, ("id", "score", "from_first"), [("e7", 0.5, 0.5)]),
        ({"phrase": "e5", "other": "e5"}, ("id",), []),
    ],
    "confirmed_relations": [
        ({}, ("source", "target", "sources", "note", "in_this_week"),
         [("skin care", "Alex Morgan", ["marketer"], "fans", False)]),
    ],
    "entity_card": [
        ({"phrase": "skin care"}, ("id", "reach", "leads_to", "led_from", "confirmed", "rejected"),
         [("e1", 300, 2, 1, 1, 0)]),
        ({"phrase": "e3"}, ("leads_to", "led_from", "confirmed", "rejected"), [(0, 1, 0, 1)]),
        ({"phrase": "massage"}, ("id", "leads_to", "led_from"), [("e8", 0, 0)]),
        ({"phrase": "nobody"}, ("id",), []),
    ],
    "find_by_words": [
        ({"words": "football"}, ("id",), [("e5",), ("e7",)]),
        ({"words": "football women's"}, ("id",), [("e5",)]),
        ({"words": " shoes\t FOOTBALL\n"}, ("id",), [("e7",)]),
        ({"words": "football skincare"}, ("id",), []),
        ({"words": "C++"}, ("id",), [("e11",)]),
        ({"words": "lipstick C++ 💄"}, ("id",), [("e11",)]),
        ({"words": "+ -"}, ("id",), []),
        ({"words": 'women" OR name:* "'}, ("id",), []),
    ],
    "gone_this_week": [({"phrase": "e1"}, ("id", "score"), [("e4", 0.5)])],
    "hubs": [
        ({"type": "product"}, ("id", "led_from"), [("e7", 2), ("e11", 1), ("e2", 1)]),
        ({"type": "product", "among": 2}, ("id", "led_from"), [("e11", 1), ("e2", 1)]),
        ({"type": "service"}, ("id", "led_from", "leads_to"), [("e1", 1, 2), ("e3", 1, 0)]),
    ],
    "most_met": [({"type": "service"}, ("id", "reach"), [("e3", 400), ("e1", 300)])],
    "moved_this_week": [({"phrase": "e1"}, ("id", "score", "before"), [("e3", 0.6, 0.55)])],
    "near_all_of_these": [
        ({"phrases": ["e5", "Alex Morgan"]}, ("id", "score"), [("e7", 0.5)]),
        ({"phrases": ["e1", "e5"]}, ("id", "score"), [("e6", 0.4)]),
        ({"phrases": ["e1", "e5", "nobody"]}, ("id", "score"), []),
    ],
    "near_of_a_type": [({"phrase": "e1", "type": "product"}, ("id", "score"), [("e2", 0.9)])],
    "new_this_week": [({"phrase": "e1"}, ("id", "score"), [("e2", 0.9)])],
    "nobody_uses": [({"type": "service"}, ("id",), [("e3",)])],
    "overlap_of_audiences": [
        ({"audience": "spring", "other": "autumn"}, ("id", "used_by", "relevance", "other_relevance"),
         [("e2", "both", 0.9, 0.5), ("e1", "first", 1.0, None), ("e6", "other", None, 1.0)]),
    ],
    "path_between": [
        ({"phrase": "e5", "other": "e7"}, ("ids", "hops"), [(["e5", "e6", "e7"], 2)]),
        ({"phrase": "e7", "other": "e5"}, ("ids",), []),
    ],
    "reach_of_these": [
        ({"phrases": ["e1", "e3", "face mask", "skin care"]}, ("id", "reach"),
         [("e3", 400), ("e1", 300), ("e2", None)]),
        ({"phrases": ["e1", "nobody"]}, ("id", "reach"), [("e1", 300)]),
    ],
    "relations_among_these": [
        ({"phrases": ["e1", "face mask", "e3", "e6"]}, ("source", "target", "score", "confirmed"),
         [("e1", "e2", 0.9, False), ("e1", "e3", 0.6, False), ("e1", "e6", 0.4, True), ("e2", "e1", 0.3, False)]),
        ({"phrases": ["e3", "e8"]}, ("source",), []),
        ({"phrases": ["e1", "e2", "nobody"]}, ("source", "target"), [("e1", "e2"), ("e2", "e1")]),
    ],
    "rejected_relations": [
        ({}, ("source", "target", "by", "in_this_week"), [("spa", "massage", "mia", True)]),
    ],
    "similar_services": [
        ({"phrase": "e1"}, ("id", "score", "confirmed"), [("e2", 0.9, False), ("e3", 0.6, False), ("e6", 0.4, True)]),
        ({"phrase": "e3"}, ("id",), []),
    ],
    "unused_winners": [({"audience": "spring"}, ("id", "in_audience"), [("e6", "autumn")])],
    "weeks": [({}, ("week", "current"), [("2026-W30", True), ("2026-W29", False)])],
    "who_else_fits": [
        ({"audience": "spring"}, ("id", "led_from", "score"), [("e11", 1, 0.8), ("e3", 1, 0.6)]),
        ({"audience": "spring", "picks": 1}, ("id", "led_from", "score"), [("e3", 1, 0.6)]),
        ({"audience": "spring", "fan_out": 1}, ("id", "led_from", "score"), [("e11", 1, 0.8)]),
    ],
    "who_leads_here": [({"phrase": "e7"}, ("id", "score"), [("e6", 0.9), ("e5", 0.5)])],
    "why_related": [
        ({"phrase": "e1", "other": "e2"}, ("score", "rank", "provenance", "rejected"), [(0.9, 1, "both", False)]),
        ({"phrase": "e1", "other": "e6"}, ("score", "rank", "confirmed_by"), [(0.4, None, ["marketer"])]),
        ({"phrase": "e3", "other": "e8"}, ("score", "rejected"), [(0.7, True)]),
        ({"phrase": "e1", "other": "e9"}, ("score",), []),
    ],
    "within_two_hops": [
        ({"phrase": "e1"}, ("id", "hop", "via"),
         [("e2", 1, "skin care"), ("e11", 2, "face mask"), ("e3", 1, "skin care"), ("e6", 1, "skin care"),
          ("e7", 2, "Alex Morgan")]),
        ({"phrase": "e1", "fan_out": 1}, ("id",), [("e2",), ("e11",), ("e6",), ("e7",)]),
    ],
    "without_relations": [({"type": "service"}, ("id",), [("e3",), ("e10",), ("e8",), ("e9",)])],
}  # fmt: skip


def names_nobody(given: Mapping[str, Any]) -> bool:
    """Whether a value names an entity that is not there: Cypher finds nothing of it, the client says so."""
    return any(value == "nobody" or (isinstance(value, list) and "nobody" in value) for value in given.values())


def build_saved_world(connections: Connections, runner: Neo4jRunner, store: Store) -> None:
    """Empty both stores and write the world that `CASES` are asked of."""
    schema.migrate(connections)
    runner.write(cypher("MATCH (a:Audience) DETACH DELETE a"))
    build(runner, store)
    decide = (
        "MATCH (a:Entity {id: 'e1'}), (b:Entity {id: 'e6'}), (c:Entity {id: 'e3'}), (d:Entity {id: 'e8'}), (e:Entity {id: 'e2'})"  # noqa: E501
        " CREATE (a)-[:CONFIRMED {score: .4, source: 'marketer', sources: ['marketer'], by: 'mia', at: datetime(), note: 'fans'}]->(b)"  # noqa: E501
        " CREATE (c)-[:REJECTED {source: 'marketer', sources: ['marketer'], by: 'mia', at: datetime(), note: ''}]->(d)"
        " CREATE (e)-[:RELATES_2026_W30_1a2b3c4d {score: .3, rank: 2, margin: 1.0, provenance: 'text'}]->(a)"
        " SET a.reach = 300, c.reach = 400"
    )
    runner.write(cypher(decide))
    campaigns = (
        "MATCH (a:Entity {id: 'e1'}), (b:Entity {id: 'e2'}), (c:Entity {id: 'e6'})"
        " CREATE (s:Audience {id: 1, name: 'spring'}), (t:Audience {id: 2, name: 'autumn'})"
        " CREATE (s)-[:PICKED {hop: 0, relevance: 1.0, by: 'mia'}]->(a), (s)-[:PICKED {hop: 1, relevance: .9, by: 'mia'}]->(b)"  # noqa: E501
        " CREATE (t)-[:PICKED {hop: 0, relevance: 1.0, by: 'tom'}]->(c), (t)-[:PICKED {hop: 1, relevance: .5, by: 'tom'}]->(b)"  # noqa: E501
        " CREATE (s)-[:PERFORMED {exposures: 500, conversions: 120, lift: .8, lift_low: .6, lift_high: 1.1}]->(a)"
        " CREATE (s)-[:PERFORMED {exposures: 200, conversions: 80, lift: 2.0, lift_low: 1.4, lift_high: 2.9}]->(b)"
        " CREATE (t)-[:PERFORMED {exposures: 300, conversions: 90, lift: 2.2, lift_low: 1.7, lift_high: 3.0}]->(c)"
    )
    runner.write(cypher(campaigns))
