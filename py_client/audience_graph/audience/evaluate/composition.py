"""Composition: which values of columns and which entities a set of users has more often than a base.

    lift(v) = p / p_0,   p = |{u in A : u has v}| / |A|,   p_0 the same over the base

with the 95 % interval of a ratio of two proportions (Katz's logarithmic one; the base is taken as known where it holds
the set). Counts are rounded before anything is computed from them, and groups of fewer than 100 users of the set or of
the base are left out, so that no figure tells of a small group. Sensitive entities are left out too, without a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from audience_graph.audience.disclosure import shown
from audience_graph.audience.evaluate.columns import known_columns
from audience_graph.audience.evaluate.evaluate import Evaluation
from audience_graph.audience.evaluate.events import entity_masks
from audience_graph.audience.evaluate.keysets import Mask, Universe, count
from audience_graph.errors import ConfigError
from audience_graph.vectors.store import Transaction, array_of
from audience_graph.vectors.topk import PLAN

MOST_VALUES = 50  # a column with more distinct values is told in bins, or describes nobody
BINS = 4
MOST_ENTITIES = 200
_SAMPLE = 10_000
_Z = 1.959964

_SAMPLED = """
SELECT columns->>%(name)s AS value, jsonb_typeof(columns->%(name)s) AS kind
FROM (SELECT columns FROM user_profile WHERE latest LIMIT %(sample)s) told WHERE columns->>%(name)s IS NOT NULL
"""
_BY_VALUE = """
SELECT columns->>%(name)s AS value, array_send(array_agg(key)) AS keys FROM user_profile
WHERE latest AND columns->>%(name)s IS NOT NULL GROUP BY 1 ORDER BY 1 LIMIT %(most)s
"""
_BY_BIN = """
SELECT width_bucket((columns->>%(name)s)::float8, %(edges)s::float8[]) AS value, array_send(array_agg(key)) AS keys
FROM user_profile WHERE latest AND jsonb_typeof(columns->%(name)s) = 'number' GROUP BY 1 ORDER BY 1
"""
_ENTITIES = """
SELECT m.id, count(DISTINCT e.key) AS users FROM unnest(%(keys)s::bigint[]) AS k(key)
JOIN user_event e USING (key) CROSS JOIN LATERAL unnest(e.entity_ids) AS m(id)
WHERE e.time >= %(start)s AND e.time < %(end)s GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class _Group:
    """Users with one value of a column, or with an event for one entity."""

    kind: str
    of: str
    value: str
    mask: Mask


def compose(
    evaluation: Evaluation,
    users: Mask,
    base: Mask,
    columns: Sequence[str],
    *,
    name: Callable[[list[str]], Mapping[str, str]],
) -> dict[str, list[Any]]:
    """Return kind, of, value, share, base_share, lift, low, high: largest lift first; all columns where none is named.

    `name` gives the names of entity ids. Raises ConfigError for a column that no user has.
    """
    tx, universe = evaluation.request.tx, evaluation.universe
    known = known_columns(tx)
    strange = [c for c in columns if c not in known]
    if strange:
        raise ConfigError(f"no user has a column {strange[0]!r}", hint=f"columns: {', '.join(known[:30])}")
    groups = [g for c in columns or known for g in _column_groups(tx, universe, c)]
    groups += _entity_groups(evaluation, users, name)
    sizes = shown(count(users)), shown(count(base))
    nested = not bool((users & ~base).any())
    rows = [row for g in groups if (row := _row(g, users, base, sizes, nested)) is not None]
    rows.sort(key=lambda row: (-row[5], row[:3]))
    heads = ("kind", "of", "value", "share", "base_share", "lift", "low", "high")
    return {head: [row[i] for row in rows] for i, head in enumerate(heads)}


def _row(
    group: _Group, users: Mask, base: Mask, sizes: tuple[int | None, int | None], nested: bool
) -> tuple[Any, ...] | None:
    inside, around = shown(count(users & group.mask)), shown(count(base & group.mask))
    if inside is None or around is None or sizes[0] is None or sizes[1] is None:
        return None
    p, p0 = min(1.0, inside / sizes[0]), min(1.0, around / sizes[1])
    variance = (1 - p) / inside + (0.0 if nested else (1 - p0) / around)
    spread = float(np.exp(_Z * np.sqrt(variance)))
    lift = p / p0
    return (group.kind, group.of, group.value, *(round(v, 4) for v in (p, p0, lift, lift / spread, lift * spread)))


def _column_groups(tx: Transaction, universe: Universe, column: str) -> Iterator[_Group]:
    sampled = tx.rows(_SAMPLED, {"name": column, "sample": _SAMPLE})
    values = {row["value"] for row in sampled}
    tx.rows(PLAN, {"workers": "4"})
    if len(values) <= MOST_VALUES:
        rows = tx.rows(_BY_VALUE, {"name": column, "most": 4 * MOST_VALUES})
        told = {row["value"]: row["value"] for row in rows}
    elif all(row["kind"] == "number" for row in sampled):
        edges = np.unique(np.quantile([float(v) for v in values], np.arange(1, BINS) / BINS))
        rows = tx.rows(_BY_BIN, {"name": column, "edges": edges.tolist()})
        told = {n: _bin(n, edges) for n in range(len(edges) + 1)}
    else:
        return
    for row in rows:
        yield _Group("column", column, told[row["value"]], universe.of_keys(array_of(row["keys"], "i8")))


def _bin(place: int, edges: np.ndarray) -> str:
    if place == 0:
        return f"under {edges[0]:g}"
    return f"{edges[-1]:g} and more" if place == len(edges) else f"{edges[place - 1]:g} to under {edges[place]:g}"


def _entity_groups(
    evaluation: Evaluation, users: Mask, name: Callable[[list[str]], Mapping[str, str]]
) -> Iterator[_Group]:
    window = evaluation.request.read.window
    parameters = {"keys": np.flatnonzero(users).tolist(), "start": window.start, "end": window.end}
    rows = evaluation.request.tx.rows(_ENTITIES, parameters | {"most": MOST_ENTITIES})
    ids = evaluation.told([row["id"] for row in rows])
    if not ids:
        return
    names = name(ids)
    for one, mask in zip(ids, entity_masks(evaluation.request.tx, evaluation.universe, ids, window), strict=True):
        yield _Group("entity", one, names.get(one, one), mask)
