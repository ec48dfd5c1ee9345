"""What is written of a user: the texts of past events, or where there are no events the profile row in words."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from audience_trainers.users.tasks.history import History

_FIFTHS = ("lowest", "low", "middle", "high", "highest")
_SAID_AS_IS = 20  # distinct numbers


def user_texts(history: History) -> tuple[sp.csr_matrix, tuple[str, ...]]:
    """Return how often each text is said of each user (n, texts), and the texts.

    Of a profile a cell is `column value`; of a 0 / 1 column only the 1 is said, as `column`; of a column with many
    numbers the fifth in which the value lies (`income highest`).
    """
    if len(history.user):
        return history.counts(history.text), history.text.words
    said = [_cells(name, cells) for name, cells in history.profile.items()]
    words = np.concatenate([cells[cells != ""] for cells in said]) if said else np.empty(0, str)
    users = np.concatenate([np.flatnonzero(cells != "") for cells in said]) if said else np.empty(0, np.int64)
    texts, code = np.unique(words, return_inverse=True)
    cells = (np.ones(len(users)), (users, code))
    return sp.coo_matrix(cells, shape=(len(history.users), len(texts))).tocsr(), tuple(map(str, texts))


def _cells(name: str, cells: npt.NDArray[np.object_]) -> npt.NDArray[np.str_]:
    """Return what is said of a column's cells, nothing where not given."""
    given = np.fromiter((value is not None and value == value for value in cells), np.bool_, len(cells))
    spoken = name.replace("_", " ")
    values = set(cells[given])
    said = np.full(len(cells), "", dtype=object)
    if values <= {0, 1}:
        said[given] = [spoken if value else "" for value in cells[given]]
    elif len(values) > _SAID_AS_IS and all(isinstance(value, int | float) for value in values):
        numbers = cells[given].astype(np.float64)
        fifth = np.searchsorted(np.quantile(numbers, [0.2, 0.4, 0.6, 0.8]), numbers, side="right")
        said[given] = [f"{spoken} {_FIFTHS[at]}" for at in fifth]
    else:
        said[given] = [f"{spoken} {value}" for value in cells[given]]
    return said.astype(str)
