"""Stage I: the candidate graph G^C, merged from co-occurrence and text similarity (EGL III-B)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audience_trainers.relations.topn import Floats, Indices, centred, pair_products, top_n, unit_rows

PROVENANCE = ("co-occurrence", "semantic", "both", "explored", "confirmed")
CONFIRMED = PROVENANCE.index("confirmed")  # by people alone: no side proposed it
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Directed pairs sorted by (source, target): cosines of E^Co and E^Se, and which side proposed them (p,)."""

    source: Indices
    target: Indices
    co: Floats
    se: Floats
    provenance: npt.NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.source)

    def where(self, keep: npt.NDArray[np.bool_]) -> Candidates:
        """Return the pairs for which `keep` (p,) holds."""
        return Candidates(self.source[keep], self.target[keep], self.co[keep], self.se[keep], self.provenance[keep])

    def provenance_names(self) -> pa.Array:
        """Return the provenance as text."""
        return pa.array(np.array(PROVENANCE, dtype=object)[self.provenance], pa.string())

    def to_table(self) -> pa.Table:
        """Return the run folder's candidates.parquet."""
        return pa.table(
            {
                "source": pa.array(self.source.astype(np.int32)),
                "target": pa.array(self.target.astype(np.int32)),
                "co": pa.array(self.co),
                "se": pa.array(self.se),
                "provenance": self.provenance_names(),
            }
        )


@dataclass(frozen=True, slots=True)
class Retrieval:
    """How many neighbours each side proposes per entity, and the least cosine of each.

    `popularity` says how E^Co is corrected for it first: `centre` (less its mean, see `centred`) or `none`.
    """

    top_co: int
    top_se: int
    min_co: float
    min_se: float
    popularity: str = "centre"


def find_candidates(
    co_vectors: Floats,
    se_vectors: Floats,
    retrieval: Retrieval,
    *,
    confirmed: Collection[Pair] = (),
    rejected: Collection[Pair] = (),
) -> Candidates:
    """Retrieve the nearest entities in E^Co and in E^Se and merge them with their provenance.

    Confirmed pairs are always candidates (as `confirmed` when neither side proposed them), rejected pairs never.
    Raises nothing on an entity without behaviour: its zero row finds no neighbour by co-occurrence.
    """
    n = len(co_vectors)
    corrected = centred(co_vectors) if retrieval.popularity == "centre" else co_vectors
    co_unit, se_unit = unit_rows(corrected), unit_rows(se_vectors)
    by_co = _keys(top_n(co_unit, retrieval.top_co, minimum=retrieval.min_co), n)
    by_se = _keys(top_n(se_unit, retrieval.top_se, minimum=retrieval.min_se), n)
    keys = np.union1d(np.union1d(by_co, by_se), pair_keys(confirmed, n))
    keys = keys[~np.isin(keys, pair_keys(rejected, n))]
    source, target = keys // n, keys % n
    in_co, in_se = np.isin(keys, by_co), np.isin(keys, by_se)
    provenance = np.where(in_co & in_se, 2, np.where(in_co, 0, np.where(in_se, 1, CONFIRMED))).astype(np.int8)
    return Candidates(
        source=source,
        target=target,
        co=pair_products(co_unit, source, target),
        se=pair_products(se_unit, source, target),
        provenance=provenance,
    )


def pair_keys(pairs: Collection[Pair], n: int) -> Indices:
    """Return pairs as sorted unique numbers source * n + target."""
    return np.unique(np.array([u * n + v for u, v in pairs if u != v], dtype=np.int64))


def _keys(pairs: tuple[Indices, Indices], n: int) -> Indices:
    return np.sort(pairs[0] * n + pairs[1])
