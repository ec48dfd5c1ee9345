"""Tagged files of every form, what is refused in them, spans, and windows of words."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audience_graph.errors import InputError
from audience_trainers.entities.batches import collate, sorted_batches, training_order, windows_of
from audience_trainers.entities.data import read_tagged
from audience_trainers.entities.span_metrics import score_spans
from audience_trainers.entities.tags import breaks, repair, spans_of
from audience_trainers.entities.words import CharacterPieces

ROWS = [
    {"split": "train", "tokens": ["go", "to", "new", "york"], "tags": ["O", "O", "B-city", "I-city"]},
    {"split": "train", "tokens": ["paris"], "tags": ["B-city"]},
    {"split": "dev", "tokens": ["rome"], "tags": ["B-city"]},
    {"split": "test", "tokens": ["hm"], "tags": ["O"]},
]


def jsonl(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_every_form_holds_the_same_sentences(tmp_path: Path) -> None:
    pq.write_table(pa.table({name: [row[name] for row in ROWS] for name in ROWS[0]}), tmp_path / "a.parquet")
    folder = tmp_path / "conll"
    folder.mkdir()
    for split, name in (("train", "train"), ("dev", "valid"), ("test", "test")):
        rows = [row for row in ROWS if row["split"] == split]
        lines = ["\n".join(f"{w} x {t}" for w, t in zip(r["tokens"], r["tags"], strict=True)) for r in rows]
        (folder / f"{name}.conll").write_text("-DOCSTART- O\n\n" + "\n\n".join(lines) + "\n")
    wanted = read_tagged(jsonl(tmp_path / "a.jsonl", ROWS))
    assert wanted.labels == ("O", "B-city", "I-city")
    assert [len(wanted.train), len(wanted.dev), len(wanted.test)] == [2, 1, 1]
    for found in (read_tagged(tmp_path / "a.parquet"), read_tagged(folder)):
        assert (found.train, found.dev, found.test) == (wanted.train, wanted.dev, wanted.test)


@pytest.mark.parametrize(
    ("row", "column", "expected", "found"),
    [
        ({"split": "train", "tokens": ["a"], "tags": ["X"]}, "tags", "O, B-<type> or I-<type>", "'X'"),
        ({"split": "train", "tokens": ["a"], "tags": ["B-"]}, "tags", "O, B-<type> or I-<type>", "'B-'"),
        ({"split": "train", "tokens": ["a", "b"], "tags": ["O"]}, "tags", "2 tags, one for each token", "1"),
        ({"split": "distant", "tokens": ["a"], "tags": ["O"]}, "split", "train, dev or test", "'distant'"),
        ({"split": "train", "tokens": [], "tags": []}, "tokens", "at least one word", "an empty list"),
        ({"split": "train", "tokens": ["a", ""], "tags": ["O", "O"]}, "tokens", "words of at", "an empty word"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: dict[str, object], column: str, expected: str, found: str) -> None:
    path = jsonl(tmp_path / "a.jsonl", [*ROWS, row])
    with pytest.raises(InputError, match="1 bad rows; nothing was trained") as refused:
        read_tagged(path)
    (problem,) = refused.value.problems
    assert (problem.file, problem.row, problem.column, problem.found) == (str(path), 5, column, found)
    assert problem.expected.startswith(expected)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.jsonl", "", "at least one sentence"),
        ("a.jsonl", "{\n", "a JSON object a line"),
        ("a.jsonl", '{"tokens": "spa", "tags": ["O"]}\n', "a list of strings"),
        ("a.conll", "spa\n", "a word and its tag"),
        ("a.csv", "x", "a file that ends in"),
        ("a.parquet", "PAR1", "a readable file"),
        ("a.jsonl", '{"tokens": ["a"], "tags": ["O"]}\n', "a tag other than O"),
        ("a.jsonl", '{"tokens": ["a"], "tags": ["B-x"]}\n', "enough sentences"),
        ("a.jsonl", '{"split": "dev", "tokens": ["a"], "tags": ["B-x"]}\n', "at least one sentence of split train"),
    ],
)
def test_a_file_that_cannot_be_trained_on_is_refused(tmp_path: Path, name: str, content: str, expected: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError) as refused:
        read_tagged(tmp_path / name)
    assert refused.value.problems[0].expected.startswith(expected)


def test_missing_files_and_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_tagged(tmp_path / "none.jsonl")
    pq.write_table(pa.table({"tokens": [["a"]]}), tmp_path / "a.parquet")
    with pytest.raises(InputError) as refused:
        read_tagged(tmp_path / "a.parquet")
    assert refused.value.problems[0].found == "no tags"


def test_without_a_dev_split_a_seeded_tenth_is_held_out(tmp_path: Path) -> None:
    rows = [{"tokens": [f"w{i}"], "tags": ["B-x"]} for i in range(50)]
    path = jsonl(tmp_path / "a.jsonl", rows)
    found = read_tagged(path, seed=3)
    assert (len(found.train), len(found.dev), found.held_out) == (45, 5, True)
    assert sorted(s.words for s in found.train + found.dev) == sorted((f"w{i}",) for i in range(50))
    assert read_tagged(path, seed=3) == found
    assert read_tagged(path, seed=4).dev != found.dev


def test_an_inside_tag_that_begins_a_span_is_read_as_its_begin(tmp_path: Path) -> None:
    row = {"split": "train", "tokens": ["a", "b", "c"], "tags": ["I-x", "I-x", "I-y"]}
    found = read_tagged(jsonl(tmp_path / "a.jsonl", [*ROWS, row]))
    assert found.train[-1].tags == ("B-x", "I-x", "B-y")
    assert found.repaired == 2
    assert len(read_tagged(tmp_path / "a.jsonl", ignore=("train2",)).train) == 3


def test_spans_as_conlleval_reads_them() -> None:
    assert spans_of(["B-a", "I-a", "B-a", "O", "I-b", "I-a"]) == [("a", 0, 2), ("a", 2, 3), ("b", 4, 5), ("a", 5, 6)]
    assert breaks(["I-a", "I-a", "O", "I-b", "B-b", "I-a"]) == [0, 3, 5]
    assert spans_of(repair(["I-a", "I-b"])) == spans_of(["I-a", "I-b"])


def test_scores_are_exact_spans() -> None:
    truth = [["B-a", "I-a", "O"], ["B-b", "O", "B-a"]]
    found = [["B-a", "O", "O"], ["B-b", "O", "I-a"]]
    report = score_spans(truth, found)
    assert (report.micro.precision, report.micro.recall) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert report.micro.f1 == pytest.approx(2 / 3)
    assert report.types["b"].f1 == 1.0
    assert report.types["a"].f1 == pytest.approx(0.5)
    assert (report.sentences, report.invalid) == (2, 1)
    assert score_spans([["O"]], [["O"]]).micro.f1 == 0.0


def test_long_sentences_are_cut_where_no_entity_is() -> None:
    pieces = CharacterPieces(list("abcdefgh"))
    words = list("abcdefgh")
    tags = [[0, 1, 2, 2, 0, 1, 2, 2]]  # O B I I O B I I
    windows = windows_of([words, ["a"], []], pieces, limit=8, tags=[*tags, [0], []])
    assert [(w.sentence, len(w.pieces), w.tags) for w in windows] == [
        (0, 5, (0, 1, 2, 2, 0)),
        (0, 3, (1, 2, 2)),
        (1, 1, (0,)),
    ]
    assert [len(w.pieces) for w in windows_of([words], pieces, limit=8)] == [6, 2]


def test_a_batch_points_at_first_subwords() -> None:
    class Pieces(CharacterPieces):
        def numbers(self, words):  # type: ignore[no-untyped-def]
            return {word: tuple(range(10, 10 + len(word))) for word in words}

    pieces = Pieces(())
    batch = collate(windows_of([["ab", "c"], ["abc", "d", "ef"]], pieces, limit=64), pieces)
    assert batch.ids.tolist() == [[2, 10, 11, 10, 3, 0, 0, 0], [2, 10, 11, 12, 10, 10, 11, 3]]
    assert batch.first.tolist() == [[1, 3, 0], [1, 4, 5]]
    assert batch.mask.tolist() == [[True, True, False], [True, True, True]]
    assert batch.attention.sum(1).tolist() == [5, 8]


def test_orders_hold_every_window_once() -> None:
    import numpy as np

    pieces = CharacterPieces(())
    windows = windows_of([["x"] * (1 + i % 7) for i in range(100)], pieces, limit=64)
    order = training_order(windows, 8, np.random.default_rng(0))
    assert sorted(i for batch in order for i in batch) == list(range(100))
    assert max(max(windows[i].length for i in b) - min(windows[i].length for i in b) for b in order) <= 1
    assert sorted(i for batch in sorted_batches(windows, 8) for i in batch) == list(range(100))
