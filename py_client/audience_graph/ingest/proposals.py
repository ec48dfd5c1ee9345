"""Proposals for new entities: what taggers found in events and no entity fitted, counted over the whole warehouse.

Nothing is stored for this: the mentions beside the events are counted anew, so a file that is loaded twice counts
once. A proposal that became a name or an alias in the dictionary is one no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from audience_graph.config import Home
from audience_graph.entities.dictionary import Dictionary
from audience_graph.entities.text import normalise
from audience_graph.ingest.warehouse import MENTIONS, warehouse

_EXAMPLES = 3
_SHOWN = 120

_QUERY = f"""
WITH events AS (SELECT event_id, user_id, text FROM read_parquet($events)),
open AS (SELECT * FROM read_parquet($mentions) JOIN events USING (event_id) WHERE entity_id IS NULL),
spelling AS (
    SELECT form, mention, row_number() OVER (PARTITION BY form ORDER BY count(*) DESC, mention) AS place
    FROM open GROUP BY form, mention),
kind AS (
    SELECT form, type, row_number() OVER (PARTITION BY form ORDER BY count(*) DESC, type) AS place
    FROM open GROUP BY form, type),
example AS (
    SELECT form, list(text ORDER BY n DESC, text)[:{_EXAMPLES}] AS examples
    FROM (SELECT form, text, count(*) AS n FROM open GROUP BY form, text) GROUP BY form),
counted AS (
    SELECT form, count(DISTINCT event_id) AS events, count(DISTINCT user_id) AS users,
           arg_max(nearest, coalesce(nearest[1].score, -2)) AS nearest
    FROM open GROUP BY form)
SELECT form, mention, type, events, users, examples, nearest
FROM counted JOIN spelling USING (form) JOIN kind USING (form) JOIN example USING (form)
WHERE spelling.place = 1 AND kind.place = 1 AND events >= $least
ORDER BY events DESC, form
"""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A new entity in the form that `load entities` takes, and why: events and users that name it, texts, nearest.

    `id` is made of the name alone, the same in every run.
    """

    id: str
    name: str
    type: str
    events: int
    users: int
    examples: tuple[str, ...]
    nearest: tuple[tuple[str, str, float], ...]  # id, name, cosine

    def row(self) -> dict[str, Any]:
        """Return plain cells: columns id, name and type of an entities file, the others for the reader's eye."""
        return {
            "id": self.id,
            "name": self.name,
            "type": self.type,
            "events": self.events,
            "users": self.users,
            "examples": " / ".join(self.examples),
            "nearest": "; ".join(f"{name} ({id_}) {score:.2f}" for id_, name, score in self.nearest),
        }


COLUMNS = ("id", "name", "type", "events", "users", "examples", "nearest")


def read_proposals(home: Home, dictionary: Dictionary, *, least_events: int = 2) -> list[Proposal]:
    """Return what the dictionary lacks, named in at least `least_events` events, most often named first."""
    store = warehouse(home)
    events, mentions = store.batches("events"), store.batches(MENTIONS)
    if not events or not mentions:
        return []
    known = {normalise(form) for entity in dictionary.entities for form in (entity.name, *entity.aliases)}
    parameters = {"events": _names(events), "mentions": _names(mentions), "least": least_events}
    with duckdb.connect() as db:
        rows = db.execute(_QUERY, parameters).fetchall()
    return [
        Proposal(
            id=f"proposed:{form}",
            name=mention,
            type=kind,
            events=count,
            users=users,
            examples=tuple(" ".join(text.split())[:_SHOWN] for text in examples),
            nearest=tuple((near["id"], near["name"], near["score"]) for near in nearest or ()),
        )
        for form, mention, kind, count, users, examples, nearest in rows
        if form not in known
    ]


def _names(paths: Sequence[Any]) -> list[str]:
    return [str(path) for path in paths]
