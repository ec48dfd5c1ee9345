"""E^Se: kept by content, mixed with the corpus, bounded per entity."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audience_graph.config import Home
from audience_graph.entities.dictionary import Dictionary, Entity
from audience_trainers.relations import text_vectors
from audience_trainers.relations.text_vectors import CorpusPart, Document, read_documents, semantic_vectors
from audience_trainers.relations.topn import Floats, unit_rows
from audience_trainers.text_cache import TextCache


class Encoder:
    """Random unit vectors by text; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, texts: Sequence[str]) -> Floats:
        self.asked += texts
        return unit_rows(np.array([np.random.default_rng(zlib.crc32(t.encode())).standard_normal(8) for t in texts]))


def test_no_text_is_encoded_twice_in_one_call_or_in_another_process(tmp_path: Path) -> None:
    encode, cache = Encoder(), TextCache(tmp_path, "model", 8)
    first = cache.encode(["a", "b", "a", "c"], encode)
    assert sorted(encode.asked) == ["a", "b", "c"]
    np.testing.assert_array_equal(first, Encoder()(["a", "b", "a", "c"]))
    again = TextCache(tmp_path, "model", 8).encode(["d", "c", "b"], encode)
    assert sorted(encode.asked) == ["a", "b", "c", "d"]
    np.testing.assert_array_equal(again, Encoder()(["d", "c", "b"]))
    TextCache(tmp_path, "other model", 8).encode(["a"], encode)
    assert encode.asked[-1] == "a"
    assert cache.encode([], encode).shape == (0, 8)


@pytest.mark.parametrize("name", ["keys", "vectors.f32"])
@pytest.mark.parametrize("size", [0, 17, 70])
def test_a_cache_that_was_cut_off_or_damaged_is_mended(tmp_path: Path, name: str, size: int) -> None:
    encode, cache, texts = Encoder(), TextCache(tmp_path, "model", 8), ["a", "b", "c", "d", "e"]
    cache.encode(texts, encode)
    with (tmp_path / name).open("r+b") as file:
        file.truncate(size)
    for _ in range(2):
        np.testing.assert_array_equal(cache.encode(texts, encode), Encoder()(texts))
    asked = len(encode.asked)
    cache.encode(texts, encode)
    assert len(encode.asked) == asked
    rows = np.fromfile(tmp_path / "vectors.f32", np.float32)
    rows[:] = 0
    rows.tofile(tmp_path / "vectors.f32")
    np.testing.assert_array_equal(cache.encode(texts, encode), Encoder()(texts))
    asked, kept = len(encode.asked), (tmp_path / "keys").stat().st_size
    np.testing.assert_array_equal(cache.encode(texts, encode), Encoder()(texts))
    assert len(encode.asked) == asked, "damaged rows were encoded again, and the new ones count from then on"
    assert (tmp_path / "keys").stat().st_size == kept


def test_the_corpus_is_joined_by_weight_and_a_document_about_two_counts_half() -> None:
    own, encode = Encoder()(["n0", "n1", "n2"]), Encoder()
    documents = [Document("x", (0,)), Document("y", (0, 1))]
    found = semantic_vectors(own, documents, CorpusPart(0.25, 8), encode)
    x, y = Encoder()(["x", "y"])
    expected = unit_rows(np.stack([0.75 * own[0] + 0.25 * unit_rows((x + y / 2)[None])[0], 0.75 * own[1] + 0.25 * y]))
    np.testing.assert_allclose(found[:2], expected, atol=1e-6)
    np.testing.assert_allclose(found[2], own[2], atol=1e-6)
    assert semantic_vectors(own, documents, CorpusPart(0.0, 8), encode) is own


def test_so_many_documents_of_an_entity_and_no_more_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_vectors, "DOCUMENTS_PER_BLOCK", 2)
    own, encode = Encoder()(["n0", "n1"]), Encoder()
    documents = [Document(f"t{i}", (0,)) for i in range(5)] + [Document("both", (0, 1)), Document("late", (0,))]
    found = semantic_vectors(own, iter(documents), CorpusPart(1.0, 3), encode)
    assert encode.asked == ["t0", "t1", "t2", "both"]
    np.testing.assert_allclose(found[1], Encoder()(["both"])[0], atol=1e-6)


def test_documents_are_linked_by_their_ids_or_else_by_what_they_name(tmp_path: Path) -> None:
    dictionary = Dictionary.of([Entity("a", "hot pot", "food"), Entity("b", "spa", "service", aliases=("wellness",))])
    home = Home(tmp_path)
    folder = home.warehouse / "corpus"
    folder.mkdir(parents=True)
    rows = [
        ("given ids count, not spa", ["a", "unknown"]),
        ("Wellness, then a hot pot", []),
        ("nothing here", []),
        ("spa" + " " * 600 + "hot pot", None),
        ("only strangers: hot pot", ["unknown"]),
    ]
    table = pa.table(
        {
            "doc_id": [str(i) for i in range(5)],
            "text": [r[0] for r in rows],
            "entity_ids": pa.array([r[1] for r in rows], pa.list_(pa.string())),
        }
    )
    pq.write_table(table, folder / "one.parquet")
    found = [(d.text[:5], d.entities) for d in read_documents(home, dictionary)]
    assert found == [("given", (0,)), ("Welln", (0, 1)), ("spa  ", (1,))]
