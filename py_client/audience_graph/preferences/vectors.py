"""Average entity vectors per user, in columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Vectors = npt.NDArray[np.float32]
Keys = npt.NDArray[np.int64]

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
