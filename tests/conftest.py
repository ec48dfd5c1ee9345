"""Tests write and delete: they use servers of their own unless somebody says that the named ones may be wiped."""

from __future__ import annotations

import os

SERVERS = ("NEO4J_URI", "NEO4J_USERNAME", "NEO4J_PASSWORD", "NEO4J_DATABASE", "DATABASE_URL")


def pytest_configure() -> None:
    """Forget servers that the environment names, unless `AUDIENCE_GRAPH_TEST_SERVERS=wipe` allows to empty them."""
    if os.environ.get("AUDIENCE_GRAPH_TEST_SERVERS") != "wipe":
        for name in SERVERS:
            os.environ.pop(name, None)
