"""What is kept of user-text spaces: how a sentence becomes a vector, who made a space, the vectors in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from audience_graph.errors import NotFoundError
from audience_graph.vectors.store import Transaction, identifier

KIND = "user_text"

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class SentenceMap:
    """How a sentence becomes a vector: normalise(weight @ text(sentence) + bias), or the encoder in `folder`.

    text(sentence) is what the text encoder `base` gives, and beside it, where `entity_dims` > 0, `entity_weight` x the
    mean vector of the entities that the sentence names (see `sentences.named`): `width` numbers in all. `weight` is
    (d, width), `bias` (d,). Where the encoder was trained itself, `folder` is where it lies: `<run id>/<folder>` under
    a home's runs; with a `weight` besides, it stands in for `base`.
    """

    base: str
    width: int
    weight: Floats | None = None
    bias: Floats | None = None
    folder: str | None = None
    entity_dims: int = 0
    entity_weight: float = 0.0


@dataclass(frozen=True, slots=True)
class TextSpace:
    """A user-text space: who made it, on what day its users stand, and what its model reached in training.

    `horizon_days`: how far ahead the descriptions told that it was trained on.
    """

    space: str
    model: str
    dims: int
    week: str
    as_of: date
    horizon_days: int
    metrics: dict[str, Any]


def read_spaces(tx: Transaction) -> tuple[TextSpace, ...]:
    """Return the user-text spaces that are kept, newest first."""
    rows = tx.rows(
        "SELECT s.space, s.model, s.dims, s.week, s.as_of, e.horizon_days, e.metrics FROM space s "
        "JOIN sentence_encoder e USING (space) WHERE s.kind = %s ORDER BY s.created_at DESC, s.space",
        (KIND,),
    )
    return tuple(TextSpace(**row) for row in rows)


def read_space(tx: Transaction, space: str) -> TextSpace:
    """Return a space by its name, or by that of the run that made it. Raises NotFoundError, naming those there are."""
    spaces = read_spaces(tx)
    found = [one for one in spaces if space in (one.space, one.model)]
    if not found:
        known = ", ".join(one.space for one in spaces) or "none yet"
        raise NotFoundError(f"no user-text space {space!r}", hint=f"there are: {known}")
    return found[0]


def read_map(tx: Transaction, space: str) -> SentenceMap:
    """Return how sentences become vectors of a space. Raises NotFoundError where that is not kept."""
    rows = tx.rows(
        "SELECT base, width, weight, bias, folder, entity_dims, entity_weight FROM sentence_encoder WHERE space = %s",
        (space,),
    )
    if not rows:
        raise NotFoundError(f"no encoder of sentences for space {space!r}", hint="`audience-graph users list`")
    row = rows[0]
    if row["weight"] is None:
        return SentenceMap(**row)
    weight = np.frombuffer(row["weight"], np.float32).reshape(-1, row["width"])
    return SentenceMap(**{**row, "weight": weight, "bias": np.frombuffer(row["bias"], np.float32)})


def read_vectors(tx: Transaction, space: str, keys: Sequence[int]) -> dict[int, Floats]:
    """Return the stored vectors (d,) of users by key; users without one are left out."""
    rows = tx.rows(f"SELECT key, vector FROM {table_of(space)} WHERE key = ANY (%s)", (list(keys),))
    return {int(row["key"]): np.asarray(row["vector"].to_numpy(), np.float32) for row in rows}


def read_sample(tx: Transaction, space: str, size: int) -> list[Floats]:
    """Return the stored vectors (d,) of up to `size` users, always the same ones: a scan of the space's table."""
    query = f"SELECT vector FROM {table_of(space)} ORDER BY hashint8(key), key LIMIT %s"
    return [np.asarray(row["vector"].to_numpy(), np.float32) for row in tx.rows(query, (size,))]


def read_entities(tx: Transaction, space: str, entity_ids: Sequence[str]) -> dict[str, Floats]:
    """Return the vectors that sentences take from these entities in a space; entities without one are left out."""
    table = identifier(f"entity_vector_{space}")
    rows = tx.rows(f"SELECT entity_id, vector FROM {table} WHERE entity_id = ANY (%s)", (list(entity_ids),))
    return {row["entity_id"]: np.asarray(row["vector"].to_numpy(), np.float32) for row in rows}


def table_of(space: str) -> str:
    """Return the name of the table of users' vectors."""
    return identifier(f"user_vector_{space}")


def count_users(tx: Transaction, space: str) -> int:
    """Return how many users have a vector in a space: a scan of its table."""
    return int(tx.rows(f"SELECT count(*) AS n FROM {table_of(space)}")[0]["n"])
