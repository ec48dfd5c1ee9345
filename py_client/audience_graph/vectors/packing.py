"""Rows as the blocks that COPY reads: binary with halfvec columns, or CSV."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv

Vectors = npt.NDArray[np.float32]
Keys = npt.NDArray[np.int64]

HEADER = b"PGCOPY\n\xff\r\n\x00" + (0).to_bytes(8, "big")
TRAILER = (-1).to_bytes(2, "big", signed=True)


def framed(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Put the header and the trailer of binary COPY around blocks of tuples."""
    yield HEADER
    yield from blocks
    yield TRAILER


def csv_blocks(batches: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    """Render record batches as CSV that COPY reads: no header, NULL as nothing, text always in quotes."""
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
    for batch in batches:
        sink = io.BytesIO()
        pyarrow.csv.write_csv(batch, sink, options)
        yield sink.getvalue()


def pack_users(keys: Keys, fingerprints: Keys, vectors: Vectors) -> bytes:
    """Pack rows (bigint, halfvec, bigint) as tuples of binary COPY."""
    dims = vectors.shape[1]
    row = np.dtype(
        [
            ("fields", ">i2"),
            ("key_size", ">i4"),
            ("key", ">i8"),
            *_halfvec(dims),
            ("print_size", ">i4"),
            ("print", ">i8"),
        ]
    )
    rows = np.zeros(len(keys), dtype=row)
    rows["fields"], rows["key_size"], rows["print_size"] = 3, 8, 8
    rows["key"], rows["print"] = keys, fingerprints
    _fill(rows, vectors)
    return rows.tobytes()


def pack_entities(ids: Sequence[str], vectors: Vectors, reach: Sequence[int]) -> Iterator[bytes]:
    """Yield rows (text, halfvec, bigint) as tuples of binary COPY."""
    dims = vectors.shape[1]
    tail = np.zeros(len(ids), dtype=np.dtype([*_halfvec(dims), ("reach_size", ">i4"), ("reach", ">i8")]))
    tail["reach_size"], tail["reach"] = 8, reach
    _fill(tail, vectors)
    for i, identity in enumerate(ids):
        text = identity.encode()
        yield b"\x00\x03" + len(text).to_bytes(4, "big") + text + tail[i].tobytes()


def _halfvec(dims: int) -> list[tuple[Any, ...]]:
    return [("vector_size", ">i4"), ("dims", ">i2"), ("unused", ">i2"), ("vector", ">f2", (dims,))]


def _fill(rows: npt.NDArray[Any], vectors: Vectors) -> None:
    dims = vectors.shape[1]
    rows["vector_size"], rows["dims"], rows["vector"] = 4 + 2 * dims, dims, vectors
