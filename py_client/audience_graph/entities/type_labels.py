"""A label for each type of entity: Neo4j Browser colours by label, and types are only a property.

`service` gets `Type_service`; letters, digits and underscores stay, every other sign becomes an underscore. No label
of ours begins like that, whatever people call their types. Types that differ in such signs alone share a label. The
most frequent types have one, so that a dictionary whose types are free text does not fill the database with labels.
"""

from __future__ import annotations

from collections.abc import Iterable

from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import Runner

PREFIX = "Type_"
MOST = 60
_LONGEST = 60


def type_label(kind: str) -> str:
    """Return the label of a type; it needs no quotes in Cypher or in a style sheet."""
    return PREFIX + "".join(c if f"a{c}".isidentifier() else "_" for c in kind)[:_LONGEST]


def labels_of(kinds: Iterable[str]) -> dict[str, str]:
    """Return the labels of types, the most frequent first: of so many as have one."""
    return {kind: type_label(kind) for kind in list(kinds)[:MOST]}


def label_types(runner: Runner, kinds: Iterable[str]) -> int:
    """Give each entity the label of its type and return how many changed. `kinds` the most frequent first.

    Reads all entities, and writes those whose type changed since, in one transaction.
    """
    return int(runner.write(load_query("entities/label_types"), {"labels": labels_of(kinds)})[0]["labelled"])
