"""Pictures of users and sentences: who is drawn, where, and that a file per task and one of all are written."""

from __future__ import annotations

import struct
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from planted_tasks import CUT, write_planted

from audience_graph.cli import audience_graph
from audience_trainers.users.pictures import cut as pictures
from audience_trainers.users.pictures.draw import Cloud, draw_clouds, look_of
from audience_trainers.users.pictures.flat import draw_some, lay_out

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = (
    "behaviour.dims=16", "behaviour.layers=1", "behaviour.heads=2", "behaviour.width=16", "behaviour.epochs=1",
    "tabular.dims=16", "tabular.layers=1", "tabular.heads=2", "tabular.generator_dims=8", "tabular.epochs=1",
    "align.dims=64", "align.layers=1", "align.epochs=1", "align.views=2", "pairs.windows.step_days=14",
)  # fmt: skip


def size_of(png: bytes) -> tuple[int, int]:
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", png[16:24])


def test_points_that_are_alike_lie_together() -> None:
    rng = np.random.default_rng(0)
    centres = np.eye(3, 16)[np.repeat([0, 1, 2], 40)]
    vectors = (centres + rng.normal(0, 0.1, (120, 16))).astype(np.float32)
    points = lay_out(vectors, seed=3)
    assert np.array_equal(points, lay_out(vectors, seed=3))
    assert np.allclose(points, lay_out(vectors * 7, seed=3), atol=20)  # by cosine: length says nothing
    kind = np.repeat([0, 1, 2], 40)
    distance = np.linalg.norm(points[:, None] - points[None], axis=2) + np.eye(120) * 1e9
    assert (kind[distance.argmin(axis=1)] == kind).mean() > 0.95
    with pytest.raises(ValueError, match="7 vectors"):
        lay_out(vectors[:7], seed=3)


def test_small_groups_are_drawn_whole() -> None:
    groups = [np.arange(1_000), np.arange(1_000, 1_010), np.arange(2_000, 2_500)]
    drawn = draw_some(groups, 210, seed=1)
    assert [len(rows) for rows in drawn] == [100, 10, 100]
    for rows, group in zip(drawn, groups, strict=True):
        assert np.isin(rows, group).all()
        assert len(set(rows)) == len(rows)
    assert all(np.array_equal(a, b) for a, b in zip(drawn, draw_some(groups, 210, seed=1), strict=True))
    assert not np.array_equal(drawn[0], draw_some(groups, 210, seed=2)[0])


def test_every_kind_has_a_look_of_its_own() -> None:
    assert len({look_of(i) for i in range(65)}) == 65
    assert len({look_of(i)[0] for i in range(13)}) == 13


def test_a_sentence_of_odd_characters_is_drawn() -> None:
    points = np.random.default_rng(0).normal(size=(20, 2))
    title = "Who pays $5 or $6 for \U00013000 and 茶? " * 9
    once = draw_clouds([Cloud(points, "_all $x$", "#0072B2")], title, "note", before=points[0], after=points[1])
    assert size_of(once) == (1080, 672)
    assert once == draw_clouds([Cloud(points, "_all $x$", "#0072B2")], title, "note", before=points[0], after=points[1])
    assert once != draw_clouds([Cloud(points, "_all $x$", "#0072B2")], title, "note", before=points[0])


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_planted(tmp_path_factory.mktemp("planted"), users=100)
    names = [f"u{u:04d}" for u in range(100)]
    hard = pd.DataFrame({"user_id": names, "as_of": CUT, "looks": [u % 7 == 0 for u in range(100)]})
    hard.to_parquet(folder / "outcomes.parquet", index=False)
    told = (folder / "tasks.toml").read_text()
    (folder / "tasks.toml").write_text(told.replace('status = "ok" }', 'status = "ok", hard = "looks" }'))
    return folder


def ask(folder: Path, out: Path, home: Path, *more: str):
    settings = [part for text in TINY for part in ("--set", text)]
    arguments = ["evaluate", "users", "--dataset", str(folder), "--seeds", "1", "--replicates", "20", *settings]
    return CliRunner().invoke(
        audience_graph, [*arguments, "--pictures", str(out), "--data-dir", str(home), *more], catch_exceptions=True
    )


def test_a_picture_per_task_and_one_of_all(planted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[list[str], str, bool]] = []
    drawing = pictures.draw_clouds

    def spy(clouds, title, note, **stars):
        seen.append(([cloud.label for cloud in clouds], title, stars.get("before") is not None))
        return drawing(clouds, title, note, **stars)

    monkeypatch.setattr(pictures, "draw_clouds", spy)
    out = tmp_path / "pictures"
    found = ask(planted, out, tmp_path, "--models", "zero_shot")
    assert found.exit_code == 0, found.output
    assert sorted(path.name for path in out.iterdir()) == [
        "coffee_buyers_prompt.png",
        "scenarios.png",
        "tea_buyers_prompt.png",
    ]
    assert {size_of(path.read_bytes()) for path in out.iterdir()} == {(1080, 672)}
    coffee, tea, both = seen
    assert coffee[1:] == ("People who will buy coffee.", True)
    assert [label.partition(" (")[0] for label in tea[0]] == ["untargeted", "hard negative", "targeted"]
    assert [label.partition(" (")[0] for label in both[0]][-2:] == ["coffee_buyers", "tea_buyers"]
    assert not both[2]
    counts = sum(int(label.partition(" (")[2].rstrip(")")) for label in tea[0])
    assert counts == 80  # the evaluation part alone: no seed of the prompt is drawn
    assert found.stderr.count("[1/1] alignment") == 1  # trained once, for numbers and pictures


def test_users_of_several_tasks_are_grey_and_those_of_none_are_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 40 users task a has 0 .. 14, task b 10 .. 24; 20 has no events, 30 .. 39 are of no task."""
    place = np.arange(40)
    place[20] = -1
    found = SimpleNamespace(place=place, vectors=np.random.default_rng(0).normal(size=(40, 8)).astype(np.float32))
    everyone = np.ones(40, np.bool_)
    questions = [
        SimpleNamespace(
            task=SimpleNamespace(name=name),
            place=np.arange(40),
            judged=everyone,
            found=SimpleNamespace(y=((np.arange(40) >= begin) & (np.arange(40) < begin + 15)).astype(np.int8)),
        )
        for name, begin in (("a", 0), ("b", 10))
    ]
    drawn: list[Cloud] = []
    monkeypatch.setattr(pictures, "draw_clouds", lambda clouds, *_: drawn.extend(clouds))
    pictures.draw_scenarios(found, questions, seed=0)
    assert [cloud.label for cloud in drawn] == ["several (5)", "a (10)", "b (9)"]
    assert [len(cloud.points) for cloud in drawn] == [5, 10, 9]
    assert len({(cloud.colour, cloud.mark) for cloud in drawn}) == 3
    assert pictures.draw_scenarios(found, [], seed=0) is None


def test_pictures_need_the_model_whose_space_they_show(planted: Path, tmp_path: Path) -> None:
    found = ask(planted, tmp_path / "pictures", tmp_path, "--models", "bm25")
    assert found.exit_code != 0
    assert "zero_shot" in str(found.exception) + found.output
    assert not (tmp_path / "pictures").exists()
