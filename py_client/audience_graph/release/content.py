"""What a mining run hands over: read its folder, check it, put it in one order, name it by its content.

    entities.parquet (entity_id)                 entity_vectors.npy float32 (n, d)
    thresholds.parquet (entity_id, threshold)    text_vectors.npy float32 (n, t), optional
    sequences.parquet (read by `preferences`)    run.json, metrics.json, done
    relations.parquet (source_id, target_id, score, logit, margin, provenance)

Rows are ordered by entity id, relations by source and target, so two runs with the same content get the same
version: week + first 8 hex digits of the SHA-256 of relations, entity vectors, thresholds and the window's length.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from audience_graph.errors import RunError
from audience_graph.vectors.window import WINDOW_DAYS

PROVENANCE = ("co-occurrence", "semantic", "both", "explored", "confirmed")
SCORE_DECIMALS = 6
_MOST_DAYS = 100_000
_WEEK = re.compile(r"\d{4}-W\d{2}")

Floats = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Relations:
    """Relations in columns, sorted by source and target; source and target index the sorted entity ids."""

    source: Indices
    target: Indices
    score: Floats
    logit: Floats
    margin: Floats
    rank: Indices
    provenance: npt.NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.source)


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """One mining run, checked and sorted; the names below follow from its week and content hash."""

    folder: Path
    run_id: str
    week: str
    as_of: date
    days: int
    model: str
    metrics: dict[str, Any]
    entity_ids: tuple[str, ...]
    vectors: Vectors  # (n, d)
    thresholds: Floats  # (n,)
    text_vectors: Vectors | None  # (n, t)
    relations: Relations
    content_hash: str

    @property
    def version(self) -> str:
        return f"{self.week}-{self.content_hash[:8]}"

    @property
    def relation_type(self) -> str:
        return "RELATES_" + self.version.replace("-", "_")

    @property
    def space(self) -> str:
        return "pref_" + self.version.replace("-", "_").lower()

    @property
    def in_degrees(self) -> npt.NDArray[np.int64]:
        """Number of relations into each entity, over all ranks. Shape (n,)."""
        return np.bincount(self.relations.target, minlength=len(self.entity_ids)).astype(np.int64)


def read_content(folder: Path) -> Content:
    """Read and check a run folder. Raises RunError, naming the file, when it is unfinished or inconsistent."""
    if not (folder / "done").is_file():
        raise RunError(f"{folder}: the run is not finished (no file `done`)", hint="run `audience-graph mine` again")
    run = _json(folder / "run.json")
    week, as_of = str(run.get("week")), _day(folder / "run.json", run.get("as_of"))
    if _WEEK.fullmatch(week) is None:
        raise RunError(f"{folder / 'run.json'}: week {week!r} is not of the form 2026-W30")
    config = run.get("config") or {}
    days = _days(folder / "run.json", config.get("days", WINDOW_DAYS))
    ids = _column(folder / "entities.parquet", "entity_id")
    order = np.array(pc.sort_indices(ids).to_numpy(), dtype=np.int64)
    entity_ids = tuple(ids.take(pa.array(order)).to_pylist())
    if len(set(entity_ids)) != len(entity_ids) or None in entity_ids:
        raise RunError(f"{folder / 'entities.parquet'}: entity ids repeat or are missing")
    known = pa.array(entity_ids, pa.string())
    vectors = _vectors(folder / "entity_vectors.npy", order)
    thresholds = _thresholds(folder / "thresholds.parquet", known)
    relations = _relations(folder / "relations.parquet", known)
    text = folder / "text_vectors.npy"
    return Content(
        folder=folder,
        run_id=str(run.get("run_id") or folder.name),
        week=week,
        as_of=as_of,
        days=days,
        model=str(config.get("model") or run.get("kind") or "mine"),
        metrics=_json(folder / "metrics.json") if (folder / "metrics.json").is_file() else {},
        entity_ids=entity_ids,
        vectors=vectors,
        thresholds=thresholds,
        text_vectors=_vectors(text, order) if text.is_file() else None,
        relations=relations,
        content_hash=_hash(days, entity_ids, vectors, thresholds, relations),
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"), parse_constant=lambda _: None)  # NaN: no store holds it
    except (OSError, ValueError) as exc:
        raise RunError(f"{path} is not readable: {exc}", hint="run `audience-graph mine` again") from exc
    if not isinstance(value, dict):
        raise RunError(f"{path}: expected one JSON object")
    return value


def _day(path: Path, value: Any) -> date:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError as exc:
        raise RunError(f"{path}: as_of {value!r} is not a day") from exc


def _days(path: Path, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _MOST_DAYS:
        raise RunError(f"{path}: config.days {value!r} is not a number of days from 1 to {_MOST_DAYS:,}")
    return value


def _table(path: Path, columns: list[str]) -> pa.Table:
    try:
        return pq.read_table(path, columns=columns)
    except (OSError, pa.ArrowException, KeyError) as exc:
        raise RunError(f"{path} is not readable: {exc}", hint="run `audience-graph mine` again") from exc


def _column(path: Path, name: str) -> pa.Array:
    table = _table(path, [name])
    if name not in table.column_names:
        raise RunError(f"{path}: lacks the column {name}")
    return table[name].cast(pa.string()).combine_chunks()


def _vectors(path: Path, order: npt.NDArray[np.int64]) -> Vectors:
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as exc:
        raise RunError(f"{path} is not readable: {exc}", hint="run `audience-graph mine` again") from exc
    if found.ndim != 2 or len(found) != len(order) or found.shape[1] == 0:
        raise RunError(f"{path}: expected {len(order)} rows of one vector each, found shape {found.shape}")
    vectors = np.ascontiguousarray(found[order], dtype=np.float32)
    if not np.isfinite(vectors).all() or (np.abs(vectors) > np.finfo(np.float16).max).any():
        raise RunError(f"{path}: holds values that a half-precision vector cannot hold")
    return vectors


def _thresholds(path: Path, known: pa.Array) -> Floats:
    table = _table(path, ["entity_id", "threshold"])
    place = pc.index_in(known, value_set=table["entity_id"].cast(pa.string()).combine_chunks())
    if place.null_count:
        raise RunError(f"{path}: lacks the threshold of {place.null_count} entities")
    return np.array(table["threshold"].take(place).to_numpy(), dtype=np.float64)


def _relations(path: Path, known: pa.Array) -> Relations:
    table = _table(path, ["source_id", "target_id", "score", "logit", "margin", "provenance"])
    if table.num_rows == 0:
        raise RunError(f"{path}: holds no relations")
    source, target = (_places(path, table[name], known, "entities.parquet") for name in ("source_id", "target_id"))
    provenance = _places(path, table["provenance"], pa.array(PROVENANCE), "the kinds of provenance")
    score = np.array(table["score"].to_numpy(), dtype=np.float64)
    if not ((score > 0) & (score <= 1)).all():
        raise RunError(f"{path}: a score is not in (0, 1]")
    score = np.maximum(np.round(score, SCORE_DECIMALS), 10.0**-SCORE_DECIMALS)
    order = np.lexsort((target, source))
    source, target, score = source[order], target[order], score[order]
    if (source == target).any() or ((np.diff(source) == 0) & (np.diff(target) == 0)).any():
        raise RunError(f"{path}: a pair repeats, or an entity relates to itself")
    return Relations(
        source=source,
        target=target,
        score=score,
        logit=np.array(table["logit"].to_numpy(), dtype=np.float64)[order],
        margin=np.array(table["margin"].to_numpy(), dtype=np.float64)[order],
        rank=ranks(source, target, score),
        provenance=provenance[order].astype(np.int8),
    )


def _places(path: Path, column: pa.ChunkedArray, known: pa.Array, where: str) -> Indices:
    place = pc.index_in(column.cast(pa.string()), value_set=known)
    if place.null_count:
        strange = column.filter(pc.is_null(place))[0].as_py()
        raise RunError(f"{path}: {strange!r} is not among {where} ({place.null_count} rows)")
    return np.array(place.to_numpy(), dtype=np.int32)


def ranks(source: Indices, target: Indices, score: Floats) -> Indices:
    """Return the 1-based place of each relation among its source's: score descending, ties by target ascending."""
    order = np.lexsort((target, -score, source))
    sorted_source = source[order]
    starts = np.flatnonzero(np.r_[True, np.diff(sorted_source) != 0])
    lengths = np.diff(np.r_[starts, len(order)])
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order)) - np.repeat(starts, lengths) + 1
    return rank


def _hash(days: int, entity_ids: tuple[str, ...], vectors: Vectors, thresholds: Floats, relations: Relations) -> str:
    digest = hashlib.sha256(f"{days} days\0".encode())
    digest.update("\0".join(entity_ids).encode())
    parts = (vectors, thresholds, relations.source, relations.target, relations.score, relations.logit)
    for array in (*parts, relations.margin, relations.provenance):
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
