"""The demo never mixes its world into other data."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from audience_graph.config import Connections, Home
from audience_graph.demo import write_world
from audience_graph.demo.sizes import WorldSize
from audience_graph.errors import ConfigError
from audience_graph.ingest import load
from audience_trainers.demo_loop import DemoOptions, check_free, world_folder

pytestmark = pytest.mark.usefixtures("clean_stores")


def load_one_entity(home: Home, connections: Connections, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pd.DataFrame({"id": ["x"], "name": ["spa"], "type": ["service"]}).to_csv(folder / "own.csv", index=False)
    load("entities", folder / "own.csv", home=home, connections=connections)


def test_empty_stores_are_free(home: Home, connections: Connections) -> None:
    check_free(home, connections, DemoOptions())


def test_other_entities_are_left_alone(home: Home, connections: Connections, tmp_path: Path) -> None:
    load_one_entity(home, connections, tmp_path)
    with pytest.raises(ConfigError, match=r"already holds other data \(1 entities\)") as refused:
        check_free(home, connections, DemoOptions())
    assert refused.value.hint is not None
    assert "--data-dir" in refused.value.hint


def test_the_same_world_may_run_again_and_another_may_not(home: Home, connections: Connections, tmp_path: Path) -> None:
    write_world(world_folder(home), WorldSize("small", 300, 50, 5.0, 1, 0.1), 7)
    load_one_entity(home, connections, tmp_path)
    check_free(home, connections, DemoOptions("small", 7))
    with pytest.raises(ConfigError):
        check_free(home, connections, DemoOptions("small", 8))
    with pytest.raises(ConfigError):
        check_free(home, connections, DemoOptions("medium", 7))
