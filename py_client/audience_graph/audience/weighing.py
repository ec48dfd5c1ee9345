"""How much the graph counts where both ways are asked: what is given, else what was fitted for the space, else .6."""

from __future__ import annotations

from dataclasses import dataclass

from audience_graph.audience.fusion import GRAPH_WEIGHT, checked_weight
from audience_graph.user_text.graph_weight import read_weight
from audience_graph.vectors.store import Transaction


@dataclass(frozen=True, slots=True)
class Weighing:
    """The weight of the graph's ranks, 0 to 1, and where it comes from: `given`, `fitted on ...` or `default: ...`."""

    weight: float
    told: str

    def line(self) -> str:
        """Return both in words."""
        return f"weight of the graph {self.weight:g} ({self.told})"


def weighing(tx: Transaction, space: str, given: float | None) -> Weighing:
    """Return the weight to fuse with in a space. Raises ConfigError for a given one outside of 0..1."""
    if given is not None:
        return Weighing(checked_weight(given), "given")
    found = read_weight(tx, space)
    if found is None:
        return Weighing(GRAPH_WEIGHT, "default: never fitted for this space")
    return Weighing(GRAPH_WEIGHT if found.weight is None else found.weight, found.told)
