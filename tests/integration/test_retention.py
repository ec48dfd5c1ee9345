"""What is too old goes away beside the readers: in a process of its own, resumed when it stopped, never half-read."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from audience_graph import AudienceGraph, release
from audience_graph.cli.release import release as release_command
from audience_graph.config import Connections, Home
from audience_graph.errors import ReleaseError
from audience_graph.graph.queries import Query, load_query
from audience_graph.graph.runner import Fetched, Neo4jRunner, Plan, Runner
from audience_graph.release.locks import version_locked
from audience_graph.release.records import find
from audience_graph.schema import alembic_scripts
from audience_graph.vectors.store import Store
from audience_trainers.push import publish_release
from releases.runs import AS_OF, World, load_entities, write_run

pytestmark = pytest.mark.usefixtures("clean_stores")


@pytest.fixture
def staged(runner: Neo4jRunner, store: Store, tmp_path: Path) -> list[release.Release]:
    """Three weeks of one world, staged; the first two published too."""
    made = []
    for i in range(3):
        day = AS_OF - timedelta(weeks=2 - i)
        world = World(seed=i + 10, week=f"2026-W{day.isocalendar().week}", as_of=day)
        load_entities(runner, world.ids)
        made.append(release.stage(runner, store, write_run(tmp_path / world.week, world)))
        if i < 2:
            release.publish(runner, store, made[-1])
    return made


def wait_for(store: Store, version: str, status: str) -> None:
    end = time.monotonic() + 60
    while find(store, version).version_status != status:
        assert time.monotonic() < end, f"{version} is {find(store, version).version_status}"
        time.sleep(0.2)


def invoke(connections: Connections, home: Home, *arguments: str) -> str:
    names = ("uri", "username", "password", "database")
    env = {f"NEO4J_{name.upper()}": getattr(connections, f"neo4j_{name}") for name in names}
    env["DATABASE_URL"] = connections.database_url
    words = [*arguments, "--data-dir", str(home.path)]
    result = CliRunner().invoke(release_command, words, env=env, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_publishing_a_mined_week_retires_what_is_too_old_in_the_background(
    store: Store, connections: Connections, home: Home, staged: list[release.Release]
) -> None:
    found = publish_release(connections, staged[2], home=home, weeks=2)
    assert (found.status, found.id) == ("current", staged[2].id)
    assert find(store, staged[0].version).status in {"retiring", "retired"}
    wait_for(store, staged[0].version, "retired")
    for _ in range(300):  # its last line comes after the status
        if staged[0].version in release.log_of(home).read_text():
            break
        time.sleep(0.1)
    assert staged[0].version in release.log_of(home).read_text()
    assert find(store, staged[1].version).version_status == "staged"


def test_a_retiring_that_died_is_listed_and_picked_up_by_the_next_publish(
    runner: Neo4jRunner, store: Store, connections: Connections, home: Home, staged: list[release.Release]
) -> None:
    release.mark_retiring(runner, store, staged[0].version)  # and its process died
    assert "retiring" in invoke(connections, home, "list", "--csv")
    assert "retiring" in invoke(connections, home, "publish", staged[2].version, "--keep-weeks", "0")
    wait_for(store, staged[0].version, "retired")
    assert find(store, staged[1].version).version_status == "staged"


def test_a_version_that_is_being_worked_on_is_left_for_the_next_publish(
    store: Store, connections: Connections, home: Home, staged: list[release.Release]
) -> None:
    with version_locked(store, staged[0].version, wait=False):
        assert publish_release(connections, staged[2], home=home, weeks=1).status == "current"
    wait_for(store, staged[1].version, "retired")
    assert find(store, staged[0].version).version_status == "staged"


def test_the_command_retires_in_the_background(
    store: Store, connections: Connections, home: Home, staged: list[release.Release]
) -> None:
    assert "in the background" in invoke(connections, home, "retire", "--background", staged[0].version)
    wait_for(store, staged[0].version, "retired")


class Meanwhile:
    """A runner during whose n-th read of a query something else happens."""

    def __init__(self, runner: Runner, name: str, at: int, act: Any) -> None:
        self._runner, self._name, self._left, self._act = runner, name, at, act

    def read(self, query: Query, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        rows = self._runner.read(query, parameters)
        if query.name.startswith(self._name):
            self._left -= 1
            if self._left == 0:
                self._act()
        return rows

    def write(self, query: Query, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        return self._runner.write(query, parameters)

    def auto_commit(self, query: Query, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        return self._runner.auto_commit(query, parameters)

    def plan(self, query: Query, parameters: Mapping[str, Any], *, timeout: float = 30.0) -> Plan:
        return self._runner.plan(query, parameters, timeout=timeout)

    def read_once(self, query: Query, parameters: Mapping[str, Any], *, timeout: float, most: int) -> Fetched:
        return self._runner.read_once(query, parameters, timeout=timeout, most=most)


@pytest.mark.parametrize("ask", ["expand", "target"])
def test_a_reader_of_a_week_that_is_retired_meanwhile_hears_so(
    runner: Neo4jRunner, store: Store, staged: list[release.Release], ask: str
) -> None:
    old = staged[0]
    during = Meanwhile(runner, "entities/resolve_exact", 1, lambda: release.retire(runner, store, old.version))
    with pytest.raises(ReleaseError, match=f"version {old.version} was retired"):
        getattr(AudienceGraph(during, store), ask)("e00001", week=old.week)


def test_a_target_whose_version_was_retired_is_not_explained(
    runner: Neo4jRunner, store: Store, staged: list[release.Release]
) -> None:
    client = AudienceGraph(runner, store)
    found = client.target("e00001", week=staged[0].week)
    release.retire(runner, store, staged[0].version)
    with pytest.raises(ReleaseError, match=f"version {staged[0].version} was retired"):
        client.explain(found.user_ids[0], found)


@pytest.mark.parametrize(("at", "new_id"), [(1, "e00003a"), (7, "zzz")])
def test_a_diff_stands_entities_that_are_loaded_meanwhile(
    runner: Neo4jRunner,
    store: Store,
    staged: list[release.Release],
    monkeypatch: pytest.MonkeyPatch,
    at: int,
    new_id: str,
) -> None:
    monkeypatch.setattr(import_module("audience_graph.release.diff"), "_PAGE", 10)
    ids = [one.id for one in staged[:2]]
    wanted = release.diff(runner, store, *ids, limit=None)
    loading = Meanwhile(runner, "relations/export_page", at, lambda: load_entities(runner, [new_id]))
    assert release.diff(loading, store, *ids, limit=None) == wanted


@pytest.mark.parametrize("lock", ["version", "migration"])
def test_a_lock_outlives_the_idle_limit_of_the_server(store: Store, connections: Connections, lock: str) -> None:
    url = connections.database_url
    impatient = Store(f"{url}{'&' if '?' in url else '?'}options=-c%20idle_in_transaction_session_timeout%3D200")
    held = version_locked(impatient, "v", wait=False) if lock == "version" else alembic_scripts.locked(impatient)
    with held:
        time.sleep(0.6)
        with store.transaction() as tx:
            rows = tx.rows("SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory' AND granted")
        assert rows == [{"n": 1}]


def test_a_version_whose_mirror_was_skipped_is_readable_by_week(
    runner: Neo4jRunner, store: Store, staged: list[release.Release]
) -> None:
    text = "MATCH (v:RelationVersion {version: $version}) SET v.status = 'staged' RETURN v.status AS status"
    runner.write(Query("t", text, ("version",), (), Path(__file__)), {"version": staged[0].version})
    release.publish(runner, store, staged[2])
    for one in staged:
        row = runner.read(load_query("releases/find_version"), {"version": one.version})[0]
        assert row["status"] == "published", one.week
