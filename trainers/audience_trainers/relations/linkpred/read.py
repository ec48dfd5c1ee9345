"""Read a link-prediction folder: `edges.parquet`, `linkpred_split.parquet`, and `features.npz` where there is one.

edges.parquet            u, v             every undirected edge once
linkpred_split.parquet   split, label, u, v    split = train | valid | test; label 1 = edge, 0 = sampled non-edge
features.npz             bits, num_features    packed 0/1 rows, or `x` (n, f) numbers; optional
                         co                    E^Co (n, d), vectors from sequences; optional. Whether they saw the
                                               sequences behind the test edges is for who made them to say
truth.parquet            u, v[, grade]         what people or a planted world say of pairs: 0, 0.5 or 1, a pair that is
                                               not listed 0; optional, gives ACC
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from audience_graph.errors import InputError
from audience_trainers.relations.linkpred.hard import hard_negatives
from audience_trainers.relations.linkpred.task import Floats, Judged, LinkTask, Pairs, Training, pair_key
from audience_trainers.relations.linkpred.truth import read_truth

HARD_SEED = 7  # hard negatives belong to the folder, not to a run: the same for every model and seed


def read_task(folder: Path, *, truth: Path | None = None) -> LinkTask:
    """Read a folder and return its task, with random test negatives (as shipped) and hard ones (made here).

    `truth` names another file than the folder's own truth.parquet; its columns are u, v or source_id, target_id.

    Raises InputError, naming file and column, for a file that is missing or damaged, an id outside the features, a
    test edge among the training edges, or a negative that is an edge.
    """
    edges = _pairs(_table(folder / "edges.parquet", ["u", "v"]), folder / "edges.parquet")
    split = _table(folder / "linkpred_split.parquet", ["split", "label", "u", "v"])
    features = read_features(folder / "features.npz")
    ids = [edges, _pairs(split, folder / "linkpred_split.parquet")]
    largest = max((int(part.max()) for part in ids if part.size), default=-1)
    n = largest + 1 if features is None else len(features)
    if largest >= n:
        raise InputError(f"{folder / 'features.npz'}: {n:,} rows of features, but the edges name node {largest:,}")
    parts = {
        (name, label): _pairs(_part(split, name, label), folder / "linkpred_split.parquet")
        for name in ("train", "valid", "test")
        for label in (0, 1)
    }
    _check(folder, n, edges, parts)
    training = Training(
        n=n,
        edges=parts["train", 1],
        valid_positive=parts["valid", 1],
        valid_negative=parts["valid", 0],
        features=features,
        co=read_vectors(folder / "features.npz", "co", n),
    )
    positive = parts["test", 1]
    hard = hard_negatives(training, positive, known=edges, seed=HARD_SEED)
    graded = read_truth(folder / "truth.parquet" if truth is None else truth, n, wanted=truth is not None)
    test = {
        kind: Judged(positive, negative, None if graded is None else graded.of(positive, negative))
        for kind, negative in (("random", parts["test", 0]), ("hard", hard))
    }
    return LinkTask(folder.resolve().name, training, test)


def read_features(path: Path) -> Floats | None:
    """Return features (n, f) float32, or None where the file is not there. Raises InputError when it is damaged."""
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            if "bits" in file:
                return np.unpackbits(file["bits"], axis=1)[:, : int(file["num_features"])].astype(np.float32)
            if "x" not in file and "co" in file:
                return None
            found = np.asarray(file["x"], np.float32)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as exc:
        raise InputError(f"{path}: expected `bits` and `num_features`, or `x` ({exc})") from exc
    return _finite(path, found)


def read_vectors(path: Path, name: str, n: int) -> Floats | None:
    """Return the array `name` (n, d) float32 of a file that `read_features` accepted, or None where it has none."""
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as file:
        if name not in file:
            return None
        found = _finite(path, np.asarray(file[name], np.float32))
    if len(found) != n:
        raise InputError(f"{path}: {len(found):,} rows of {name}, but the graph has {n:,} nodes")
    return found


def _finite(path: Path, found: Floats) -> Floats:
    if found.ndim != 2 or not np.isfinite(found).all():
        raise InputError(f"{path}: expected finite numbers of shape (n, f), found shape {found.shape}")
    return found


def _check(folder: Path, n: int, edges: Pairs, parts: dict[tuple[str, int], Pairs]) -> None:
    file = folder / "linkpred_split.parquet"
    for (name, label), pairs in parts.items():
        if pairs.shape[1] == 0 and (name, label) != ("train", 0):
            raise InputError(f"{file}: no row with split {name!r} and label {label}")
        if np.any(pairs[0] == pairs[1]):
            raise InputError(f"{file}: split {name!r} pairs a node with itself")
    known = pair_key(edges, n)
    train = pair_key(parts["train", 1], n)
    for name in ("valid", "test"):
        positive, negative = pair_key(parts[name, 1], n), pair_key(parts[name, 0], n)
        if np.isin(positive, train).any():
            raise InputError(f"{file}: edges of split {name!r} are training edges too")
        if np.isin(negative, known).any():
            raise InputError(f"{file}: negatives of split {name!r} are edges in edges.parquet")
    if np.isin(pair_key(parts["test", 1], n), pair_key(parts["valid", 1], n)).any():
        raise InputError(f"{file}: edges of split 'test' are validation edges too")


def _part(split: pa.Table, name: str, label: int) -> pa.Table:
    return split.filter(pc.and_(pc.equal(split["split"], name), pc.equal(split["label"], label)))


def _pairs(table: pa.Table, path: Path) -> Pairs:
    columns: list[npt.NDArray[np.int64]] = []
    for name in ("u", "v"):
        column = table[name]
        if not pa.types.is_integer(column.type) or column.null_count:
            raise InputError(f"{path}: column {name}: expected whole numbers without gaps, found {column.type}")
        columns.append(column.to_numpy().astype(np.int64))
    pairs = np.stack(columns)
    if pairs.size and pairs.min() < 0:
        raise InputError(f"{path}: negative node ids")
    return pairs


def _table(path: Path, columns: list[str]) -> pa.Table:
    try:
        return pq.read_table(path, columns=columns)
    except (OSError, pa.ArrowException, KeyError) as exc:
        raise InputError(f"{path} is not readable: {exc}") from exc
