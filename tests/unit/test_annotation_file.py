"""The annotation file through the commands: written, filled in like people do, read, and refused with a place."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from annotation_runs import World, make_run
from click.testing import CliRunner, Result

from audience_graph.errors import ConfigError, InputError
from audience_trainers.evaluate_command import evaluate
from audience_trainers.relations.annotation.file import COLUMNS, read_annotations
from audience_trainers.relations.annotation.judgements import read_weeks

HEADER = "source_id,target_id,score,annotator\n"


@pytest.fixture
def made(tmp_path: Path) -> World:
    made = make_run(tmp_path / "runs")
    made.run.finish()
    truth = tmp_path / "demo" / "truth"
    truth.mkdir(parents=True)
    rows = [(s, t, g) for (s, t), g in made.grades.items() if g > 0]
    pd.DataFrame(rows, columns=["source_id", "target_id", "grade"]).to_parquet(truth / "relations.parquet")
    return made


def call(home: Path, *arguments: str, fails: bool = False) -> Result:
    result = CliRunner().invoke(evaluate, [*arguments, "--data-dir", str(home)])
    if fails:
        assert result.exception is not None, result.output
    elif result.exception is not None:
        raise result.exception
    return result


def annotated(home: Path, *arguments: str, name: str = "pairs.csv") -> Path:
    call(home, "annotate", "--out", str(home / name), *arguments)
    return home / name


def measured(home: Path, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(call(home, "accuracy", *arguments, "--json").stdout)
    return found


def test_a_spreadsheet_gets_names_and_no_word_of_the_model(made: World, tmp_path: Path) -> None:
    path = annotated(tmp_path, "--pool", "candidates", "--count", "600", "--annotators", "ann,bob", "--overlap", "0.5")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert len({row["pair"] for row in rows}) == 600
    assert len(rows) == 900
    assert {row["score"] for row in rows} == {""}
    names = {row["source_id"]: row["source_name"] for row in rows}
    assert names["e00000"] == "tea 😀"
    assert names["e00001"] == 'the "best" tea'
    assert names["e00002"] == "茶"
    assert names["e00003"] == "'=1+1"  # a spreadsheet would run it
    shown = {cell for row in rows for cell in row.values()}
    assert not shown & {"semantic", "both", "co-occurrence", "relation", "other candidate"}
    places = [int(row["pair"][-5:]) for row in rows if row["annotator"] == "ann"]
    key = pd.read_parquet(tmp_path / "pairs.key.parquet").set_index("pair")
    part = key.loc[[row["pair"] for row in rows], "part"].to_numpy()
    assert places == sorted(places)
    assert 0.3 < np.mean(part[1:] == part[:-1]) < 0.7  # shuffled: relations and others alternate
    assert set(key["part"]) == {"relation", "other candidate"}
    assert made.grades


@pytest.mark.parametrize("name", ["pairs.csv", "pairs.parquet"])
def test_the_oracle_fills_in_and_the_report_is_right(made: World, tmp_path: Path, name: str) -> None:
    every = ["--pool", "candidates", "--count", "100000", "--oracle"]
    path = annotated(tmp_path, *every, name=name)
    found = {pool["pool"]: pool for pool in measured(tmp_path, str(path))["pools"]}
    relations = made.run.read_table("relations")
    ids = zip(relations["source_id"].to_pylist(), relations["target_id"].to_pylist(), strict=True)
    grades = np.array([made.grades[pair] for pair in ids])
    assert found["relations"]["acc"]["value"] == pytest.approx((grades > 0).mean())
    assert found["relations"]["cors"]["value"] == pytest.approx(grades.mean())
    assert found["relations"]["aecc"] == pytest.approx(relations.num_rows / 60)
    all_grades = np.array(list(made.grades.values()))
    assert found["candidates"]["acc"]["value"] == pytest.approx((all_grades > 0).mean())
    assert found["candidates"]["aecc"] == pytest.approx(40)
    assert found["candidates"]["acc"]["value"] < found["relations"]["acc"]["value"]
    assert 0.8 < found["candidates"]["auc"]["value"] < 1
    assert "relation: both" in found["candidates"]["strata"]


def test_a_sample_estimates_the_whole_and_names_who_differs(made: World, tmp_path: Path) -> None:
    options = ["--pool", "candidates", "--pool", "popularity", "--count", "900", "--oracle", "--oracle-noise", "0.15"]
    path = annotated(tmp_path, *options, "--annotators", "a,b,c", "--overlap", "0.4", "--by", "score")
    report = measured(tmp_path, str(path))
    found = {pool["pool"]: pool for pool in report["pools"]}
    assert set(found) == {"relations", "candidates", "popularity"}
    assert found["candidates"]["auc"]["value"] > 0.7
    agreement = report["agreement"]
    pairs = sum(pool["pairs"] for pool in report["pools"] if pool["pool"] != "relations")  # some were drawn twice
    key = pd.read_parquet(tmp_path / "pairs.key.parquet")
    assert pairs == len(key) == 900 > key["pair"].nunique()
    assert (agreement["annotators"], agreement["pairs"]) == (3, round(0.4 * key["pair"].nunique()))
    assert 0.6 < agreement["percent"] < 0.9
    assert 0.4 < agreement["alpha"] < 0.95
    assert len(report["disagreements"]) == round(agreement["pairs"] * (1 - agreement["percent"]))
    widest = report["disagreements"][0]
    assert len(set(widest["scores"].values())) == 2
    text = call(tmp_path, "accuracy", str(path)).output
    for word in ("ACC", "Krippendorff's alpha", "Fleiss' kappa", "Pairs on which they differ"):
        assert word in text
    assert made.run.run_id


def test_pairs_that_were_left_blank_do_not_shift_the_whole(made: World, tmp_path: Path) -> None:
    path = annotated(tmp_path, "--pool", "candidates", "--count", "500", "--oracle")
    frame = pd.read_csv(path)
    first = frame["stratum"].mode()[0]
    blank = frame.index[frame["stratum"] == first][10:]
    frame.loc[blank, "score"] = np.nan
    frame.to_csv(path, index=False)
    key = pd.read_parquet(tmp_path / "pairs.key.parquet").set_index("pair")
    seen = frame.dropna(subset="score").join(key[["size"]], on="pair")
    strata = seen.groupby("stratum").agg(share=("score", lambda s: (s > 0).mean()), size=("size", "first"))
    expected = np.average(strata["share"], weights=strata["size"])
    found = {pool["pool"]: pool for pool in measured(tmp_path, str(path))["pools"]}["candidates"]
    assert found["acc"]["value"] == pytest.approx(expected)
    assert abs(expected - (seen["score"] > 0).mean()) > 0.01
    assert found["pairs"] == len(seen)
    assert made.run.week


def test_another_run_is_measured_on_the_same_annotations(made: World, tmp_path: Path) -> None:
    other = make_run(tmp_path / "runs", seed=0, degree=40)
    table = made.run.read_table("relations")
    other.run.write_table("relations", table.slice(0, 300))
    other.run.finish()
    path = annotated(tmp_path, "--run", made.run.run_id, "--pool", "candidates", "--count", "100000", "--oracle")
    found = measured(tmp_path, str(path), "--run", other.run.run_id)["pools"]
    own = next(pool for pool in found if pool["pool"] == f"relations of {other.run.run_id}")
    ids = zip(table["source_id"].to_pylist()[:300], table["target_id"].to_pylist()[:300], strict=True)
    assert own["acc"]["value"] == pytest.approx(np.mean([made.grades[pair] > 0 for pair in ids]))
    assert own["aecc"] == pytest.approx(300 / 60)
    assert own["covered"] == pytest.approx(1.0)


def test_files_of_weeks_give_the_variance(made: World, tmp_path: Path) -> None:
    paths = []
    for place, right in enumerate((96, 95, 97)):
        rows = [f"e{i:05d},f{i:05d},{0.5 if i < right else 0},ann" for i in range(100)]
        path = tmp_path / f"week{place}.csv"
        path.write_text(HEADER + "\n".join(rows), encoding="utf-8")
        paths.append(str(path))
    over = measured(tmp_path, *paths)["over_weeks"]
    assert [(o["pool"], o["weeks"]) for o in over] == [("annotated", 3)]
    assert over[0]["mean"] == pytest.approx(0.96)
    assert over[0]["variance"] == pytest.approx(1.0)
    assert "variance 1.000 squared percentage points" in call(tmp_path, "accuracy", *paths).output
    assert made.run.week


def test_a_file_with_scores_is_never_overwritten(made: World, tmp_path: Path) -> None:
    path = annotated(tmp_path, "--count", "20")
    with pytest.raises(ConfigError, match="exists"):
        annotated(tmp_path, "--count", "20")
    annotated(tmp_path, "--count", "21", "--replace")
    annotated(tmp_path, "--count", "20", "--replace", "--oracle")
    before = path.read_bytes(), (tmp_path / "pairs.key.parquet").read_bytes()
    with pytest.raises(ConfigError, match="holds 20 scores: it is not overwritten"):
        annotated(tmp_path, "--count", "20", "--replace")
    moved = path.rename(tmp_path / "filled.csv")
    with pytest.raises(ConfigError, match="key of another sample"):
        annotated(tmp_path, "--count", "20")
    assert (moved.read_bytes(), (tmp_path / "pairs.key.parquet").read_bytes()) == before
    assert measured(tmp_path, str(moved))["annotations"] == 20  # the key is found under its old name
    (tmp_path / "notes.csv").write_text("buy milk\n")
    with pytest.raises(ConfigError, match="not an annotation file"):
        annotated(tmp_path, "--replace", name="notes.csv")
    assert (tmp_path / "notes.csv").read_text() == "buy milk\n"
    assert made.run.run_id


def test_a_file_of_ones_own_as_spreadsheets_write_it(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_bytes(
        "\ufeffSource_ID;Target_ID;Score;Annotator\r\na;b;0,5;ann\r\n\r\na;c;;\r\n;;;\r\nb;c;1;ann\r\n".encode()
    )
    found = read_annotations(path)
    assert [(a.source_id, a.target_id, a.score, a.weight) for a in found] == [
        ("a", "b", 0.5, 1.0),
        ("b", "c", 1.0, 1.0),
    ]


@pytest.mark.parametrize(
    ("text", "row", "column", "expected"),
    [
        ("a,b,.7,ann", 1, "score", "0, 0.5 or 1"),
        ("a,b,1,ann\na,b,0,ann", 2, "annotator", "row 1 holds it already"),
        ("a,b,1,ann\na,nobody,1,ann", 2, "target_id", "the id of an entity of the dictionary"),
        ("a,b,1,ann\n,b,1,ann", 2, "source_id", "the id of an entity"),
        ("a,b,yes,ann", 1, "score", "0, 0.5 or 1"),
        ("a,b,nan,ann", 1, "score", "0, 0.5 or 1"),
        ("a,b,1,", 1, "annotator", "who gave the score"),
        ("a,a,1,ann", 1, "target_id", "another entity than source_id"),
        ("a,b,1,ann,more", 1, None, "4 cells"),
        ("a,b,,ann", None, None, "scores"),
        ("", None, None, "a row for each"),
    ],
)
def test_what_is_wrong_is_named_by_row_and_column(
    tmp_path: Path, text: str, row: int | None, column: str | None, expected: str
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(HEADER + text, encoding="utf-8")
    with pytest.raises(InputError) as refused:
        read_annotations(path, known=frozenset("abc"))
    problem = refused.value.problems[0]
    assert (problem.file, problem.row, problem.column) == ("bad.csv", row, column)
    assert expected in problem.expected


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an empty file"),
        (b"\n\n", "an empty file"),
        (b"source_id,target_id\na,b\n", "columns 'source_id', 'target_id'"),
        (b"source_id,target_id,score,annotator\n\xff\xfe,b,1,a\n", "invalid start byte"),
        (b'source_id,target_id,score,annotator\n"a,b,1,a\n', "unexpected end"),
    ],
)
def test_what_is_no_annotation_file_is_said(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    with pytest.raises(InputError) as refused:
        read_annotations(path)
    assert found in refused.value.problems[0].found
    path = tmp_path / "bad.parquet"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.parquet"):
        read_annotations(path)
    with pytest.raises(InputError, match="does not exist"):
        read_annotations(tmp_path / "none.csv")


def test_a_sampled_file_must_stay_with_its_key(made: World, tmp_path: Path) -> None:
    path = annotated(tmp_path, "--count", "30", "--oracle")
    text = path.read_text(encoding="utf-8-sig")
    first = text.splitlines()[1].split(",")[0]
    (tmp_path / "twice.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"1 problem") as refused:
        read_weeks([path, tmp_path / "twice.csv"])
    assert "pairs.csv, row 1" in refused.value.problems[0].expected
    (tmp_path / "twice.csv").write_text(text.replace(first, first[:-5] + "99999"), encoding="utf-8")
    with pytest.raises(InputError) as refused:
        read_weeks([tmp_path / "twice.csv"])
    assert (refused.value.problems[0].row, refused.value.problems[0].column) == (1, "pair")
    (tmp_path / "alone").mkdir()
    alone = path.rename(tmp_path / "alone" / "pairs.csv")
    with pytest.raises(InputError, match="key of its sample is missing"):
        read_weeks([alone])
    assert made.run.run_id
