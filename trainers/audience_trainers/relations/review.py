"""Buckets of candidates, and the accuracy that people found in them: buckets below a minimum are dropped (EGL IV-A2).

A review file (CSV or Parquet) has a row per bucket:

    provenance     co-occurrence, semantic or both
    bucket         lower end of a tenth of similarity, 0.0 .. 0.9: the cosine of the side that proposed, the larger
                   of the two for both
    source_type, target_type    optional; empty = any type. A row with types goes before a row without
    judged         how many pairs of the bucket were judged
    accurate       how many of them were right; a half counts
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from audience_graph.errors import ConfigError, InputError, Problem
from audience_trainers.relations.behaviour import Entities
from audience_trainers.relations.candidates import CONFIRMED, PROVENANCE, Candidates

COLUMNS = ("provenance", "bucket", "judged", "accurate")
TYPES = ("source_type", "target_type")
BUCKETS = 10
SAMPLES = 20
SHOWN = 20
Key = tuple[str, int, str, str]  # provenance, tenth, types or "" for any


@dataclass(frozen=True, slots=True)
class Review:
    """Accuracy by bucket, and the least that a bucket needs."""

    accuracy: dict[Key, float]
    minimum: float

    def drops(self, key: Key) -> bool:
        """Return whether the pairs of a bucket are dropped: it, or else its bucket over all types, fell short."""
        found = self.accuracy.get(key, self.accuracy.get((*key[:2], "", "")))
        return found is not None and found < self.minimum


def read_review(path: Path, *, minimum: float) -> Review:
    """Read a review file. A bucket of which nothing was judged says nothing.

    Raises ConfigError when the file is not there, InputError with file, row and column of every broken cell.
    """
    if not path.is_file():
        raise ConfigError(f"no review file {path}", hint="name it with --set review=FILE")
    rows = _read(path)
    problems: list[Problem] = []
    accuracy: dict[Key, float] = {}
    for number, row in enumerate(rows, 1):
        broken = [Problem(path.name, number, column, *told) for column, told in _check(row)]
        problems += broken
        if broken:
            continue
        key = (row["provenance"], round(float(row["bucket"]) * BUCKETS), *(str(row.get(t) or "") for t in TYPES))
        if key in accuracy:
            problems.append(
                Problem(path.name, number, "bucket", "one row per bucket", f"{' '.join(map(str, key))} again")
            )
        elif float(row["judged"]) > 0:
            accuracy[key] = float(row["accurate"]) / float(row["judged"])
    if problems:
        shown = "; ".join(str(p) for p in problems[:3])
        raise InputError(
            f"{path}: {len(problems):,} broken cells: {shown}", problems=problems[:SHOWN], count=len(problems)
        )
    return Review(accuracy, minimum)


def buckets_of(candidates: Candidates, entities: Entities) -> tuple[npt.NDArray[np.int64], list[Key]]:
    """Return the bucket of each pair (p,) as a place in the list of buckets that occur, which is sorted."""
    side = np.stack([candidates.co, candidates.se, np.maximum(candidates.co, candidates.se)])
    similarity = side[np.minimum(candidates.provenance, 2), np.arange(len(candidates))]
    tenth = np.clip(np.floor(similarity * BUCKETS), 0, BUCKETS - 1).astype(np.int64)
    names, code = np.unique(np.array(entities.types, dtype=object).astype(str), return_inverse=True)
    kinds = max(len(names), 1)
    number = (candidates.provenance * BUCKETS + tenth) * kinds + code[candidates.source]
    found, place = np.unique(number * kinds + code[candidates.target], return_inverse=True)
    keys: list[Key] = []
    for value in found.tolist():
        rest, target = divmod(value, kinds)
        rest, source = divmod(rest, kinds)
        keys.append((PROVENANCE[rest // BUCKETS], rest % BUCKETS, str(names[source]), str(names[target])))
    return place.astype(np.int64), keys


def reviewed(
    candidates: Candidates, entities: Entities, review: Review | None, *, keep: npt.NDArray[np.bool_]
) -> tuple[Candidates, pa.Table]:
    """Return the candidates without the buckets that fell short, and the table of all buckets with what became of them.

    Pairs where `keep` (p,) holds stay: a person confirmed them.
    """
    place, keys = buckets_of(candidates, entities)
    dropped = np.array([review is not None and review.drops(key) for key in keys], bool)
    pairs = np.bincount(place, minlength=len(keys))
    table = _key_columns(keys) | {"pairs": pa.array(pairs), "dropped": pa.array(dropped)}
    if not dropped.any():
        return candidates, pa.table(table)
    return candidates.where(keep | ~dropped[place]), pa.table(table)


def sample_buckets(candidates: Candidates, entities: Entities, *, seed: int, most: int = SAMPLES) -> pa.Table:
    """Return up to `most` pairs of each provenance and tenth, drawn evenly, with names: what a reviewer judges."""
    candidates = candidates.where(candidates.provenance != CONFIRMED)  # a person judged those
    place, keys = buckets_of(candidates, entities)
    group = np.array([PROVENANCE.index(key[0]) * BUCKETS + key[1] for key in keys], np.int64)[place]
    order = np.lexsort((np.random.default_rng(seed).random(len(group)), group))
    rank = np.arange(len(order)) - np.searchsorted(group[order], group[order])
    chosen = order[rank < most]
    sides = {"source": candidates.source[chosen].tolist(), "target": candidates.target[chosen].tolist()}
    columns = _key_columns([keys[i] for i in place[chosen].tolist()])
    for side, indices in sides.items():
        columns[f"{side}_id"] = pa.array([entities.ids[i] for i in indices], pa.string())
        columns[f"{side}_name"] = pa.array([entities.names[i] for i in indices], pa.string())
    return pa.table(columns | {"co": pa.array(candidates.co[chosen]), "se": pa.array(candidates.se[chosen])})


def _key_columns(keys: list[Key]) -> dict[str, pa.Array]:
    return {
        "provenance": pa.array([key[0] for key in keys], pa.string()),
        "bucket": pa.array([key[1] / BUCKETS for key in keys], pa.float64()),
        "source_type": pa.array([key[2] for key in keys], pa.string()),
        "target_type": pa.array([key[3] for key in keys], pa.string()),
    }


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        if path.suffix == ".parquet":
            table = pq.read_table(path)
        else:
            texts = pa_csv.ConvertOptions(column_types=dict.fromkeys((*COLUMNS, *TYPES), pa.string()))
            table = pa_csv.read_csv(path, convert_options=texts)
    except (pa.ArrowInvalid, OSError) as exc:
        raise InputError(f"{path} cannot be read: {exc}", hint="give a CSV or Parquet file") from exc
    problems = [
        Problem(path.name, None, name, f"a column {name}", ", ".join(table.column_names))
        for name in COLUMNS
        if name not in table.column_names
    ]
    if problems:
        raise InputError(f"{path}: {'; '.join(str(p) for p in problems)}", problems=problems)
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def _check(row: dict[str, Any]) -> list[tuple[str, tuple[str, str]]]:
    """Return (column, (expected, found)) of each broken cell of a row."""
    broken = []
    if row["provenance"] not in PROVENANCE[:3]:
        broken.append(("provenance", (", ".join(PROVENANCE[:3]), repr(row["provenance"]))))
    bucket, judged, accurate = (_number(row[name]) for name in COLUMNS[1:])
    if bucket is None or not 0 <= bucket < 1 or abs(bucket * BUCKETS - round(bucket * BUCKETS)) > 1e-6:
        broken.append(("bucket", ("a tenth from 0.0 to 0.9", repr(row["bucket"]))))
    if judged is None or judged < 0 or judged != int(judged):
        broken.append(("judged", ("a whole number from 0", repr(row["judged"]))))
    if accurate is None or accurate < 0 or (judged is not None and accurate > judged):
        broken.append(("accurate", ("a number from 0 to `judged`", repr(row["accurate"]))))
    if bool(row.get(TYPES[0])) != bool(row.get(TYPES[1])):
        broken.append((TYPES[1], ("both types or none", repr(row.get(TYPES[1])))))
    return broken


def _number(cell: Any) -> float | None:
    try:
        value = float(cell)
    except (TypeError, ValueError):
        return None
    return value if np.isfinite(value) else None
