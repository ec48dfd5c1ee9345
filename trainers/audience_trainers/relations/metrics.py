"""What a mining run reports of itself, and its precision and recall where the truth is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from audience_trainers.relations.candidates import PROVENANCE, Candidates, Pair
from audience_trainers.relations.select import Relations
from audience_trainers.relations.topn import Floats
from audience_trainers.relations.vectors import coverage


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Directed pairs found against directed pairs planted or annotated."""

    precision: float
    recall: float
    found: int
    true: int


def relation_accuracy(found: set[tuple[str, str]] | set[Pair], true: set[tuple[str, str]] | set[Pair]) -> Accuracy:
    """Return precision and recall of directed pairs; 0 where there is nothing to divide by."""
    hit = len(set(found) & set(true))
    return Accuracy(hit / len(found) if found else 0.0, hit / len(true) if true else 0.0, len(found), len(true))


def describe_run(n: int, candidates: Candidates, relations: Relations, vectors: Floats) -> dict[str, Any]:
    """Return what every run reports: counts, AECC (relations per entity, EGL eq. 8), coverage."""
    kinds = np.bincount(candidates.provenance, minlength=len(PROVENANCE))
    return {
        "entities": n,
        "candidates": len(candidates),
        "candidates_by_provenance": {name: int(count) for name, count in zip(PROVENANCE, kinds, strict=True)},
        "relations": len(relations),
        "relations_per_entity": len(relations) / n if n else 0.0,
        "entities_with_relations": len(np.unique(relations.source)) / n if n else 0.0,
        "mean_score": float(relations.score.mean()) if len(relations) else 0.0,
        "relations_by_provenance": _counts(relations),
        "vector_coverage": coverage(vectors),
    }


def _counts(relations: Relations) -> dict[str, int]:
    kinds, counts = np.unique(relations.provenance.to_numpy(zero_copy_only=False), return_counts=True)
    return {str(kind): int(count) for kind, count in zip(kinds, counts, strict=True)}
