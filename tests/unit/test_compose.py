"""The compose file: valid by the public schema, and the same servers as the lock file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from audience_graph.local.lock import read_lock
from audience_graph.local.neo4j_server import browser_pages

DOCKER = Path(__file__).parents[2] / "docker"
SCHEMA = Path(__file__).parent / "data" / "compose-spec.json"


@pytest.fixture
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text())
    return found


@pytest.fixture
def validator() -> jsonschema.Draft7Validator:
    return jsonschema.Draft7Validator(json.loads(SCHEMA.read_text()))


def test_it_is_valid(compose: dict[str, Any], validator: jsonschema.Draft7Validator) -> None:
    assert [error.message for error in validator.iter_errors(compose)] == []


def test_the_schema_refuses_what_is_wrong(compose: dict[str, Any], validator: jsonschema.Draft7Validator) -> None:
    compose["services"]["neo4j"]["imaeg"] = "x"
    assert not validator.is_valid(compose)


def test_the_versions_are_those_of_the_lock(compose: dict[str, Any]) -> None:
    versions = read_lock().versions
    dockerfile = (DOCKER / "neo4j.Dockerfile").read_text()
    assert re.findall(r"^FROM neo4j:(\S+)", dockerfile, re.MULTILINE) == [f"{versions['neo4j']}-community"]
    assert compose["services"]["neo4j"]["image"].endswith(f":{versions['neo4j']}")
    major = versions["postgres"].split(".")[0]
    assert compose["services"]["postgres"]["image"] == f"pgvector/pgvector:{versions['pgvector']}-pg{major}"


def test_the_image_takes_gds_and_our_procedures_through_the_lock(compose: dict[str, Any]) -> None:
    build = compose["services"]["neo4j"]["build"]
    assert (DOCKER / build["context"] / build["dockerfile"]).resolve() == DOCKER / "neo4j.Dockerfile"
    text = (DOCKER / "neo4j.Dockerfile").read_text()
    assert "audience_graph.local.plugins /plugins" in text
    for folder in re.findall(r"^COPY (?!--)(\w+) ", text, re.MULTILINE):
        assert (DOCKER.parent / folder).is_dir()


def test_browser_opens_as_that_of_the_embedded_stack(compose: dict[str, Any]) -> None:
    environment = compose["services"]["neo4j"]["environment"]
    for line in browser_pages(7474).splitlines():
        name, value = line.split("=", 1)
        named = "NEO4J_" + name.replace("_", "__").replace(".", "_")
        assert environment[named].replace("${NEO4J_HTTP_PORT:-7474}", "7474") == value, name


def test_everything_is_pinned_loopback_only_and_checked(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        assert "latest" not in service["image"]
        assert service["healthcheck"]["test"]
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert "?" in compose["services"]["neo4j"]["environment"]["NEO4J_AUTH"]
    assert "?" in compose["services"]["postgres"]["environment"]["POSTGRES_PASSWORD"]
