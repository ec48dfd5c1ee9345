"""Averaging in blocks, and the bytes that COPY takes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest
from pgvector import HalfVector

from audience_graph.preferences import vectors as module
from audience_graph.preferences.vectors import user_blocks
from audience_graph.vectors.packing import pack_entities, pack_users


def batches(rows: np.ndarray, size: int) -> Iterator[pa.RecordBatch]:
    for start in range(0, len(rows), size):
        columns = [pa.array(column) for column in rows[start : start + size].T]
        yield pa.record_batch(columns, names=["key", "fingerprint", "place"])


@pytest.mark.parametrize(("block", "size"), [(10**9, 1000), (1, 1), (8, 3), (40, 7)])
def test_means_do_not_depend_on_blocks(monkeypatch: pytest.MonkeyPatch, block: int, size: int) -> None:
    rng = np.random.default_rng(0)
    entity = rng.normal(size=(20, 4)).astype(np.float32)
    lengths = rng.integers(1, 9, 25)
    keys = np.repeat(np.arange(25) * 3, lengths)
    rows = np.stack([keys, keys * 7, rng.integers(0, 20, len(keys))], axis=1)
    monkeypatch.setattr(module, "_BLOCK_FLOATS", block)
    found = [np.concatenate(parts) for parts in zip(*user_blocks(batches(rows, size), entity), strict=True)]
    assert found[0].tolist() == (np.arange(25) * 3).tolist()
    assert found[1].tolist() == (np.arange(25) * 21).tolist()
    for key, mean in zip(found[0], found[2], strict=True):
        np.testing.assert_allclose(mean, entity[rows[keys == key, 2]].mean(axis=0), rtol=1e-5, atol=1e-6)


def test_no_rows_give_no_blocks() -> None:
    assert list(user_blocks(iter(()), np.zeros((1, 4), np.float32))) == []


def test_a_packed_row_is_what_pgvector_sends() -> None:
    vector = np.array([[1.5, -2.0, 0.25]], np.float32)
    half = HalfVector(vector[0]).to_binary()
    key = (3).to_bytes(8, "big")
    packed = pack_users(np.array([3]), np.array([-1]), vector)
    sized = len(half).to_bytes(4, "big") + half
    assert packed == b"\x00\x03\x00\x00\x00\x08" + key + sized + b"\x00\x00\x00\x08" + b"\xff" * 8
    entity = b"".join(pack_entities(["水e"], vector, [3]))
    assert entity == b"\x00\x03\x00\x00\x00\x04" + "水e".encode() + sized + b"\x00\x00\x00\x08" + key
