"""Gates: what refuses a version, what is said of one that cannot be compared, and how limits are given."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import click
import pytest
from asking_fakes import RELEASE

from audience_graph.cli.terms import terms_of
from audience_graph.errors import ConfigError, GateError, ReleaseError
from audience_graph.release.content import read_content
from audience_graph.release.figures import flat_metrics, readable_metrics
from audience_graph.release.gates import Gates, checks_of, coverage, judge, notes, parse_gates
from audience_graph.release.records import Release
from releases.runs import World, write_run


def version(name: str = "2026-W31-00000000", *, auc: Any = 0.93, relations: int = 1_000, sources: int = 80) -> Release:
    counts = {"relations": relations, "entities": 100, "sources": sources}
    return dataclasses.replace(RELEASE, version=name, counts=counts, metrics={"validation_auc": auc})


NOW = version("2026-W30-1a2b3c4d")


def failed(after: Release, gates: Gates | None = None) -> list[str]:
    judged = judge(NOW, after) if gates is None else judge(NOW, after, gates)
    return [check.gate for check in judged.failed]


def test_an_equal_or_better_version_passes() -> None:
    assert failed(version()) == []
    assert failed(version(auc=0.99, relations=1_400, sources=100)) == []
    judge(NOW, version()).require()


@pytest.mark.parametrize(
    ("after", "gate"),
    [
        (version(auc=0.919), "auc_drop"),
        (version(relations=1_501), "relation_change"),
        (version(relations=499), "relation_change"),
        (version(sources=69), "coverage_drop"),
    ],
)
def test_each_gate_refuses_its_own(after: Release, gate: str) -> None:
    assert failed(after) == [gate]
    assert failed(after, dataclasses.replace(Gates(), **{gate: None})) == []
    assert failed(after, dataclasses.replace(Gates(), **{gate: 0.6})) == []


@pytest.mark.parametrize("after", [version(auc=0.92), version(relations=1_500), version(relations=500)])
def test_the_limit_itself_passes(after: Release) -> None:
    assert failed(after) == []
    assert failed(version(sources=70)) == []


def test_a_refusal_names_gates_versions_and_what_to_do() -> None:
    with pytest.raises(GateError, match=r"validation_auc 0\.9300 -> 0\.9000 \(gate auc_drop=0\.01\)") as refused:
        judge(NOW, version(auc=0.9, relations=2_000)).require()
    assert "relations 1,000 -> 2,000 (gate relation_change=0.5)" in str(refused.value)
    assert refused.value.checks == ("auc_drop", "relation_change")
    assert "release publish 2026-W31-00000000 --force --reason TEXT" in str(refused.value.hint)
    assert isinstance(refused.value, ReleaseError)


@pytest.mark.parametrize("auc", [None, float("nan"), True, "high"])
def test_a_measure_that_is_missing_passes_and_is_said(auc: Any) -> None:
    judged = judge(NOW, version(auc=auc))
    assert judged.failed == ()
    assert str(judged.checks[0]) == "gate auc_drop was not checked: no validation AUC of 2026-W31-00000000"


def test_measures_of_different_kinds_are_not_compared() -> None:
    walk = dataclasses.replace(NOW, metrics={"held_out_auc": 0.99})
    assert judge(walk, version(auc=0.5)).failed == ()
    assert "different kinds" in str(judge(walk, version(auc=0.5)).checks[0])
    again = dataclasses.replace(version(), metrics={"held_out_auc": 0.9})
    assert [check.measure for check in judge(walk, again).failed] == ["held_out_auc"]


def test_versions_staged_before_sources_were_counted_report_their_coverage() -> None:
    old = dataclasses.replace(
        NOW, counts={"relations": 1_000, "entities": 100}, metrics={"entities_with_relations": 0.8}
    )
    assert coverage(old) == coverage(NOW) == 0.8
    assert [check.gate for check in judge(old, version(sources=60)).failed] == ["coverage_drop"]


def test_what_was_judged_is_kept_and_told_again() -> None:
    judged = judge(NOW, version(auc=0.5, relations=5_000), Gates(relation_change=None))
    kept = json.loads(json.dumps(judged.to_dict()))
    forced = dataclasses.replace(version(), gates=kept, reason="a smaller dictionary")
    assert kept["against"] == NOW.version
    assert checks_of(forced) == judged.checks
    assert notes(forced) == (
        "validation_auc 0.9300 -> 0.5000 (gate auc_drop=0.01): published all the same, a smaller dictionary",
    )
    assert checks_of(RELEASE) == notes(RELEASE) == ()


def test_limits_are_given_by_name() -> None:
    assert parse_gates([]) == Gates()
    assert parse_gates(["auc_drop=0.02", "relation_change=off"]) == Gates(auc_drop=0.02, relation_change=None)
    for bad in ("auc=1", "auc_drop", "auc_drop=", "auc_drop=-1", "auc_drop=nan", "auc_drop=inf", "auc_drop=much"):
        with pytest.raises(ConfigError, match=r"gate .*expected"):
            parse_gates([bad])


def test_force_and_reason_go_together() -> None:
    assert terms_of((), False, None).reason is None
    assert terms_of(("auc_drop=0",), True, "why").gates.auc_drop == 0
    for force, reason in ((True, None), (True, " "), (False, "why")):
        with pytest.raises(click.UsageError, match="go together"):
            terms_of((), force, reason)


def test_metrics_become_one_plain_property_each() -> None:
    values = {"auc": 0.9, "n": 3, "Hits@50": {"co-occurrence": 1, "gone": None}, "bad": float("nan"), "list": [1]}
    assert dict(flat_metrics(values, "metric")) == {
        "metric_auc": 0.9,
        "metric_n": 3,
        "metric_hits_50_co_occurrence": 1,
    }


def test_the_node_of_a_version_holds_its_figures(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", World())
    (folder / "metrics.json").write_text('{"validation_auc": 0.9, "curve": {"slope": NaN}}')
    content = read_content(folder)
    found = readable_metrics(content)
    assert found["metric_validation_auc"] == 0.9
    assert "metric_curve_slope" not in found
    assert found["aecc"] == len(content.relations) / 30
    kinds = ("co_occurrence", "semantic", "both", "explored")
    assert sum(int(found[f"relations_{kind}"]) for kind in kinds) == len(content.relations)
    assert json.dumps(content.metrics["curve"]) == '{"slope": null}'
