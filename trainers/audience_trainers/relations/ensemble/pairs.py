"""Training pairs of stage II, as the runs keep them, and those of several weeks pooled for stage III.

Every week judges anew: a pair that a burst of one week bears out is positive once, and does not show in the others.
Pooled rows keep each week's word, the silent ones too, so that cross-entropy learns the share of weeks that agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

COLUMNS = ("source", "target", "label", "weight", "split")
TRAIN, VALID = 0, 1
NO_WEEK = -1

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class TrainingPairs:
    """Pairs in columns (p,): entity indices, label 0 / 1, weight of the row, and whether it trains or validates.

    `week` (p,) is the slot of the week that gave the label, whose vectors the row must not see; None = no such week.
    """

    source: Ints
    target: Ints
    label: npt.NDArray[np.float32]
    weight: npt.NDArray[np.float32]
    split: npt.NDArray[np.int8]
    week: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.source)

    def take(self, rows: Ints | Bools) -> TrainingPairs:
        """Return some rows."""
        week = None if self.week is None else self.week[rows]
        columns = {name: getattr(self, name)[rows] for name in COLUMNS}
        return TrainingPairs(**columns, week=week)

    def to_table(self) -> pa.Table:
        """Return the run folder's pairs.parquet."""
        ends = {name: pa.array(getattr(self, name).astype(np.int32)) for name in ("source", "target")}
        return pa.table(ends | {name: pa.array(getattr(self, name)) for name in COLUMNS[2:]})

    def weeks(self) -> Ints:
        """Return the slot of each row's week (p,), -1 for none."""
        return np.full(len(self), NO_WEEK, np.int64) if self.week is None else self.week

    def keys(self, n: int) -> Ints:
        """Return one number per undirected pair (p,)."""
        low, high = np.minimum(self.source, self.target), np.maximum(self.source, self.target)
        return np.asarray(low * n + high)


def pairs_from_table(table: pa.Table) -> TrainingPairs:
    """Return the pairs of a run's pairs.parquet. Raises KeyError when a column is missing."""
    columns = [table[name].to_numpy() for name in COLUMNS]
    kinds = (np.int64, np.int64, np.float32, np.float32, np.int8)
    return TrainingPairs(*(column.astype(kind) for column, kind in zip(columns, kinds, strict=True)))


def moved(pairs: TrainingPairs, place: Ints) -> TrainingPairs:
    """Return pairs under other indices: entity i becomes place[i]; those with an entity at -1 are gone."""
    source, target = place[pairs.source], place[pairs.target]
    return replace(pairs, source=source, target=target).take((source >= 0) & (target >= 0))


def thinned(pairs: TrainingPairs, n: int, share: float) -> TrainingPairs:
    """Return the rows of about a `share` of all undirected pairs, the same ones in every week.

    One share for all weeks: what a week shows is then not taken for silence because it was thinned out.
    """
    if share >= 1:
        return pairs
    mixed = pairs.keys(n).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(32)
    mixed *= np.uint64(0xD6E8FEB86659FD93)
    return pairs.take((mixed >> np.uint64(32)) < np.uint64(2**32 * share))


def pool_pairs(weeks: Sequence[TrainingPairs | None], known: Bools, *, silence: float = 0.5) -> TrainingPairs:
    """Return the rows of all weeks, one entry per slot of `align` (None = not kept), this week last.

    A pair that is positive in one week and not in another that knows both entities (`known` (n, T)) gets a row there
    with label 0 and `silence` times the weight of its positive one, at most of one that nobody confirmed: that a week
    is silent weighs less than what it says, and far less than what people say. A pair that validates this week never
    trains: its rows of all weeks validate. Raises ValueError without this week's pairs.
    """
    now = weeks[-1]
    if now is None:
        raise ValueError("this week's pairs are missing")
    parts = [replace(p, week=np.full(len(p), slot, np.int64)) for slot, p in enumerate(weeks) if p is not None]
    parts += _silent(weeks, known, silence)
    pooled = TrainingPairs(*(np.concatenate([getattr(part, name) for part in parts]) for name in (*COLUMNS, "week")))
    held = np.unique(now.take(now.split == VALID).keys(len(known)))
    return replace(pooled, split=np.isin(pooled.keys(len(known)), held).astype(np.int8))


def _silent(weeks: Sequence[TrainingPairs | None], known: Bools, silence: float) -> list[TrainingPairs]:
    n, rows = len(known), []
    positive = [None if p is None else p.take(p.label > 0.5) for p in weeks]
    told = [p for p in positive if p is not None]
    if silence <= 0 or len(told) < 2:
        return []
    every = TrainingPairs(*(np.concatenate([getattr(p, name) for p in told]) for name in COLUMNS))
    every = every.take(np.unique(every.source * n + every.target, return_index=True)[1])
    key = every.keys(n)  # a week may list a pair the other way round
    for slot, own in enumerate(positive):
        if own is None:
            continue
        quiet = ~np.isin(key, own.keys(n))
        quiet &= known[every.source, slot] & known[every.target, slot]
        part = every.take(quiet)
        label, weight = np.zeros(len(part), np.float32), np.minimum(part.weight, 1.0).astype(np.float32) * silence
        rows.append(replace(part, label=label, weight=weight, week=np.full(len(part), slot, np.int64)))
    return rows
