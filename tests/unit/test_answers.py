"""Results: names their release, DataFrame, repr, HTML with every value escaped."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import audience_graph
from audience_graph.answer import cell_text
from audience_graph.audience.answers import Table
from audience_graph.audience.target import Target
from audience_graph.graph.answers import Expansion, Seed
from audience_graph.graph.expansion import Expanded, ExpandOptions

SEED = Seed("spa", "e1", "spa", "service")
EVIL = "<script>alert(1)</script>\x1b[31m"


def expansion(count: int = 1, name: str = "massage") -> Expansion:
    rows = tuple(Expanded(f"m{i}", name, "service", 1, 0.5, ("e1", f"m{i}")) for i in range(count))
    return Expansion((SEED,), rows, ExpandOptions(), release=4, version="2026-W30-1a2b3c4d", week="2026-W30")


def test_a_table_names_its_source_where_it_has_one() -> None:
    assert "release 4, version v, week w" in repr(Table("t", {"a": [1]}, release=4, version="v", week="w"))
    assert Table("t", {"a": [1]}).source == ""


def test_every_answer_names_its_source() -> None:
    answer = expansion()
    assert "release 4, version 2026-W30-1a2b3c4d, week 2026-W30" in repr(answer)
    assert "release 4" in answer._repr_html_()
    assert answer.to_df().attrs["week"] == "2026-W30"


def test_rows_and_frame_hold_ids_and_the_printed_form_names() -> None:
    answer = expansion()
    assert next(answer.rows())["path"] == ("e1", "m0")
    assert "spa -> massage" in repr(answer)


def test_html_and_text_show_values_and_run_none() -> None:
    answer = expansion(name=EVIL)
    assert "<script>" not in answer._repr_html_()
    assert "\x1b" not in answer._repr_html_() + repr(answer)
    assert cell_text("a\nb") == "a\\nb"


def test_long_answers_are_cut_and_say_so() -> None:
    answer = expansion(200)
    assert "... and 190 more rows" in repr(answer)
    assert "... and 180 more rows" in answer._repr_html_()
    assert len(answer.to_df()) == 200


def test_an_empty_answer_is_true_and_prints() -> None:
    answer = expansion(0)
    assert answer
    assert len(answer) == 0
    assert "0 entities" in repr(answer)
    assert list(answer.to_df().columns) == list(Expanded._fields)


def test_answers_are_frozen() -> None:
    target = Target((), (), (), ("u1",), np.array([0.5]), 9, 1, None, "s", np.zeros(2))
    assert target.score_at_cut == 0.5
    with pytest.raises(dataclasses.FrozenInstanceError):
        target.size = 5  # type: ignore[misc]


def test_all_is_sorted_and_every_name_imports() -> None:
    assert audience_graph.__all__ == sorted(audience_graph.__all__)
    for name in audience_graph.__all__:
        assert getattr(audience_graph, name).__name__ == name
    with pytest.raises(AttributeError, match="nonsense"):
        audience_graph.nonsense  # noqa: B018
    assert set(audience_graph.__all__) <= set(dir(audience_graph))
