"""Tasks x models: the JSON that is promised, intervals, arms, and commands that help."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import planted_models
import pytest
from click.testing import CliRunner, Result
from planted_tasks import CUT, write_planted

from audience_graph.cli import audience_graph
from audience_graph.demo.scenarios import SCENARIOS
from audience_trainers.users.bootstrap import Estimate
from audience_trainers.users.evaluate import EvaluateOptions, Judged, choose_tasks, evaluate_users
from audience_trainers.users.measures import MEASURES
from audience_trainers.users.question import read_question
from audience_trainers.users.report import cell, domain_rows, domains, table_rows
from audience_trainers.users.scoring import MODELS, Options, choose_models
from audience_trainers.users.tasks.history import read_history
from audience_trainers.users.tasks.parse import read_tasks
from audience_trainers.users.tasks.sets.writing import SETS, make_tasks
from audience_trainers.users.tasks.source import open_source
from audience_trainers.users.tasks.task import Query, Task

FAST = "bm25,popularity,popularity_matching,item_knn_few,logistic,random"
SETS_FOLDER = Path(__file__).parents[2] / "trainers" / "audience_trainers" / "users" / "tasks" / "sets"


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_planted(tmp_path_factory.mktemp("planted"))


def run(*arguments: str, home: Path) -> Result:
    return CliRunner(env={"AUDIENCE_GRAPH_SHARED_DATA": ""}).invoke(
        audience_graph, ["evaluate", *arguments, *(["--data-dir", str(home)] if arguments[0] == "users" else [])]
    )


def test_json_has_the_promised_form(planted: Path, tmp_path: Path) -> None:
    asked = "--dataset", str(planted), "--models", FAST, "--seeds", "2", "--replicates", "40"
    first = run("users", *asked, "--json", home=tmp_path)
    assert first.exit_code == 0, first.output
    told = json.loads(first.stdout)
    assert set(told["tasks"]) == {"coffee_buyers", "tea_buyers"}
    for name, models in told["tasks"].items():
        assert list(models) == FAST.split(",")
        assert told["about"][name]["sample"] == "a planted sample"
        for measures in models.values():
            assert list(measures) == list(MEASURES)
            for found in measures.values():
                assert found["ci"][0] <= found["mean"] <= found["ci"][1]
        assert models["bm25"]["auc"]["mean"] > models["random"]["auc"]["mean"]
    assert set(told["differences"]["tasks"]["tea_buyers"]) == set(FAST.split(",")) - {"bm25"}
    assert told["models"]["logistic"] == {"labels": "fitting part (1/5)"}
    assert run("users", *asked, "--json", home=tmp_path).stdout == first.stdout


def test_the_table_names_the_sample(planted: Path, tmp_path: Path) -> None:
    asked = "--dataset", str(planted), "--tasks", "tea_buyers", "--models", "bm25,logistic", "--replicates", "20"
    found = run("users", *asked, "--measure", "lift", home=tmp_path)
    assert found.exit_code == 0, found.output
    assert "tea_buyers" in found.stdout
    assert "coffee_buyers" not in found.stdout
    assert "sample: a planted sample" in found.stdout
    assert "labels: logistic fitting part (1/5); the others none" in found.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--dataset", "nowhere"), "no folder and no set 'nowhere'"),
        (("--dataset", "online_retail"), "where is online_retail?"),
        (("--dataset", "PLANTED", "--tasks", "tea,beer"), "no task 'tea', 'beer'"),
        (("--dataset", "PLANTED", "--models", "guess"), "unknown model 'guess'"),
        (("--dataset", "PLANTED", "--reference", "guess"), "unknown model 'guess'"),
    ],
)
def test_a_mistake_is_one_line(planted: Path, tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    named = [str(planted) if argument == "PLANTED" else argument for argument in arguments]
    found = run("users", *named, home=tmp_path)
    assert found.exit_code == 1
    assert words in str(found.exception) + found.output


def test_numbers_are_of_the_evaluation_part_only(planted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that knows the labels of the fitting part by heart, and nothing else, is chance."""
    monkeypatch.setitem(MODELS, "by_heart", planted_models.BY_HEART)
    found = evaluate_users(
        planted, choose_tasks(planted, None), choose_models("by_heart"), EvaluateOptions(seeds=4, replicates=40)
    )
    for judged in found.values():
        assert judged.models["by_heart"]["auc"].mean == 0.5


def test_a_cut_is_fitted_on_users_that_the_fit_did_not_see(planted: Path) -> None:
    source = open_source(planted)
    task = choose_tasks(planted, "tea_buyers")[0]
    history = read_history(source, task.cut)
    question = read_question(task, source, history)
    scorer = planted_models.prepare_by_heart(history, Options(planted))
    fitting = question.split(0).fitting
    seen = question.ask(scorer, fitting, 0)
    assert np.array_equal(seen[fitting], question.found.y[fitting])
    assert (question.unseen(scorer, fitting, seen, seed=0) == 0.5).all()


def test_columns_without_events_and_arms_give_uplift(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    n = 3_000
    ids = [f"u{i:04d}" for i in range(n)]
    age, arm = rng.integers(20, 70, n), rng.integers(2, size=n)
    bought = rng.random(n) < 0.05 + 0.3 * (arm == 1) * (age > 55)
    pd.DataFrame({"user_id": ids, "as_of": CUT, "age": age}).to_parquet(tmp_path / "users.parquet")
    pd.DataFrame(
        {"user_id": ids, "as_of": CUT, "arm": np.where(arm == 1, "mail", "none"), "bought": bought.astype(int)}
    ).to_parquet(tmp_path / "outcomes.parquet")
    (tmp_path / "tasks.toml").write_text(
        '[[task]]\nname = "buyers"\nsentence = "Who buys?"\ncut = 2024-03-01\nhorizon_days = 14\n'
        'truth = { column = "bought", equals = 1 }\n'
        'arms = { column = "arm", treated = "mail", control = "none" }\n'
    )
    found = evaluate_users(
        tmp_path,
        choose_tasks(tmp_path, None),
        choose_models("bm25,item_knn,boosting,logistic,random"),
        EvaluateOptions(seeds=2, replicates=100),
    )["buyers"]
    assert set(found.models) == {"bm25", "boosting", "logistic", "random"}
    assert found.left_out["item_knn"] == "no events before the cut"
    assert found.users == (arm == 1).sum()
    assert found.models["logistic"]["uplift"].low > 0.15
    assert table_rows({"buyers": found}, "uplift")[0]["everybody"] == cell(found.effect)
    assert found.effect is not None
    assert found.effect.mean == pytest.approx(bought[arm == 1].mean() - bought[arm == 0].mean())
    assert found.models["logistic"]["uplift"].mean > found.effect.high


def test_every_set_has_sentences_of_its_own(tmp_path: Path) -> None:
    assert {file.stem for file in SETS_FOLDER.glob("*.toml")} == set(SETS)
    for name in SETS:
        text = (SETS_FOLDER / f"{name}.toml").read_text(encoding="utf-8").replace("{as_of}", "2025-07-27")
        (tmp_path / "tasks.toml").write_text(text, encoding="utf-8")
        tasks = read_tasks(tmp_path)
        assert len(tasks) >= 4
        assert all(task.note and task.domain and task.sentence[0].isupper() for task in tasks.values())


def test_the_demo_world_becomes_a_folder_of_its_scenarios(world: Path, tmp_path: Path) -> None:
    made = make_tasks("demo", world, tmp_path / "demo")
    tasks = read_tasks(tmp_path / "demo")
    assert {name: (task.sentence, task.domain) for name, task in tasks.items()} == {
        scenario.name: (scenario.sentence, scenario.domain) for scenario in SCENARIOS
    }
    truth = pd.read_parquet(world / "truth" / "labels.parquet").groupby("scenario")["label"]
    known = {name: (users, positives) for name, (users, positives) in made.tasks.items()}
    for scenario, positives in truth.sum().items():
        assert known[str(scenario)][1] <= positives
    assert max(users for users, _ in known.values()) == made.users


def test_the_world_of_the_data_folder_is_found(world: Path, tmp_path: Path) -> None:
    (tmp_path / "demo").symlink_to(world)
    asked = "--models", "random", "--seeds", "1", "--replicates", "20", "--tasks", "arena_players", "--json"
    found = run("users", "--dataset", "demo", *asked, home=tmp_path)
    assert found.exit_code == 0, found.output
    assert json.loads(found.stdout)["about"]["arena_players"]["domain"] == "recommendation"


def test_make_tasks_says_what_is_missing(tmp_path: Path) -> None:
    unknown = run("make-tasks", "groceries", "--from", str(tmp_path), "--out", str(tmp_path / "out"), home=tmp_path)
    assert unknown.exit_code == 1
    assert "no data set 'groceries'" in str(unknown.exception) + unknown.output
    absent = run("make-tasks", "ml_100k", "--from", str(tmp_path), "--out", str(tmp_path / "out"), home=tmp_path)
    assert absent.exit_code == 1
    assert "ml_100k cannot be read from" in str(absent.exception) + absent.output


def judged_in(domain: str, **aucs: float) -> Judged:
    task = Task("t", "Who?", Query(), 0, 14, domain=domain)
    models = {name: {"auc": Estimate(auc, auc, auc), "ks": Estimate(0.5, 0.4, 0.6)} for name, auc in aucs.items()}
    return Judged(task, 10, 2, models, {}, {})


def test_means_of_a_domain_are_of_the_same_tasks() -> None:
    found = {
        "a": judged_in("marketing", bm25=0.5, probe=0.9),
        "b": judged_in("security", bm25=0.6, probe=float("nan")),
        "c": judged_in("marketing", bm25=0.7),
        "d": judged_in("", bm25=0.1, probe=0.1),
    }
    means = domains(found)
    assert list(means) == ["marketing", "security"]
    assert means["marketing"] == {"bm25": {"auc": pytest.approx(0.6), "ks": 0.5}}  # probe has no number in c
    assert means["security"] == {"bm25": {"auc": 0.6, "ks": 0.5}, "probe": {"ks": 0.5}}
    assert domain_rows(found, "auc") == [
        {"task": "mean of marketing", "users": "2 tasks", "bm25": ".600"},
        {"task": "mean of security", "users": "1 task", "bm25": ".600"},
    ]


def test_json_and_table_hold_the_means_of_domains(planted: Path, tmp_path: Path) -> None:
    asked = "--dataset", str(planted), "--models", "bm25,random", "--replicates", "20"
    told = json.loads(run("users", *asked, "--json", home=tmp_path).stdout)
    for model in ("bm25", "random"):
        tasks = [models[model]["auc"]["mean"] for models in told["tasks"].values()]
        assert told["domains"]["marketing"][model]["auc"] == pytest.approx(sum(tasks) / 2, abs=2e-6)
    table = run("users", *asked, home=tmp_path).stdout
    mean = f"{told['domains']['marketing']['bm25']['auc']:.3f}".removeprefix("0")
    (line,) = [line for line in table.splitlines() if "mean of marketing" in line]
    assert "2 tasks" in line
    assert mean in line
