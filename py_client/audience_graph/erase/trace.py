"""One place where something of an erased user still is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trace:
    """`store` is postgres, neo4j or file; `what` is `id`, or `text` that nobody else wrote. No id is told."""

    store: str
    place: str
    what: str
