"""The recipe of EGL IV-A2: some relations are held out, as many strangers are drawn, the rest is for training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from audience_graph.errors import RunError
from audience_trainers.relations.linkpred.strangers import strangers_of
from audience_trainers.relations.linkpred.task import Floats, Judged, Pairs

SPLIT_SEED = 7


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Relations and strangers (2, p) of each part; training has no strangers, a model draws its own."""

    train: Pairs
    valid: Judged
    test: Judged


def split_relations(edges: Pairs, n: int, *, test: float = 0.1, valid: float = 0.05, seed: int = SPLIT_SEED) -> Split:
    """Hold out `test` of the relations and `valid` of the rest, and draw as many strangers for either.

    Raises RunError when a part would be empty, or when the graph is too dense for so many strangers.
    """
    rng = np.random.default_rng(seed)
    shuffled = edges[:, rng.permutation(edges.shape[1])]
    tested = round(test * edges.shape[1])
    checked = round(valid * (edges.shape[1] - tested))
    if min(tested, checked, edges.shape[1] - tested - checked) < 1:
        raise RunError(f"{edges.shape[1]} relations are too few to hold out a test and a validation part")
    strangers = strangers_of(edges, n, tested + checked, seed=seed)
    return Split(
        train=shuffled[:, tested + checked :],
        valid=Judged(shuffled[:, tested : tested + checked], strangers[:, tested:]),
        test=Judged(shuffled[:, :tested], strangers[:, :tested]),
    )


def write_folder(
    folder: Path,
    split: Split,
    *,
    features: Floats | None = None,
    co: Floats | None = None,
    truth: pa.Table | None = None,
) -> None:
    """Write a split in the form that `read_task` reads; `truth` has columns u, v, grade."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = [
        ("train", 1, split.train),
        ("valid", 1, split.valid.positive),
        ("valid", 0, split.valid.negative),
        ("test", 1, split.test.positive),
        ("test", 0, split.test.negative),
    ]
    tables = [
        pa.table(
            {
                "split": pa.array([name] * pairs.shape[1], pa.string()),
                "label": pa.array(np.full(pairs.shape[1], label, np.int8)),
                "u": pa.array(pairs[0].astype(np.int32)),
                "v": pa.array(pairs[1].astype(np.int32)),
            }
        )
        for name, label, pairs in parts
    ]
    edges = np.concatenate([pairs for _, label, pairs in parts if label], axis=1).astype(np.int32)
    pq.write_table(pa.table({"u": edges[0], "v": edges[1]}), folder / "edges.parquet", compression="zstd")
    pq.write_table(pa.concat_tables(tables), folder / "linkpred_split.parquet", compression="zstd")
    arrays: dict[str, Any] = {name: array for name, array in (("x", features), ("co", co)) if array is not None}
    if arrays:
        np.savez(folder / "features.npz", **arrays)
    if truth is not None:
        pq.write_table(truth, folder / "truth.parquet", compression="zstd")
