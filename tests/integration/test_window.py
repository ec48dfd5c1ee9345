"""A release mined over another window than the default: explained and refreshed over that window."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from audience_graph import release
from audience_graph.audience.pick import PickRule
from audience_graph.cli import audience_graph
from audience_graph.client import AudienceGraph
from audience_graph.config import Connections, Home
from audience_graph.errors import NotFoundError, ReleaseError
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.ingest import load
from audience_graph.preferences import build_space, open_sequences
from audience_graph.release.content import read_content
from audience_graph.vectors.store import Store
from audience_graph.vectors.window import Window
from releases.runs import AS_OF, World, load_entities, table, write_run

pytestmark = pytest.mark.usefixtures("clean_stores")
DAYS = 60
NEXT = AS_OF + timedelta(days=1)
SEED = "Name e00003"


def noon(days_ago: int) -> datetime:
    return datetime.combine(AS_OF - timedelta(days=days_ago), time(12), UTC)


OLD = [
    ("u old", "e00003", "old 1", noon(45), "visit"),
    ("u old", "e00004", "old 1", noon(45), "visit"),
    ("u old", "e00003", "old 2", noon(44), "click"),
]
EDGE = [("u edge", "e00005", "edge", noon(DAYS - 1), "visit")]  # the first of the 60 days


@pytest.fixture
def folder(runner: Neo4jRunner, tmp_path: Path) -> Path:
    world = World(users=60, days=DAYS)
    load_entities(runner, world.ids)
    folder = write_run(tmp_path / "run", world)
    rows = [tuple(row.values()) for row in pq.read_table(folder / "sequences.parquet").to_pylist()]
    pq.write_table(table([*rows, *OLD, *EDGE]), folder / "sequences.parquet")
    return folder


@pytest.fixture
def published(runner: Neo4jRunner, store: Store, folder: Path) -> release.Release:
    return release.publish(runner, store, release.stage(runner, store, folder))


def next_day(folder: Path) -> pa.Table:
    """The 60 days to the next day, with a new event of a known user."""
    rows = [tuple(row.values()) for row in pq.read_table(folder / "sequences.parquet").to_pylist()]
    rows = [row for row in rows if row[3] >= Window(NEXT, DAYS).start]
    return table([*rows, ("u new", "e00007", "new", noon(-1), "visit")])


def told(store: Store) -> set[tuple[str, str]]:
    with store.transaction() as tx:
        rows = tx.rows("SELECT user_id, event_id FROM user_event JOIN user_key USING (key)")
    return {(row["user_id"], row["event_id"]) for row in rows}


def assert_explained(connections: Connections, user: str, mentions: dict[str, int]) -> None:
    """The parts of all mentions, no more, add up to the score; against phrases and against a target."""
    rule = PickRule(ids=("e00003",))
    with AudienceGraph.connect(connections=connections) as ag:
        best = ag.target(SEED, 1000, rule=rule)
        answers = [ag.explain(user, SEED, rule=rule), ag.explain(user, best)]
    for why in answers:
        assert {r.id: r.mentions for r in why.reasons} == mentions
        assert all(r.events for r in why.reasons)
        assert why.score is not None
        assert why.score == best.scores[best.user_ids.index(user)]
        assert sum(r.part for r in why.reasons) == pytest.approx(why.score, abs=why.rounding_bound)
        assert why.note == ""


def test_the_release_keeps_the_window_of_its_run(
    runner: Neo4jRunner, store: Store, published: release.Release, tmp_path: Path
) -> None:
    assert published.window == release.current(store).window == Window(AS_OF, DAYS)
    usual = release.stage(runner, store, write_run(tmp_path / "usual", World(seed=2)))
    assert usual.window == Window(AS_OF)
    run = json.loads((tmp_path / "usual" / "run.json").read_text())
    (tmp_path / "usual" / "run.json").write_text(json.dumps({**run, "config": {"model": "planted", "days": 90}}))
    again = release.stage(runner, store, tmp_path / "usual")
    assert (again.preference_days, again.version == usual.version) == (90, False)


def test_old_events_explain_a_score(connections: Connections, published: release.Release) -> None:
    assert published.preference_days == DAYS
    assert_explained(connections, "u old", {"e00003": 2, "e00004": 1})
    assert_explained(connections, "u edge", {"e00005": 1})


def test_a_user_without_events_is_told_the_window(
    connections: Connections,
    store: Store,
    published: release.Release,  # noqa: ARG001
) -> None:
    with store.transaction() as tx:
        tx.execute("INSERT INTO user_key (user_id) VALUES ('u quiet')")
    with AudienceGraph.connect(connections=connections) as ag:
        assert f"{DAYS} days to {AS_OF}" in ag.explain("u quiet", SEED, rule=PickRule(ids=("e00003",))).note


def test_a_daily_run_covers_the_same_window(
    runner: Neo4jRunner, store: Store, connections: Connections, folder: Path, published: release.Release
) -> None:
    sequences, content = next_day(folder), read_content(folder)
    done = release.refresh(runner, store, sequences, NEXT, days=DAYS)
    assert done.release.window == Window(NEXT, DAYS)
    assert done.recomputed < done.users / 2
    known = set(content.entity_ids)
    assert told(store) == {(r["user_id"], r["event_id"]) for r in sequences.to_pylist() if r["entity_id"] in known}
    assert_explained(connections, "u old", {"e00003": 2, "e00004": 1})
    with AudienceGraph.connect(connections=connections) as ag:
        assert ag.explain("u edge", SEED, rule=PickRule(ids=("e00003",))).score is None
    space = published.preference_space
    with store.transaction() as tx, open_sequences(sequences, content.entity_ids) as opened:
        build_space(tx, "anew", content.entity_ids, content.vectors, opened, None)
        for kind in ("user", "entity"):
            assert tx.rows(f"TABLE {kind}_vector_anew EXCEPT TABLE {kind}_vector_{space}") == []
            assert tx.rows(f"TABLE {kind}_vector_{space} EXCEPT TABLE {kind}_vector_anew") == []
        tx.execute("DROP TABLE user_vector_anew, entity_vector_anew")


def test_sequences_of_another_length_are_refused(
    runner: Neo4jRunner, store: Store, folder: Path, published: release.Release
) -> None:
    with pytest.raises(ReleaseError, match="sequences of 30 days"):
        release.refresh(runner, store, next_day(folder), NEXT, days=30)
    assert release.current(store) == published


def test_a_daily_run_of_a_short_window_keeps_the_events_of_a_long_one(
    runner: Neo4jRunner,
    store: Store,
    connections: Connections,
    folder: Path,
    published: release.Release,
    tmp_path: Path,
) -> None:
    short = write_run(tmp_path / "short", World(seed=2))
    release.publish(runner, store, release.stage(runner, store, short))
    release.refresh(runner, store, pq.read_table(short / "sequences.parquet"), NEXT)
    assert {row[:3:2] for row in OLD} <= told(store)
    release.rollback(runner, store, published.id)
    assert_explained(connections, "u old", {"e00003": 2, "e00004": 1})
    longer = {row[:3:2] for row in OLD}
    release.refresh(runner, store, next_day(folder), NEXT)
    assert longer <= told(store)


def test_events_of_a_release_that_is_being_staged_are_kept(runner: Neo4jRunner, store: Store, tmp_path: Path) -> None:
    world = World(seed=2)
    load_entities(runner, world.ids)
    short = write_run(tmp_path / "short", world)
    release.publish(runner, store, release.stage(runner, store, short))
    with store.transaction() as tx:  # as staging leaves it between its transactions
        tx.execute(
            "INSERT INTO relation_version (version, week, relation_type, content_hash, status, run_id) "
            "VALUES ('2026-W30-0a0a0a0a', '2026-W30', 'RELATES_2026_W30_0a0a0a0a', '0a0a0a0a', 'staging', 'r')"
        )
        tx.execute(
            "INSERT INTO space (space, kind, dims, model, week, as_of, days) "
            "VALUES ('pref_2026_w30_0a0a0a0a', 'preference', 8, 'planted', '2026-W30', %s, %s)",
            (AS_OF, DAYS),
        )
        tx.execute("INSERT INTO user_key (user_id) VALUES ('u old')")
        tx.execute(
            "INSERT INTO user_event SELECT key, 'old 1', %s, 'visit', NULL, ARRAY['e00003'] FROM user_key "
            "WHERE user_id = 'u old'",
            (noon(45),),
        )
    release.refresh(runner, store, pq.read_table(short / "sequences.parquet"), NEXT)
    assert ("u old", "old 1") in told(store)


def test_the_command_links_the_window_of_the_release(
    home: Home,
    connections: Connections,
    published: release.Release,  # noqa: ARG001
    tmp_path: Path,
) -> None:
    file = tmp_path / "events.jsonl"
    rows = [
        {"event_id": i, "user_id": "u", "time": noon(ago).isoformat(), "channel": "visit", "entity_ids": ["e00003"]}
        for i, ago in (("in", 45), ("first", DAYS - 2), ("before", DAYS - 1))
    ]
    file.write_text("\n".join(json.dumps(row) for row in rows))
    load("events", file, home=home, connections=connections)
    env = {
        "NEO4J_URI": connections.neo4j_uri,
        "NEO4J_USERNAME": connections.neo4j_username,
        "NEO4J_PASSWORD": connections.neo4j_password,
        "NEO4J_DATABASE": connections.neo4j_database,
        "DATABASE_URL": connections.database_url,
    }
    words = ["preferences", "refresh", "--as-of", NEXT.isoformat(), "--data-dir", str(home.path), "--json", "--force"]
    done = CliRunner(env=env).invoke(audience_graph, words)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["users"] == 1
    assert_explained(connections, "u", {"e00003": 2})
    with AudienceGraph.connect(connections=connections) as ag, pytest.raises(NotFoundError):
        ag.explain("nobody", SEED, rule=PickRule(ids=("e00003",)))
