"""Files that leave: whole or not at all, the same rows in every format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from audience_graph.audience.output import check_path, write_answer, write_columns
from audience_graph.audience.target import Target
from audience_graph.errors import ConfigError

IDS = ("u1", "=2+5", 'üser,"x"', "-7")


def target() -> Target:
    return Target(
        ("spa",), (), (), IDS, np.array([0.4, 0.3, 0.2, 0.1]), 9, 4, None, "s", np.zeros(2),
        release=4, version="2026-W30-1a2b3c4d", week="2026-W30",
    )  # fmt: skip


def test_csv_disarms_formulas_and_says_how_many(tmp_path: Path) -> None:
    written = write_answer(target(), tmp_path / "u.csv")
    lines = (tmp_path / "u.csv").read_text(encoding="utf-8").splitlines()
    assert (written.rows, written.escaped) == (4, 2)
    assert lines[0] == "rank,user_id,score,release,version"
    assert lines[2] == "2,'=2+5,0.3,4,2026-W30-1a2b3c4d"
    assert lines[3].startswith('3,"üser,""x""",')
    assert write_answer(target(), tmp_path / "raw.csv", keep_formulas=True).escaped == 0
    assert "\n2,=2+5," in (tmp_path / "raw.csv").read_text(encoding="utf-8")


def test_parquet_and_jsonl_hold_the_exact_text(tmp_path: Path) -> None:
    write_answer(target(), tmp_path / "u.parquet")
    write_answer(target(), tmp_path / "u.jsonl")
    table = pq.read_table(tmp_path / "u.parquet")
    assert tuple(table["user_id"].to_pylist()) == IDS
    lines = (tmp_path / "u.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == table.to_pylist()


@pytest.mark.parametrize("name", ["u.xlsx", "u", "no/such/u.csv", "."])
def test_a_bad_name_is_refused_before_anything_is_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError):
        write_answer(target(), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_a_failed_write_leaves_the_old_file_whole(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"u.{ending}"
    write_answer(target(), file)
    before = file.read_bytes()

    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("stop")

    values: list[Any] = ["a", Broken()]
    with pytest.raises(Exception):  # noqa: B017 - whatever the writer says
        write_columns({"x": values}, file)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_an_empty_target_is_a_file_with_columns(tmp_path: Path) -> None:
    empty = Target((), (), (), (), np.zeros(0), 9, 4, None, "s", np.zeros(2))
    for ending in ("csv", "jsonl", "parquet"):
        assert write_answer(empty, tmp_path / f"e.{ending}").rows == 0
    assert pq.read_table(tmp_path / "e.parquet").num_rows == 0


@pytest.mark.parametrize("name", ["a\0.csv", "\ud800.csv", "x" * 300 + ".csv"])
def test_a_name_that_no_file_can_have_is_told_in_words(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="no file can be named"):
        check_path(tmp_path / name)
    assert list(tmp_path.iterdir()) == []
