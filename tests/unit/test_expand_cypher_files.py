"""The eight query files are one query, written out per number of hops and per shape."""

from __future__ import annotations

import re

import pytest

from audience_graph.graph.queries import load_query


def body(name: str) -> str:
    return re.sub(r"^//.*\n", "", load_query(name).text, flags=re.MULTILINE)


@pytest.mark.parametrize("hops", [1, 2, 3, 4])
def test_both_shapes_share_the_walk(hops: int) -> None:
    rows, packed = body(f"entities/expand_{hops}"), body(f"entities/expand_{hops}_packed")
    shared, last = rows.split("LIMIT $limit\n")
    assert packed.startswith(shared + "LIMIT $limit\n")
    assert "CALL" not in last


@pytest.mark.parametrize("hops", [2, 3, 4])
def test_every_layer_is_the_same(hops: int) -> None:
    layers = re.findall(r"CALL \(layer.*?\n\}\n", body(f"entities/expand_{hops}"), flags=re.DOTALL)
    plain = {re.sub(r"layer\d|hop: \d", "", layer) for layer in layers}
    assert len(layers) == hops
    assert len(plain) == 1
