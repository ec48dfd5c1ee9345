"""Columns as codes: learned once from training rows, then the same for every row."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from audience_graph.errors import ConfigError

MISSING, UNSEEN = 0, 1  # codes of every column; known values and bins follow
FIRST = 2
MOST_VALUES = 200
BINS = 16
Cells = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column. Of categories: `values`, commonest first. Of numbers: `cuts` between bins, mean and deviation."""

    name: str
    values: tuple[str, ...] = ()
    cuts: tuple[float, ...] = ()
    mean: float = 0.0
    size: float = 1.0
    centres: tuple[float, ...] = ()  # the median of each bin, standardised

    @property
    def numeric(self) -> bool:
        return bool(self.centres)

    @property
    def codes(self) -> int:
        """Number of codes: missing, unseen, and those of values or bins."""
        return FIRST + (len(self.centres) if self.numeric else len(self.values))


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """p rows of F columns: `codes` (p, F); `values` (p, F) standardised numbers, 0 where there is none."""

    codes: npt.NDArray[np.int64]
    values: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True, slots=True)
class TabularSchema:
    """The columns that are read, in order."""

    columns: tuple[Column, ...]

    @classmethod
    def fit(cls, columns: Mapping[str, Cells], *, bins: int = BINS, most_values: int = MOST_VALUES) -> TabularSchema:
        """Learn from columns (p,): float arrays are numbers with NaN for missing, object arrays categories with None.

        Numbers are cut at quantiles; a number with few values has a bin for each. A column in which nothing is known,
        or always the same and never missing, tells nothing and is left out. Raises ConfigError when none is left.
        """
        found = [
            _numbers(name, cells, bins) if cells.dtype.kind == "f" else _categories(name, cells, most_values)
            for name, cells in columns.items()
        ]
        kept = tuple(column for column, tells in found if tells)
        if not kept:
            raise ConfigError(
                f"none of {len(columns)} columns tells users apart", hint="load users with columns that differ"
            )
        return cls(kept)

    def encode(self, columns: Mapping[str, Cells]) -> Rows:
        """Return the rows of columns (p,). Raises ConfigError for a column that is not there."""
        absent = [column.name for column in self.columns if column.name not in columns]
        if absent:
            raise ConfigError(f"column {absent[0]!r} is not there", hint=f"there are: {', '.join(columns)}")
        pairs = [_encoded(column, columns[column.name]) for column in self.columns]
        return Rows(np.stack([code for code, _ in pairs], axis=1), np.stack([value for _, value in pairs], axis=1))

    def to_json(self) -> str:
        """Return the schema as JSON."""
        return json.dumps([asdict(column) for column in self.columns], ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> TabularSchema:
        """Return the schema that `to_json` wrote."""
        parts: list[dict[str, Any]] = [
            {k: tuple(v) if isinstance(v, list) else v for k, v in part.items()} for part in json.loads(text)
        ]
        return cls(tuple(Column(**part) for part in parts))


def _numbers(name: str, cells: Cells, bins: int) -> tuple[Column, bool]:
    known = cells[np.isfinite(cells)]
    if len(known) == 0:
        return Column(name), False
    distinct, counts = np.unique(known, return_counts=True)
    cuts = _cuts(distinct, counts, bins)
    mean, size = float(known.mean()), float(known.std()) or 1.0
    place = np.searchsorted(cuts, known, side="right")
    middle = [float(np.median(known[place == b])) if (place == b).any() else mean for b in range(len(cuts) + 1)]
    centres = tuple((value - mean) / size for value in middle)
    tells = len(distinct) > 1 or len(known) < len(cells)
    return Column(name, cuts=tuple(cuts.tolist()), mean=mean, size=size, centres=centres), tells


def _cuts(distinct: Cells, counts: npt.NDArray[np.int64], bins: int) -> Cells:
    """Return the cuts between bins: around each of few numbers; of many, around those that fill a bin alone (zeros).

    The rest is cut at its quantiles: those of all numbers would leave no cut where most are zero.
    """
    heavy = np.full(len(distinct), len(distinct) <= bins) | (counts * bins >= counts.sum())
    cuts: Cells = ((distinct[1:] + distinct[:-1]) / 2)[heavy[:-1] | heavy[1:]]
    rest = np.repeat(distinct[~heavy], counts[~heavy])
    if len(rest):
        share = np.linspace(0, 1, max(1, bins - int(heavy.sum())) + 1)[1:-1]
        cuts = np.unique(np.concatenate([cuts, np.quantile(rest, share)]))
    return cuts


def _categories(name: str, cells: Cells, most: int) -> tuple[Column, bool]:
    said = [_said(value) for value in cells]
    known = [value for value in said if value is not None]
    values, counts = np.unique(np.array(known, dtype=object).astype(str), return_counts=True)
    order = np.lexsort((values, -counts))[:most]
    tells = len(values) > 1 or 0 < len(known) < len(said)
    return Column(name, values=tuple(str(values[i]) for i in order)), tells


def _said(value: Any) -> str | None:
    """Return a category as text: true, false, a word; None where nothing is given."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    return str(bool(value)).lower() if isinstance(value, bool | np.bool_) else str(value)


def _encoded(column: Column, cells: Cells) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    if not column.numeric:
        place = {value: FIRST + i for i, value in enumerate(column.values)}
        said: Sequence[str | None] = [_said(value) for value in cells]
        code = np.array([MISSING if v is None else place.get(v, UNSEEN) for v in said], np.int64)
        return code, np.zeros(len(cells), np.float32)
    numbers = np.asarray(cells, np.float64)
    known = np.isfinite(numbers)
    code = np.where(known, FIRST + np.searchsorted(column.cuts, np.where(known, numbers, 0.0), side="right"), MISSING)
    value = np.where(known, (np.where(known, numbers, column.mean) - column.mean) / column.size, 0.0)
    return code.astype(np.int64), value.clip(-10, 10).astype(np.float32)
