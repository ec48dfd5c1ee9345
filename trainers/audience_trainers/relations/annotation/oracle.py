"""Annotators made from the demo world's truth: grade 1 -> 1, 0.5 -> 0.5, no relation -> 0, with slips if wanted."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from audience_graph.errors import NotFoundError

Grades = Mapping[tuple[str, str], float]
_STEPS = (0.0, 0.5, 1.0)


def read_grades(world: Path) -> dict[tuple[str, str], float]:
    """Return the grade of every true relation of a demo world. Raises NotFoundError when the folder holds none."""
    file = world / "truth" / "relations.parquet"
    if not file.is_file():
        raise NotFoundError(f"no truth in {world}", hint="only the world of `audience-graph demo` has an oracle")
    table = pq.read_table(file)
    pairs = zip(table["source_id"].to_pylist(), table["target_id"].to_pylist(), strict=True)
    return dict(zip(pairs, table["grade"].to_pylist(), strict=True))


def oracle_scores(
    grades: Grades, pairs: Sequence[tuple[str, str]], annotator: str = "oracle", *, noise: float = 0.0, seed: int = 0
) -> list[float]:
    """Return what an annotator says of pairs of ids. With chance `noise` a score slips by one step.

    From 0 and 1 it slips to 0.5, from 0.5 to either. Annotators slip independently; same seed and name, same slips.
    """
    rng = np.random.default_rng((seed, zlib.crc32(annotator.encode())))
    slips = rng.random(len(pairs)) < noise
    upwards = rng.random(len(pairs)) < 0.5
    scores = []
    for pair, slip, up in zip(pairs, slips, upwards, strict=True):
        place = _STEPS.index(grades.get(pair, 0.0))
        if slip:
            place = 1 if place != 1 else 2 if up else 0
        scores.append(_STEPS[place])
    return scores


def fill_in(
    rows: Sequence[dict[str, Any]], grades: Grades, *, noise: float = 0.0, seed: int = 0
) -> list[dict[str, Any]]:
    """Return the rows of an annotation file with each annotator's scores filled in."""
    filled: list[dict[str, Any]] = []
    for annotator in dict.fromkeys(row["annotator"] for row in rows):
        own = [row for row in rows if row["annotator"] == annotator]
        pairs = [(row["source_id"], row["target_id"]) for row in own]
        scores = oracle_scores(grades, pairs, annotator, noise=noise, seed=seed)
        filled += [{**row, "score": score} for row, score in zip(own, scores, strict=True)]
    return filled
