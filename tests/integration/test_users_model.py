"""A user model from loaded events to an audience, by the commands: train, publish, ask, refresh, tune, retire."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from audience_graph import release
from audience_graph.cli import audience_graph
from audience_graph.client import AudienceGraph
from audience_graph.config import Connections, Home
from audience_graph.errors import NotFoundError, RunError
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.ingest import load, load_events
from audience_graph.vectors.store import Store
from audience_trainers.run import open_run
from audience_trainers.users import fit
from audience_trainers.users.graph_weight import fit as fit_weights
from audience_trainers.users.keep import load_users
from audience_trainers.users.standing import Standing
from audience_trainers.users.train_users import kept_texts, past_of
from releases.runs import World, write_run
from users.folders import event, write_folder

pytestmark = pytest.mark.usefixtures("clean_stores")

WORLD = World(entities=8, degree=3, users=60, as_of=date(2026, 2, 10), week="2026-W07")
NAMES = ("coffee beans", "green tea", "nappies", "guitar strings", "camping tents", "crime novels", "yoga mats", "skis")
LIKES = 3  # users like entity (user % LIKES)
SETTINGS = [
    "pairs.windows.horizon_days=7", "pairs.windows.step_days=7", "behaviour.dims=16", "behaviour.layers=1",
    "behaviour.heads=2", "behaviour.width=16", "behaviour.epochs=1", "tabular.epochs=1", "align.dims=32",
    "align.layers=1", "align.epochs=3", "entities.dims=8", "entities.epochs=5",
]  # fmt: skip


def likes(user: int) -> str:
    return NAMES[user % LIKES]


def events(first: float, last: float, count: int, seed: int) -> list[dict[str, object]]:
    rng = np.random.default_rng(seed)
    return [
        {
            "event_id": f"{seed}-{i}",
            **event(f"u{(user := int(rng.integers(60))):02d}", float(rng.uniform(first, last)),
                    ["purchase", "search", "visit"][rng.integers(3)],
                    text=f"{likes(user) if rng.random() < 0.8 else NAMES[rng.integers(8)]} please"),
        }
        for i in range(count)
    ]  # fmt: skip


@pytest.fixture
def loaded(tmp_path: Path, home: Home, connections: Connections, runner: Neo4jRunner, store: Store) -> Home:
    ids = dict(zip(WORLD.ids, NAMES, strict=True))
    users = [{"user_id": f"u{u:02d}", "half": ["low", "high"][u % LIKES == 0]} for u in range(60)]
    folder = write_folder(tmp_path / "world", events(0, 40.5, 1_500, 1), users=users, entities=ids)
    load("entities", folder / "entities.parquet", home=home, connections=connections)
    load("users", folder / "users.parquet", home=home, connections=connections)
    load_events(folder / "events.parquet", home=home)
    staged = release.stage(runner, store, write_run(tmp_path / "mined", WORLD))
    release.publish(runner, store, staged)
    return home


@pytest.fixture
def call(loaded: Home, connections: Connections):
    env = {
        f"NEO4J_{n.upper()}": getattr(connections, f"neo4j_{n}") for n in ("uri", "username", "password", "database")
    }
    env["DATABASE_URL"] = connections.database_url

    def call(*words: str, fails: bool = False):
        arguments = [*words, "--data-dir", str(loaded.path)]
        if fails:
            return CliRunner(env=env).invoke(audience_graph, arguments).exception
        done = CliRunner(env=env).invoke(audience_graph, [*arguments, "--json"], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return call


def test_from_events_to_an_audience_and_to_the_next_day(
    tmp_path: Path, loaded: Home, call, store: Store, connections: Connections
) -> None:
    assert call("users", "list") == []
    assert "no user-text space" in call("users", "refresh", fails=True).message
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    trained = call("users", "train", "--publish", *settings)
    assert (trained["status"], trained["users"], trained["dims"]) == ("current", 60, 32)
    assert trained["space"].startswith("text_2026_w07_")
    (listed,) = call("users", "list")
    assert (listed["status"], listed["graph_weight"]) == ("current", 0.6)
    assert listed["weight_from"].startswith("default: ")  # 60 users are too few
    assert (trained["weight_from"], trained["retired"]) == (listed["weight_from"], [])
    again = call("users", "stage", trained["run_id"])
    assert (again["computed"], again["users"]) == (0, 60)

    daily = call("preferences", "refresh", "--force")  # of the loaded events, in place of the planted run's
    assert daily["release"]["user_text_space"] == trained["space"]
    best = call("target", "people who will buy green tea", "--method", "sentence", "--size", "20")
    chosen = [row["user_id"] for row in best["rows"]]
    assert np.mean([likes(int(user[1:])) == "green tea" for user in chosen]) >= 0.8
    assert best["text_space"] == trained["space"]
    assert call("plan", "green tea")["coverage"] == 1.0
    both = call("target", "people who will buy green tea", "--size", "20")
    assert both["method"] == "both"
    why = call("explain", chosen[0], "people who will buy green tea", "--method", "sentence")
    assert "green tea" in why["rows"][0]["text"]

    before = vectors(store, trained["space"])
    new = [{"event_id": "n1", **event("u07", 41.2, "purchase", text="skis please")},
           {"event_id": "n2", **event("new user", 41.3, "search", text="yoga mats please")}]  # fmt: skip
    load_events(write_folder(tmp_path / "next", new) / "events.parquet", home=loaded)
    moved = call("users", "refresh")
    assert (moved["computed"], moved["dropped"], moved["users"], moved["as_of"]) == (2, 0, 61, "2026-02-11")
    after = vectors(store, trained["space"])
    assert {user for user in after if not np.array_equal(after[user], before.get(user, None))} == {"u07", "new user"}
    whole = call("users", "refresh")
    assert (whole["computed"], whole["release"]) == (0, moved["release"])
    with AudienceGraph.connect(connections=connections) as ag:
        assert ag.target("green tea", 5, method="sentence").as_of == date(2026, 2, 11)


def test_new_texts_are_read_by_the_reader_that_was_trained(
    tmp_path: Path, loaded: Home, call, store: Store, connections: Connections
) -> None:
    settings = [word for setting in [*SETTINGS, "behaviour.text.tune=lora"] for word in ("--set", setting)]
    trained = call("users", "train", "--publish", *settings)
    (kept,) = (loaded.path / "cache" / "text_vectors" / "events").iterdir()  # of the weights that were published
    before, read = vectors(store, trained["space"]), (kept / "keys").stat().st_size
    new = [{"event_id": "n1", **event("u07", 41.2, "purchase", text="violins and cellos")}]
    load_events(write_folder(tmp_path / "next", new) / "events.parquet", home=loaded)
    assert call("users", "refresh")["computed"] == 1
    after = vectors(store, trained["space"])
    assert {user for user in after if not np.array_equal(after[user], before[user])} == {"u07"}
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]
    assert (kept / "keys").stat().st_size == read + 16  # one text more
    with past_of(loaded, connections, date(2026, 2, 11)) as source:
        opened = load_users(open_run(loaded.runs / trained["run_id"]), source, kept_texts(loaded))
    wanted = Standing(opened, date(2026, 2, 11)).embed(["u07"])[0]
    np.testing.assert_allclose(after["u07"], wanted, atol=1e-3)  # stored as 16 bits


def test_prompts_are_tuned_listed_used_and_forgotten(tmp_path: Path, call) -> None:
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    call("users", "train", "--publish", *settings)
    fans, others = ([f"u{u:02d}" for u in range(60) if (u % LIKES == 0) == fan][:5] for fan in (True, False))
    (tmp_path / "fans.txt").write_text("\n".join([*fans, "nobody", ""]))
    (tmp_path / "others.txt").write_text("\ufeff" + "\r\n".join(others))
    files = ["--positive-file", str(tmp_path / "fans.txt"), "--negative-file", str(tmp_path / "others.txt")]
    told = call("users", "tune", "morning people", "people who will buy things", *files)
    assert told["verdict"] in {"seeds separate", "too few seeds"}
    assert told["without_vector"] == ["nobody"]
    assert told["leaned"]  # by the users of the space
    bare = call("users", "tune", "morning people", "people who will buy things", *files, "--set", "lean=0")
    assert not bare["leaned"]
    call("users", "tune", "morning people", "people who will buy things", *files)
    assert call("users", "prompts")[0]["prompt"] == "morning people"
    best = call("target", "morning people", "--method", "sentence", "--size", "10")
    chosen = [row["user_id"] for row in best["rows"]]
    assert not set(chosen) & {*fans, *others}
    assert np.mean([int(user[1:]) % LIKES == 0 for user in chosen]) > 0.6
    mined = call("users", "tune", "mined", "people who will buy coffee beans", *files[:2], "--hard", "5")
    assert mined["prompt"] == "mined"
    assert (
        "positive and a negative"
        in call("users", "tune", "x", "tea", "--positive", "u01", "--negative", "u01", fails=True).message
    )
    assert "one of each" in call("users", "tune", "x", "tea", "--positive", "u01", fails=True).message
    assert call("users", "forget", "mined", fails=True) is None
    assert isinstance(call("users", "forget", "mined", fails=True), NotFoundError)
    assert [row["prompt"] for row in call("users", "prompts")] == ["morning people"]


def test_the_weight_of_the_graph_is_fitted_once_for_a_space_and_the_relations(
    loaded: Home, call, store: Store, runner: Neo4jRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_weights, "LEAST_SENTENCES", 3)
    settings = [word for setting in [*SETTINGS, "pairs.windows.validation_share=0.7"] for word in ("--set", setting)]
    trained = call("users", "train", *settings)
    assert trained["weight_from"].startswith("fitted on ")
    (staged,) = call("users", "list")
    assert (staged["status"], staged["graph_weight"]) == ("staged", trained["graph_weight"])
    by_hand = call("users", "weigh", trained["space"])
    assert by_hand["graph_weight"] == trained["graph_weight"]
    assert [point["weight"] for point in by_hand["measured"]["grid"]] == [round(i / 10, 1) for i in range(11)]
    assert by_hand["measured"]["windows"][-1]["sentences"] > 0

    with store.transaction() as tx:  # what was fitted is not fitted again
        tx.execute("UPDATE graph_weight SET weight = 0.123")
    assert call("users", "stage", trained["run_id"])["graph_weight"] == 0.123
    assert call("users", "publish", trained["space"])["graph_weight"] == 0.123
    assert call("plan", "green tea")["graph_weight"] == 0.123
    best = call("target", "people who will buy green tea", "--method", "both", "--size", "10")
    assert (best["graph_weight"], best["graph_weight_from"]) == (0.123, trained["weight_from"])
    why = call("explain", best["rows"][0]["user_id"], "people who will buy green tea", "--method", "both")
    assert why["graph_weight"] == 0.123

    other = World(entities=8, degree=2, users=60, as_of=WORLD.as_of, week=WORLD.week, seed=WORLD.seed + 1)
    release.publish(runner, store, release.stage(runner, store, write_run(tmp_path / "again", other)))
    again = call("users", "publish", trained["space"])  # other relations: fitted anew
    assert again["graph_weight"] != 0.123
    assert again["version"] == release.current(store).version
    with store.transaction() as tx:
        tx.execute("UPDATE graph_weight SET version = 'an older one'")
    (loaded.runs / trained["run_id"]).rename(loaded.path / "elsewhere")
    assert "the run of space" in call("users", "weigh", fails=True).message
    assert call("users", "publish", trained["space"])["graph_weight"] == again["graph_weight"]  # said, and published


def test_publishing_retires_the_spaces_before_the_last_ones(tmp_path: Path, call) -> None:
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    spaces = [call("users", "train", "--seed", str(seed), *settings)["space"] for seed in (1, 2, 3, 4)]
    assert len(set(spaces)) == 4
    beside = call("users", "compare", spaces[0], spaces[3], "--size", "100")
    assert (beside["a"]["space"], beside["b"]["space"], beside["a"]["users"]) == (spaces[0], spaces[3], None)
    assert len(beside["rows"]) == len(NAMES)
    assert (
        {row["jaccard"] for row in beside["rows"]} == {row["median_a"] for row in beside["rows"]} == {None}
    )  # 60 users
    asked = tmp_path / "sentences.txt"
    asked.write_text("\ufeffpeople who will buy skis\n\npeople who will buy skis\n")
    more = call("users", "compare", spaces[0], spaces[3], "--sentence", "green tea", "--file", str(asked))
    assert [row["sentence"] for row in more["rows"]] == ["green tea", "people who will buy skis"]
    asked.write_text("\n")
    assert "no sentence" in call("users", "compare", *spaces[:2], "--file", str(asked), fails=True).message
    kept = [call("users", "publish", space)["retired"] for space in spaces[:3]]
    assert kept == [[], [], [spaces[0]]]
    assert {row["space"]: row["status"] for row in call("users", "list")} == {
        spaces[1]: "published", spaces[2]: "current", spaces[3]: "staged"
    }  # fmt: skip
    assert call("users", "publish", spaces[2], "--keep", "1")["retired"] == [spaces[1]]
    assert {row["space"] for row in call("users", "list")} == set(spaces[2:])


def test_a_damaged_or_absent_run_is_refused(loaded: Home, call) -> None:
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    trained = call("users", "train", "--no-stage", *settings)
    assert trained["status"] == "trained"
    assert call("users", "list") == []
    assert isinstance(call("users", "stage", "no-such-run", fails=True), NotFoundError)
    assert isinstance(call("users", "publish", trained["run_id"], fails=True), NotFoundError)
    assert "2026-01-01" not in str(call("users", "stage", trained["run_id"], "--as-of", "2025-12-01", fails=True))
    folder = loaded.runs / trained["run_id"]
    shutil.copytree(folder, folder.with_name("copy"))
    (folder.with_name("copy") / "model.pt").write_bytes(b"not a model")
    assert isinstance(call("users", "stage", "copy", fails=True), RunError)


def vectors(store: Store, space: str) -> dict[str, np.ndarray]:
    with store.transaction(read_only=True) as tx:
        rows = tx.rows(f"SELECT user_id, vector FROM user_vector_{space} JOIN user_key USING (key)")
    return {row["user_id"]: row["vector"].to_numpy() for row in rows}


def test_a_stopped_training_goes_on_to_the_same_model(loaded: Home, call, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    whole = call("users", "train", "--no-stage", *settings)
    assert not list((loaded.path / "cache" / "users").iterdir())

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:  # after the columns and the behaviour, before the alignment
        patched.setattr(fit, "align", stop)
        assert call("users", "train", "--no-stage", *settings, fails=True) is not None
    (unfinished,) = (loaded.path / "cache" / "users").iterdir()
    assert {path.parent.name for path in unfinished.rglob("*.pt")} == {"behaviour", "tabular"}
    went_on = call("users", "train", "--no-stage", *settings)
    weights = [(loaded.runs / one["run_id"] / "model.json").read_text() for one in (whole, went_on)]
    assert weights[0] == weights[1]
