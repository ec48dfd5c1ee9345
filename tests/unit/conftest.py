"""Shared by the unit tests: one tiny planted world, written once; torch on one thread."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from audience_graph.demo import write_world
from audience_graph.demo.sizes import WorldSize


@pytest.fixture(scope="session")
def tiny() -> WorldSize:
    return WorldSize("tiny", 600, 1_500, 14.0, 1, 0.3, users_per_chunk=800)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, tiny: WorldSize) -> Path:
    """A world of 600 entities and 1,500 users in two chunks. Read it only."""
    folder = tmp_path_factory.mktemp("world")
    write_world(folder, tiny, 3)
    return folder


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Run torch on one thread: small nets are faster so, and sums have one order."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
