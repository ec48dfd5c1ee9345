"""Sentences tuned on seed users, kept under a name and used like a sentence."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from audience_graph.errors import ConfigError, NotFoundError
from audience_graph.vectors.store import Transaction
from audience_graph.vectors.topk import storable

Floats = npt.NDArray[np.float32]
_LONGEST = 200


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """A tuned sentence: `vector` (d,) of `space`, and what was measured on its seeds (`verdict`)."""

    name: str
    space: str
    sentence: str
    vector: Floats
    verdict: dict[str, Any]
    created_at: datetime | None = None


def write_prompt(tx: Transaction, prompt: Prompt, positives: Sequence[int], negatives: Sequence[int]) -> None:
    """Keep a prompt with the keys of its seeds; one of the same name is replaced. Raises ConfigError for a bad name."""
    name = prompt.name
    if not name.strip() or len(name) > _LONGEST or not name.isprintable():
        raise ConfigError(f"{name!r} is no name for a prompt", hint=f"1 to {_LONGEST} printable characters")
    tx.execute("DELETE FROM prompt WHERE name = %s", (name,))
    tx.execute(
        "INSERT INTO prompt (name, space, sentence, vector, verdict) VALUES (%s, %s, %s, %s, %s::jsonb)",
        (name, prompt.space, prompt.sentence, prompt.vector.astype(np.float32).tobytes(), json.dumps(prompt.verdict)),
    )
    for keys, positive in ((positives, True), (negatives, False)):
        tx.execute(
            "INSERT INTO prompt_seed (prompt, key, positive) SELECT %s, k, %s FROM unnest(%s::bigint[]) AS k",
            (name, positive, list(keys)),
        )


def read_prompts(tx: Transaction) -> tuple[Prompt, ...]:
    """Return all prompts, by name."""
    return tuple(_prompt(row) for row in tx.rows(f"{_SELECT} ORDER BY name"))


def find_prompt(tx: Transaction, name: str) -> Prompt | None:
    """Return the prompt of exactly this name, None when there is none."""
    rows = tx.rows(f"{_SELECT} WHERE name = %s", (name,)) if storable(name) else []
    return _prompt(rows[0]) if rows else None


def delete_prompt(tx: Transaction, name: str) -> None:
    """Forget a prompt and its seeds. Raises NotFoundError."""
    if tx.execute("DELETE FROM prompt WHERE name = %s", (name,)) == 0:
        raise NotFoundError(f"no prompt {name!r}", hint="`audience-graph users prompts` shows them")


def seed_keys(tx: Transaction, name: str) -> list[int]:
    """Return the keys of the users that a prompt was tuned on."""
    return [int(row["key"]) for row in tx.rows("SELECT key FROM prompt_seed WHERE prompt = %s ORDER BY key", (name,))]


_SELECT = "SELECT name, space, sentence, vector, verdict, created_at FROM prompt"


def _prompt(row: dict[str, Any]) -> Prompt:
    return Prompt(**{**row, "vector": np.frombuffer(row["vector"], np.float32)})
