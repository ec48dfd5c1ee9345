"""User vectors on a real Postgres: the mean over the sequence, and a daily run equal to a build from nothing."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from audience_graph import release
from audience_graph.cli.preferences import preferences as preferences_command
from audience_graph.config import Connections, Home
from audience_graph.errors import ReleaseError
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.ingest import load
from audience_graph.preferences import build_space, open_sequences
from audience_graph.release.content import Content, read_content
from audience_graph.vectors.store import Store
from releases.runs import AS_OF, World, load_entities, table, write_run

pytestmark = pytest.mark.usefixtures("clean_stores")
NEXT = AS_OF + timedelta(days=1)


@pytest.fixture
def folder(runner: Neo4jRunner, tmp_path: Path) -> Path:
    world = World(users=60)
    load_entities(runner, world.ids)
    return write_run(tmp_path / "run", world)


@pytest.fixture
def published(runner: Neo4jRunner, store: Store, folder: Path) -> release.Release:
    return release.publish(runner, store, release.stage(runner, store, folder))


def expected(sequences: pa.Table, content: Content) -> dict[str, np.ndarray]:
    """EGL eq. 7 in three lines, on the vectors as they are stored."""
    half = dict(zip(content.entity_ids, content.vectors.astype(np.float16).astype(np.float64), strict=True))
    users: dict[str, list[np.ndarray]] = {}
    for row in sequences.to_pylist():
        if row["entity_id"] in half:
            users.setdefault(row["user_id"], []).append(half[row["entity_id"]])
    return {user: np.mean(vectors, axis=0) for user, vectors in users.items()}


def stored(store: Store, space: str) -> dict[str, np.ndarray]:
    with store.transaction() as tx:
        rows = tx.rows(f"SELECT user_id, vector FROM user_vector_{space} JOIN user_key USING (key) ORDER BY user_id")
    return {row["user_id"]: row["vector"].to_numpy().astype(np.float64) for row in rows}


def events(store: Store) -> list[tuple[object, ...]]:
    with store.transaction() as tx:
        rows = tx.rows(
            "SELECT user_id, event_id, time, channel, entity_ids FROM user_event JOIN user_key USING (key) "
            "ORDER BY user_id, event_id"
        )
    return [tuple(row.values()) for row in rows]


def next_day(sequences: pa.Table) -> pa.Table:
    """The window a day later: the oldest day gone, one user silent, new events of a known and of a new user."""
    start = datetime.combine(NEXT - timedelta(days=29), datetime.min.time(), UTC)
    rows = [tuple(row.values()) for row in sequences.to_pylist() if row["time"] >= start]
    silent = rows[0][0]
    moment = datetime.combine(NEXT, datetime.min.time(), UTC) + timedelta(hours=9)
    rows = [row for row in rows if row[0] != silent]
    rows += [(rows[0][0], "e00003", "new 1", moment, "visit"), (rows[0][0], "e00007", "new 1", moment, "visit")]
    rows += [
        ('u new, \\ "quoted"', "e00001", "new 2", moment, "click"),
        ("u unknown", "no such entity", "new 3", moment, "x"),
    ]
    return table(rows)


def test_a_user_vector_is_the_mean_over_the_sequence(store: Store, folder: Path, published: release.Release) -> None:
    wanted = expected(pq.read_table(folder / "sequences.parquet"), read_content(folder))
    found = stored(store, published.preference_space)
    assert found.keys() == wanted.keys()
    for user, vector in wanted.items():
        np.testing.assert_allclose(found[user], vector, atol=2e-3)


def test_events_are_kept_with_their_entities(store: Store, folder: Path, published: release.Release) -> None:  # noqa: ARG001
    rows = pq.read_table(folder / "sequences.parquet").to_pylist()
    wanted: dict[tuple[object, ...], list[str]] = {}
    for row in rows:
        wanted.setdefault((row["user_id"], row["event_id"], row["time"], row["channel"]), []).append(row["entity_id"])
    assert events(store) == sorted((*key, sorted(ids)) for key, ids in wanted.items())


def test_events_keep_the_text_of_the_warehouse(runner: Neo4jRunner, store: Store, folder: Path, tmp_path: Path) -> None:
    warehouse = tmp_path / "ware house"
    (warehouse / "events").mkdir(parents=True)
    ids = sorted(set(pq.read_table(folder / "sequences.parquet")["event_id"].to_pylist()))
    texts = [f'said "{i}", \\ so\nthere' for i in ids]
    pq.write_table(pa.table({"event_id": ids[1:], "text": texts[1:]}), warehouse / "events" / "a.parquet")
    release.stage(runner, store, folder, warehouse=warehouse)
    with store.transaction() as tx:
        found = tx.rows("SELECT event_id, text FROM user_event ORDER BY event_id")
    assert [row["text"] for row in found] == [None, *texts[1:]]


def test_a_daily_run_equals_a_build_from_nothing(
    runner: Neo4jRunner, store: Store, folder: Path, published: release.Release
) -> None:
    sequences = next_day(pq.read_table(folder / "sequences.parquet"))
    content = read_content(folder)
    before = stored(store, published.preference_space)
    done = release.refresh(runner, store, sequences, NEXT)
    found = stored(store, published.preference_space)
    wanted = expected(sequences, content)
    assert found.keys() == wanted.keys()
    assert done.users == len(wanted) == release.current(store).counts["users"]
    assert done.dropped == len(before.keys() - wanted.keys()) > 0
    assert 0 < done.recomputed < len(wanted) / 2
    with store.transaction() as tx, open_sequences(sequences, content.entity_ids) as opened:
        build_space(tx, "anew", content.entity_ids, content.vectors, opened, None)
        for kind in ("user", "entity"):
            rows = tx.rows(
                f"(TABLE {kind}_vector_anew EXCEPT TABLE {kind}_vector_{published.preference_space}) UNION ALL "
                f"(TABLE {kind}_vector_{published.preference_space} EXCEPT TABLE {kind}_vector_anew)"
            )
            assert rows == []
        tx.execute("DROP TABLE user_vector_anew, entity_vector_anew")


def test_a_daily_run_keeps_the_events_of_its_window(
    runner: Neo4jRunner,
    store: Store,
    folder: Path,
    published: release.Release,  # noqa: ARG001
) -> None:
    sequences = next_day(pq.read_table(folder / "sequences.parquet"))
    release.refresh(runner, store, sequences, NEXT)
    known = set(read_content(folder).entity_ids)
    wanted = {(r["user_id"], r["event_id"]) for r in sequences.to_pylist() if r["entity_id"] in known}
    assert {row[:2] for row in events(store)} == wanted


def test_a_daily_run_publishes_a_release_and_repeating_it_changes_nothing(
    runner: Neo4jRunner, store: Store, folder: Path, published: release.Release, tmp_path: Path
) -> None:
    path = tmp_path / "sequences.parquet"
    pq.write_table(next_day(pq.read_table(folder / "sequences.parquet")), path)
    done = release.refresh(runner, store, path, NEXT)
    assert done.release == release.current(store)
    assert (done.release.version, done.release.preference_as_of) == (published.version, NEXT)
    assert release.refresh(runner, store, path, NEXT) == release.Refreshed(done.release, 0, 0, done.users)
    with pytest.raises(ReleaseError, match="do not go back"):
        release.refresh(runner, store, path, AS_OF)
    with pytest.raises(ReleaseError, match="replaced by a later release"):
        release.publish(runner, store, published.id)


def test_a_failed_daily_run_leaves_yesterday(
    runner: Neo4jRunner, store: Store, folder: Path, published: release.Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before, told = stored(store, published.preference_space), events(store)
    monkeypatch.setattr(import_module("audience_graph.release.later"), "flip", stop)
    with pytest.raises(KeyboardInterrupt):
        release.refresh(runner, store, next_day(pq.read_table(folder / "sequences.parquet")), NEXT)
    assert release.current(store) == published
    after = stored(store, published.preference_space)
    assert {u: v.tolist() for u, v in after.items()} == {u: v.tolist() for u, v in before.items()}
    assert events(store) == told


def test_a_day_that_takes_most_vectors_is_refused(
    runner: Neo4jRunner, store: Store, folder: Path, published: release.Release
) -> None:
    rows = [tuple(row.values()) for row in pq.read_table(folder / "sequences.parquet").to_pylist()]
    users = sorted({row[0] for row in rows})
    few, most = (table([r for r in rows if r[0] in users[: int(len(users) * share)]]) for share in (0.4, 0.6))
    before = stored(store, published.preference_space)
    with pytest.raises(ReleaseError, match=r"of \d+ users with a vector"):
        release.refresh(runner, store, few, NEXT)
    assert release.current(store) == published
    assert stored(store, published.preference_space).keys() == before.keys()
    assert release.refresh(runner, store, most, NEXT).users == int(len(users) * 0.6)
    assert release.refresh(runner, store, few, NEXT + timedelta(days=1)).users == int(len(users) * 0.4)


def test_the_daily_command_takes_the_last_day_with_an_event(
    store: Store, connections: Connections, folder: Path, published: release.Release, home: Home
) -> None:
    sequences = pq.read_table(folder / "sequences.parquet").to_pylist()
    known = {r["event_id"]: r for r in sequences}
    load_events(home, [known[i] for i in sorted(known)])
    told = refresh_by_command(connections, home)
    assert told["release"]["preference_as_of"] == str(AS_OF)
    assert told["users"] == published.counts["users"]
    assert release.current(store).preference_as_of == AS_OF


def load_events(home: Home, rows: list[dict[str, object]]) -> None:
    """Load events with the entities' ids, and one of tomorrow."""
    late = datetime.combine(datetime.now(UTC).date() + timedelta(days=1), datetime.min.time(), UTC)
    path = home.path.parent / "events.parquet"
    columns = {
        "user_id": [str(r["user_id"]) for r in rows] + ["u late"],
        "time": pa.array([r["time"] for r in rows] + [late], pa.timestamp("us", "UTC")),
        "channel": ["visit"] * (len(rows) + 1),
        "text": ["about it"] * (len(rows) + 1),
        "event_id": [str(r["event_id"]) for r in rows] + ["ev late"],
        "entity_ids": [[str(r["entity_id"])] for r in rows] + [["e00001"]],
    }
    pq.write_table(pa.table(columns), path)
    load("events", path, home=home)


def refresh_by_command(connections: Connections, home: Home) -> dict[str, Any]:
    env = {
        f"NEO4J_{n.upper()}": getattr(connections, f"neo4j_{n}") for n in ("uri", "username", "password", "database")
    }
    env["DATABASE_URL"] = connections.database_url
    arguments = ["refresh", "--json", "--data-dir", str(home.path)]
    result = CliRunner().invoke(preferences_command, arguments, env=env, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


def test_staging_and_publishing_again_after_a_daily_run_change_nothing(
    runner: Neo4jRunner, store: Store, folder: Path, published: release.Release, tmp_path: Path
) -> None:
    done = release.refresh(runner, store, next_day(pq.read_table(folder / "sequences.parquet")), NEXT)
    before = stored(store, published.preference_space)
    again = release.stage(runner, store, folder)
    assert again == done.release
    assert release.publish(runner, store, again) == done.release
    assert len(release.list_releases(store)) == 2
    other = write_run(tmp_path / "other", World(users=60, seed=2))
    assert release.publish(runner, store, release.stage(runner, store, other)).version != published.version
    assert release.publish(runner, store, release.stage(runner, store, folder)).id == done.release.id
    after = stored(store, published.preference_space)
    assert {u: v.tolist() for u, v in after.items()} == {u: v.tolist() for u, v in before.items()}


def test_staging_again_after_a_daily_run_of_the_same_day_changes_nothing(
    runner: Neo4jRunner, store: Store, folder: Path, published: release.Release
) -> None:
    late = [tuple(row.values()) for row in pq.read_table(folder / "sequences.parquet").to_pylist()]
    moment = datetime.combine(AS_OF, datetime.min.time(), UTC)
    late.append(("u late", "e00001", "ev late", moment, "visit"))
    done = release.refresh(runner, store, table(late), AS_OF)
    assert done.release.id != published.id
    again = release.stage(runner, store, folder)
    assert release.publish(runner, store, again) == done.release


def test_a_data_folder_may_have_any_name(runner: Neo4jRunner, store: Store, folder: Path, tmp_path: Path) -> None:
    warehouse = tmp_path / "data [1]* ?" / "warehouse"
    (warehouse / "events").mkdir(parents=True)
    ids = sorted(set(pq.read_table(folder / "sequences.parquet")["event_id"].to_pylist()))
    pq.write_table(pa.table({"event_id": ids, "text": ids}), warehouse / "events" / "a.parquet")
    release.stage(runner, store, folder.rename(tmp_path / "data [1]* ?" / "run"), warehouse=warehouse)
    with store.transaction() as tx:
        assert tx.rows("SELECT count(*) AS n FROM user_event WHERE text IS NOT DISTINCT FROM event_id") == [
            {"n": len(ids)}
        ]


def test_the_user_table_is_plain_and_scans_in_parallel(store: Store, published: release.Release) -> None:
    table_name = f"user_vector_{published.preference_space}"
    with store.transaction() as tx:
        storage = tx.rows(
            "SELECT attstorage FROM pg_attribute WHERE attrelid = %s::regclass AND attname = 'vector'", (table_name,)
        )
        visible = tx.rows("SELECT relpages, relallvisible, reloptions FROM pg_class WHERE relname = %s", (table_name,))[
            0
        ]
    assert storage == [{"attstorage": "p"}]
    assert visible["relallvisible"] == visible["relpages"] > 0
    assert visible["reloptions"] == ["parallel_workers=4"]


def test_an_empty_day_leaves_no_vectors(runner: Neo4jRunner, store: Store, published: release.Release) -> None:
    with pytest.raises(ReleaseError, match="would leave 0 of"):
        release.refresh(runner, store, table([]), date(2026, 12, 31))
    assert release.current(store) == published
    done = release.refresh(runner, store, table([]), date(2026, 12, 31), force=True)
    assert (done.users, stored(store, published.preference_space), events(store)) == (0, {}, [])
