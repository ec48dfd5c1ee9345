"""The key of a sample: what annotators must not see, in `<file>.key.parquet` beside the file that they fill in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from audience_graph.errors import InputError, Problem
from audience_graph.ingest.sequences import write_table
from audience_trainers.relations.annotation.population import Population
from audience_trainers.relations.annotation.sample import EXPLORED, Sample

_META = b"audience_graph.sample"
_SUFFIX = ".key.parquet"


@dataclass(frozen=True, slots=True)
class Key:
    """Where a sample comes from, how big that is, and its draws by pair id: a pair may be drawn for two parts."""

    sample: str
    origin: str
    week: str
    entities: int
    relations: int
    candidates: int
    draws: dict[str, list[dict[str, Any]]]


def pair_id(sample: str, place: int) -> str:
    """Return the id of the place-th pair of a sample; it says nothing of the pair."""
    return f"{sample}-{place + 1:05d}"


def key_path(path: Path) -> Path:
    """Return where the key of an annotation file lies."""
    return path.with_name(path.stem + _SUFFIX)


def stratum_codes(sample: Sample) -> dict[tuple[str, str], str]:
    """Return a code per (part, stratum), in an order that says nothing of them: that of first sight in the shuffle."""
    seen = dict.fromkeys(zip(sample.part.tolist(), sample.stratum.tolist(), strict=True))
    return {stratum: f"S{i + 1:02d}" for i, stratum in enumerate(seen)}


def write_key(path: Path, population: Population, sample: Sample) -> Path:
    """Write the key of a sample that was written to `path`, whole or not at all, and return its path."""
    pairs, known = population.pairs, sample.row >= 0
    row = np.maximum(sample.row, 0)

    def said(values: Any) -> pa.Array:
        return pa.array(np.where(known, values[row], np.nan) if len(values) else np.full(len(row), np.nan))

    ids = pa.array(population.ids, pa.string())
    table = pa.table(
        {
            "pair": pa.array([pair_id(sample.name, i) for i in sample.pair.tolist()]),
            "source_id": ids.take(pa.array(sample.source)),
            "target_id": ids.take(pa.array(sample.target)),
            "part": pa.array(sample.part, pa.string()),
            "stratum": pa.array(sample.stratum, pa.string()),
            "size": pa.array(sample.size),
            "weight": pa.array(sample.weight),
            "provenance": pa.array([str(pairs.provenance[r]) if r >= 0 else "" for r in sample.row], pa.string()),
            "score": said(pairs.score),
            "logit": said(pairs.logit),
            "margin": said(pairs.margin),
        }
    )
    about = {
        "sample": sample.name,
        "origin": population.origin,
        "week": population.week,
        "entities": len(population),
        "relations": int(pairs.relation.sum()),
        "candidates": int((pairs.provenance != EXPLORED).sum()) if population.has_candidates else 0,
    }
    target = key_path(path)
    write_table(table.replace_schema_metadata({_META: json.dumps(about).encode()}), target)
    return target


def find_key(path: Path, sample: str) -> Key:
    """Return the key of a sample from the folder of its annotation file, under any name.

    Raises InputError when there is none.
    """
    for file in sorted(path.absolute().parent.glob(f"*{_SUFFIX}")):
        table = _read(file)
        about = json.loads((table.schema.metadata or {}).get(_META, b"{}")) if table is not None else {}
        if table is not None and about.get("sample") == sample:
            draws: dict[str, list[dict[str, Any]]] = {}
            for row in table.to_pylist():
                draws.setdefault(row["pair"], []).append(row)
            return Key(**about, draws=draws)
    problem = Problem(
        path.name, None, "pair", f"the key of sample {sample} in a file *{_SUFFIX} of the same folder", "none"
    )
    raise InputError(
        f"{path.name}: the key of its sample is missing",
        problems=[problem],
        hint="`evaluate annotate` wrote it beside the file: it holds strata, weights and the model's scores",
    )


def _read(file: Path) -> pa.Table | None:
    try:
        return pq.read_table(file)
    except (pa.ArrowInvalid, OSError):
        return None
