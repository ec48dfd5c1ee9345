"""What people, or a planted world, say of pairs: read from Parquet, looked up for the pairs of a test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from audience_graph.errors import InputError
from audience_trainers.relations.linkpred.task import Pairs, Values, pair_key

COLUMNS = (("u", "v"), ("source_id", "target_id"))


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """Grades of undirected pairs by ascending key: the better grade where both directions are listed."""

    n: int
    key: npt.NDArray[np.int64]
    grade: Values

    def of(self, positive: Pairs, negative: Pairs) -> Values:
        """Return the grades of pairs, positives first (p + q,); 0 for a pair that is not listed."""
        key = pair_key(np.concatenate([positive, negative], axis=1), self.n)
        if len(self.key) == 0:
            return np.zeros(len(key))
        place = np.minimum(np.searchsorted(self.key, key), len(self.key) - 1)
        return np.where(self.key[place] == key, self.grade[place], 0.0)


def read_truth(path: Path, n: int, *, wanted: bool, number: Mapping[str, int] | None = None) -> Truth | None:
    """Read u, v (node numbers) or source_id, target_id, and grade where there is one, else 1 each.

    `number` gives the node of an entity id; pairs of entities without one are left out. None when the file is absent
    and not `wanted`. Raises InputError for a file that is missing or damaged, or a grade outside 0 .. 1.
    """
    if not wanted and not path.is_file():
        return None
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as exc:
        raise InputError(f"{path} is not readable: {exc}") from exc
    names = next((pair for pair in COLUMNS if set(pair) <= set(table.column_names)), None)
    if names is None:
        raise InputError(f"{path}: expected columns u, v or source_id, target_id, found {table.column_names}")
    pairs = np.stack([_nodes(path, table[name], number) for name in names])
    grade = table["grade"].to_numpy().astype(np.float64) if "grade" in table.column_names else np.ones(len(table))
    if not bool(np.all((grade >= 0) & (grade <= 1))):
        raise InputError(f"{path}: column grade: expected numbers from 0 to 1")
    known = (pairs >= 0).all(axis=0) & (pairs < n).all(axis=0)
    key = pair_key(pairs[:, known], n)
    order = np.lexsort((-grade[known], key))
    key, first = np.unique(key[order], return_index=True)
    return Truth(n, key, grade[known][order][first])


def _nodes(path: Path, column: pa.ChunkedArray, number: Mapping[str, int] | None) -> npt.NDArray[np.int64]:
    if number is not None:
        known = pa.array(list(number), pa.string())
        place = pc.fill_null(pc.index_in(column.cast(pa.string()), value_set=known), -1).to_numpy()
        nodes = np.array([*number.values(), -1], dtype=np.int64)
        return np.asarray(nodes[place])  # -1 reads the last: no node
    if not pa.types.is_integer(column.type) or column.null_count:
        raise InputError(f"{path}: expected whole numbers of nodes without gaps, found {column.type}")
    return np.asarray(column.to_numpy().astype(np.int64))
