"""Migrations of both real stores: exactly once, converging, refusing."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from audience_graph.config import Connections, Home
from audience_graph.errors import MigrationError
from audience_graph.graph.queries import Query
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.ingest import LoadOptions, load
from audience_graph.resources import resource
from audience_graph.schema import Applied, migrate, status

DATABASE = "audience_graph_migrations"
ALL = [
    "0001_create_release_tables",
    "0002_count_users_of_releases",
    "0003_keep_reasons_of_publications",
    "0004_keep_sentence_encoders",
    "0005_keep_weights_of_graphs",
    "0006_keep_audiences",
    "V0001__create_entity_schema",
    "V0002__create_audience_schema",
    "V0003__index_sensitive_entities",
    "V0004__keep_saved_queries",
    "V0005__keep_browser_pages",
    "V0006__index_decisions",
]


def query(text: str) -> Query:
    return Query(name="tests/schema", text=text, params=(), returns=(), path=Path(__file__))


def forget(runner: Neo4jRunner) -> None:
    """Neo4j as it was before any migration: the community edition has one database only."""
    for row in runner.read(query("SHOW CONSTRAINTS YIELD name RETURN name")):
        runner.auto_commit(query(f"DROP CONSTRAINT {row['name']}"))
    for row in runner.read(query("SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP' RETURN name")):
        runner.auto_commit(query(f"DROP INDEX {row['name']}"))
    runner.write(query("MATCH (script:SchemaScript) DELETE script"))


@pytest.fixture
def bare(connections: Connections, runner: Neo4jRunner, clean_stores: None) -> Iterator[Connections]:  # noqa: ARG001
    """An empty Postgres database and a Neo4j without schema; both stores are migrated again afterwards."""
    parts = urlsplit(connections.database_url)
    with psycopg.connect(connections.database_url, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {DATABASE}")
    forget(runner)
    yield replace(connections, database_url=urlunsplit(parts._replace(path=f"/{DATABASE}")))
    with psycopg.connect(connections.database_url, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
    forget(runner)
    migrate(connections)


def names(scripts: list[Applied]) -> list[str]:
    return [script.name for script in scripts]


def schema_of(connections: Connections, runner: Neo4jRunner) -> tuple[object, ...]:
    with psycopg.connect(connections.database_url) as connection:
        columns = connection.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = 'public' ORDER BY 1, 2"
        ).fetchall()
    indexes = runner.read(query("SHOW INDEXES YIELD name, type, state RETURN name, type, state ORDER BY name"))
    return columns, indexes


def test_a_dry_run_names_the_scripts_and_writes_nothing(bare: Connections, runner: Neo4jRunner) -> None:
    before = schema_of(bare, runner)
    assert names(migrate(bare, dry_run=True)) == ALL
    assert schema_of(bare, runner) == before
    assert [s.applied_at for s in status(bare)] == [None] * len(ALL)


def test_scripts_run_once_and_are_recorded(bare: Connections) -> None:
    done = migrate(bare)
    assert names(done) == ALL
    assert all(script.applied_at is not None for script in done)
    assert migrate(bare) == []
    assert status(bare) == done


@pytest.mark.parametrize("what", ["entities", "users"])
def test_nothing_is_loaded_without_the_schema(
    bare: Connections, runner: Neo4jRunner, home: Home, tmp_path: Path, what: str
) -> None:
    path = tmp_path / f"{what}.csv"
    path.write_text("id,name,type\nspa,Spa,service\n" if what == "entities" else "user_id\nu1\n")
    for dry_run in (True, False):
        with pytest.raises(MigrationError, match="lacks the schema") as refused:
            load(what, path, home=home, connections=bare, options=LoadOptions(dry_run=dry_run))
        assert refused.value.hint == "run `audience-graph migrate` first"
    assert runner.read(query("MATCH (n) RETURN count(n) AS n"))[0]["n"] == 0
    migrate(bare)
    assert load(what, path, home=home, connections=bare).written == 1
    runner.write(query("MATCH (n:Entity) DETACH DELETE n"))


def test_an_edited_script_is_refused_and_nothing_runs(bare: Connections, tmp_path: Path) -> None:
    migrate(bare)
    folder = tmp_path / "with a space" / "migrations"
    shutil.copytree(resource("migrations"), folder, ignore=shutil.ignore_patterns("__pycache__"))
    assert migrate(bare, folder=folder) == []
    script = folder / "neo4j" / "V0006__index_decisions.cypher"
    script.write_text(script.read_text() + "\n// one more line\n")
    (folder / "postgres" / "versions" / "0007_add_nothing.py").write_text("raise SystemExit")
    with pytest.raises(MigrationError, match=r"V0006__index_decisions.cypher was edited"):
        migrate(bare, folder=folder)
    script.unlink()
    with pytest.raises(MigrationError, match=r"V0006__index_decisions .*missing"):
        migrate(bare, folder=folder)


def test_a_failing_script_leaves_nothing_and_is_named(bare: Connections, runner: Neo4jRunner, tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(resource("migrations"), folder, ignore=shutil.ignore_patterns("__pycache__"))
    broken = folder / "postgres" / "versions" / "0002_count_users_of_releases.py"
    text = broken.read_text()
    broken.write_text(text.replace("op.execute(", 'op.execute("CREATE TABLE half (a int)"); op.execute("nonsense"); ('))
    with pytest.raises(MigrationError, match="0002_count_users"):
        migrate(bare, folder=folder)
    assert "half" not in str(schema_of(bare, runner))
    broken.write_text(text)
    assert names(migrate(bare, folder=folder)) == ALL[1:]


def run_migrate(connections: Connections, start: float) -> list[str]:
    time.sleep(max(0.0, start - time.time()))
    return names(migrate(connections))


def test_eight_at_once_apply_each_script_exactly_once(bare: Connections) -> None:
    with multiprocessing.get_context("spawn").Pool(8) as pool:
        results = pool.starmap(run_migrate, [(bare, time.time() + 6)] * 8)
    assert sorted(name for result in results for name in result) == sorted(ALL)


KILLED = """
import json, sys
from audience_graph.config import Connections, Home
from audience_graph.schema import migrate
connections = Connections(**json.loads(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
migrate(connections)
"""


def test_killed_anywhere_and_rerun_it_converges(bare: Connections, runner: Neo4jRunner) -> None:
    migrate(bare)
    whole = schema_of(bare, runner)
    for delay in (0.02, 0.1, 0.2, 0.35, 0.6, 1.0):
        with psycopg.connect(bare.database_url, autocommit=True) as admin:
            admin.execute("DROP SCHEMA public CASCADE")
            admin.execute("CREATE SCHEMA public")
        forget(runner)
        fields = {name: getattr(bare, name) for name in Connections.__slots__}
        with subprocess.Popen(
            [sys.executable, "-c", KILLED, json.dumps(fields)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            process.stdout.readline()
            process.stdin.write("\n")
            process.stdin.flush()
            time.sleep(delay)
            process.kill()
        migrate(bare)
        assert schema_of(bare, runner) == whole
        assert migrate(bare) == []
