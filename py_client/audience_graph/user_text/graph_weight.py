"""The weight of the graph where graph and sentence are fused: fitted for a space, kept beside it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from audience_graph.vectors.store import Transaction


@dataclass(frozen=True, slots=True)
class GraphWeight:
    """What was fitted: `weight`, 0 to 1, or None where too few `sentences` of `windows` could be judged.

    `version` is that of the relations that it was fitted with. `measured` tells how: measure, users, windows, and the
    `grid` of weights with the measure and its 95 % interval at each; `auc` of each side alone.
    """

    version: str
    weight: float | None
    sentences: int
    windows: int
    measured: dict[str, Any] = field(default_factory=dict)

    @property
    def told(self) -> str:
        """Where the weight comes from, in words."""
        judged = f"{self.sentences:,} sentence{'' if self.sentences == 1 else 's'} of {self.windows:,} windows"
        if self.windows == 1:
            judged = judged[:-1]
        if self.weight is not None:
            return f"fitted on {judged}"
        if self.sentences == 0:
            return "default: nothing to fit on"
        return f"default: {judged} could be judged, too few to fit on"


def read_weight(tx: Transaction, space: str) -> GraphWeight | None:
    """Return what was fitted for a space, None where nobody tried."""
    rows = tx.rows(f"{_SELECT} WHERE space = %s", (space,))
    return GraphWeight(**_values(rows[0])) if rows else None


def read_weights(tx: Transaction) -> dict[str, GraphWeight]:
    """Return what was fitted for each space."""
    return {row["space"]: GraphWeight(**_values(row)) for row in tx.rows(_SELECT)}


def write_weight(tx: Transaction, space: str, found: GraphWeight) -> None:
    """Keep a weight beside its space, in place of an earlier one."""
    tx.execute(
        "INSERT INTO graph_weight (space, version, weight, sentences, windows, measured) "
        "VALUES (%s, %s, %s, %s, %s, %s::jsonb) ON CONFLICT (space) DO UPDATE SET version = excluded.version, "
        "weight = excluded.weight, sentences = excluded.sentences, windows = excluded.windows, "
        "measured = excluded.measured, fitted_at = now()",
        (space, found.version, found.weight, found.sentences, found.windows, json.dumps(found.measured)),
    )


def delete_weight(tx: Transaction, space: str) -> None:
    """Forget what was fitted for a space."""
    tx.execute("DELETE FROM graph_weight WHERE space = %s", (space,))


_SELECT = "SELECT space, version, weight, sentences, windows, measured FROM graph_weight"


def _values(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "space"}
