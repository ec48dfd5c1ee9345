"""Real data on real servers. `--real-size whole` runs the sets whole; the default takes a part that fits CI."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from shared_data import find_shared_data, why_absent


def _stack_fixtures() -> ModuleType:
    path = Path(__file__).parents[1] / "integration" / "conftest.py"
    spec = importlib.util.spec_from_file_location("stack_fixtures", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_stack = _stack_fixtures()
stack_home, connections, runner, store = _stack.stack_home, _stack.connections, _stack.runner, _stack.store
home, clean_stores = _stack.home, _stack.clean_stores


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--real-size", choices=("part", "whole"), default="part", help="How much of the real data sets.")


@pytest.fixture(scope="session")
def whole(pytestconfig: pytest.Config) -> bool:
    """Whether the data sets are to be run whole."""
    return bool(pytestconfig.getoption("--real-size") == "whole")


@pytest.fixture(scope="session")
def completejourney() -> Path:
    return _folder("completejourney")


@pytest.fixture(scope="session")
def online_retail() -> Path:
    return _folder("online_retail")


def _folder(name: str) -> Path:
    found = find_shared_data(name)
    if found is None:
        pytest.skip(why_absent(name))
    return found
