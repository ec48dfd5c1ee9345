"""Pictures of a run: drawn from what is there, what is missing is said, no warning, no state left behind."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from annotation_runs import NAMES, World, make_run

from audience_trainers.relations.calibrate import sigmoid
from audience_trainers.relations.plots import write_plots
from audience_trainers.relations.plots.canvas import label_maker
from audience_trainers.relations.plots.sources import draw_sources, read_rows
from audience_trainers.run import open_run

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def made(tmp_path: Path) -> World:
    return make_run(tmp_path / "runs")


def add_training(made: World, epochs: int = 12) -> None:
    names = ("l_pred", "l_th", "l_cl", "total", "valid_auc", "l_new")
    rows = [(e, name, 1.0 / (e + i)) for e in range(1, epochs + 1) for i, name in enumerate(names)]
    columns = zip(("epoch", "name", "value"), map(list, zip(*rows, strict=True)), strict=True)
    made.run.write_table("curves", pa.table(dict(columns)))
    weeks = [f"2026-W{i}" for i in range(20, 26)]
    share = [0.95, 0.96, None, 0.97, 0.955, 0.96]
    table = {"week": weeks, "accuracy_single": share, "accuracy_ensemble": [0.97] * 6}
    made.run.write_table("weekly_accuracy", pa.table(table))


def test_all_pictures_are_written_before_the_run_is_sealed(made: World) -> None:
    add_training(made)
    names = ["training.png", "sources.png", "scores.png", "degrees.png", "weeks.png", "report.html"]
    written = write_plots(made.run)
    assert [path.name for path in written] == names
    assert all(path.read_bytes().startswith(PNG) for path in written[:-1])
    made.run.finish()
    assert open_run(made.run.path, verify=True).run_id == made.run.run_id
    assert set(names) <= set(json.loads((made.run.path / "done").read_text())["files"])
    assert "matplotlib.pyplot" not in sys.modules


def test_the_page_holds_everything_and_is_well_formed(made: World) -> None:
    add_training(made)
    *pictures, page = write_plots(made.run)
    text = page.read_text(encoding="utf-8")
    inside = [base64.b64decode(data) for data in re.findall(r'src="data:image/png;base64,([^"]+)"', text)]
    assert inside == [path.read_bytes() for path in pictures]
    assert not re.findall(r'(?:src|href)="(?!data:)', text)
    assert "Left out" not in text
    assert made.run.run_id in text
    open_tags: list[str] = []

    class Check(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
            if tag not in {"meta", "img"}:
                open_tags.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert open_tags.pop() == tag

    Check().feed(text)
    assert open_tags == []


def test_a_missing_input_leaves_its_picture_out_and_is_said(made: World) -> None:
    assert [path.name for path in write_plots(made.run)] == ["sources.png", "scores.png", "degrees.png", "report.html"]
    text = (made.run.path / "report.html").read_text(encoding="utf-8")
    assert "Left out" in text
    assert "curves.parquet" in text
    assert "weekly_accuracy.parquet" in text
    candidates = made.run.read_table("candidates")
    made.run.write_table("candidates", candidates.drop_columns(["logit"]))
    (made.run.path / "sources.png").unlink()
    assert [path.name for path in write_plots(made.run)] == ["scores.png", "degrees.png", "report.html"]
    for name in ("relations", "entities", "metrics"):
        for file in made.run.path.glob(f"{name}.*"):
            file.unlink()
    assert [path.name for path in write_plots(made.run)] == ["report.html"]


def test_equal_runs_give_equal_pictures(made: World) -> None:
    add_training(made)
    first = [path.read_bytes() for path in write_plots(made.run)]
    assert first == [path.read_bytes() for path in write_plots(made.run)]


def test_sources_of_different_popularity_with_their_own_thresholds(made: World) -> None:
    rows = read_rows(made.run, 6)
    assert not isinstance(rows, str)
    assert len(rows) == 6
    mentions = [row.mentions for row in rows]
    assert mentions == sorted(mentions, reverse=True)
    counted = made.run.read_table("sequences")["entity_id"].to_pylist().count(rows[0].entity_id)
    assert mentions[0] == counted == max(mentions)
    candidates = made.run.read_table("candidates").to_pandas()
    ids = made.run.read_table("entities")["entity_id"].to_pylist()
    relations = made.run.read_table("relations")["source_id"].to_pylist()
    for row in rows:
        own = candidates.loc[candidates["source"] == ids.index(row.entity_id), "logit"].to_numpy()
        assert np.array_equal(row.scores, sigmoid(own))
        assert (row.scores > row.threshold).sum() == relations.count(row.entity_id)


def test_sources_are_those_of_the_candidates(made: World) -> None:
    table = pa.table({"source": pa.array([3] * 20, pa.int32()), "target": list(range(20)), "logit": [0.0] * 20})
    made.run.write_table("candidates", table)
    rows = read_rows(made.run, 5)
    assert [(row.entity_id, len(row.scores)) for row in rows if not isinstance(row, str)] == [("e00003", 20)]
    assert draw_sources(made.run).png.startswith(PNG)


def test_names_that_no_font_can_draw_become_ids() -> None:
    label, families = label_maker()
    assert families[0] == "DejaVu Sans"
    assert label("tea", "e1") == "tea"
    assert label("\U000f0001", "e1") == "e1"
    assert label("  ", "e1") == "e1"
    assert label("", "\U000f0001x") == "?x"
    assert len(label("x" * 80, "e1")) <= 32
    assert label("two\nlines\tof $math^{", "e1") == "two lines of $math^{"


def test_a_name_that_no_font_can_draw_is_told_beside_the_picture(made: World) -> None:
    entities = made.run.read_table("entities")
    names = pa.array(["\U000f0001 tea"] + ["tea"] * (entities.num_rows - 1))
    made.run.write_table("entities", entities.set_column(1, "name", names))
    assert draw_sources(made.run).caption.endswith("Shown by id for want of a font: e00000 is \U000f0001 tea.")


@pytest.mark.parametrize("name", [*NAMES, "$x_{", "价格 $5 and $6", "\x00odd", "مرحبا", "a" * 300])
def test_any_name_is_drawn_without_a_warning(made: World, name: str) -> None:
    entities = made.run.read_table("entities")
    names = pa.array([name] * entities.num_rows)
    made.run.write_table("entities", entities.set_column(1, "name", names))
    assert draw_sources(made.run, sources=3).png.startswith(PNG)


def test_extreme_runs_are_drawn(tmp_path: Path) -> None:
    tiny = make_run(tmp_path / "tiny", n=3, degree=2, seed=3)
    table = {"epoch": [1, 1], "name": ["total", "valid_auc"], "value": [2.0, 0.5]}
    tiny.run.write_table("curves", pa.table(table))
    one = {"week": ["2026-W30"], "accuracy_single": [1.0], "accuracy_ensemble": pa.array([None], pa.float64())}
    tiny.run.write_table("weekly_accuracy", pa.table(one))
    assert len(write_plots(tiny.run)) >= 4
    empty = tiny.run.read_table("relations").slice(0, 0)
    tiny.run.write_table("relations", empty)
    assert "degrees.png" not in [path.name for path in write_plots(tiny.run)]


def test_importing_the_command_does_not_import_matplotlib() -> None:
    code = "import sys, audience_trainers.cli; print('matplotlib' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "False"
