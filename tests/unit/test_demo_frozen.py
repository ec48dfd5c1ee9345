"""The generator is frozen: the same version, size and seed give the same content, cell by cell.

A change of these digests is a change of the world that models were compared on: raise GENERATOR_VERSION with it.
"""

from __future__ import annotations

from pathlib import Path

from audience_graph.demo import GENERATOR_VERSION, write_world
from audience_graph.demo.digest import world_digest
from audience_graph.demo.sizes import WorldSize

SMALL_7 = "441d28d78be9c5bcf1aecef45b8c1fd86327984d6f22d7875049509b40416016"
# Several segments and several chunks of users, as the larger sizes have.
LAYERED = WorldSize("layered", 700, 500, 12.0, 3, 0.3, users_per_chunk=200)
LAYERED_1 = "b22b8b24c6bd479a908b9ac604258d5c31a99d87540518f9a5ef705de0f438e1"


def test_small_world_is_frozen(tmp_path: Path) -> None:
    write_world(tmp_path, "small", 7)
    assert (GENERATOR_VERSION, world_digest(tmp_path)) == ("1", SMALL_7)


def test_layered_world_is_frozen_and_written_again_the_same(tmp_path: Path) -> None:
    write_world(tmp_path, LAYERED, 1)
    first = world_digest(tmp_path)
    write_world(tmp_path, LAYERED, 1)
    assert world_digest(tmp_path) == first
    assert (GENERATOR_VERSION, first) == ("1", LAYERED_1)


def test_another_seed_is_another_world(tmp_path: Path) -> None:
    write_world(tmp_path, LAYERED, 2)
    assert world_digest(tmp_path) != LAYERED_1
