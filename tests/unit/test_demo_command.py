"""What the demo prints: a story for a reader, one JSON object for a program."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from audience_graph.audience.explain import Explanation, Reason
from audience_graph.audience.target import Target
from audience_graph.demo.evaluation import PhraseLift, RelationQuality
from audience_graph.graph.answers import Expansion, Seed
from audience_graph.graph.expansion import Expanded, ExpandOptions
from audience_graph.release import Release
from audience_trainers.demo_command import print_result
from audience_trainers.demo_loop import Clock, DemoResult
from audience_trainers.demo_story import Story, expansion_tree


def expansion() -> Expansion:
    return Expansion(
        seeds=(Seed("spa", "a", "spa", "service"),),
        entities=(
            Expanded("b", "clay mask", "product", 1, 0.9, ("a", "b")),
            Expanded("c", "face [spa]", "shop", 1, 0.8, ("a", "c")),
            Expanded("d", "jade roller", "product", 2, 0.5, ("a", "c", "d")),
        ),
        options=ExpandOptions(),
    )


def result() -> DemoResult:
    moment = datetime(2025, 7, 26, tzinfo=UTC)
    reason = Reason(
        "c", "face [spa]", 0.2, 1.0, 1, "spa", "c", "face [spa]", ("a", "c"), ("spa", "face [spa]"),
        ((moment, "visit", "viewed [page]"),),
    )  # fmt: skip
    target = Target(
        phrases=("spa",), picked=(), without_vector=(), user_ids=("u1",), scores=np.array([0.25]), eligible=10, size=1,
        min_score=None, space="s", query=np.zeros(2),
    )  # fmt: skip
    why = Explanation("u1", 0.25, (reason,), 0.0, 0.0, ("spa",), "")
    return DemoResult(
        home=Path("/data"),
        browser="http://127.0.0.1:7474/browser/",
        world={"size": "small", "seed": 7, "generator_version": "1", "as_of": "2025-07-27"},
        stages={"generate": 1.5, "mine": 20.0},
        counts={"entities": 3, "users": 10, "events": 100, "relations": 5, "true_relations": 9, "scored_users": 10},
        relations=RelationQuality(0.8, 0.5, 0.7, 5, 9),
        lifts=(PhraseLift("spa", "a", 9, 2, 6.0, 1.0, 1.5, 2.0, 10.0),),
        release=Release(
            1, "2025-W30-1a2b3c4d", "2025-W30", "RELATES_2025_W30_1A2B3C4D", "pref", date(2025, 7, 26), 30, None,
            "current", "staged", "1a2b3c4d", {"users": 10}, {}, "run", moment, moment,
        ),
        story=Story("spa", (("clay mask", "product", 0.9, 1.0),), expansion(), target, (why,)),
    )  # fmt: skip


def test_the_json_object_has_what_the_issue_of_a_release_needs() -> None:
    said = json.loads(json.dumps(result().to_dict()))
    assert said["stages"] == {"generate": 1.5, "mine": 20.0}
    assert said["relations"] == {"precision": 0.8, "recall": 0.5, "mean_grade": 0.7}
    assert said["targeting"] == {
        "lift_median": 6.0, "lift_random": 1.0, "lift_popularity": 2.0, "lift_oracle": 10.0,
        "lift_most_events": 1.5, "lift_most_entities": 2.0,
    }  # fmt: skip
    assert said["counts"]["relations"] == 5
    assert said["version"] == "2025-W30-1a2b3c4d"


def test_a_reader_sees_relations_tree_users_figures_and_where_to_look(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))  # installed without the command: its bare name
    print_result(result(), None)
    out = capsys.readouterr().out
    for words in (
        "clay mask", "same want", "face [spa]", "viewed [page]", "u1", "0.800", "6.00",
        "by events", "1.50", "by distinct entities", "2.00", "hidden interests", "10.00",
        "http://127.0.0.1:7474/browser/", 'audience-graph expand "spa" --hops 2\n',
    ):  # fmt: skip
        assert words in out
    print_result(result(), "/a folder")
    assert '--data-dir "/a folder"' in capsys.readouterr().out


def test_the_commands_it_names_work_in_this_shell(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    scripts = tmp_path / "my clone" / ".venv" / "bin"
    scripts.mkdir(parents=True)
    (scripts / "audience-graph").touch(mode=0o755)
    monkeypatch.setattr("sys.executable", str(scripts / "python"))
    for folder, path, wanted in (
        (tmp_path / "my clone", "", "  .venv/bin/audience-graph down"),
        (tmp_path, "", "  'my clone/.venv/bin/audience-graph' down"),
        (scripts, str(scripts), "  audience-graph down"),
    ):
        monkeypatch.chdir(folder)
        monkeypatch.setenv("PATH", path)
        print_result(result(), None)
        assert wanted in capsys.readouterr().out.splitlines()


def test_the_tree_shows_branches_that_lead_on_and_counts_the_rest() -> None:
    console = Console(width=100, force_terminal=False)
    with console.capture() as captured:
        console.print(expansion_tree(expansion()))
    lines = captured.get().splitlines()
    assert lines[0] == "spa (service)"
    assert "face [spa] (shop, 0.80)" in lines[1]
    assert "jade roller" in lines[2]
    assert lines[-1].endswith("and 1 more")


def test_the_clock_keeps_the_order_of_steps() -> None:
    heard: list[str] = []
    clock = Clock(heard.append)
    with clock.stage("load", "Loading"):
        clock.step("half of it", 1, 2)
        clock.step("all of it", 2, 2)
    assert list(clock.seconds) == ["load"]
    assert heard[0] == "Loading ..."
    assert heard[1] == "  all of it"
