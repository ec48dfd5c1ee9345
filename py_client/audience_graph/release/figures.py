"""The figures of a mining run as properties of its RelationVersion node: one plain value each, to read and to sort by.

    metric_<name>      metrics.json, nested names joined by `_`: metric_candidates_by_provenance_both
    aecc, coverage     relations per entity (EGL eq. 8), share of entities with a relation of their own
    relations_<kind>   relations by provenance: relations_co_occurrence, _semantic, _both, _explored, _confirmed

Properties of Neo4j hold neither maps nor gaps: what is null, or no finite number, is left out. `metrics` has all of it
as JSON.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from audience_graph.release.content import PROVENANCE, Content

Plain = bool | int | float | str
_STRANGE = re.compile(r"[^a-z0-9]+")


def readable_metrics(content: Content) -> dict[str, Plain]:
    """Return the properties of a version's node, counted from its content or taken from its metrics."""
    entities = len(content.entity_ids)
    kinds = np.bincount(content.relations.provenance, minlength=len(PROVENANCE))
    return {
        **dict(flat_metrics(content.metrics, "metric")),
        **{_name("relations", kind): int(count) for kind, count in zip(PROVENANCE, kinds, strict=True)},
        "aecc": len(content.relations) / entities,
        "coverage": len(np.unique(content.relations.source)) / entities,
    }


def flat_metrics(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Plain]]:
    """Yield (name, value) of every plain value below a mapping; lists are left out."""
    for key, value in values.items():
        name = _name(prefix, str(key))
        if isinstance(value, Mapping):
            yield from flat_metrics(value, name)
        elif isinstance(value, bool | str) or (isinstance(value, int | float) and math.isfinite(value)):
            yield name, value


def _name(*parts: str) -> str:
    return "_".join(_STRANGE.sub("_", part.lower()).strip("_") for part in parts)
