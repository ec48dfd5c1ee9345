"""Profile columns as numbers: numeric columns, and categories."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audience_trainers.users.measures import Values

MOST_CATEGORIES = 50


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """`numbers` (n, a), NaN where not given; `categories` (n, b): a code, -1 where not given or rare; `sizes` (b,)."""

    numbers: Values
    categories: npt.NDArray[np.int64]
    sizes: tuple[int, ...]


def read_columns(profile: dict[str, npt.NDArray[np.object_]], n: int) -> Columns:
    """Sort the columns of n users: a column is numeric when all its values are; the 50 commonest categories count."""
    numbers, categories, sizes = [], [], []
    for cells in profile.values():
        given = np.fromiter((value is not None and value == value for value in cells), np.bool_, n)
        if all(isinstance(value, int | float) and not isinstance(value, bool) for value in cells[given]):
            numbers.append(np.where(given, cells, np.nan).astype(np.float64))
            continue
        words = np.fromiter((str(value) for value in cells[given]), object)
        kinds, inverse, count = np.unique(words.astype(str), return_inverse=True, return_counts=True)
        order = np.argsort(-count, kind="stable")
        rank = np.empty(len(kinds), np.int64)
        rank[order] = np.arange(len(kinds))
        code = np.full(n, -1, np.int64)
        code[given] = np.where(rank < MOST_CATEGORIES, rank, -1)[inverse]
        categories.append(code)
        sizes.append(min(len(kinds), MOST_CATEGORIES))
    return Columns(
        np.column_stack(numbers) if numbers else np.zeros((n, 0)),
        np.column_stack(categories) if categories else np.zeros((n, 0), np.int64),
        tuple(sizes),
    )
