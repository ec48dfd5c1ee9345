"""The world that hostile texts are typed into: users with rows and consent, a text space, an audience, its snapshot."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from audience_world import build_audience_world
from small_world import AS_OF, WEEK, cypher, text_vector

from audience_graph import release
from audience_graph.client import AudienceGraph
from audience_graph.config import Connections
from audience_graph.entities.text_encoder import DIMS, MODEL
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.saved.kept import write_package
from audience_graph.user_text.space import SentenceMap, TextSpace
from audience_graph.vectors.store import Store

TEXT_SPACE = "text_2026_w30_00c0ffee"


def encode(texts: Sequence[str]) -> list[list[float]]:
    """Stand in for the text encoder of phrases: `like eN` lies near entity N, the rest nowhere."""
    near = [text.removeprefix("like ") for text in texts]
    return [text_vector(one) if one in ("e1", "e8") else [0.0] * 383 + [1.0] for one in near]


def build_typed_world(connections: Connections, runner: Neo4jRunner, store: Store) -> None:
    """Empty both stores and write the world. Needs both schemas."""
    runner.write(cypher("MATCH (a:Audience) DETACH DELETE a"))
    world = build_audience_world(runner, store)
    write_package(runner)
    rows = np.random.default_rng(3).normal(size=(200, DIMS)).astype(np.float32)
    vectors = dict(zip(list(world.users)[:200], rows / np.linalg.norm(rows, axis=1, keepdims=True), strict=True))
    space = TextSpace(TEXT_SPACE, "users-run-ffee", DIMS, WEEK, AS_OF, 14, {"payments": ["credit card"]})
    table = pa.table({"user_id": sorted(vectors), "fingerprint": pa.array([1] * len(vectors), pa.int64())})
    flat = SentenceMap(MODEL, DIMS, np.eye(DIMS, dtype=np.float32), np.zeros(DIMS, np.float32))
    with store.transaction() as tx:
        for kind in ("user_vector", "entity_vector", "user_short"):
            tx.execute(f"DROP TABLE IF EXISTS {kind}_{TEXT_SPACE}")
    found, _ = release.stage_user_text(store, space, flat, table, lambda ids: np.stack([vectors[i] for i in ids]))
    release.publish_user_text(runner, store, found.space)
    with AudienceGraph.connect(connections=connections, actor="mia") as ag:
        ag.expand("e1")  # repairs the mirror
        ag.audience("e1", size=200, method="graph").take("spring")
