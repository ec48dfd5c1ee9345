"""Colours of entity types: the same in the console and in Neo4j Browser, which share them out among all types.

A picture by itself shares them out among the types that it draws.

White text on a colour has a contrast of at least 4.5, the colour itself at least 3 on a white and on a dark page
(WCAG 2.2, 1.4.3 and 1.4.11).
"""

from __future__ import annotations

from collections.abc import Iterable

COLOURS = (
    "#2b6cb0",
    "#b7590a",
    "#2f855a",
    "#7c4ddb",
    "#c2417c",
    "#0e7c86",
    "#c53030",
    "#8a6d1f",
    "#6b7d12",
    "#a04fb8",
    "#9c5a3c",
    "#647185",
)


def colours_of(types: Iterable[str]) -> dict[str, str]:
    """Return a colour for each entity type: by its place among the sorted types; after twelve they repeat."""
    return {kind: COLOURS[i % len(COLOURS)] for i, kind in enumerate(sorted(set(types)))}
