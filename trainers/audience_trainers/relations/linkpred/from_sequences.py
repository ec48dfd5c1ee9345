"""From users' sequences to a link-prediction folder as dense as the paper's graph: about 100 relations per entity.

The users are dealt into two halves that share nobody. The first half makes the graph: entities are related when far
more of its users have both than chance would have it (shrunk pointwise mutual information), the nearest first, until
there are `relations` per entity. E^Co is learned from the same sequences, so it has seen the held-out relations, as
in the paper, where they are retrieved with it. The second half judges: a pair is true (grade 1) when the same recipe
relates it there too, medium (0.5) when it does with twice as many relations. So ACC asks what unseen people do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import scipy.sparse as sp

from audience_graph.errors import RunError
from audience_trainers.relations.behaviour import Behaviour
from audience_trainers.relations.cooccurrence import information
from audience_trainers.relations.linkpred.split import Split, split_relations, write_folder
from audience_trainers.relations.linkpred.task import Floats, Pairs, pair_key
from audience_trainers.relations.skipgram import skip_gram

Encode = Callable[[Sequence[str]], Floats]


@dataclass(frozen=True, slots=True)
class FolderPlan:
    """How the folder is made: relations per entity, users that an entity and a pair need, skip-gram, split seed."""

    relations: float = 100.0
    least_users: int = 10
    least_together: int = 3
    dims_co: int = 64
    window: int = 10
    epochs: int = 5
    seed: int = 7


@dataclass(frozen=True, slots=True, eq=False)
class Interactions:
    """Who had what: parallel arrays in order of time where it is known; `text[item]` is what is known of an item."""

    user: npt.NDArray[np.int64]
    item: npt.NDArray[np.int64]
    text: dict[int, str]


def write_sequence_folder(folder: Path, found: Interactions, encode: Encode, plan: FolderPlan) -> Split:
    """Write edges, split, features `x` (text) and `co`, truth.parquet and nodes.parquet (node, item, text).

    Raises RunError when too few items are left, or have too few relations.
    """
    behaviour, items = behaviour_of(found, least_users=plan.least_users)
    graph_users, judges = behaviour.half(0), behaviour.half(1)
    edges = nearest_pairs(graph_users, plan.relations, plan)
    split = split_relations(edges, behaviour.entities, seed=plan.seed)
    co = skip_gram(graph_users, dims=plan.dims_co, window=plan.window, epochs=plan.epochs, seed=plan.seed)
    texts = [found.text.get(int(item), "") for item in items]
    write_folder(folder, split, features=encode(texts), co=co, truth=_truth(judges, plan))
    nodes = {"node": np.arange(len(items), dtype=np.int32), "item": items, "text": pa.array(texts, pa.string())}
    pq.write_table(pa.table(nodes), folder / "nodes.parquet", compression="zstd")
    return split


def behaviour_of(found: Interactions, *, least_users: int) -> tuple[Behaviour, npt.NDArray[np.int64]]:
    """Return the sequences over items with enough users, and the item of each entity, ascending (n,)."""
    users, user = np.unique(found.user, return_inverse=True)
    every, item = np.unique(found.item, return_inverse=True)
    first = np.unique(np.stack([user, item]), axis=1, return_index=True)[1]
    reach = np.bincount(item[first], minlength=len(every))
    kept = reach >= least_users
    if int(kept.sum()) < 3:
        raise RunError(f"{int(kept.sum())} items have {least_users} users or more; at least 3 are needed")
    number = np.cumsum(kept) - 1
    rows = np.sort(first)  # the first time that a user had an item
    rows = rows[kept[item[rows]]]
    rows = rows[np.argsort(user[rows], kind="stable")]
    start = np.concatenate(([0], np.cumsum(np.bincount(user[rows], minlength=len(users)))))
    return Behaviour(number[item[rows]], start.astype(np.int64), int(kept.sum())), every[kept]


def nearest_pairs(behaviour: Behaviour, relations: float, plan: FolderPlan) -> Pairs:
    """Return undirected pairs (2, m), u < v: each entity's nearest, in turn, until m reaches `relations` * n.

    Nearness is the shrunk positive mutual information of having both, over whole sequences. Fewer pairs come back
    when fewer have the users.
    """
    n = behaviour.entities
    had = sp.csr_matrix((np.ones(len(behaviour.entity)), (behaviour.user(), behaviour.entity)))
    had.resize((behaviour.users, n))
    counts = (had.T @ had).tocsr()
    counts.setdiag(0.0)
    counts.data[counts.data < plan.least_together] = 0.0
    counts.eliminate_zeros()
    near = information(counts).tocsr()
    rank = _rank_in_row(near)
    rows = np.repeat(np.arange(n), np.diff(near.indptr))
    key = pair_key(np.stack([rows, near.indices.astype(np.int64)]), n)
    order = np.lexsort((-near.data, rank))  # everybody's nearest, then everybody's second, ...
    key = key[order]
    _, first = np.unique(key, return_index=True)
    key = key[np.sort(first)][: round(relations * n)]
    return np.stack([key // n, key % n])


def _rank_in_row(matrix: sp.csr_matrix) -> npt.NDArray[np.int64]:
    """Return the place of each entry in its row, largest value first, ties by column (nnz,)."""
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    order = np.lexsort((matrix.indices, -matrix.data, rows))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - matrix.indptr[rows[order]]
    return rank


def _truth(judges: Behaviour, plan: FolderPlan) -> pa.Table:
    """Return u, v, grade: 1 among as many relations as the graph has, 0.5 among twice as many."""
    pairs = nearest_pairs(judges, 2 * plan.relations, plan)
    grade = np.full(pairs.shape[1], 0.5)
    grade[: round(plan.relations * judges.entities)] = 1.0
    return pa.table({"u": pairs[0].astype(np.int32), "v": pairs[1].astype(np.int32), "grade": grade})
