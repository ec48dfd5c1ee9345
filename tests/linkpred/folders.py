"""A small folder in the form that `audience-graph evaluate relations` reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

Row = tuple[str, int, int, int]


def write_folder(folder: Path, *, n: int = 60, seed: int = 1) -> list[Row]:
    """Write a small graph of three groups with a split and features; return the rows of the split."""
    rng = np.random.default_rng(seed)
    group = np.arange(n) % 3
    u, v = np.triu_indices(n, 1)
    edge = rng.random(len(u)) < np.where(group[u] == group[v], 0.5, 0.02)
    strangers = rng.permutation(np.flatnonzero(~edge))
    edges = rng.permutation(np.flatnonzero(edge))
    held = len(edges) // 10
    rows: list[Row] = []
    for name, positive, negative in (
        ("test", edges[:held], strangers[:held]),
        ("valid", edges[held : 2 * held], strangers[held : 2 * held]),
        ("train", edges[2 * held :], strangers[:0]),
    ):
        rows += [(name, 1, int(u[i]), int(v[i])) for i in positive] + [
            (name, 0, int(u[i]), int(v[i])) for i in negative
        ]
    pq.write_table(pa.table({"u": u[edge].astype(np.int32), "v": v[edge].astype(np.int32)}), folder / "edges.parquet")
    write_split(folder, rows)
    bits = np.packbits(np.eye(3, dtype=np.uint8)[group], axis=1)
    np.savez(folder / "features.npz", bits=bits, num_features=3)
    return rows


def write_split(folder: Path, rows: list[Row]) -> None:
    columns = zip(*rows, strict=True)
    table = pa.table(dict(zip(("split", "label", "u", "v"), map(list, columns), strict=True)))
    pq.write_table(table, folder / "linkpred_split.parquet")
