"""The address of Postgres: what is refused, and that no refusal shows it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from audience_graph.client import AudienceGraph
from audience_graph.config import external_servers
from audience_graph.database_url import without_password
from audience_graph.errors import AudienceGraphError, ConfigError
from audience_graph.vectors.store import Store

NEO4J = {"NEO4J_URI": "bolt://127.0.0.1:1", "NEO4J_USERNAME": "neo4j", "NEO4J_PASSWORD": "x"}
BAD = [
    "u:SECRETpw@h/db",
    "postgresql+psycopg://u:SECRETpw@h/db",
    "POSTGRESQL://u:SECRETpw@h/db",
    "host=h password=SECRETpw",
    "SECRETpw",
    "postgresql://u:SECRETpw@SECRETpw@h/db",
    "postgresql://u:12/SECRETpw@h/db",
    "postgresql://u:SECRETpw%zz@h/db",
    "postgresql://u:SECRETpw%00@h/db",
    "postgresql://u:SECRETpw /db",
    "postgresql://u:SECRETpw",
    "postgresql://u:p@h:SECRETpw/db",
    "postgresql://u:p@h:99999/SECRETpw",
    "postgresql://u:p@h/db?SECRETpw",
]
GOOD = [
    ("postgresql://me:secret@db.example:5433/x", "postgresql://db.example:5433/x"),
    ("postgres://me:secret@db.example/x?sslmode=require", "postgres://db.example/x"),
    ("postgresql://me:s%40cr%2Fet@[::1]:5433/x", "postgresql://[::1]:5433/x"),
    ("postgresql://me:12#secret@a:1,b:2/x", "postgresql://a:1,b:2/x"),
    ("postgresql://me:12?secret@a/x", "postgresql://a/x"),
    ("postgresql:///x?host=/run/postgresql", "postgresql:///x"),
    ("postgresql://", "postgresql://"),
]


@pytest.mark.parametrize("url", BAD)
def test_what_is_no_address_is_refused_by_the_name_of_its_setting(url: str) -> None:
    with pytest.raises(ConfigError, match=r"^DATABASE_URL ") as error:
        external_servers({**NEO4J, "DATABASE_URL": url})
    assert "SECRETpw" not in f"{error.value} {error.value.hint}"
    with pytest.raises(ConfigError, match=r"^database_url ") as error:
        AudienceGraph.connect(driver=object(), database_url=url)  # type: ignore[arg-type]
    assert "SECRETpw" not in f"{error.value} {error.value.hint}"
    assert without_password(url) == "DATABASE_URL"


@pytest.mark.parametrize("url", [*BAD, "postgresql://u:SECRETpw@127.0.0.1:1/db?SECRETpw=SECRETpw"])
def test_a_store_that_was_given_one_shows_nothing_of_it(url: str) -> None:
    with pytest.raises(AudienceGraphError) as error, Store(url).transaction(vectors=False):
        pass
    assert isinstance(error.value, ConfigError)
    assert "SECRETpw" not in f"{error.value} {error.value.hint}"


@pytest.mark.parametrize(("url", "shown"), GOOD)
def test_an_address_is_taken_and_shown_without_password(url: str, shown: str) -> None:
    found = external_servers({**NEO4J, "DATABASE_URL": url})
    assert found is not None
    assert found.database_url == url
    assert without_password(url) == shown


@pytest.mark.parametrize("command", [["status", "--json"], ["doctor"], ["up"], ["resolve", "spa"]])
def test_no_command_prints_the_password(command: list[str], tmp_path: Path) -> None:
    env = {**os.environ, **NEO4J, "DATABASE_URL": BAD[0], "AUDIENCE_GRAPH_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "audience_graph.cli", *command], env=env, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "DATABASE_URL does not begin with postgresql:// or postgres://" in done.stderr
    assert "SECRETpw" not in json.dumps([done.stdout, done.stderr])


def test_a_password_in_the_address_of_neo4j_is_refused_unseen() -> None:
    with pytest.raises(ConfigError, match=r"^NEO4J_URI ") as error:
        external_servers({**NEO4J, "NEO4J_URI": "bolt://u:SECRETpw@h", "DATABASE_URL": "postgresql:///x"})
    assert "SECRETpw" not in f"{error.value} {error.value.hint}"
