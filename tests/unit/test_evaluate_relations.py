"""Models are compared on one split: tuned on validation, kept as they finish, reported with paired intervals."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats

from audience_graph.errors import ConfigError, RunError, StoreUnavailable
from audience_trainers.evaluate_command import evaluate
from audience_trainers.relations.linkpred.evaluate import EvaluateOptions, evaluate_models, measure
from audience_trainers.relations.linkpred.models import MODELS, Model, Setting
from audience_trainers.relations.linkpred.paired import paired_difference, t_interval
from audience_trainers.relations.linkpred.ranking import accuracy_at
from audience_trainers.relations.linkpred.read import read_task
from audience_trainers.relations.linkpred.report import to_json
from audience_trainers.relations.linkpred.task import FitOptions, Judged, LinkTask, Pairs, Scorer, Training, Values
from linkpred.folders import write_folder

FITS: list[tuple[float, int]] = []
STOP_AT: list[int] = []


def fit_noisy(training: Training, setting: Setting, options: FitOptions) -> Scorer:  # noqa: ARG001
    """Know the groups (node % 3) but for noise; the setting says how much."""
    if STOP_AT and len(FITS) == STOP_AT[0]:
        raise KeyboardInterrupt
    FITS.append((setting["noise"], options.seed))
    rng = np.random.default_rng(options.seed)

    def score(pairs: Pairs) -> Values:
        return (pairs[0] % 3 == pairs[1] % 3) + rng.normal(0, setting["noise"], pairs.shape[1])

    return score


def fit_without_server(training: Training, setting: Setting, options: FitOptions) -> Scorer:  # noqa: ARG001
    raise StoreUnavailable("Neo4j does not answer")


NOISY = Model(f"{__name__}:fit_noisy", "peer", ({"noise": 2.0}, {"noise": 0.2}, {"noise": 1.0}))
WALK = Model("audience_trainers.relations.baselines.heuristics:fit_walk", "heuristic")
ABSENT = Model(f"{__name__}:fit_without_server", "peer")


@pytest.fixture
def task(tmp_path: Path) -> LinkTask:
    FITS.clear()
    STOP_AT.clear()
    (tmp_path / "small").mkdir()
    write_folder(tmp_path / "small")
    return read_task(tmp_path / "small")


def test_settings_are_chosen_on_validation_and_the_tuning_fit_counts(task: LinkTask) -> None:
    compared = evaluate_models(task, {"noisy": NOISY, "walk": WALK}, EvaluateOptions(seeds=3))
    assert FITS == [(2.0, 0), (0.2, 0), (1.0, 0), (0.2, 1), (0.2, 2)]
    assert [row.setting for row in compared.rows["noisy"]] == [{"noise": 0.2}] * 3
    assert [row.seed for row in compared.rows["noisy"]] == [0, 1, 2]
    assert len(compared.rows["walk"]) == 1
    FITS.clear()
    evaluate_models(task, {"noisy": NOISY}, EvaluateOptions(seeds=2, tune=False))
    assert FITS == [(2.0, 0), (2.0, 1)]


def test_a_stopped_comparison_goes_on_with_the_same_numbers(task: LinkTask, tmp_path: Path) -> None:
    models = {"walk": WALK, "noisy": NOISY}
    whole = to_json(evaluate_models(task, models, EvaluateOptions(seeds=3)), "both", reference="walk")
    FITS.clear()
    STOP_AT.append(4)
    options = EvaluateOptions(seeds=3, folder=tmp_path / "out")
    with pytest.raises(KeyboardInterrupt):
        evaluate_models(task, models, options)
    STOP_AT.clear()
    again = to_json(evaluate_models(task, models, options), "both", reference="walk")
    assert FITS == [(2.0, 0), (0.2, 0), (1.0, 0), (0.2, 1), (0.2, 2)]
    assert again["models"] == whole["models"]
    assert again["differences"] == whole["differences"]
    evaluate_models(task, models, options)
    assert len(FITS) == 5
    other = replace(task, training=replace(task.training, features=None))
    evaluate_models(other, {"noisy": NOISY}, options)  # other data: nothing kept fits
    assert len(FITS) == 10


def test_json_has_the_promised_form(task: LinkTask) -> None:
    compared = evaluate_models(task, {"noisy": NOISY, "walk": WALK}, EvaluateOptions(seeds=3))
    told = json.loads(json.dumps(to_json(compared, "random", reference="walk"), allow_nan=False))
    assert told["negatives"] == "random"
    assert set(told["models"]) == {"noisy", "walk"}
    assert set(told["models"]["noisy"]) == {"auc", "ap", "hits@20", "hits@50", "hits@100"}
    values = [row.measures["random"]["auc"] for row in compared.rows["noisy"]]
    low, high = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    assert told["models"]["noisy"]["auc"] == {"mean": pytest.approx(np.mean(values)), "ci": pytest.approx([low, high])}
    walk = compared.rows["walk"][0].measures["random"]["auc"]
    assert told["models"]["walk"]["auc"] == {"mean": pytest.approx(walk), "ci": pytest.approx([walk, walk])}
    assert told["details"]["walk"]["deterministic"]
    difference = told["differences"]["noisy"]["auc"]
    assert difference["mean"] == pytest.approx(np.mean(values) - walk)
    assert difference["p"] == pytest.approx(stats.ttest_1samp(values, walk).pvalue)
    both = to_json(compared, "both", reference="walk")
    assert both["negatives"] == "both"
    assert both["models"]["noisy"]["random"] == told["models"]["noisy"]
    assert both["models"]["noisy"]["hard"]["auc"]["mean"] < told["models"]["noisy"]["auc"]["mean"]
    assert set(both["differences"]["noisy"]) == {"random", "hard"}


def test_a_model_without_its_server_is_an_error_or_a_row_that_says_so(task: LinkTask) -> None:
    with pytest.raises(StoreUnavailable):
        evaluate_models(task, {"absent": ABSENT}, EvaluateOptions(seeds=1))
    compared = evaluate_models(task, {"absent": ABSENT, "walk": WALK}, EvaluateOptions(seeds=1, lenient=True))
    told = to_json(compared, "random")
    assert told["unavailable"] == {"absent": "Neo4j does not answer"}
    assert list(told["models"]) == ["walk"]
    assert told["reference"] is None
    assert "differences" not in told


@pytest.mark.usefixtures("task")
def test_the_command_prints_a_table_or_one_object_and_writes_its_files(tmp_path: Path) -> None:
    arguments = ["relations", str(tmp_path / "small"), "--models", "walk,jaccard", "--reference", "walk"]
    arguments += ["--device", "cpu", "--out", str(tmp_path / "out"), "--negatives", "both"]
    result = CliRunner().invoke(evaluate, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert result.stdout.index("random negatives") < result.stdout.index("hard negatives")
    assert "[2/2] jaccard seed 0" in result.stderr
    again = CliRunner().invoke(evaluate, [*arguments, "--json"], catch_exceptions=False)
    assert json.loads(again.stdout) == json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    assert "kept" in again.stderr
    lines = (tmp_path / "out" / "results.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + 2 * 2
    damaged = next((tmp_path / "out" / "rows").glob("*.json"))
    damaged.write_text('{"model": "walk"}', encoding="utf-8")
    with pytest.raises(RunError, match="no finished fit"):
        CliRunner().invoke(evaluate, arguments, catch_exceptions=False)
    with pytest.raises(ConfigError, match="unknown model 'nobody'"):
        CliRunner().invoke(evaluate, [*arguments, "--models", "nobody"], catch_exceptions=False)


@pytest.mark.usefixtures("task")
def test_the_command_says_where_a_stopped_comparison_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MODELS, "noisy", NOISY)
    STOP_AT.append(2)
    arguments = ["relations", str(tmp_path / "small"), "--models", "noisy", "--device", "cpu"]
    result = CliRunner().invoke(evaluate, [*arguments, "--out", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert "the same command goes on from there" in result.stderr
    assert len(list((tmp_path / "out" / "rows").glob("*.json"))) == 2


def test_accuracy_is_the_share_of_true_pairs_among_those_predicted() -> None:
    truth = np.array([1.0, 0.0, 0.5, 0.0, 1.0, 0.0])
    assert accuracy_at(np.array([6.0, 5, 4, 3, 2, 1]), truth, 3) == pytest.approx(2 / 3)
    assert accuracy_at(np.zeros(6), truth, 3) == pytest.approx(0.5)
    assert accuracy_at(np.array([9.0, 1, 1, 0, 0, 0]), truth, 2) == pytest.approx(0.75)
    pairs = np.arange(12).reshape(2, 6)
    judged = Judged(pairs[:, :3], pairs[:, 3:], truth)

    class WithThresholds:
        def __call__(self, pairs: Pairs) -> Values:
            return -pairs[0].astype(float)

        def margins(self, pairs: Pairs) -> Values:  # noqa: ARG002
            return np.array([9.0, 1, 8, 0, 7, 0])

    assert measure(WithThresholds(), judged)["acc"] == 1.0
    assert measure(lambda pairs: -pairs[0].astype(float), judged)["acc"] == pytest.approx(2 / 3)


def test_intervals_and_paired_tests_agree_with_scipy() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(0.9, 0.01, 5), rng.normal(0.89, 0.01, 5)
    low, high = stats.t.interval(0.95, 4, first.mean(), stats.sem(first))
    found = t_interval(first)
    assert (found.mean, found.low, found.high) == pytest.approx((first.mean(), low, high))
    expected = stats.ttest_rel(first, second)
    difference = paired_difference(first, second)
    assert difference.p == pytest.approx(expected.pvalue)
    assert (difference.low, difference.high) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert paired_difference([0.5, 0.5], [0.4, 0.4]).p is None
    assert t_interval([0.5]).low == t_interval([0.5, 0.5]).high == 0.5
