"""Average entity vectors per user, columnar, and pack the result for a binary COPY into halfvec columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Vectors = npt.NDArray[np.float32]
Keys = npt.NDArray[np.int64]

HEADER = b"PGCOPY\n\xff\r\n\x00" + (0).to_bytes(8, "big")
TRAILER = (-1).to_bytes(2, "big", signed=True)
_BLOCK_FLOATS = 16_000_000  # 64 MB of gathered entity vectors at a time


def half(vectors: npt.NDArray[Any]) -> Vectors:
    """Round to half precision: what the entity table stores is what users are averaged from."""
    return vectors.astype(np.float16).astype(np.float32)


def user_blocks(batches: Iterable[pa.RecordBatch], vectors: Vectors) -> Iterator[tuple[Keys, Keys, Vectors]]:
    """Yield (keys, fingerprints, user vectors) in blocks; r_u = sum of h_e over the sequence / its length (EGL eq. 7).

    `batches` hold (key, fingerprint, place) sorted by key and place, so a user's sum does not depend on how the
    rows arrived. `vectors` has shape (entities, d); blocks have shape (users, d).
    """
    limit = max(1, _BLOCK_FLOATS // vectors.shape[1])
    kept: list[npt.NDArray[np.int64]] = []
    size = 0
    for batch in batches:
        kept.append(np.stack([column.to_numpy(zero_copy_only=False) for column in batch.columns]).astype(np.int64))
        size += batch.num_rows
        if size >= limit:
            rows = np.concatenate(kept, axis=1)
            last = int(np.searchsorted(rows[0], rows[0, -1]))  # the last user may go on in the next batch
            if last:
                yield _mean(rows[:, :last], vectors)
            kept, size = [rows[:, last:]], rows.shape[1] - last
    if size:
        yield _mean(np.concatenate(kept, axis=1), vectors)


def _mean(rows: npt.NDArray[np.int64], vectors: Vectors) -> tuple[Keys, Keys, Vectors]:
    keys, fingerprints, places = rows
    starts = np.flatnonzero(np.r_[True, np.diff(keys) != 0])
    lengths = np.diff(np.r_[starts, len(keys)])
    sums = np.add.reduceat(vectors[places], starts, axis=0)
    return keys[starts], fingerprints[starts], sums / lengths[:, None].astype(np.float32)


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
