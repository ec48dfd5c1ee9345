"""Random audiences: set algebra is exact, agrees with SQL, and two answers never tell of a small group."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from audience_world import build_audience_world
from tests.audiences.questions import Shown, asked, random_definition, violations

from audience_graph import schema
from audience_graph.audience.audience import Audience, column, event, users
from audience_graph.audience.define.definition import Definition
from audience_graph.audience.evaluate.keysets import Mask
from audience_graph.audience.safety.disclosure import show_sizes
from audience_graph.client import AudienceGraph
from audience_graph.config import Connections
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.vectors.store import Store

PAIRS = 150


@pytest.fixture(scope="module")
def ag(connections: Connections, runner: Neo4jRunner, store: Store) -> Iterator[AudienceGraph]:
    schema.migrate(connections)
    build_audience_world(runner, store)
    with AudienceGraph.connect(connections=connections) as client:
        yield client


@pytest.fixture(scope="module")
def leaves(ag: AudienceGraph) -> list[Definition]:
    """Rankings of many sizes, filters, lists: sizes on both sides of the minimum, many a few users apart."""
    skin = [ag.audience("skin care", size=size) for size in (3, 60, 98, 100, 101, 150, 180, 255)]
    football = [ag.audience("women's football", size=size) for size in (99, 140, 200)]
    given = [
        *skin,
        *football,
        ag.lookalike(["u1", "u2", "u3"], size=170, method="graph"),
        ag.audience("massage", width="broad"),
        *(column("age") >= age for age in (18, 19, 30, 50, 77)),
        column("city") == "Lyon",
        column("vip") == False,  # noqa: E712 - it makes an audience
        event("face mask"),
        event("massage", channels=["search"]),
        users([]),
        users([f"u{n}" for n in range(7)]),
        users([f"u{n}" for n in range(180)]),
    ]
    return [audience.definition for audience in given]


def test_sets_are_exact_and_small_groups_stay_hidden(ag: AudienceGraph, leaves: list[Definition], store: Store) -> None:
    rng, shown, broken = np.random.default_rng(7), Shown(), []
    desk = ag.audiences.everyone().desk
    assert desk is not None
    with desk.evaluation() as evaluation:
        for _ in range(PAIRS):
            a, b = (random_definition(rng, leaves) for _ in range(2))
            broken += violations(evaluation, a, b)
            sets = asked(evaluation, a, b)
            shown.add(sets, show_sizes(store, sets))
    assert broken == []
    assert shown.leaks() == []
    assert sum(n is not None for n in shown.numbers) > 500
    assert sum(0 < size < 100 for size in shown.sizes) > 100  # there was something to hide


def test_plain_rounding_would_leak(ag: AudienceGraph, leaves: list[Definition]) -> None:
    """The check can fail: sizes that are only rounded and cut at the minimum tell small groups apart."""
    rng, shown = np.random.default_rng(7), Shown()
    desk = ag.audiences.everyone().desk
    assert desk is not None
    with desk.evaluation() as evaluation:
        for _ in range(50):
            sets = asked(evaluation, *(random_definition(rng, leaves) for _ in range(2)))
            shown.add(sets, [_rounded(mask) for mask in sets])
    assert len(shown.leaks()) > 100


def test_algebra_agrees_with_sql_on_members(ag: AudienceGraph, leaves: list[Definition], store: Store) -> None:
    rng = np.random.default_rng(8)
    for n in range(12):
        a, b = (ag.audiences.of(Audience(random_definition(rng, leaves, 2))) for _ in range(2))
        taken = {name: found.take(f"{name} {n}").snapshot for name, found in
                 {"a": a, "b": b, "or": a | b, "and": a & b, "minus": a - b, "not": ~a}.items()}  # fmt: skip
        with store.transaction(read_only=True) as tx:
            member = "SELECT key FROM audience_member WHERE snapshot_id = "
            for name, wanted in (
                ("or", f"{member}%(a)s UNION {member}%(b)s"),
                ("and", f"{member}%(a)s INTERSECT {member}%(b)s"),
                ("minus", f"{member}%(a)s EXCEPT {member}%(b)s"),
                ("not", f"SELECT key FROM user_key EXCEPT {member}%(a)s"),
            ):
                own = f"{member}%({name})s"
                differ = f"(({wanted}) EXCEPT {own}) UNION ALL ({own} EXCEPT ({wanted}))"
                assert tx.rows(differ, taken) == [], (name, a, b)


def _rounded(mask: Mask) -> int | None:
    size = int(mask.sum())
    return None if size < 100 else (size + 5) // 10 * 10
